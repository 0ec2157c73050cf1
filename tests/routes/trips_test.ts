import assert from "node:assert/strict";
import { callGateway, type GatewayAnswer, registerPerson, requestCode } from "../gateway_client.ts";
import { startTestApp, type TestApp } from "../harness.ts";
import { loadSurface } from "../../routes/surfaces.ts";

/**
 * Trips to Postgres and Redis per operation on a warm session. The budget is one and one for a
 * read, two and one for a write; what is above it says why. A rise fails.
 */
const TRIPS: Record<string, { sql: number; redis: number; why?: string }> = {
  "POST /account/captcha": { sql: 1, redis: 2, why: "guards, then the code" },
  "POST /account/login/captcha": { sql: 1, redis: 2, why: "guards, then the code is used up" },
  "POST /account/logout": { sql: 1, redis: 2, why: "guards, then the end is told" },
  "POST /user/profile/init": {
    sql: 2,
    redis: 1,
    why: "without a profile a session is not cached",
  },
  "PUT /user/profile": { sql: 1, redis: 1 },
  "GET /user/{uid}/profile": { sql: 1, redis: 1 },
};

/** One call of each operation that does its work. */
const CALLS: Record<string, (app: TestApp) => Promise<GatewayAnswer>> = {
  "POST /account/captcha": (app) =>
    callGateway(app, "POST", "/account/captcha", { body: { mobile: "13800138000" } }),
  "POST /account/login/captcha": async (app) => {
    const mobile = "13800138001";
    const captcha = await requestCode(app, mobile);
    return await callGateway(app, "POST", "/account/login/captcha", { body: { mobile, captcha } });
  },
  "POST /account/logout": async (app) =>
    await callGateway(app, "POST", "/account/logout", { as: await warmPerson(app) }),
  "POST /user/profile/init": async (app) => {
    const mobile = "13800138002";
    const captcha = await requestCode(app, mobile);
    const { result } = await callGateway(app, "POST", "/account/login/captcha", {
      body: { mobile, captcha },
    });
    const body = { nickname: "Toby", avatar: "a.png" };
    return await callGateway(app, "POST", "/user/profile/init", { as: result, body });
  },
  "PUT /user/profile": async (app) => {
    const body = { nickname: "Tony", avatar: "a.png" };
    return await callGateway(app, "PUT", "/user/profile", { as: await warmPerson(app), body });
  },
  "GET /user/{uid}/profile": async (app) => {
    const person = await warmPerson(app);
    return await callGateway(app, "GET", `/user/${person.uid}/profile`, { as: person });
  },
};

async function warmPerson(app: TestApp) {
  const person = await registerPerson(app);
  await callGateway(app, "GET", `/user/${person.uid}/profile`, { as: person });
  return person;
}

Deno.test("every operation costs the trips the table says", async (t) => {
  await using app = await startTestApp({ env: { RATE_FACTOR: "1" } });
  for (const [operation, call] of Object.entries(CALLS)) {
    await t.step(operation, async () => {
      const answer = await call(app);
      assert.equal(answer.status, 1, answer.message);
      const [, sql, redis] = /sql;desc="(\d+)".*redis;desc="(\d+)"/
        .exec(answer.headers.get("server-timing")!)!;
      const { why: _why, ...allowed } = TRIPS[operation]!;
      assert.deepEqual({ sql: Number(sql), redis: Number(redis) }, allowed);
    });
  }
});

Deno.test("the table of trips names every operation, and says why where it is above the budget", async () => {
  const { endpoints } = await loadSurface("gateway");
  const mounted = endpoints.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
  assert.deepEqual(Object.keys(TRIPS), mounted);
  assert.deepEqual(Object.keys(CALLS), mounted);
  for (const [operation, { sql, redis, why }] of Object.entries(TRIPS)) {
    const sqlBudget = operation.startsWith("GET") ? 1 : 2;
    assert.ok(why || (sql <= sqlBudget && redis <= 1), operation);
  }
});

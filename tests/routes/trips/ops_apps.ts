import { callOps, makeOperator } from "../../clients/ops.ts";
import { makeApp } from "../../clients/partner.ts";
import type { TestApp } from "../../harness.ts";
import type { TripsTable } from "../trips_test.ts";

/** An operator whose standing is in the cache, as after any first call. */
async function warmAdmin(app: TestApp): Promise<string> {
  const { token } = await makeOperator(app.ctx, "admin");
  await callOps(app, "GET /v1/apps", { token });
  return token;
}

const edit = async (app: TestApp) => {
  const token = await warmAdmin(app);
  const { appId } = await makeApp(app.ctx);
  return await callOps(app, "PATCH /v1/apps/{appid}", {
    token,
    params: { appid: String(appId) },
    body: { customer_proof: "always" },
  });
};

const change = (operation: "rotate" | "disable") => async (app: TestApp) => {
  const token = await warmAdmin(app);
  const { appId } = await makeApp(app.ctx);
  return await callOps(app, `POST /v1/apps/{appid}/${operation}`, {
    token,
    params: { appid: String(appId) },
  });
};

export const trips: TripsTable = {
  "POST /v1/apps": {
    sql: 5,
    redis: 2,
    why: "begin, the app, the record of who did it, commit; the app for every process",
    async call(app) {
      const token = await warmAdmin(app);
      return await callOps(app, "POST /v1/apps", { token, body: { name: "Partner" } });
    },
  },
  "GET /v1/apps": {
    sql: 1,
    redis: 1,
    async call(app) {
      return await callOps(app, "GET /v1/apps", { token: await warmAdmin(app) });
    },
  },
  "PATCH /v1/apps/{appid}": {
    sql: 6,
    redis: 1,
    why: "begin, the app locked, its change, the record, the app, commit",
    call: edit,
  },
  "POST /v1/apps/{appid}/rotate": {
    sql: 5,
    redis: 2,
    why: "begin, the app, the record of who did it, commit; the app anew for every process",
    call: change("rotate"),
  },
  "POST /v1/apps/{appid}/disable": {
    sql: 7,
    redis: 2,
    why: "begin, its end, the app, the record, its clients' sessions, commit; the app anew",
    call: change("disable"),
  },
};

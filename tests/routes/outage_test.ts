import assert from "node:assert/strict";
import { openDatabase } from "../../db/client/open.ts";
import { openRedis } from "../../db/redis/open.ts";
import { callGateway, registerPerson } from "../clients/gateway.ts";
import { startTestApp, type TestApp } from "../harness.ts";
import { waitUntil } from "../services/binary.ts";
import { startPostgres } from "../services/postgres.ts";
import { startRedis } from "../services/redis.ts";

/** No request may take longer than this, ms, whatever is away. */
const HANG_MS = 2_000;

async function timed<T>(call: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const answer = await call();
  const tookMs = performance.now() - startedAt;
  assert.ok(tookMs < HANG_MS, `took ${tookMs} ms`);
  return answer;
}

Deno.test("Redis stopped or frozen: logged-in people go on, captchas answer 503", async (t) => {
  await using server = await startRedis();
  if (!server) return;
  const config = { redis: { kind: "tcp", url: server.url } } as const;
  const redis = await openRedis(config);
  const app = await startTestApp({ redis });
  try {
    await goOnWithout(t, app, "stopped", {
      away: () => server.stop(),
      back: () => server.restart(),
    });
    await goOnWithout(t, app, "frozen", {
      away: () => Promise.resolve(server.pause()),
      back: () => Promise.resolve(server.resume()),
    });
  } finally {
    server.resume();
    await app[Symbol.asyncDispose]();
    await redis.close();
  }
});

async function goOnWithout(
  t: Deno.TestContext,
  app: TestApp,
  how: string,
  redis: { away(): Promise<void>; back(): Promise<void> },
) {
  const person = await registerPerson(app, how);
  const leaver = await registerPerson(app, "Leaver");
  const readOwn = (as = person) => callGateway(app, "GET", `/user/${as.uid}/profile`, { as });
  assert.equal((await readOwn()).status, 1);
  assert.equal((await readOwn(leaver)).status, 1);
  await redis.away();

  await t.step(`${how}: reads and writes go on`, async () => {
    assert.equal((await timed(() => readOwn())).status, 1);
    const body = { nickname: `${how} 2`, avatar: "a.png" };
    const write = () => callGateway(app, "PUT", "/user/profile", { as: person, body });
    assert.equal((await timed(write)).status, 1);
    assert.equal((await timed(() => readOwn())).result.nickname, `${how} 2`);
  });

  await t.step(
    `${how}: the same signed call twice is -1, the same call within a second too`,
    async () => {
      const body = { nickname: `${how} 3`, avatar: "a.png" };
      const call = { as: person, body, ts: app.clock.now().getTime() };
      const [first, second] = await Promise.all(
        [1, 2].map(() => timed(() => callGateway(app, "PUT", "/user/profile", call))),
      );
      assert.deepEqual([first!.errorCode, second!.errorCode].sort(), [-1, undefined]);
      app.clock.advance(5_000);
      const third = await timed(() => callGateway(app, "PUT", "/user/profile", call));
      assert.equal(third.errorCode, -1);
      app.clock.advance(2_000);
      const later = { ...call, ts: app.clock.now().getTime() };
      assert.equal((await callGateway(app, "PUT", "/user/profile", later)).status, 1);
    },
  );

  await t.step(`${how}: a captcha is 503 in the envelope, and no message goes out`, async () => {
    const sentCount = app.providers.outbox!.list().length;
    const captcha = await timed(() =>
      callGateway(app, "POST", "/account/captcha", { body: { mobile: "13811112222" } })
    );
    assert.deepEqual([captcha.http, captcha.status], [503, 0]);
    assert.equal(app.providers.outbox!.list().length, sentCount);
  });

  await t.step(`${how}: health says degraded`, async () => {
    const response = await timed(() => app.fetch(new Request("http://plaza.test/healthz")));
    assert.equal(response.status, 200);
    assert.equal((await response.json()).status, "degraded");
  });

  const left = await callGateway(app, "POST", "/account/logout", { as: leaver });
  assert.equal(left.status, 1);
  assert.equal((await readOwn(leaver)).http, 401);

  await redis.back();
  await t.step(
    `${how}: back again without a restart, and who left meanwhile stays out`,
    async () => {
      await waitUntil("redis", async () => {
        const health = await app.fetch(new Request("http://plaza.test/healthz"));
        return (await health.json()).status === "ok";
      });
      assert.equal((await readOwn(leaver)).http, 401);
      app.clock.advance(61_000);
      const captcha = await callGateway(app, "POST", "/account/captcha", {
        body: { mobile: how === "stopped" ? "13811113333" : "13811114444" },
      });
      assert.equal(captcha.status, 1, captcha.message);
      assert.match((await readOwn()).headers.get("server-timing")!, /redis;desc="[12]"/);
    },
  );
}

Deno.test("connections to Postgres killed 200 times under load: every request ends cleanly", async () => {
  await using server = await startPostgres();
  if (!server) return;
  const databaseUrl = await server.newDatabase();
  const database = await openDatabase({ databaseUrl, dataDir: "unused" });
  const app = await startTestApp({ database });
  try {
    const people = await Promise.all(Array.from({ length: 8 }, () => registerPerson(app)));
    let killing = true;
    const statuses = new Map<number, number>();
    const load = people.map(async (as, at) => {
      for (let round = 0; killing; round++) {
        const call = round % 2 === 0
          ? callGateway(app, "GET", `/user/${as.uid}/profile`, { as })
          : callGateway(app, "PUT", "/user/profile", {
            as,
            body: { nickname: `${at}-${round}`, avatar: "a.png" },
          });
        const { http } = await timed(() => call);
        statuses.set(http, (statuses.get(http) ?? 0) + 1);
      }
    });
    let killed = 0;
    while (killed < 200) killed += await server.killBackends();
    killing = false;
    await Promise.all(load);
    assert.deepEqual([...statuses.keys()].filter((http) => http !== 200 && http !== 503), []);
    assert.ok((statuses.get(200) ?? 0) > 0);
    const after = await callGateway(app, "GET", `/user/${people[0]!.uid}/profile`, {
      as: people[0]!,
    });
    assert.equal(after.status, 1);
  } finally {
    await database.close();
    await app[Symbol.asyncDispose]();
  }
});

import assert from "node:assert/strict";
import { MIGRATIONS_FOLDER } from "../../db/client/migrations.ts";
import { openDatabase } from "../../db/client/open.ts";
import { openRedis } from "../../db/redis/open.ts";
import { callGateway, registerPerson } from "../clients/gateway.ts";
import { startTestApp } from "../harness.ts";
import { startNeonProxy, useNeonProxy } from "../services/neon_proxy.ts";
import { startPostgres } from "../services/postgres.ts";
import { startRedis } from "../services/redis.ts";
import { startUpstashShim } from "../services/upstash_shim.ts";

Deno.test("a session's whole life over Neon's driver and Upstash's protocol", async () => {
  await using postgres = await startPostgres();
  await using server = await startRedis();
  if (!postgres || !server) return;
  const target = await postgres.newDatabase({ empty: true });
  await using proxy = await startNeonProxy(target);
  await using shim = await startUpstashShim(server.url);
  const stopUsingProxy = useNeonProxy(proxy);
  // The name is a Neon host's, so the factory picks Neon's driver; the proxy answers for it.
  const databaseUrl = target.replace(/@[^/]+/, "@ep-test.eu-central-1.aws.neon.tech");
  const database = await openDatabase({ databaseUrl, dataDir: "unused" });
  const redis = await openRedis({ redis: { kind: "upstash", url: shim.url, token: shim.token } });
  const app = await startTestApp({ database, redis, env: { RATE_FACTOR: "1" } });
  try {
    assert.equal(database.kind, "neon");
    await database.migrate(MIGRATIONS_FOLDER);
    const person = await registerPerson(app, "Cloud");
    const read = () => callGateway(app, "GET", `/user/${person.uid}/profile`, { as: person });
    assert.equal((await read()).result.nickname, "Cloud");
    assert.match((await read()).headers.get("server-timing")!, /sql;desc="1".*redis;desc="0"/);
    const body = { nickname: "Cloud 2", avatar: "a.png" };
    const call = { as: person, body, ts: app.clock.now().getTime() };
    assert.equal((await callGateway(app, "PUT", "/user/profile", call)).status, 1);
    assert.equal((await callGateway(app, "PUT", "/user/profile", call)).errorCode, -1);
    assert.equal((await callGateway(app, "POST", "/account/logout", { as: person })).status, 1);
    assert.equal((await read()).http, 401);
    const health = await (await app.fetch(new Request("http://plaza.test/healthz"))).json();
    assert.deepEqual([health.status, health.database.kind, health.redis.kind], [
      "ok",
      "neon",
      "upstash",
    ]);
  } finally {
    await app[Symbol.asyncDispose]();
    await redis.close();
    await database.close();
    stopUsingProxy();
  }
});

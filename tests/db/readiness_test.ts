import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { openPg } from "../../db/client/pg.ts";
import { MIGRATIONS_FOLDER } from "../../db/client/migrations.ts";
import { awayTextOf, openReadiness, whyNotReady } from "../../db/client/readiness.ts";
import type { Job } from "../../jobs/run.ts";
import { tick } from "../../jobs/cron.ts";
import { openSoon } from "../../jobs/soon.ts";
import { callGateway, registerPerson } from "../clients/gateway.ts";
import { startTestApp } from "../harness.ts";
import { freePort, waitUntil } from "../services/binary.ts";
import { startPostgres } from "../services/postgres.ts";

const postgres = await startPostgres();
Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());
const ignore = postgres === undefined;

/** What a server would know of a database, and the lines it would have written. */
function watching(url: string) {
  const database = openPg(url);
  const lines: string[] = [];
  const readiness = openReadiness({
    database,
    config: { databaseUrl: url },
    log: ({ level, msg }) => lines.push(`${level} ${msg}`),
    lookAgainMs: 20,
    sayAgainMs: 200,
  });
  const why = () => whyNotReady({ database, config: { databaseUrl: url } });
  const close = async () => {
    readiness.stop();
    await database.close();
  };
  return { database, lines, readiness, why, close };
}

Deno.test(
  { name: "what is pending is said once in a while until it is done", ignore },
  async () => {
    const it = watching(await postgres!.newDatabase({ empty: true }));
    assert.equal(it.readiness.isReady(), false);
    it.readiness.watch();
    await waitUntil("a second line", () => it.lines.length === 2);
    assert.match(it.lines[0]!, /^notice \d+ migrations pending: run deno task migrate$/);
    assert.equal(it.lines[1], it.lines[0]);
    assert.equal(it.readiness.isReady(), false);
    assert.equal(`notice ${await it.why()}`, it.lines[0]);
    await it.database.migrate(MIGRATIONS_FOLDER);
    await waitUntil("the schema", () => it.readiness.isReady());
    assert.equal(it.lines.at(-1), "notice database ready");
    assert.equal(await it.why(), undefined);
    const count = it.lines.length;
    it.readiness.watch();
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(it.lines.length, count, "nothing more to say");
    await it.close();
  },
);

Deno.test("a database that is away is said to be, with its place and without its password", async () => {
  const port = freePort();
  const it = watching(`postgres://plaza:secret@127.0.0.1:${port}/plaza`);
  it.readiness.watch();
  await waitUntil("the line", () => it.lines.length > 0);
  assert.equal(it.lines[0], `notice database away: connection refused 127.0.0.1:${port}`);
  await it.close();
});

Deno.test({ name: "what a database refuses is said in words", ignore }, async () => {
  const nowhere = postgres!.url.replace(/postgres$/, "nowhere");
  const it = watching(nowhere);
  assert.equal(await it.why(), `database away: no such database 127.0.0.1:${postgres!.port}`);
  await it.close();
  const refused = Object.assign(new Error('password authentication failed for user "a"'), {
    code: "28P01",
  });
  const at = "postgres://a:secret@db.example/x";
  assert.equal(awayTextOf(refused, at), "user or password refused db.example:5432");
  assert.equal(awayTextOf(new Error("secret"), at), "the connection failed db.example:5432");
  const several = new AggregateError([
    Object.assign(new Error("connect ECONNREFUSED ::1:5432"), { code: "ECONNREFUSED" }),
  ]);
  assert.equal(
    awayTextOf(new Error("Failed query", { cause: several }), at).slice(0, 18),
    "connection refused",
  );
});

Deno.test({
  name: "what a migration to come has yet to make is 503, of a table that is there too",
  ignore,
}, async () => {
  const database = openPg(await postgres!.newDatabase());
  const app = await startTestApp({ database });
  await app.ctx.db.execute(sql`alter table clubs rename column cover to picture`);
  const person = await registerPerson(app);
  const body = { name: "Readers", cover: "a.png" };
  const { http, status } = await callGateway(app, "POST", "/club", { as: person, body });
  assert.deepEqual([http, status], [503, 0]);
  await database.close();
});

Deno.test({ name: "meanwhile nothing ticks, and what needs a table is 503", ignore }, async () => {
  const database = openPg(await postgres!.newDatabase({ empty: true }));
  const app = await startTestApp({ database });
  const status = async (path: string) => {
    const response = await app.fetch(new Request(`http://plaza.test${path}`));
    return [response.status, (await response.json()).status];
  };
  assert.deepEqual((await status("/readyz"))[0], 503);
  assert.match((await status("/readyz"))[1], /^\d+ migrations pending/);
  assert.deepEqual(await status("/livez"), [200, "alive"]);
  assert.deepEqual(await status("/healthz"), [200, "degraded"]);
  const body = { mobile: "13800138000" };
  assert.equal((await callGateway(app, "POST", "/account/captcha", { body })).http, 503);

  let askedCount = 0;
  const readiness = { isReady: () => false, watch: () => askedCount++ };
  const lines = app.logs.length;
  const deps = { ...app, log: (line: object) => app.logs.push({ ...line }), readiness };
  const job = { name: "any", cron: "* * * * *" } as Job;
  await tick(job, deps);
  const soon = openSoon(deps, { delayMs: 1 });
  soon.ask();
  await new Promise((resolve) => setTimeout(resolve, 50));
  await soon.stop();
  assert.equal(app.logs.length, lines);

  await database.migrate(MIGRATIONS_FOLDER);
  assert.deepEqual(await status("/readyz"), [200, "ready"]);
  assert.equal((await callGateway(app, "POST", "/account/captcha", { body })).http, 200);
  await app[Symbol.asyncDispose]();
  await database.close();
});

Deno.test("a tick that finds the database away has it looked at", async () => {
  await using app = await startTestApp();
  let askedCount = 0;
  const readiness = { isReady: () => true, watch: () => askedCount++ };
  const away = openPg(`postgres://plaza@127.0.0.1:${freePort()}/plaza`);
  const log = (line: Record<string, unknown>) => app.logs.push(line);
  const { jobs } = await import("../../jobs/schedule.ts");
  await tick(jobs[0]!, { ...app, database: away, log, readiness });
  assert.equal(askedCount, 1);
  await away.close();
});

Deno.test("a pool that is away keeps /readyz at 503, and says no address", async () => {
  const url = `postgres://plaza:secret@127.0.0.1:${freePort()}/plaza`;
  const database = openPg(url);
  const env = { APP_ENV: "development", DATABASE_URL: url };
  const app = await startTestApp({ database, env });
  const response = await app.fetch(new Request("http://plaza.test/readyz"));
  assert.equal(response.status, 503);
  assert.deepEqual(await response.json(), { status: "database away: connection refused" });
  await database.close();
});

import assert from "node:assert/strict";
import journal from "../db/migrations/meta/_journal.json" with { type: "json" };
import project from "../deno.json" with { type: "json" };
import { openApiText } from "../routes/openapi.ts";
import { surfaceNames } from "../routes/surfaces.ts";
import { type GatewayLogin, gatewayRequest } from "./clients/gateway.ts";
import { RpcClient } from "./clients/rpc.ts";
import { NewcomersServer } from "./servers/newcomers.ts";
import { waitUntil } from "./services/binary.ts";
import { startPostgres } from "./services/postgres.ts";
import { startArguments } from "./services/start_arguments.ts";

const newFolder = () => Deno.makeTempDir({ prefix: "plaza_built_" });
/** The folder `deno task build` makes, outside of the tree, whose files it must not need. */
const builtIn = await build();
const clock = { now: () => new Date() };

async function build(): Promise<string> {
  const folder = `${await newFolder()}/dist`;
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "build.ts", folder],
    cwd: new URL("..", import.meta.url).pathname,
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return folder;
}

async function run(dataDir: string, words: string[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...startArguments(dataDir, "main.js"), ...words],
    cwd: builtIn,
    env: { DATA_DIR: dataDir, NO_COLOR: "1", ...env },
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out: out!, err: err! };
}

Deno.test("what is built serves everything the source does, on its own", async (t) => {
  const dataDir = await newFolder();
  await using server = new NewcomersServer(dataDir, {}, { builtIn });
  const fetchText = async (path: string) => await (await fetch(`${server.url}${path}`)).text();
  // deno-lint-ignore no-explicit-any -- each step knows what it asked for
  const ask = async (...call: [string, string, object?]): Promise<any> => {
    const request = gatewayRequest({ clock } as never, ...call);
    const url = request.url.replace("http://plaza.test", server.url);
    return await (await fetch(new Request(url, request))).json();
  };
  await server.ready();

  await t.step("health: its database is at the newest schema", async () => {
    const health = JSON.parse(await fetchText("/healthz"));
    assert.equal(health.status, "ok");
    assert.equal(health.version, project.version);
    assert.equal(health.database.migration, journal.entries.at(-1)!.tag);
  });

  await t.step("what a start says, and that jobs are ticked", async () => {
    await waitUntil("the announcement", () => server.output.includes("/dev/outbox"));
    assert.match(server.output, /^Plaza listens on 127\.0\.0\.1/);
    assert.doesNotMatch(server.output, /Deno\.cron|"level":"error"/);
  });

  await t.step("the reference and its script", async () => {
    const [, script] = /src="(\/docs\/scalar\.js[^"]*)"/.exec(await fetchText("/docs"))!;
    assert.ok((await fetchText(script!)).length > 1_000_000);
  });

  for (const name of surfaceNames) {
    await t.step(`the document of ${name} is the source's`, async () => {
      const about = { version: project.version, publicUrl: undefined };
      assert.equal(await fetchText(`/openapi/${name}.json`), await openApiText(name, about));
    });
  }

  await t.step("a login by a code from the outbox, and a signed read", async () => {
    const number = { countryCode: "86", mobile: "13800138000" };
    await ask("POST", "/account/captcha", { body: number });
    const [{ code: captcha }] = JSON.parse(await fetchText("/dev/outbox?to=8613800138000"));
    const entered = await ask("POST", "/account/login/captcha", { body: { ...number, captcha } });
    const as: GatewayLogin = entered.result;
    const named = { nickname: "Toby", avatar: "https://cdn.example.com/a.png" };
    assert.equal((await ask("POST", "/user/profile/init", { as, body: named })).status, 1);
    const { result } = await ask("GET", `/user/${as.uid}/profile`, { as });
    assert.equal(result.nickname, "Toby");
  });

  await t.step("a socket, until the server ends with SIGTERM", async () => {
    await using socket = new RpcClient(`${server.url.replace("http", "ws")}/ws`);
    await socket.opened();
    assert.ok((await socket.connect({ uid: "nobody", token: "none" })).error);
    assert.equal(await server.stop("SIGTERM"), 0);
  });
});

Deno.test("each file of what is built loads, also those that few ask for", async () => {
  const files = [...Deno.readDirSync(builtIn)].map(({ name }) => name)
    .filter((name) => name.endsWith(".js") && name !== "main.js");
  const names = files.map((name) => name.replace(/-\w+\.js$/, ""));
  for (
    const lazy of ["pglite", "pg", "neon", "agora-token", "read_csv"]
  ) {
    assert.ok(names.includes(lazy), `${lazy} is not lazy`);
  }
  const all = `await Promise.all(${
    JSON.stringify(files)
  }.map((it) => import("${builtIn}/" + it)));`;
  const { code, stderr } = await new Deno.Command(Deno.execPath(), { args: ["eval", all] })
    .output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
});

Deno.test("what is built migrates an empty database, and adds an app to it", async (t) => {
  const commandsWork = async (env: Record<string, string>) => {
    const dataDir = await newFolder();
    assert.deepEqual(await run(dataDir, ["migrate"], env), { code: 0, out: "", err: "" });
    const { out } = await run(dataDir, ["app:add", "A shop"], env);
    assert.deepEqual(Object.keys(JSON.parse(out)), ["appid", "appsecret"]);
  };
  await t.step("an embedded one", () => commandsWork({}));
  await t.step("a PostgreSQL", async () => {
    await using postgres = await startPostgres();
    if (!postgres) return;
    const url = await postgres.newDatabase({ empty: true });
    await commandsWork({ APP_ENV: "development", DATABASE_URL: url });
  });
});

Deno.test("what is built refuses what is unsafe, by name, and opens nothing", async () => {
  const dataDir = `${await newFolder()}/data`;
  const refused = async (env: Record<string, string>, said: RegExp) => {
    const { code, err } = await run(dataDir, [], env);
    assert.equal(code, 1, err);
    assert.match(err, said);
  };
  await refused({ APP_ENV: "production" }, /DATABASE_URL.*SECRET_KEY.*PUBLIC_URL/);
  await refused({ DATABASE_URL: "postgres://plaza@127.0.0.1:1/plaza" }, /without APP_ENV/);
  const { code, err } = await run(dataDir, ["jobs"]);
  assert.equal(code, 1);
  assert.match(err, /usage: .*migrate \| job \| app:add/);
  await assert.rejects(Deno.stat(dataDir), Deno.errors.NotFound);
});

Deno.test("what is built has the tasks that run Plaza, without what builds it", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(`${builtIn}/deno.json`));
  const known = Object.keys(project.tasks);
  assert.deepEqual(
    Object.keys(tasks),
    known.filter((name) => /^(start|migrate|job|\w+:(add|disable))$/.test(name)),
  );
  assert.match(tasks.start.command, /^deno run .* main\.js$/);
  assert.equal(tasks.migrate.command, "deno task start migrate");
});

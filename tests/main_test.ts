import assert from "node:assert/strict";
import { signCall } from "./clients/gateway.ts";
import { NewcomersServer } from "./servers/newcomers.ts";
import { freePort, waitUntil } from "./services/binary.ts";

/** What group or others may do something with, in a folder. */
function openToOthers(folder: string): string[] {
  const inside = [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    if (isDirectory) return openToOthers(path);
    return Deno.lstatSync(path).mode! & 0o077 ? [path] : [];
  });
  return Deno.lstatSync(folder).mode! & 0o077 ? [folder, ...inside] : inside;
}

const call = async (url: string, init?: RequestInit) => await (await fetch(url, init)).json();

Deno.test("a first start serves, prints commands that work, and leaves credentials", async (t) => {
  const dataDir = `${await Deno.makeTempDir()}/data`;
  let login: Record<string, string> = {};

  await t.step("answers /healthz, and prints three commands that work when pasted", async () => {
    await using server = new NewcomersServer(dataDir);
    await server.ready();
    await waitUntil("the announcement", () => server.output.includes("/dev/outbox"));
    const commands = server.output.split("Try:\n")[1]!.split("\n").slice(0, 3);
    const answers: unknown[] = [];
    for (const command of commands) {
      const { stdout } = await new Deno.Command("bash", { args: ["-c", command] }).output();
      answers.push(JSON.parse(new TextDecoder().decode(stdout)));
    }
    const [health, captcha, outbox] = answers as [
      { status: string },
      { status: number },
      { code: string; to: string }[],
    ];
    assert.equal(health.status, "ok");
    assert.equal(captcha.status, 1);
    assert.equal(outbox[0]!.to, "8613800138000");

    const body = { mobile: "13800138000", captcha: outbox[0]!.code, ts: Date.now() };
    const entered = await call(`${server.url}/account/login/captcha`, {
      method: "POST",
      headers: { "Content-Type": "application/json; charset=utf-8" },
      body: JSON.stringify({ ...body, sign: signCall(body, "Hx!0k!K}5E.]EoP") }),
    });
    assert.equal(entered.message, "注册成功");
    login = entered.result;
    assert.equal(await server.stop("SIGTERM"), 0);
  });

  await t.step("leaves everything for its owner's eyes alone", async () => {
    assert.deepEqual(openToOthers(dataDir), []);
    const path = `${dataDir}/credentials.json`;
    const credentials = JSON.parse(await Deno.readTextFile(path));
    assert.deepEqual(Object.keys(credentials), ["operator", "ops_key", "partner", "demo_group_id"]);
    assert.equal(credentials.operator.token.split(".").length, 3);
    assert.ok(credentials.ops_key.id && credentials.ops_key.secret);
    assert.ok(credentials.partner.appid && credentials.partner.appsecret);
    assert.equal(credentials.demo_group_id, "7000100001");
  });

  await t.step(
    "a restart finds the data, and takes it from others; a second process is refused",
    async () => {
      const before = await Deno.readTextFile(`${dataDir}/credentials.json`);
      for (const path of [dataDir, `${dataDir}/postgres/PG_VERSION`]) await Deno.chmod(path, 0o755);
      await using server = new NewcomersServer(dataDir);
      await server.ready();
      const body = { nickname: "Toby", avatar: "a.png", ts: Date.now() };
      const profile = await call(`${server.url}/user/profile/init`, {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          Authorization: `Basic ${btoa(`${login.uid}:${login.accessToken}`)}`,
        },
        body: JSON.stringify({ ...body, sign: signCall(body, login.accessSecret!) }),
      });
      assert.equal(profile.result?.uid, login.uid, profile.message);
      assert.equal(await Deno.readTextFile(`${dataDir}/credentials.json`), before);

      await using second = new NewcomersServer(dataDir);
      assert.equal(await second.ended(), 1);
      assert.match(second.output, /in use by another Plaza process/);

      const startedAt = Date.now();
      assert.equal(await server.stop("SIGINT"), 0);
      assert.ok(Date.now() - startedAt < 5_000);
      assert.match(
        server.output,
        /was open to other accounts of this machine: 2 files and folders/,
      );
      assert.deepEqual(openToOthers(dataDir), []);
    },
  );

  await t.step("a killed process leaves nothing in the way of the next", async () => {
    const killed = new NewcomersServer(dataDir);
    await killed.ready();
    await killed.stop("SIGKILL");
    await using next = new NewcomersServer(dataDir);
    await next.ready();
  });
});

Deno.test("production refuses to start without its secrets, and names them", async () => {
  await using server = new NewcomersServer(await Deno.makeTempDir(), { APP_ENV: "production" });
  assert.equal(await server.ended(), 1);
  for (
    const name of [
      "DATABASE_URL",
      "SECRET_KEY",
      "PUBLIC_URL",
      "UPSTASH_REDIS_REST_URL",
      "ALIYUN_SMS_",
    ]
  ) {
    assert.ok(server.output.includes(name), server.output);
  }
});

Deno.test("plain mistakes are said in one line, without a stack", async (t) => {
  const file = await Deno.makeTempFile();
  const cases: [what: string, dataDir: string, env: Record<string, string>, said: RegExp][] = [
    ["a database that is none", "", {
      APP_ENV: "development",
      DATABASE_URL: "nonsense",
    }, /DATABASE_URL: must look like/],
    ["a database without a word what for", "", {
      DATABASE_URL: "postgres://plaza@127.0.0.1:1/plaza",
    }, /DATABASE_URL without APP_ENV/],
    ["a folder that is a file", file, {}, /^DATA_DIR \(/],
    ["an address that is not ours", "", {
      APP_ENV: "development",
      DATABASE_URL: "postgres://plaza@127.0.0.1:1/plaza",
      HOST: "192.0.2.1",
    }, /^HOST and PORT \(192\.0\.2\.1:/],
  ];
  for (const [what, dataDir, env, said] of cases) {
    await t.step(what, async () => {
      await using server = new NewcomersServer(dataDir || await Deno.makeTempDir(), env);
      assert.equal(await server.ended(), 1);
      assert.match(server.output, said);
      assert.equal(server.output.trimEnd().split("\n").length, 1, server.output);
    });
  }
});

Deno.test("a database that is away is announced as that", async () => {
  const port = freePort();
  const env = {
    APP_ENV: "development",
    DATABASE_URL: `postgres://plaza:secret@127.0.0.1:${port}/plaza`,
  };
  await using server = new NewcomersServer(await Deno.makeTempDir(), env);
  await waitUntil("the line", () => server.output.includes("database away"), 60_000);
  assert.ok(server.output.includes(`database away: connection refused 127.0.0.1:${port}`));
  assert.match(server.output, /Doors +shut/);
  assert.doesNotMatch(server.output, /secret/);
  assert.deepEqual(await call(`${server.url}/livez`), { status: "alive" });
  assert.equal(await server.stop("SIGTERM"), 0);
});

Deno.test(
  "whoever holds every connection ends nothing: others are served once they let go",
  async () => {
    await using server = new NewcomersServer(await Deno.makeTempDir(), {}, { filesMax: 300 });
    await server.ready();
    // What is loaded right after the start must be read by then: without it there is no server.
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    const { hostname, port } = new URL(server.url);
    const held: Deno.Conn[] = [];
    const isRefused = () => server.output.includes("no connection can be taken on");
    await waitUntil("no connection being left", async () => {
      const connection = await Deno.connect({ hostname, port: Number(port) }).catch(() =>
        undefined
      );
      await connection?.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: localhost\r\n"));
      if (connection) held.push(connection);
      return isRefused();
    });
    assert.ok(held.length > 200, String(held.length));
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    for (const connection of held) connection.close();
    await waitUntil("an answer", async () => {
      const answer = await fetch(`${server.url}/healthz`, { signal: AbortSignal.timeout(1_000) });
      return (await answer.json()).status === "ok";
    }, 12_000);
    assert.equal(server.output.split("no connection can be taken on").length, 2, "one line");
    assert.doesNotMatch(server.output, /Uncaught|"level":"error"/);
    assert.equal(await server.stop("SIGTERM"), 0);
  },
);

Deno.test("a word that is no command is answered with those there are, and nothing is opened", async () => {
  const { code, stderr, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--allow-env", "--allow-read", "--allow-sys", "main.ts", "jobs"],
  }).output();
  assert.deepEqual([code, stdout.length], [1, 0]);
  assert.match(new TextDecoder().decode(stderr), /usage: .*migrate \| job \| app:add/);
});

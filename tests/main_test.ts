import assert from "node:assert/strict";
import { signCall } from "./clients/gateway.ts";
import { NewcomersServer } from "./servers/newcomers.ts";
import { waitUntil } from "./services/binary.ts";

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

  await t.step("leaves credentials for their owner's eyes alone", async () => {
    const path = `${dataDir}/credentials.json`;
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
    const credentials = JSON.parse(await Deno.readTextFile(path));
    assert.deepEqual(Object.keys(credentials), ["operator", "ops_key", "partner", "demo_group_id"]);
    assert.equal(credentials.operator.token.split(".").length, 3);
    assert.ok(credentials.ops_key.id && credentials.ops_key.secret);
    assert.ok(credentials.partner.appid && credentials.partner.appsecret);
    assert.equal(credentials.demo_group_id, "7000100001");
  });

  await t.step("a restart finds the data; a second process is refused", async () => {
    const before = await Deno.readTextFile(`${dataDir}/credentials.json`);
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
  });

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
  for (const name of ["DATABASE_URL", "SECRET_KEY", "UPSTASH_REDIS_REST_URL", "ALIYUN_SMS_"]) {
    assert.ok(server.output.includes(name), server.output);
  }
});

Deno.test("a word that is no command is answered with those there are, and nothing is opened", async () => {
  const { code, stderr, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--allow-env", "--allow-read", "--allow-sys", "main.ts", "jobs"],
  }).output();
  assert.deepEqual([code, stdout.length], [1, 0]);
  assert.match(new TextDecoder().decode(stderr), /usage: .*migrate \| job \| app:add/);
});

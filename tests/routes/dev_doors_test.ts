import assert from "node:assert/strict";
import { operators } from "../../db/schema/operators.ts";
import { askIm, callIm, freshPhone } from "../clients/im.ts";
import { callOps } from "../clients/ops.ts";
import { Browser } from "../clients/wechat.ts";
import { startTestApp, type TestApp } from "../harness.ts";
import { makeChatPerson } from "./im/chat_people.ts";

type Headers = Record<string, string>;
/** Where a request comes from, how it calls us, and what it carries. */
type Caller = [peer: string, host: string, headers?: Headers];

const open = async (app: TestApp, [peer, host, headers = {}]: Caller) => {
  const request = new Request(`http://${host}/dev/outbox`, { headers });
  const response = await app.fetch(request, peer);
  await response.body?.cancel();
  return response.status;
};

async function assertEach(app: TestApp, status: number, callers: Caller[]): Promise<void> {
  for (const caller of callers) {
    assert.equal(await open(app, caller), status, JSON.stringify(caller));
  }
}

Deno.test("doors open to this machine alone, under its own names", async (t) => {
  await using app = await startTestApp({ env: { PUBLIC_URL: "https://plaza.example/x" } });

  await t.step("from it", () =>
    assertEach(app, 200, [
      ["127.0.0.1", "localhost:8000"],
      ["127.8.8.8", "127.0.0.1"],
      ["::1", "[::1]:8000"],
      ["::ffff:127.0.0.1", "LOCALHOST"],
      ["127.0.0.1", "plaza.example"],
      ["127.0.0.1", "localhost", { Origin: "http://localhost:3000" }],
    ]));

  await t.step("not from anywhere else, whatever it says", () =>
    assertEach(app, 404, [
      ["192.0.2.1", "localhost"],
      ["10.0.0.1", "localhost"],
      ["::2", "localhost"],
      ["unknown", "localhost"],
      ["192.0.2.1", "localhost", { "X-Forwarded-For": "127.0.0.1" }],
    ]));

  await t.step("not through a proxy nobody has told us of", () =>
    assertEach(app, 404, [
      ["127.0.0.1", "localhost", { "X-Forwarded-For": "127.0.0.1" }],
      ["127.0.0.1", "localhost", { Forwarded: "for=127.0.0.1" }],
      ["127.0.0.1", "localhost", { "X-Forwarded-For": "" }],
    ]));

  await t.step(
    "not under a name that is somebody else's, or to their page",
    () =>
      assertEach(app, 404, [
        ["127.0.0.1", "evil.example"],
        ["127.0.0.1", "localhost.evil.example"],
        ["127.0.0.1", "0.0.0.0"],
        ["127.0.0.1", "192.0.2.1"],
        ["127.0.0.1", "localhost", { Host: "evil.example" }],
        ["127.0.0.1", "localhost", { Origin: "https://evil.example" }],
        ["127.0.0.1", "localhost", { Origin: "null" }],
      ]),
  );
});

Deno.test("doors open to the networks of DEV_DOORS_FROM too", async () => {
  const env = { DEV_DOORS_FROM: "172.16.0.0/12, 2001:db8:1::/48" };
  await using app = await startTestApp({ env });
  await assertEach(app, 200, [
    ["172.17.0.1", "localhost"],
    ["::ffff:172.31.255.255", "172.17.0.2:8000"],
    ["2001:db8:1:2::3", "[2001:db8:1::9]"],
    ["127.0.0.1", "localhost"],
  ]);
  await assertEach(app, 404, [
    ["172.32.0.1", "localhost"],
    ["2001:db8:2::3", "localhost"],
    ["172.17.0.1", "evil.example"],
  ]);
});

Deno.test("behind a trusted proxy the client has to fit as well as the proxy", async () => {
  const env = { TRUSTED_PROXY_COUNT: "1" };
  await using app = await startTestApp({ env });
  const via = (address: string): Headers => ({ "X-Forwarded-For": address });
  await assertEach(app, 200, [
    ["127.0.0.1", "localhost", via("127.0.0.1")],
    ["127.0.0.1", "localhost", via("192.0.2.9, ::1")],
    ["127.0.0.1", "localhost"],
  ]);
  await assertEach(app, 404, [
    ["127.0.0.1", "localhost", via("192.0.2.9")],
    ["127.0.0.1", "localhost", via("127.0.0.1, 192.0.2.9")],
    ["192.0.2.9", "localhost", via("127.0.0.1")],
    ["127.0.0.1", "localhost", { Forwarded: "for=192.0.2.9" }],
  ]);
});

Deno.test("no page of another origin reads what is behind a door; uploads need none", async () => {
  await using app = await startTestApp();
  const ask = (path: string, method: string) =>
    app.fetch(
      new Request(`http://localhost${path}`, {
        method,
        headers: { Origin: "http://localhost:3000", "Access-Control-Request-Method": "GET" },
      }),
      "127.0.0.1",
    );
  const origins = async (path: string) => {
    const answers = [await ask(path, "GET"), await ask(path, "OPTIONS")];
    return await Promise.all(answers.map(async ({ headers, body }) => {
      await body?.cancel();
      return headers.get("access-control-allow-origin");
    }));
  };
  for (const path of ["/dev/outbox", "//dev//outbox/", "/dev/wechat", "/dev"]) {
    assert.deepEqual(await origins(path), [null, null], path);
  }
  assert.deepEqual(await origins("/dev/upload/a/b.png"), ["*", "*"]);
});

/** Whether each of the doors is open to somebody: what they are answered at it. */
async function tryDoors(app: TestApp, from: Pick<TestApp, "fetch"> | TestApp["door"]) {
  const mixinUserId = crypto.randomUUID();
  await app.ctx.db.insert(operators)
    .values({ name: mixinUserId, role: "admin", mixinUserId, createdAt: app.ctx.now() });
  const outbox = await from.fetch(new Request("http://plaza.test/dev/outbox"));
  await outbox.body?.cancel();
  const body = { code: `DEV:${mixinUserId}` };
  const login = await callOps(from, "POST /v1/auth/mixin", { body });
  const { token } = await makeChatPerson(app, "Toby");
  await callIm(from, "POST", "/wallet/recharge", { token, body: { amount: 7, channel_type: 1 } });
  const browser = new Browser(from);
  return {
    outbox: outbox.status,
    login: login.data.code ?? login.http,
    balance: (await askIm(app, "GET", "/wallet/my", { token })).amount,
    wechat: (await browser.open("/h5/weixin/login")).status,
    wechatPage: (await browser.open("/dev/wechat")).status,
    code: (await callIm(from, "POST", "/user/sms/registercode", {
      body: { zone: "0086", phone: freshPhone() },
    })).http,
  };
}

const SHUT = { outbox: 404, login: 4001, balance: 0, wechat: 503, wechatPage: 404 };

Deno.test("each door is shut to who does not come from here", async () => {
  await using app = await startTestApp();
  const openDoors = { outbox: 200, login: 200, balance: 7, wechat: 302, wechatPage: 302 };
  assert.deepEqual(await tryDoors(app, app.door), { ...openDoors, code: 200 });
  // A code is sent: who develops reads it, not who asked.
  assert.deepEqual(await tryDoors(app, app), { ...SHUT, code: 200 });
});

Deno.test("with a real database every door is shut, until DEV_DOORS=1", async () => {
  const env = { APP_ENV: "development", DATABASE_URL: "postgres://unused.invalid/plaza" };
  await using app = await startTestApp({ env });
  assert.deepEqual(await tryDoors(app, app.door), { ...SHUT, code: 503 });
  await using opened = await startTestApp({ env: { ...env, DEV_DOORS: "1" } });
  assert.equal((await tryDoors(opened, opened.door)).balance, 7);
  await using shut = await startTestApp({ env: { DEV_DOORS: "0" } });
  assert.deepEqual(await tryDoors(shut, shut.door), { ...SHUT, code: 503 });
});

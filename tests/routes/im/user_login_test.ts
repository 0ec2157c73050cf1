import { eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { scanQrLogin } from "../../../db/domain/chat_accounts/qr_login.ts";
import { users, UserStatus } from "../../../db/schema/users.ts";
import { callGateway, logIn } from "../../clients/gateway.ts";
import {
  askIm,
  assertImFailure,
  assertNeedsToken,
  callIm,
  CHAT_PASSWORD,
  type ChatLogin,
  registerChat,
} from "../../clients/im.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { makeAccount } from "../../people/chat_accounts.ts";

const PHONE = { device_id: "d-1", device_name: "Toby's phone", device_model: "iPhone 15" };
const TABLET = { device_id: "d-2", device_name: "Tablet", device_model: "iPad" };

const logInAs = (app: TestApp, { phone }: ChatLogin, over: Record<string, unknown> = {}) =>
  callIm(app, "POST", "/user/login", {
    body: { username: `0086${phone}`, password: CHAT_PASSWORD, flag: 0, ...over },
  });

const isLive = async (app: TestApp, token: string) =>
  (await callIm(app, "GET", "/user/devices", { token })).http === 200;

async function idOf(app: TestApp, uid: string): Promise<number> {
  const [row] = await app.database.db.select({ id: users.id }).from(users)
    .where(eq(users.uid, uid));
  return row!.id;
}

Deno.test("POST /user/login", async (t) => {
  await using app = await startTestApp();
  const person = await makeAccount(app, { name: "Toby" });

  await t.step("answers UserLoginResp", async () => {
    const { http, data } = await logInAs(app, person);
    assert.equal(http, 200);
    assert.equal(data.uid, person.uid);
    assert.deepEqual(
      [data.username, data.name, data.sex, data.zone, data.phone, data.setting.voice_on],
      [`0086${person.phone}`, "Toby", 1, "0086", person.phone, 1],
    );
  });

  await t.step("a new login of the app ends the app's old one, and not the PC's", async () => {
    const first = (await logInAs(app, person)).data.token;
    const desktop = (await logInAs(app, person, { flag: 1 })).data.token;
    assert.ok(await isLive(app, first));
    const second = (await logInAs(app, person)).data.token;
    assert.deepEqual(
      [await isLive(app, first), await isLive(app, second), await isLive(app, desktop)],
      [false, true, true],
    );
  });

  await t.step("browsers and desktops live side by side, one session for each device", async () => {
    const browser = (id: string) => ({ device_id: id, device_name: "", device_model: "" });
    const onWeb = async (device?: typeof PHONE) =>
      (await logInAs(app, person, { flag: 1, device })).data.token as string;
    const phone = (await logInAs(app, person, { device: PHONE })).data.token;
    const [one, other] = [await onWeb(browser("b-1")), await onWeb(browser("b-2"))];
    const [nameless, again] = [await onWeb(), await onWeb()];
    // The phone's own browser is another session than its app.
    const ofPhone = await onWeb(PHONE);
    for (const token of [phone, one, other, nameless, again, ofPhone]) {
      assert.ok(await isLive(app, token));
    }
    const replaced = await onWeb(browser("b-1"));
    assert.deepEqual(
      await Promise.all([one, replaced, other, nameless].map((token) => isLive(app, token))),
      [false, true, true, true],
    );
  });

  await t.step("of more than ten the oldest ends", async () => {
    const other = await makeAccount(app);
    const tokens: string[] = [];
    for (let at = 0; at < 11; at++) {
      const device = at % 2 ? { ...TABLET, device_id: `b-${at}` } : undefined;
      tokens.push((await logInAs(app, other, { flag: 1, device })).data.token);
    }
    const live = await Promise.all(tokens.map((token) => isLive(app, token)));
    assert.deepEqual(live, [false, ...new Array(10).fill(true)]);
  });

  await t.step("a login of the gateway and one of the app are of one kind", async () => {
    const chat = (await logInAs(app, person)).data.token;
    const gateway = await logIn(app, { mobile: person.phone });
    assert.equal(gateway.uid, person.uid);
    assert.equal(await isLive(app, chat), false);
    assert.equal(await isLive(app, gateway.accessToken), true);
  });

  await t.step("wrong password and unknown name are one refusal", async () => {
    assertImFailure(await logInAs(app, person, { password: "secret-2" }), 400, "用户名或密码错误");
    assertImFailure(
      await logInAs(app, person, { username: "008613000000000" }),
      400,
      "用户名或密码错误",
    );
    assertImFailure(await logInAs(app, person, { password: undefined }));
  });

  await t.step("guessing is stopped by name", async () => {
    for (let at = 0; at < 20; at++) {
      await callIm(app, "POST", "/user/login", { body: { username: "nobody", password: "x" } });
    }
    const { http } = await callIm(app, "POST", "/user/login", {
      body: { username: "nobody", password: "x" },
    });
    assert.equal(http, 429);
  });

  await t.step("disabled and deleted accounts are refused", async () => {
    const other = await makeAccount(app);
    const setStatus = (status: number) =>
      app.database.db.update(users).set({ status }).where(eq(users.uid, other.uid));
    await setStatus(UserStatus.disabled);
    assertImFailure(await logInAs(app, other), 400, "账号已被冻结");
    await setStatus(UserStatus.deleted);
    assertImFailure(await logInAs(app, other), 400, "账号不存在");
  });
});

Deno.test("POST /user/login with the device lock on, POST /user/sms/login_check_phone and POST /user/login/check_phone", async (t) => {
  await using app = await startTestApp();
  const person = await registerChat(app, "Toby", { device: PHONE });
  const { uid } = person;
  const sendCode = () => callIm(app, "POST", "/user/sms/login_check_phone", { body: { uid } });
  const check = (code: string) =>
    callIm(app, "POST", "/user/login/check_phone", { body: { uid, code } });
  await askIm(app, "PUT", "/users/current", { token: person.token, body: { device_lock: 1 } });

  await t.step("a known device logs in, none at all is refused", async () => {
    assert.equal((await logInAs(app, person, { device: PHONE })).http, 200);
    assertImFailure(await logInAs(app, person), 400, "缺少设备信息");
  });

  await t.step("no code for somebody whose password nobody gave", async () => {
    assertImFailure(await sendCode(), 400, "缺少设备信息");
    const body = { uid: "0".repeat(32) };
    assertImFailure(await callIm(app, "POST", "/user/sms/login_check_phone", { body }));
  });

  await t.step("an unknown device is status 110 with uid and masked phone", async () => {
    const { http, data } = await logInAs(app, person, { device: TABLET });
    assert.equal(http, 400);
    const masked = `${person.phone.slice(0, 3)}****${person.phone.slice(-4)}`;
    assert.deepEqual(data, { status: 110, msg: "需要验证手机号", uid, phone: masked });
  });

  await t.step("the code finishes the login, and the device is known from then on", async () => {
    assert.deepEqual((await sendCode()).data, { status: 200, msg: "" });
    const { code } = app.providers.outbox!.list({ to: `86${person.phone}` })[0]!;
    assertImFailure(await check("000000"), 400, "验证码错误或已失效");
    const { http, data } = await check(code!);
    assert.equal(http, 200);
    assert.deepEqual([data.status, data.msg, data.uid], [200, "", uid]);
    assert.ok(await isLive(app, data.token));
    assertImFailure(await check(code!), 400, "缺少设备信息");
    assert.equal((await logInAs(app, person, { device: TABLET })).http, 200);
  });

  await t.step("after five minutes the password has to be given again", async () => {
    const device = { ...TABLET, device_id: "d-3" };
    app.clock.advance(61_000);
    await logInAs(app, person, { device });
    app.clock.advance(2 * 60_000);
    await sendCode();
    const { code } = app.providers.outbox!.list({ to: `86${person.phone}` })[0]!;
    app.clock.advance(4 * 60_000);
    assertImFailure(await check(code!), 400, "缺少设备信息");
    assertImFailure(await check("no"));
  });
});

Deno.test("GET /user/devices and DELETE /user/devices/{device_id}", async (t) => {
  await using app = await startTestApp();
  const person = await registerChat(app, "Toby", { device: PHONE });
  app.clock.advance(1_000);
  const desktop = (await logInAs(app, person, { flag: 1, device: TABLET })).data.token;
  const list = () => askIm(app, "GET", "/user/devices", { token: person.token });

  await t.step("the newest first, one's own marked", async () => {
    const devices = await list();
    assert.deepEqual(
      devices.map(({ device_id, device_name, device_model, self }: Record<string, unknown>) => ({
        device_id,
        device_name,
        device_model,
        self,
      })),
      [{ ...TABLET, self: 0 }, { ...PHONE, self: 1 }],
    );
    assert.match(devices[0].last_login, /^\d{4}-\d\d-\d\d \d\d:\d\d$/);
    assert.equal(typeof devices[0].id, "number");
    await assertNeedsToken(app, "GET", "/user/devices");
  });

  await t.step("a removed device is logged out, one's own session stays", async () => {
    const remove = (id: string) =>
      askIm(app, "DELETE", `/user/devices/${id}`, { token: person.token });
    assert.ok(await isLive(app, desktop));
    assert.deepEqual(await remove("d-2"), { status: 200, msg: "" });
    assert.equal(await isLive(app, desktop), false);
    await remove("d-1");
    await remove("unknown");
    assert.deepEqual(await list(), []);
    await assertNeedsToken(app, "DELETE", "/user/devices/d-1");
  });

  await t.step("somebody else's device stays", async () => {
    const other = await registerChat(app, "Tony", { device: PHONE });
    await askIm(app, "DELETE", "/user/devices/d-1", { token: person.token });
    const devices = await askIm(app, "GET", "/user/devices", { token: other.token });
    assert.equal(devices.length, 1);
  });
});

Deno.test("GET /user/loginuuid, GET /user/loginstatus, GET /user/grant_login and POST /user/login_authcode/{auth_code}", async (t) => {
  await using app = await startTestApp();
  const person = await makeAccount(app, { name: "Toby" });
  const { token, uid } = person;
  const userId = await idOf(app, uid);
  const state = (uuid: string) => askIm(app, "GET", "/user/loginstatus", { query: { uuid } });
  const grant = (auth_code: string, as = token) =>
    callIm(app, "GET", "/user/grant_login", { token: as, query: { auth_code } });
  const finish = (code: string) => callIm(app, "POST", `/user/login_authcode/${code}`);
  const codeOf = (qrcode: string) => qrcode.split("/").at(-1)!;

  await t.step("scan, grant, log in; each code once", async () => {
    const { uuid, qrcode } = await askIm(app, "GET", "/user/loginuuid");
    assert.ok(!qrcode.includes(uuid));
    assert.equal(qrcode, `http://plaza.test/qrcode/${codeOf(qrcode)}`);
    const scanned = await scanQrLogin(app.ctx, { code: codeOf(qrcode), userId });
    assert.equal(scanned.pub_key, "");
    assert.deepEqual(await state(uuid), { status: "scanned", uid });
    await assert.rejects(scanQrLogin(app.ctx, { code: codeOf(qrcode), userId }), {
      kind: "qrcode_invalid",
    });
    assertImFailure(await finish(scanned.auth_code), 400, "授权码无效或已过期");

    const other = await makeAccount(app, { name: "Tony" });
    assertImFailure(await grant(scanned.auth_code, other.token), 400, "授权码无效或已过期");
    assert.deepEqual((await grant(scanned.auth_code)).data, { status: 200, msg: "" });
    assert.deepEqual(await state(uuid), { status: "authed", uid, auth_code: scanned.auth_code });
    const { http, data } = await finish(scanned.auth_code);
    assert.deepEqual([http, data.uid], [200, uid]);
    assert.deepEqual([await isLive(app, data.token), await isLive(app, token)], [true, true]);
    assertImFailure(await finish(scanned.auth_code));
    assertImFailure(await grant(scanned.auth_code));
  });

  await t.step("of the desktop that asked, which has one login at a time", async () => {
    const query = { device_id: "b-1", device_name: "Linux", device_model: "Chrome 156" };
    const login = async (query: Record<string, string>) => {
      const { qrcode } = await askIm(app, "GET", "/user/loginuuid", { query });
      const scanned = await scanQrLogin(app.ctx, { code: codeOf(qrcode), userId });
      await grant(scanned.auth_code);
      return (await finish(scanned.auth_code)).data.token as string;
    };
    const first = await login(query);
    const [nameless, empty] = [await login({}), await login({ device_id: "" })];
    const again = await login(query);
    const live = await Promise.all([first, nameless, empty, again].map((it) => isLive(app, it)));
    assert.deepEqual(live, [false, true, true, true]);
    const device = await askIm(app, "GET", "/user/devices/b-1", { token: again });
    const { device_name, device_model, self } = device;
    assert.deepEqual([device_name, device_model, self], ["Linux", "Chrome 156", 1]);
    const long = { query: { device_id: "x".repeat(201) } };
    assertImFailure(await callIm(app, "GET", "/user/loginuuid", long));
  });

  await t.step("the question is held back until there is something to say", async () => {
    const { uuid, qrcode } = await askIm(app, "GET", "/user/loginuuid");
    const first = state(uuid);
    assert.equal(await Promise.race([first, delay(300, "held back")]), "held back");
    const askedAtMs = performance.now();
    const scanned = await scanQrLogin(app.ctx, { code: codeOf(qrcode), userId });
    assert.deepEqual(await first, { status: "scanned", uid });
    const second = state(uuid);
    assert.equal(await Promise.race([second, delay(300, "held back")]), "held back");
    await grant(scanned.auth_code);
    const granted = { status: "authed", uid, auth_code: scanned.auth_code };
    assert.deepEqual(await second, granted);
    assert.deepEqual(await state(uuid), granted);
    assert.ok(performance.now() - askedAtMs < 5_000);
    assert.deepEqual(await state("0".repeat(32)), { status: "expired" });
  });

  await t.step("for ten seconds at most, and not beyond the code's own end", async () => {
    const [lasting, ending] = [
      await askIm(app, "GET", "/user/loginuuid"),
      await askIm(app, "GET", "/user/loginuuid"),
    ];
    const askedAtMs = performance.now();
    assert.deepEqual(await state(lasting.uuid), { status: "waitScan" });
    const waitedMs = performance.now() - askedAtMs;
    assert.ok(waitedMs > 9_000 && waitedMs < 15_000, `${waitedMs} ms`);
    const waiting = state(ending.uuid);
    app.clock.advance(61_000);
    assert.deepEqual(await waiting, { status: "expired" });
  });

  await t.step("a desktop that goes leaves its place; fifty have one", async () => {
    const { uuid } = await askIm(app, "GET", "/user/loginuuid");
    const gone = new AbortController();
    const wait = (signal?: AbortSignal) =>
      app.fetch(
        new Request(`http://plaza.test/user/loginstatus?uuid=${uuid}`, signal && { signal }),
      );
    const held = Array.from({ length: 50 }, () => wait(gone.signal));
    await delay(100);
    const refused = await wait();
    assert.deepEqual([refused.status, refused.headers.get("retry-after")], [429, "10"]);
    gone.abort();
    for (const response of await Promise.all(held)) assert.equal(response.status, 499);
    const next = wait();
    assert.equal(await Promise.race([next, delay(300, "held back")]), "held back");
    app.clock.advance(61_000);
    assert.deepEqual(await (await next).json(), { status: "expired" });
  });

  await t.step("a code is shown for a minute", async () => {
    const { uuid, qrcode } = await askIm(app, "GET", "/user/loginuuid");
    app.clock.advance(61_000);
    assert.deepEqual(await state(uuid), { status: "expired" });
    await assert.rejects(scanQrLogin(app.ctx, { code: codeOf(qrcode), userId }));
  });

  await t.step("granting needs a token and a code", async () => {
    await assertNeedsToken(app, "GET", "/user/grant_login", { query: { auth_code: "a" } });
    assertImFailure(await callIm(app, "GET", "/user/grant_login", { token }));
    assertImFailure(await callIm(app, "GET", "/user/loginstatus"));
  });
});

Deno.test("GET /user/loginstatus: a process that stops answers who waits", async () => {
  const stopping = new AbortController();
  await using app = await startTestApp({ stopping: stopping.signal });
  const { uuid } = await askIm(app, "GET", "/user/loginuuid");
  const waiting = askIm(app, "GET", "/user/loginstatus", { query: { uuid } });
  assert.equal(await Promise.race([waiting, delay(300, "held back")]), "held back");
  stopping.abort();
  assert.deepEqual(await Promise.race([waiting, delay(1_000)]), { status: "waitScan" });
});

Deno.test("POST /user/login: its session signs calls of the gateway by its uid and token", async () => {
  await using app = await startTestApp();
  const person = await makeAccount(app, { name: "Toby" });
  const { accessSecretsOf } = await import("../../../db/domain/sessions/access_secret.ts");
  const [accessSecret] = accessSecretsOf(app.config.keys, person.uid, person.token);
  const as = {
    uid: person.uid,
    accessToken: person.token,
    accessSecret: accessSecret!,
    expireTime: 0,
  };
  const { status } = await callGateway(app, "GET", `/user/${person.uid}/profile`, { as });
  assert.equal(status, 1);
});

import assert from "node:assert/strict";
import { callGateway, logIn, registerPerson } from "../../clients/gateway.ts";
import {
  askIm,
  assertImFailure,
  callIm,
  CHAT_PASSWORD,
  freshPhone,
  registerChat,
  requestRegisterCode,
} from "../../clients/im.ts";
import { startTestApp } from "../../harness.ts";

const HEX = /^[a-f0-9]{32}$/;

Deno.test("POST /user/register", async (t) => {
  await using app = await startTestApp();
  const phone = freshPhone();
  const body = { zone: "0086", phone, password: CHAT_PASSWORD, name: "Toby", flag: 0 };
  const register = (over: Record<string, unknown>) =>
    callIm(app, "POST", "/user/register", { body: { ...body, ...over } });

  await t.step("makes an account and logs it in", async () => {
    const code = await requestRegisterCode(app, phone);
    const login = await askIm(app, "POST", "/user/register", { body: { ...body, code } });
    assert.match(login.uid, HEX);
    assert.match(login.token, HEX);
    assert.match(login.short_no, /^\d{10}$/);
    const { uid: _uid, token, short_no: _shortNo, ...rest } = login;
    assert.deepEqual(rest, {
      username: `0086${phone}`,
      name: "Toby",
      sex: 1,
      category: "",
      zone: "0086",
      phone,
      setting: {
        search_by_phone: 1,
        search_by_short: 1,
        new_msg_notice: 1,
        msg_show_detail: 1,
        voice_on: 1,
        shock_on: 1,
        offline_protection: 0,
        device_lock: 0,
        mute_of_app: 0,
      },
      app_id: "",
      chat_pwd: "",
      lock_screen_pwd: "",
      short_status: 0,
      rsa_public_key: "",
      msg_expire_second: 0,
    });
    await askIm(app, "GET", "/user/devices", { token });
  });

  await t.step("a code is worth one registration, and a number one account", async () => {
    assertImFailure(await register({ code: "000000" }), 400, "验证码错误或已失效");
    const other = freshPhone();
    const code = await requestRegisterCode(app, other);
    assert.equal((await register({ phone: other, code })).http, 200);
    assertImFailure(await register({ phone: other, code }), 400, "验证码错误或已失效");
  });

  await t.step("of two registrations with codes of one number, the later is refused", async () => {
    const other = freshPhone();
    const first = await requestRegisterCode(app, other);
    app.clock.advance(61_000);
    assert.equal((await register({ phone: other, code: first })).http, 200);
    const { exist } = await askIm(app, "POST", "/user/sms/registercode", {
      body: { zone: "0086", phone: other },
    });
    assert.equal(exist, 1);
  });

  await t.step("refuses what is missing, short, long or no number", async () => {
    assertImFailure(await register({ code: "123456", password: "12345" }), 400, "密码不能少于6位");
    assertImFailure(await register({ code: "123456", password: "x".repeat(129) }));
    assertImFailure(await register({ code: "123456", phone: "123" }), 400, "手机号不正确");
    assertImFailure(await register({ code: "123456", phone: undefined }), 400, "手机号不正确");
    assertImFailure(await register({}), 400, "验证码错误或已失效");
    assertImFailure(await register({ code: "123456", password: undefined }));
    assertImFailure(await register({ code: "123456", name: "n".repeat(21) }));
    assertImFailure(await register({ code: "123456", flag: 3 }));
  });

  await t.step("a name is made up where none is given", async () => {
    const person = await registerChat(app, "");
    const { name } = await askIm(app, "GET", `/users/${person.uid}`, { token: person.token });
    assert.match(name, /^用户\d{6}$/);
  });

  await t.step("the gateway takes the account as one with a profile", async () => {
    const person = await registerChat(app, "Tony");
    const as = await logIn(app, { mobile: person.phone });
    assert.equal(as.uid, person.uid);
    const { status, result } = await callGateway(app, "GET", `/user/${person.uid}/profile`, { as });
    assert.equal(status, 1);
    assert.equal(result.nickname, "Tony");
  });

  await t.step("a session of the gateway works here, without registering", async () => {
    const person = await registerPerson(app, "Rose");
    const me = await askIm(app, "GET", `/users/${person.uid}`, { token: person.accessToken });
    assert.equal(me.name, "Rose");
  });

  await t.step("somebody of the gateway who registers stays the same person", async () => {
    const mobile = freshPhone();
    const known = await logIn(app, { mobile });
    const code = await requestRegisterCode(app, mobile);
    const login = await askIm(app, "POST", "/user/register", {
      body: { ...body, phone: mobile, code },
    });
    assert.equal(login.uid, known.uid);
    const again = await askIm(app, "POST", "/user/login", {
      body: { username: `0086${mobile}`, password: CHAT_PASSWORD, flag: 1 },
    });
    assert.equal(again.uid, known.uid);
  });

  await t.step("a name without a number is refused unless the installation allows it", async () => {
    assertImFailure(await register({ username: "toby-1" }), 400, "暂未开放注册");
  });
});

Deno.test("POST /user/register with a name alone, where it is allowed", async () => {
  await using app = await startTestApp({ env: { CHAT_USERNAME_REGISTRATION: "1" } });
  const register = (username: string) =>
    callIm(app, "POST", "/user/register", { body: { username, password: CHAT_PASSWORD } });
  const { http, data } = await register("toby-1");
  assert.equal(http, 200);
  assert.deepEqual([data.username, data.zone, data.phone], ["toby-1", "", ""]);
  assertImFailure(await register("toby-1"), 400, "用户名已被使用");
  assertImFailure(await register("008613800138000"));
  const login = await askIm(app, "POST", "/user/login", {
    body: { username: "toby-1", password: CHAT_PASSWORD },
  });
  assert.equal(login.uid, data.uid);
});

Deno.test("POST /user/sms/registercode", async (t) => {
  await using app = await startTestApp();
  const ask = (body: Record<string, unknown>) =>
    callIm(app, "POST", "/user/sms/registercode", { body });

  await t.step("sends a code, once a minute", async () => {
    const phone = freshPhone();
    const { http, data } = await ask({ zone: "+86", phone });
    assert.equal(http, 200);
    assert.deepEqual(data, { status: 200, msg: "", exist: 0 });
    assert.equal(app.providers.outbox!.list({ to: `86${phone}` }).length, 1);
    assertImFailure(await ask({ zone: "86", phone }), 400, "验证码发送过于频繁，请稍后再试");
  });

  await t.step("sends nothing to a number that is registered", async () => {
    const { phone } = await registerChat(app);
    const count = app.providers.outbox!.list({ to: `86${phone}` }).length;
    assert.deepEqual((await ask({ zone: "0086", phone })).data, {
      status: 200,
      msg: "",
      exist: 1,
    });
    assert.equal(app.providers.outbox!.list({ to: `86${phone}` }).length, count);
  });

  await t.step("refuses what is no number", async () => {
    assertImFailure(await ask({ zone: "0086", phone: "12" }), 400, "手机号不正确");
    assertImFailure(await ask({ phone: freshPhone() }));
  });
});

import { eq, type SQL } from "drizzle-orm";
import assert from "node:assert/strict";
import { captchaSends } from "../../db/schema/captchas.ts";
import { tries } from "../../db/schema/guards.ts";
import { callGateway, type GatewayLogin, logIn, requestCode } from "../clients/gateway.ts";
import {
  askIm,
  assertImFailure,
  callIm,
  CHAT_PASSWORD,
  type ChatLogin,
  freshPhone,
  registerChat,
} from "../clients/im.ts";
import { startTestApp, type TestApp } from "../harness.ts";
import { makeAccount } from "../people/chat_accounts.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const OWNER = "192.0.2.77";
const ATTACKER = "203.0.113.66";
const ELSEWHERE = "198.51.100.9";
const PHONE = { device_id: "d-1", device_name: "Toby's phone", device_model: "iPhone 15" };

const from = (address: string) => ({ "X-Forwarded-For": address });
const otherThan = (code: string) => code === "000000" ? "000001" : "000000";
const startHouse = (env: Record<string, string> = {}) =>
  startTestApp({ env: { TRUSTED_PROXY_COUNT: "1", ...env } });

/** Somebody of the chat app, who registered and logged in from `OWNER`. */
async function makeOwner(app: TestApp): Promise<ChatLogin> {
  const person = await makeAccount(app);
  const body = { username: `0086${person.phone}`, password: CHAT_PASSWORD, device: PHONE };
  await askIm(app, "POST", "/user/login", { body, headers: from(OWNER) });
  return person;
}

const logInChat = (
  app: TestApp,
  { phone }: Pick<ChatLogin, "phone">,
  address: string,
  { token, ...body }: Record<string, unknown> = {},
) =>
  callIm(app, "POST", "/user/login", {
    body: { username: `0086${phone}`, password: CHAT_PASSWORD, ...body },
    headers: { ...from(address), ...token ? { token: String(token) } : {} },
  });

let attempt = 0;
const enter = (app: TestApp, mobile: string, captcha: string, address: string, as?: GatewayLogin) =>
  callGateway(app, "POST", "/account/login/captcha", {
    body: { mobile, captcha, attempt: ++attempt },
    headers: from(address),
    ...as && { as },
  });

const leaveTries = (app: TestApp, leftCount: number, where: SQL) =>
  app.ctx.db.update(tries).set({ leftCount }).where(where);

const ask = (app: TestApp, mobile: string, address: string) =>
  callGateway(app, "POST", "/account/captcha", { body: { mobile }, headers: from(address) });

Deno.test("wrong passwords shut out the network they come from, and nobody else", async () => {
  await using app = await startHouse();
  const owner = await makeOwner(app);
  for (let at = 0; at < 20; at++) {
    assertImFailure(await logInChat(app, owner, ATTACKER, { password: "wrong-1" }), 400);
  }
  const refused = await logInChat(app, owner, ATTACKER);
  assertImFailure(refused, 429);
  assert.ok(Number(refused.headers.get("retry-after")) > 500);
  assert.equal((await logInChat(app, owner, OWNER)).http, 200);
  assert.equal((await logInChat(app, owner, ELSEWHERE)).http, 200);
  // Of a device of theirs, and of a session of theirs, in the attacker's own network too.
  assert.equal((await logInChat(app, owner, ATTACKER, { device: PHONE })).http, 200);
  const { data } = await logInChat(app, owner, OWNER);
  assert.equal((await logInChat(app, owner, ATTACKER, { token: data.token })).http, 200);
  app.clock.advance(10 * MINUTE_MS);
  assert.equal((await logInChat(app, owner, ATTACKER)).http, 200);
});

Deno.test("right passwords do not count, and names nobody has are answered alike", async () => {
  await using app = await startHouse();
  const owner = await makeAccount(app);
  for (let at = 0; at < 21; at++) assert.equal((await logInChat(app, owner, ELSEWHERE)).http, 200);
  const answersFor = async (phone: string, address: string) => {
    const answers = [];
    for (let at = 0; at < 4; at++) {
      const { http, data } = await logInChat(app, { phone }, address, { password: "wrong-1" });
      answers.push([http, data.msg]);
      // Eighteen more, which would take long to hash.
      if (at === 0) await leaveTries(app, 1, eq(tries.network, address));
    }
    return answers;
  };
  const known = await answersFor(owner.phone, ATTACKER);
  assert.deepEqual(await answersFor(freshPhone(), ATTACKER), known);
  assert.deepEqual(known.map(([http]) => http), [400, 400, 429, 429]);
});

Deno.test("over a hundred wrong passwords a day only unknown networks are refused", async () => {
  await using app = await startHouse();
  const owner = await makeOwner(app);
  const guess = (at: number) => logInChat(app, owner, `203.0.113.${at}`, { password: "wrong-1" });
  for (let at = 0; at < 3; at++) assertImFailure(await guess(at), 400);
  // Ninety-six more, which would take long to hash.
  await leaveTries(app, 1, eq(tries.network, ""));
  assertImFailure(await guess(3), 400);
  assertImFailure(await guess(4), 429);
  const refused = await logInChat(app, owner, ELSEWHERE);
  assertImFailure(refused, 429);
  assert.ok(Number(refused.headers.get("retry-after")) > 60 * 60);
  assert.equal((await logInChat(app, owner, OWNER)).http, 200);
  const device = PHONE;
  assert.equal((await logInChat(app, owner, "198.51.100.10", { device })).http, 200);
  const { data: { token } } = await logInChat(app, owner, OWNER);
  assert.equal((await logInChat(app, owner, "198.51.100.11", { token })).http, 200);
  const other = await makeAccount(app);
  const stolen = await logInChat(app, owner, "198.51.100.12", { token: other.token });
  assertImFailure(stolen, 429);
  app.clock.advance(DAY_MS);
  assert.equal((await logInChat(app, owner, ELSEWHERE)).http, 200);
});

Deno.test("wrong codes kill a code for the network they come from alone", async () => {
  await using app = await startHouse();
  const mobile = "13512340001";
  const code = await requestCode(app, mobile);
  for (let at = 0; at < 5; at++) {
    const wrong = await enter(app, mobile, otherThan(code), ATTACKER);
    assert.deepEqual([wrong.http, wrong.status], [200, 0]);
  }
  const refused = await enter(app, mobile, code, ATTACKER);
  assert.deepEqual([refused.http, refused.status, refused.message], [
    200,
    0,
    "错误次数过多，请稍后再试",
  ]);
  assert.ok(Number(refused.headers.get("retry-after")) > 0);
  assert.equal((await enter(app, mobile, code, ELSEWHERE)).status, 1, "and did not use it up");
});

Deno.test("over a hundred wrong codes a day known networks, sessions and who asked get in", async () => {
  await using app = await startHouse();
  const mobile = "13512340002";
  const before = await logIn(app, { mobile, headers: from(OWNER) });
  app.clock.advance(MINUTE_MS);
  const spend = async () => {
    for (let at = 0; at < 100; at++) {
      await enter(app, mobile, "000000", `203.0.113.${at}`);
    }
  };
  await spend();
  const codeOf = () => app.providers.outbox!.list({ to: `86${mobile}` })[0]!.code!;
  assert.equal((await ask(app, mobile, OWNER)).status, 1);
  assert.equal((await enter(app, mobile, codeOf(), ELSEWHERE)).status, 0);
  const bySession = await enter(app, mobile, codeOf(), ELSEWHERE, before);
  assert.equal(bySession.status, 1, bySession.message);
  app.clock.advance(MINUTE_MS);
  assert.equal((await ask(app, mobile, OWNER)).status, 1);
  assert.equal((await enter(app, mobile, codeOf(), OWNER)).status, 1);
  app.clock.advance(MINUTE_MS);
  assert.equal((await ask(app, mobile, "198.51.100.20")).status, 1);
  assert.equal((await enter(app, mobile, codeOf(), "198.51.100.20")).status, 1);
});

Deno.test("POST /user/login/check_phone counts nothing where no device waits, and burns no code", async () => {
  await using app = await startHouse();
  const owner = await makeOwner(app);
  const { uid, phone } = owner;
  const { token } = (await logInChat(app, owner, OWNER, { device: PHONE })).data;
  await askIm(app, "PUT", "/users/current", { token, body: { device_lock: 1 } });
  const check = (code: string, address: string) =>
    callIm(app, "POST", "/user/login/check_phone", { body: { uid, code }, headers: from(address) });
  for (let at = 0; at < 8; at++) {
    assertImFailure(await check("000000", ATTACKER), 400, "缺少设备信息");
  }

  const device = { ...PHONE, device_id: "d-2" };
  assert.equal((await logInChat(app, owner, OWNER, { device })).data.status, 110);
  await askIm(app, "POST", "/user/sms/login_check_phone", { body: { uid }, headers: from(OWNER) });
  const { code } = app.providers.outbox!.list({ to: `86${phone}` })[0]!;
  for (let at = 0; at < 5; at++) {
    assertImFailure(await check(otherThan(code!), ATTACKER), 400, "验证码错误或已失效");
  }
  assertImFailure(await check(code!, ATTACKER), 429);
  assert.equal((await check(code!, OWNER)).http, 200);
});

Deno.test("strangers who ask for a day's codes leave its owner three more, one a minute", async () => {
  await using app = await startHouse();
  const mobile = "13512340003";
  await logIn(app, { mobile, headers: from(OWNER) });
  app.clock.advance(DAY_MS);
  const askAll = async (address: (at: number) => string) => {
    let sentCount = 0;
    for (let at = 0; at < 30; at++) {
      sentCount += (await ask(app, mobile, address(at))).status;
      app.clock.advance(20 * MINUTE_MS);
    }
    return sentCount;
  };
  assert.equal(await askAll((at) => `203.0.113.${at}`), 10);
  const stranger = await ask(app, mobile, ELSEWHERE);
  assert.deepEqual([stranger.http, stranger.status], [200, 0]);
  assert.equal((await ask(app, mobile, OWNER)).status, 1);
  app.clock.advance(10_000);
  const soon = await ask(app, mobile, OWNER);
  assert.deepEqual([soon.status, soon.message], [0, "验证码发送过于频繁，请稍后再试"]);
  assert.ok(Number(soon.headers.get("retry-after")) <= 50);
  for (let at = 0; at < 2; at++) {
    app.clock.advance(MINUTE_MS);
    assert.equal((await ask(app, mobile, OWNER)).status, 1);
  }
  app.clock.advance(MINUTE_MS);
  assert.equal((await ask(app, mobile, OWNER)).message, "今日验证码发送次数过多，请稍后再试");
});

Deno.test("a stranger's code a moment ago does not keep the owner waiting", async () => {
  await using app = await startHouse();
  const mobile = "13512340004";
  await logIn(app, { mobile, headers: from(OWNER) });
  app.clock.advance(MINUTE_MS);
  assert.equal((await ask(app, mobile, ATTACKER)).status, 1);
  app.clock.advance(2_000);
  assert.equal((await ask(app, mobile, ELSEWHERE)).status, 0);
  assert.equal((await ask(app, mobile, OWNER)).status, 1);
});

Deno.test("one minute for the two codes anybody may ask, one of its own for what a session asks", async () => {
  await using app = await startHouse();
  const phone = freshPhone();
  assert.equal((await ask(app, phone, ELSEWHERE)).status, 1);
  const second = await callIm(app, "POST", "/user/sms/registercode", {
    body: { zone: "0086", phone },
    headers: from(ELSEWHERE),
  });
  assertImFailure(second, 400, "验证码发送过于频繁，请稍后再试");
  assert.equal(app.providers.outbox!.list({ to: `86${phone}` }).length, 1);

  const { token, phone: own } = await registerChat(app);
  await askIm(app, "POST", "/wallet/pay/smscode/paypwd", { token, headers: from(ELSEWHERE) });
  assert.equal(app.providers.outbox!.list({ to: `86${own}` }).length, 2);
});

Deno.test("above SMS_PER_HOUR strangers get no code, and one line an hour says so", async () => {
  await using app = await startHouse({ SMS_PER_HOUR: "3" });
  const mobile = "13512340010";
  await logIn(app, { mobile, headers: from(OWNER) });
  app.clock.advance(2 * MINUTE_MS);
  for (const at of [1, 2]) assert.equal((await ask(app, `1351234001${at}`, ATTACKER)).status, 1);
  for (const at of [3, 4]) {
    const refused = await ask(app, `1351234001${at}`, ATTACKER);
    assert.deepEqual([refused.http, refused.status], [503, 0]);
  }
  const body = { zone: "86", phone: "13512340015" };
  assertImFailure(await callIm(app, "POST", "/user/sms/registercode", { body }), 503);
  assert.equal((await ask(app, mobile, OWNER)).status, 1);
  assert.equal(app.logs.filter(({ level }) => level === "alarm").length, 1);
  app.clock.advance(60 * MINUTE_MS);
  assert.equal((await ask(app, "13512340013", ATTACKER)).status, 1, "a refused one did not count");
});

Deno.test("codes go to the countries that are served, and never to the services of none", async () => {
  const text = "暂不支持该国家或地区的手机号";
  const numbers = [["870", "301234567"], ["881", "651234567"], ["882", "1612345678"]]
    .concat([["883", "510012345"], ["888", "12345678901"], ["979", "123456789"]]);
  for (
    const env of [{} as Record<string, string>, { SMS_COUNTRIES: "86,870,881,882,883,888,979" }]
  ) {
    await using app = await startHouse(env);
    for (const [zone, phone] of numbers) {
      const body = { zone: `+${zone}`, phone };
      const refused = await callIm(app, "POST", "/user/sms/registercode", { body });
      assertImFailure(refused, 400, text);
      const again = await callGateway(app, "POST", "/account/captcha", {
        body: { countryCode: zone, mobile: phone },
      });
      assert.deepEqual([again.http, again.status, again.message], [200, 0, text]);
    }
    assert.equal(app.providers.outbox!.list({}).length, 0);
    assert.equal(await app.ctx.db.$count(captchaSends), 0);
  }
  await using app = await startHouse({ SMS_COUNTRIES: "86" });
  const body = { countryCode: "+44", mobile: "7911123456" };
  const abroad = await callGateway(app, "POST", "/account/captcha", { body });
  assert.deepEqual([abroad.http, abroad.status, abroad.message], [200, 0, text]);
  const phone = { zone: "0044", phone: "07911 123456" };
  assertImFailure(await callIm(app, "POST", "/user/sms/registercode", { body: phone }), 400, text);
});

Deno.test("POST /user/login and GET /user/search know a number as it was pasted", async () => {
  await using app = await startHouse();
  const person = await makeAccount(app);
  const seeker = await makeAccount(app);
  const { phone } = person;
  const spaced = `${phone.slice(0, 3)} ${phone.slice(3, 7)}-${phone.slice(7)}`;
  for (
    const username of [`0086\u202d${spaced}\u202c`, `+86 ${spaced}`, `0086+86${phone}`, spaced]
  ) {
    const body = { username, password: CHAT_PASSWORD };
    assert.equal((await callIm(app, "POST", "/user/login", { body })).http, 200, username);
  }
  for (
    const keyword of [phone, spaced, `\u202d+86 ${spaced}\u202c`, `0086${phone}`, `86${phone}`]
  ) {
    const { token } = seeker;
    const found = await askIm(app, "GET", "/user/search", { token, query: { keyword } });
    assert.deepEqual([found.exist, found.data?.uid], [1, person.uid], keyword);
  }
});

Deno.test("60 logins at once of one address do not shut an honest one out", async () => {
  await using app = await startHouse();
  const owner = await makeOwner(app);
  const flood = Array.from(
    { length: 60 },
    () => logInChat(app, { phone: freshPhone() }, ATTACKER, { password: "wrong-1" }),
  );
  const honest = await logInChat(app, owner, OWNER);
  assert.equal(honest.http, 200);
  const refused = (await Promise.all(flood)).filter(({ http }) => http === 503);
  assert.ok(refused.length >= 20, `${refused.length}`);
  assert.ok(refused.every(({ headers }) => headers.get("retry-after")));
});

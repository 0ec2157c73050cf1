import { eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { payOnce } from "../../../db/domain/wallet/pay_once.ts";
import { users } from "../../../db/schema/users.ts";
import { payTokens, wallets, WalletStatus } from "../../../db/schema/wallets.ts";
import { askIm, assertImFailure, assertNeedsToken, callIm, freshPhone } from "../../clients/im.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { giveMoney } from "../../people/money.ts";
import { type ChatPerson, makeChatPerson } from "./chat_people.ts";

const DONE = { status: 200, msg: "" };
const SEND = "/wallet/pay/smscode/paypwd";
const VERIFY = "/wallet/pay/smscode/paypwdverity";
const MINUTE_MS = 60 * 1000;

const call = (app: TestApp, as: ChatPerson, path: string, body?: unknown) =>
  callIm(app, "POST", path, { token: as.token, body });
const verify = (app: TestApp, as: ChatPerson, code: string) => call(app, as, VERIFY, { code });
const setPassword = (app: TestApp, as: ChatPerson, code: string, password: string) =>
  call(app, as, "/wallet/pay/password", { code, password });
const getToken = (app: TestApp, as: ChatPerson, body: Record<string, unknown>) =>
  call(app, as, "/wallet/pay/token", body);

interface PayingPerson extends ChatPerson {
  phone: string;
}

/** A person with a phone. */
async function makePayer(app: TestApp, name = "Toby"): Promise<PayingPerson> {
  const person = await makeChatPerson(app, name);
  const phone = freshPhone();
  await app.ctx.db.update(users).set({ countryCode: "86", mobile: phone })
    .where(eq(users.id, person.userId));
  return { ...person, phone };
}

/** Asks for a code, past the minute between two, and reads it from the outbox. */
async function requestCode(app: TestApp, as: PayingPerson): Promise<string> {
  app.clock.advance(MINUTE_MS);
  await askIm(app, "POST", SEND, { token: as.token });
  return app.providers.outbox!.list({ to: `86${as.phone}` })[0]!.code!;
}

/** Somebody with so much money behind the password 246810. */
async function makeGuarded(app: TestApp, amount: number): Promise<PayingPerson> {
  const person = await makePayer(app);
  const code = await requestCode(app, person);
  assert.deepEqual((await setPassword(app, person, code, "246810")).data, DONE);
  await giveMoney(app.ctx, person, amount);
  return person;
}

const otherThan = (code: string) => code === "000000" ? "000001" : "000000";
const walletRow = async ({ ctx }: TestApp, { userId }: ChatPerson) =>
  (await ctx.db.select().from(wallets).where(eq(wallets.userId, userId)))[0];

Deno.test("POST /wallet/pay/smscode/paypwd", async (t) => {
  await using app = await startTestApp();
  const toby = await makePayer(app);

  await t.step("sends a code to one's own phone", async () => {
    const { http, data } = await call(app, toby, SEND);
    assert.deepEqual([http, data], [200, DONE]);
    assert.match(app.providers.outbox!.list({ to: `86${toby.phone}` })[0]!.code!, /^\d{6}$/);
  });

  await t.step("sends one a minute and five an hour", async () => {
    const soon = await call(app, toby, SEND);
    assertImFailure(soon, 400, "验证码发送过于频繁，请稍后再试");
    assert.ok(soon.headers.get("retry-after"));
    for (let at = 2; at <= 5; at++) await requestCode(app, toby);
    app.clock.advance(MINUTE_MS);
    assertImFailure(await call(app, toby, SEND), 400, "今日验证码发送次数过多，请稍后再试");
  });

  await t.step("has nowhere to send it without a phone", async () => {
    assertImFailure(await call(app, await makeChatPerson(app), SEND), 400, "没有绑定手机号");
  });

  await t.step("wants a token", () => assertNeedsToken(app, "POST", SEND));
});

Deno.test("POST /wallet/pay/smscode/paypwd says so when the message could not be sent", async () => {
  const sms = { sendCode: () => Promise.reject(new Error("carrier")) };
  await using app = await startTestApp({ providers: { sms } });
  const toby = await makePayer(app);
  assertImFailure(await call(app, toby, SEND), 503, "短信发送失败，请稍后再试");
});

Deno.test("POST /wallet/pay/smscode/paypwdverity", async (t) => {
  await using app = await startTestApp();
  const toby = await makePayer(app);

  await t.step("knows the right code, often, and does not use it up", async () => {
    const code = await requestCode(app, toby);
    for (let time = 1; time <= 10; time++) {
      assert.deepEqual((await verify(app, toby, code)).data, DONE);
    }
    assert.equal((await setPassword(app, toby, code, "123456")).http, 200);
    assertImFailure(await verify(app, toby, code), 400, "验证码错误或已失效");
  });

  await t.step("five wrong tries void the code, also when they come at once", async () => {
    const code = await requestCode(app, toby);
    const wrong = await Promise.all(
      Array.from({ length: 5 }, () => verify(app, toby, otherThan(code))),
    );
    for (const answer of wrong) assertImFailure(answer, 400, "验证码错误或已失效");
    assertImFailure(await verify(app, toby, code), 429);
    assertImFailure(await setPassword(app, toby, code, "123456"), 429);
  });

  await t.step("counts together with the tries of setting the password", async () => {
    const code = await requestCode(app, toby);
    for (let time = 1; time <= 4; time++) await verify(app, toby, otherThan(code));
    assert.equal((await verify(app, toby, code)).http, 200, "a right one costs no try");
    assertImFailure(await setPassword(app, toby, otherThan(code), "123456"));
    assertImFailure(await setPassword(app, toby, code, "123456"), 429);
  });

  await t.step("forgets a code after five minutes", async () => {
    app.clock.advance(60 * MINUTE_MS);
    const code = await requestCode(app, toby);
    app.clock.advance(5 * MINUTE_MS + 1);
    assertImFailure(await verify(app, toby, code));
  });

  await t.step("takes nobody else's code", async () => {
    const code = await requestCode(app, toby);
    assertImFailure(await verify(app, await makePayer(app, "Tony"), code));
    assertImFailure(await verify(app, await makeChatPerson(app), code), 400, "没有绑定手机号");
  });

  await t.step("wants a code of digits, and a token", async () => {
    for (const body of [{}, { code: "abc" }, { code: "1234567" }]) {
      assertImFailure(await call(app, toby, VERIFY, body));
    }
    await assertNeedsToken(app, "POST", VERIFY, { body: { code: "123456" } });
  });
});

Deno.test("POST /wallet/pay/password", async (t) => {
  await using app = await startTestApp();
  const toby = await makePayer(app);

  await t.step("sets the first password, kept as nothing one could read", async () => {
    const code = await requestCode(app, toby);
    const { http, data } = await setPassword(app, toby, code, "246810");
    assert.deepEqual([http, data], [200, DONE]);
    const kept = (await walletRow(app, toby))!.payPasswordHash!;
    assert.match(kept, /^scrypt\$/);
    assert.ok(!kept.includes("246810"));
    const mine = await askIm(app, "GET", "/wallet/my", { token: toby.token });
    assert.equal(mine.password_is_set, 1);
    assertImFailure(await setPassword(app, toby, code, "111111"), 400, "验证码错误或已失效");
  });

  await t.step("refuses what is not 6 digits, and leaves the code good", async () => {
    const code = await requestCode(app, toby);
    for (const password of ["", "12345", "1234567", "abcdef", "１２３４５６", "12345\n"]) {
      const answer = await setPassword(app, toby, code, password);
      assertImFailure(answer, 400, "支付密码必须是6位数字");
    }
    assert.equal((await setPassword(app, toby, code, "135791")).http, 200);
  });

  await t.step("sets another, which ends the old one's, its tries and its lock", async () => {
    await giveMoney(app.ctx, toby, 100);
    const item = "transfer";
    for (let time = 1; time <= 5; time++) {
      await getToken(app, toby, { amount: 1, item, password: "000000" });
    }
    const locked = await getToken(app, toby, { amount: 1, item, password: "135791" });
    assertImFailure(locked, 400, "支付密码错误次数过多，请3小时后再试");
    await setPassword(app, toby, await requestCode(app, toby), "864202");
    const { payTryCount, payLockedUntil } = (await walletRow(app, toby))!;
    assert.deepEqual([payTryCount, payLockedUntil], [0, null]);
    const old = await getToken(app, toby, { amount: 1, item, password: "135791" });
    assertImFailure(old, 400, "支付密码错误");
    assert.equal((await getToken(app, toby, { amount: 1, item, password: "864202" })).http, 200);
  });

  await t.step("needs a phone, a code, a password and a token", async () => {
    const stranger = await makeChatPerson(app);
    assertImFailure(await setPassword(app, stranger, "123456", "123456"), 400, "没有绑定手机号");
    const body = { code: "123456", password: "123456" };
    for (const name of ["code", "password"]) {
      assertImFailure(
        await call(app, toby, "/wallet/pay/password", { ...body, [name]: undefined }),
      );
    }
    await assertNeedsToken(app, "POST", "/wallet/pay/password", { body });
  });
});

Deno.test("POST /wallet/pay/token", async (t) => {
  await using app = await startTestApp();
  const toby = await makeGuarded(app, 1000);
  const body = { amount: 600, item: "transfer", password: "246810" };
  const tokens = () => app.ctx.db.select().from(payTokens).where(eq(payTokens.userId, toby.userId));

  await t.step("gives a token for one payment of one amount, kept as its hash", async () => {
    const { http, data } = await getToken(app, toby, body);
    assert.deepEqual([http, data], [200, { pay_token: data.pay_token, passwordfree: false }]);
    assert.match(data.pay_token, /^[a-f0-9]{32}$/);
    const [kept] = await tokens();
    assert.notEqual(kept!.tokenHash, data.pay_token);
    assert.deepEqual([kept!.item, kept!.amount, kept!.usedAt], ["transfer", 600, null]);
    const payment = { payToken: data.pay_token, userId: toby.userId, input: {} };
    const pay = (amount: number, item: "transfer" | "withdraw") =>
      payOnce(app.ctx, { ...payment, amount, item, kind: "transfer_sent" }, {
        act: () => Promise.resolve("paid"),
        again: () => Promise.resolve("again"),
      });
    await assert.rejects(pay(601, "transfer"), { kind: "pay_token_invalid" });
    await assert.rejects(pay(600, "withdraw"), { kind: "pay_token_invalid" });
    assert.equal(await pay(600, "transfer"), "paid");
  });

  await t.step("is good for five minutes", async () => {
    const { data } = await getToken(app, toby, { ...body, item: "redpacket" });
    app.clock.advance(5 * MINUTE_MS + 1);
    const payment = { payToken: data.pay_token, userId: toby.userId, input: {}, amount: 600 };
    const late = payOnce(app.ctx, { ...payment, item: "redpacket", kind: "red_packet_paid" }, {
      act: () => Promise.resolve(),
      again: () => Promise.resolve(),
    });
    await assert.rejects(late, { kind: "pay_token_invalid" });
  });

  await t.step("is for a withdrawal when nobody says what for", async () => {
    for (const item of ["withdraw", "", undefined]) {
      assert.equal((await getToken(app, toby, { ...body, item, amount: 7 })).http, 200);
    }
    const made = (await tokens()).filter(({ amount }) => amount === 7);
    assert.deepEqual(made.map(({ item }) => item), ["withdraw", "withdraw", "withdraw"]);
  });

  await t.step("refuses more than there is, which is no wrong password", async () => {
    for (let time = 1; time <= 6; time++) {
      assertImFailure(await getToken(app, toby, { ...body, amount: 1001 }), 400, "余额不足");
    }
    assert.equal((await getToken(app, toby, { ...body, amount: 1000 })).http, 200);
  });

  await t.step("takes whole 分, 6 digits and a known purpose, or counts no try", async () => {
    const before = (await tokens()).length;
    for (const amount of [0, -5, 100_000_001]) {
      assertImFailure(await getToken(app, toby, { ...body, amount }), 400, "金额不正确");
    }
    for (const password of ["12345", "abcdef"]) {
      const answer = await getToken(app, toby, { ...body, password });
      assertImFailure(answer, 400, "支付密码必须是6位数字");
    }
    for (const wrong of [{ amount: 1.5 }, { item: "gift" }, { password: undefined }]) {
      assertImFailure(await getToken(app, toby, { ...body, ...wrong }));
    }
    assert.equal((await tokens()).length, before);
    assert.equal((await walletRow(app, toby))!.payTryCount, 0);
  });

  await t.step("asks for a password to be set first", async () => {
    const tony = await makePayer(app, "Tony");
    assertImFailure(await getToken(app, tony, body), 400, "请先设置支付密码");
    await askIm(app, "GET", "/wallet/my", { token: tony.token });
    assertImFailure(await getToken(app, tony, body), 400, "请先设置支付密码");
  });

  await t.step("gives none for a frozen wallet, and counts no try", async () => {
    const set = (status: number) =>
      app.ctx.db.update(wallets).set({ status }).where(eq(wallets.userId, toby.userId));
    await set(WalletStatus.frozen);
    assertImFailure(await getToken(app, toby, body), 400, "钱包不可用");
    await set(WalletStatus.normal);
    assert.equal((await walletRow(app, toby))!.payTryCount, 0);
  });

  await t.step("wants a token", () => assertNeedsToken(app, "POST", "/wallet/pay/token", { body }));
});

Deno.test("POST /wallet/pay/token locks for three hours after five wrong passwords", async (t) => {
  await using app = await startTestApp();
  const toby = await makeGuarded(app, 1000);
  const guess = (password: string) =>
    getToken(app, toby, { amount: 1, item: "transfer", password });
  const wrong = async (count: number) => {
    for (let time = 1; time <= count; time++) {
      assertImFailure(await guess("000000"), 400, "支付密码错误");
    }
  };

  await t.step("a right one in between starts the count again", async () => {
    await wrong(4);
    assert.equal((await guess("246810")).http, 200);
    await wrong(4);
    assert.equal((await guess("246810")).http, 200);
  });

  await t.step(
    "after the fifth not even the right one is looked at, until it is over",
    async () => {
      await wrong(5);
      const locked = await guess("246810");
      assertImFailure(locked, 400, "支付密码错误次数过多，请3小时后再试");
      const seconds = Number(locked.headers.get("retry-after"));
      assert.ok(seconds > 3 * 60 * 60 - 60 && seconds <= 3 * 60 * 60, String(seconds));
      app.clock.advance((seconds - 60) * 1000);
      assertImFailure(await guess("246810"), 400, "支付密码错误次数过多，请3小时后再试");
      app.clock.advance(60 * 1000);
      assert.equal((await guess("246810")).http, 200);
    },
  );

  await t.step("the end of a lock gives five tries, no more", async () => {
    await wrong(5);
    app.clock.advance(3 * 60 * 60 * 1000);
    await wrong(5);
    assertImFailure(await guess("246810"), 400, "支付密码错误次数过多，请3小时后再试");
  });

  await t.step("nobody else is locked with them, and no password is in a log", async () => {
    const tony = await makeGuarded(app, 1);
    const answer = await getToken(app, tony, { amount: 1, item: "", password: "246810" });
    assert.equal(answer.http, 200);
    const logged = JSON.stringify(app.logs);
    for (const secret of ["246810", answer.data.pay_token]) assert.ok(!logged.includes(secret));
  });
});

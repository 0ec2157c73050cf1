import { eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { withdrawals } from "../../../db/schema/ledger.ts";
import { paymentMethods } from "../../../db/schema/people.ts";
import { wallets, WalletStatus } from "../../../db/schema/wallets.ts";
import { askIm, assertImFailure, assertNeedsToken, callIm } from "../../clients/im.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { balanceOf, giveMoney, issuePayToken, walletOf } from "../../people/money.ts";
import { FIRST_CARD, idNumber, nextCard } from "./card_numbers.ts";
import { type ChatPerson, makeChatPerson } from "./chat_people.ts";

const DONE = { status: 200, msg: "" };

/** A token for so much of a withdrawal, as a right pay password would have earned it. */
const tokenFor = ({ ctx }: TestApp, as: ChatPerson, amount: number) =>
  issuePayToken(ctx, as, { item: "withdraw", amount });
const withdraw = (app: TestApp, as: ChatPerson, body: unknown) =>
  callIm(app, "POST", "/wallet/withdraw", { token: as.token, body });

async function bindCard(app: TestApp, as: ChatPerson, card: object): Promise<number> {
  return (await askIm(app, "POST", "/wallet/bankcards", { token: as.token, body: card })).id;
}

/** Somebody with a card, a real name and 100,000 元. */
async function makePayee(app: TestApp, serial = 123) {
  const toby = await makeChatPerson(app, "Toby");
  const cert_no = idNumber("310225", "19900101", serial);
  const cardId = await bindCard(app, toby, { ...FIRST_CARD, cert_no });
  await giveMoney(app.ctx, toby, 10_000_000);
  const bodyFor = async (amount: number) => ({
    pay_token: await tokenFor(app, toby, amount),
    amount,
    bankcard_id: cardId,
    holder_name: FIRST_CARD.holder_name,
    account_type: "BANK",
  });
  return { toby, cardId, bodyFor };
}

Deno.test("GET /wallet/withdraw/explain", async (t) => {
  await using app = await startTestApp();
  const toby = await makeChatPerson(app);

  await t.step("says the limits, and what one has", async () => {
    const ask = () => askIm(app, "GET", "/wallet/withdraw/explain", { token: toby.token });
    const { explain, ...amounts } = await ask();
    assert.deepEqual(amounts, {
      min_withdraw_amount: 100,
      max_withdraw_amount: 5_000_000,
      usable_amount: 0,
    });
    assert.equal(explain[0], "单笔提现金额为1元至50000元");
    await giveMoney(app.ctx, toby, 250);
    assert.equal((await ask()).usable_amount, 250);
  });

  await t.step("wants a token", () => assertNeedsToken(app, "GET", "/wallet/withdraw/explain"));
});

Deno.test("POST /wallet/withdraw", async (t) => {
  await using app = await startTestApp();
  const { ctx } = app;
  const { toby, cardId, bodyFor } = await makePayee(app);
  let left = 10_000_000;

  await t.step("holds the money until an operator has decided", async () => {
    const { http, data } = await withdraw(app, toby, await bodyFor(30_000));
    assert.deepEqual([http, data], [200, { ...DONE, withdrawal_no: data.withdrawal_no }]);
    const [row] = await ctx.db.select().from(withdrawals);
    assert.deepEqual(
      [row!.withdrawalNo, row!.userId, row!.paymentMethodId, row!.amount, row!.state],
      [data.withdrawal_no, toby.userId, cardId, 30_000, "pending"],
    );
    assert.equal(await walletOf(ctx, toby), left -= 30_000);
    assert.equal(await balanceOf(ctx, "withdrawal", toby.userId), 30_000);
    const [record] = await askIm(app, "GET", "/wallet/records", { token: toby.token });
    assert.deepEqual([record.title, record.amount], ["提现", -30_000]);
  });

  await t.step("moves money once however often it is sent", async () => {
    const body = await bodyFor(500);
    const answers = await Promise.all(Array.from({ length: 5 }, () => withdraw(app, toby, body)));
    for (const { http, data } of answers) {
      assert.deepEqual([http, data], [200, answers[0]!.data]);
    }
    assert.equal(await walletOf(ctx, toby), left -= 500);
    const otherCard = await bindCard(app, toby, nextCard(7));
    const other = await withdraw(app, toby, { ...body, bankcard_id: otherCard });
    assertImFailure(other, 400, "同一凭证已用于另一笔操作");
  });

  await t.step("takes 1 to 50,000 元, or leaves the token as it was", async () => {
    for (const amount of [1, 99, 5_000_001]) {
      assertImFailure(await withdraw(app, toby, await bodyFor(amount)), 400, "提现金额不在限额内");
    }
    for (const amount of [0, -100, 100_000_001]) {
      assertImFailure(await withdraw(app, toby, await bodyFor(amount)), 400, "金额不正确");
    }
    for (const amount of [100, 5_000_000]) {
      assert.equal((await withdraw(app, toby, await bodyFor(amount))).http, 200);
      left -= amount;
    }
    assert.equal(await walletOf(ctx, toby), left);
  });

  await t.step("wants a token for a withdrawal of this amount, of one's own, in time", async () => {
    const body = await bodyFor(200);
    const wrong = [
      { pay_token: "0".repeat(32) },
      { amount: 201 },
      { pay_token: await issuePayToken(ctx, toby, { item: "transfer", amount: 200 }) },
      { pay_token: await tokenFor(app, await makeChatPerson(app), 200) },
    ];
    for (const over of wrong) {
      const answer = await withdraw(app, toby, { ...body, ...over });
      assertImFailure(answer, 400, "支付凭证无效或已过期");
    }
    app.clock.advance(5 * 60 * 1000 + 1);
    assertImFailure(await withdraw(app, toby, body), 400, "支付凭证无效或已过期");
  });

  await t.step("goes to a usable card of one's own, to its holder", async () => {
    const body = await bodyFor(200);
    const otto = await makePayee(app, 124);
    for (const bankcard_id of [otto.cardId, 2 ** 40]) {
      assertImFailure(await withdraw(app, toby, { ...body, bankcard_id }), 400, "银行卡不存在");
    }
    const holder = await withdraw(app, toby, { ...body, holder_name: "别人" });
    assertImFailure(holder, 400, "持卡人必须与实名信息一致");
    assert.equal(await walletOf(ctx, toby), left);
    const { holder_name: _name, account_type: _type, ...short } = body;
    assert.equal((await withdraw(app, toby, short)).http, 200, "none of it used the token up");
    left -= 200;
    const removed = await bodyFor(200);
    await ctx.db.update(paymentMethods).set({ removedAt: ctx.now() })
      .where(eq(paymentMethods.id, cardId));
    assertImFailure(await withdraw(app, toby, removed), 400, "银行卡不存在");
    await ctx.db.update(paymentMethods).set({ removedAt: null })
      .where(eq(paymentMethods.id, cardId));
  });

  await t.step("wants a real name on file", async () => {
    const tony = await makeChatPerson(app, "Tony");
    await giveMoney(ctx, tony, 1000);
    const pay_token = await tokenFor(app, tony, 500);
    const answer = await withdraw(app, tony, { pay_token, amount: 500, bankcard_id: cardId });
    assertImFailure(answer, 400, "请先实名认证");
    assert.equal(await walletOf(ctx, tony), 1000);
  });

  await t.step("never takes more than there is", async () => {
    for (const amount of [4_000_000, 4_000_000, 4_000_000]) {
      const answer = await withdraw(app, toby, await bodyFor(amount));
      if (amount <= left) left -= amount;
      else assertImFailure(answer, 400, "余额不足");
    }
    assert.equal(await walletOf(ctx, toby), left);
    assert.ok(left < 4_000_000);
  });

  await t.step("is refused by a frozen wallet", async () => {
    const body = await bodyFor(200);
    const set = (status: number) =>
      ctx.db.update(wallets).set({ status }).where(eq(wallets.userId, toby.userId));
    await set(WalletStatus.frozen);
    assertImFailure(await withdraw(app, toby, body), 400, "钱包不可用");
    await set(WalletStatus.normal);
    assert.equal((await withdraw(app, toby, body)).http, 200);
  });

  await t.step("refuses what makes no sense, and wants a login", async () => {
    const body = await bodyFor(300);
    const wrong = [
      ...[{ pay_token: undefined }, { pay_token: "" }, { amount: "3e2" }, { amount: 1.5 }],
      ...[{ bankcard_id: 0 }, { bankcard_id: "x" }, { account_type: "ALIPAY" }],
    ];
    for (const over of wrong) assertImFailure(await withdraw(app, toby, { ...body, ...over }));
    await assertNeedsToken(app, "POST", "/wallet/withdraw", { body });
    const logged = JSON.stringify(app.logs);
    for (const secret of [body.pay_token, FIRST_CARD.bankcard]) assert.ok(!logged.includes(secret));
  });
});

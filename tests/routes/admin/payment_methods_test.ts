import { eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { decideWithdrawal } from "../../../db/domain/wallet/decide_withdrawal.ts";
import { requestWithdrawal } from "../../../db/domain/wallet/withdraw.ts";
import { withdrawals } from "../../../db/schema/ledger.ts";
import { realNames } from "../../../db/schema/people.ts";
import {
  addPaymentMethod,
  askAdmin,
  assertAdminFailure,
  assertNeedsAdmin,
  assertShape,
  callAdmin,
  makePerson,
} from "../../clients/admin.ts";
import { makeOperator } from "../../clients/ops.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { giveMoney, issuePayToken } from "../../people/money.ts";

const LIST = "GET /v1/admin/users/{uid}/payment-methods";
const GET = "GET /v1/admin/users/{uid}/payment-methods/{id}";

const LIMITS = {
  low_money_per_tx_limit: 1000,
  high_money_per_tx_limit: 10000000,
  times_per_day_limit: 5,
  money_per_day_limit: 50000,
  money_sum_limit: 50000000,
};
const TAKEN = { money_today: 10000, times_today: 2, money_sum: 5000000 };
/** The contract's samples with the numbers of its table: 1 WeChat, 2 Alipay, 4 bank. */
const ALIPAY = {
  id: 123457,
  type: 2,
  name: "张三",
  account: "13777777777",
  extra0: "qrcode url",
  ord: 1,
  status: 0,
  ...LIMITS,
  ...TAKEN,
};
const CARD = {
  id: 123456,
  type: 4,
  name: "张三",
  account: "5522451820999999",
  extra0: "中国建设银行",
  extra1: "福建支行",
  ord: 3,
  status: 0,
  ...LIMITS,
  ...TAKEN,
};

/** Somebody with one way to be paid of each type, a removed one, and money. */
async function openPlace(app: TestApp) {
  const { ctx } = app;
  const { operatorId, token } = await makeOperator(ctx, "operator");
  const { id: userId } = await makePerson(ctx);
  const extra = { extra0: "中国建设银行", extra1: "福建支行" };
  const cardId = await addPaymentMethod(ctx, userId, {
    type: 4,
    position: 3,
    account: "5522451820999999",
    ...extra,
  });
  const [wechatId, alipayId] = [
    await addPaymentMethod(ctx, userId, {
      type: 1,
      position: 2,
      account: "wx-zhangsan",
      status: 0,
      extra0: "wxp://f2f",
    }),
    await addPaymentMethod(ctx, userId, {
      type: 2,
      position: 1,
      account: "13777777777",
      extra0: "https://qr.alipay.com/x",
    }),
  ];
  const removed = { type: 4, position: 4, account: "6225880212345678", removedAt: ctx.now() };
  const removedId = await addPaymentMethod(ctx, userId, removed);
  await ctx.db.insert(realNames).values({
    userId,
    name: "张三",
    idType: "idcard",
    idNoSealed: "",
    idNoIndex: "",
    createdAt: ctx.now(),
  });
  await giveMoney(ctx, { userId }, 1_000_000);
  const actor = { kind: "operator", operatorId, role: "operator", name: "o", jti: "j" } as const;
  const payOut = async (
    amount: number,
    state: "paid" | "rejected" | "pending",
    decidedAt: Date,
    methodId = cardId,
  ) => {
    const payToken = await issuePayToken(ctx, { userId }, { item: "withdraw", amount });
    const asked = { payToken, userId, amount, cardId, holderName: "" };
    const withdrawalNo = await requestWithdrawal(ctx, asked);
    const isMeant = eq(withdrawals.withdrawalNo, withdrawalNo);
    await ctx.db.update(withdrawals).set({ paymentMethodId: methodId }).where(isMeant);
    if (state === "pending") return;
    await decideWithdrawal(ctx, { withdrawalNo, state, reason: "", actor });
    await ctx.db.update(withdrawals).set({ decidedAt }).where(isMeant);
  };
  const params = { uid: String(userId) };
  return { ctx, token, userId, params, cardId, wechatId, alipayId, removedId, payOut };
}

/** When the present day began in UTC+8, written down a second time. */
function midnightThere(now: Date): Date {
  const there = new Date(now.getTime() + 8 * 3_600_000).toISOString().slice(0, 10);
  return new Date(`${there}T00:00:00+08:00`);
}

Deno.test("GET /v1/admin/users/{uid}/payment-methods", async (t) => {
  await using app = await startTestApp();
  const place = await openPlace(app);
  const { ctx, token, params, cardId, wechatId, alipayId, payOut } = place;
  const list = async (query: Record<string, string> = {}) =>
    (await askAdmin(app, LIST, { token, params, query })).list;

  await t.step("answers as the contract's samples do, with accounts as they are", async () => {
    const { data } = await callAdmin(app, LIST, { token, params });
    assertShape(data, { data: { list: [ALIPAY] } });
    const [alipay, wechat, card] = data.data.list;
    assertShape(card, CARD);
    const nothing = { money_today: 0, times_today: 0, money_sum: 0 };
    assert.deepEqual(alipay, {
      id: alipayId,
      type: 2,
      name: "张三",
      account: "13777777777",
      ord: 1,
      status: 1,
      extra0: "https://qr.alipay.com/x",
      ...LIMITS,
      ...nothing,
    });
    assert.deepEqual(wechat, {
      id: wechatId,
      type: 1,
      name: "张三",
      account: "wx-zhangsan",
      ord: 2,
      status: 0,
      extra0: "wxp://f2f",
      ...LIMITS,
      ...nothing,
    });
    assert.deepEqual(card, {
      id: cardId,
      type: 4,
      name: "张三",
      account: "5522451820999999",
      ord: 3,
      status: 1,
      extra0: "中国建设银行",
      extra1: "福建支行",
      ...LIMITS,
      ...nothing,
    });
    assert.equal(data.data.list.length, 3);
  });

  await t.step("of one type if asked for", async () => {
    const byType = { "1": [wechatId], "2": [alipayId], "4": [cardId] };
    for (const [type, ids] of Object.entries(byType)) {
      assert.deepEqual((await list({ type })).map(({ id }: { id: number }) => id), ids);
    }
    for (const all of ["0", ""]) assert.equal((await list({ type: all })).length, 3);
    for (const type of ["3", "5", "-1", "x", "4.0"]) {
      assertAdminFailure(await callAdmin(app, LIST, { token, params, query: { type } }), 400);
    }
  });

  await t.step("sums what has been paid out to each, today by the clock of UTC+8", async () => {
    const midnight = midnightThere(ctx.now());
    await payOut(1_000, "paid", new Date(midnight.getTime() - 1));
    await payOut(2_000, "paid", midnight);
    await payOut(4_000, "paid", ctx.now());
    await payOut(8_000, "rejected", ctx.now());
    await payOut(16_000, "pending", ctx.now());
    await payOut(32_000, "paid", midnight, alipayId);
    const [alipay, wechat, card] = await list();
    const sums = [alipay, wechat, card].map((method) => [
      ...[method.money_today, method.times_today, method.money_sum],
    ]);
    assert.deepEqual(sums, [[32_000, 1, 32_000], [0, 0, 0], [6_000, 2, 7_000]]);
    app.clock.advance(24 * 3_600_000);
    const [{ money_today, times_today, money_sum }] = await list({ type: "4" });
    assert.deepEqual([money_today, times_today, money_sum], [0, 0, 7_000]);
  });

  await t.step("somebody without any has an empty list; nobody has none", async () => {
    const { id } = await makePerson(ctx);
    const none = await askAdmin(app, LIST, { token, params: { uid: String(id) } });
    assert.deepEqual(none, { list: [] });
    assertAdminFailure(await callAdmin(app, LIST, { token, params: { uid: "1" } }), 404);
    assertAdminFailure(await callAdmin(app, LIST, { token, params: { uid: "x" } }), 400);
  });

  await t.step("an auditor sees no account, and no QR code, which says the same", async () => {
    const auditor = await makeOperator(ctx, "auditor");
    const { list } = await askAdmin(app, LIST, { token: auditor.token, params });
    assert.deepEqual(
      list.map(({ account, extra0, extra1 }: typeof CARD) => [account, extra0, extra1]),
      [
        ["**** **** **** 7777", "", undefined],
        ["**** **** **** gsan", "", undefined],
        ["**** **** **** 9999", "中国建设银行", "福建支行"],
      ],
    );
  });

  await t.step("is for operators", () => assertNeedsAdmin(app, LIST, { params }));
});

Deno.test("GET /v1/admin/users/{uid}/payment-methods/{id}", async (t) => {
  await using app = await startTestApp();
  const { ctx, token, params, cardId, alipayId, removedId, payOut } = await openPlace(app);
  const get = (id: number | string, uid = params.uid) =>
    callAdmin(app, GET, { token, params: { uid, id: String(id) } });

  await t.step("answers as the contract's sample does", async () => {
    const { data } = await get(alipayId);
    assertShape(data, { code: 0, data: ALIPAY });
    assert.deepEqual([data.code, data.data.account], [0, "13777777777"]);
    await payOut(500, "paid", ctx.now());
    const card = (await get(cardId)).data.data;
    assertShape(card, CARD);
    assert.deepEqual([card.money_today, card.times_today, card.money_sum], [500, 1, 500]);
  });

  await t.step("is what the list says", async () => {
    const { list } = await askAdmin(app, LIST, { token, params });
    for (const method of list) assert.deepEqual((await get(method.id)).data.data, method);
  });

  await t.step("knows none that is removed, another person's, or nobody's", async () => {
    const { id } = await makePerson(ctx);
    for (const missing of [removedId, 1]) {
      assertAdminFailure(await get(missing), 404, "收付款方式不存在");
    }
    assertAdminFailure(await get(cardId, String(id)), 404, "收付款方式不存在");
    assertAdminFailure(await get(cardId, "1"), 404, "用户不存在");
    for (const wrong of ["x", "-1", "1".repeat(16)]) assertAdminFailure(await get(wrong), 400);
    assertAdminFailure(await get(cardId, "x"), 400);
  });

  await t.step("an auditor sees no account", async () => {
    const { token } = await makeOperator(ctx, "auditor");
    const card = await askAdmin(app, GET, { token, params: { ...params, id: String(cardId) } });
    assert.equal(card.account, "**** **** **** 9999");
  });

  await t.step(
    "is for operators",
    () => assertNeedsAdmin(app, GET, { params: { ...params, id: String(cardId) } }),
  );
});

import { eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { transactions, withdrawals } from "../../../db/schema/ledger.ts";
import { inbox } from "../../../db/schema/messages.ts";
import { operatorActions } from "../../../db/schema/operators.ts";
import {
  askOps,
  assertNeedsOperator,
  assertOpsFailure,
  callOps,
  makeOperator,
} from "../../clients/ops.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { balanceOf, walletOf } from "../../people/money.ts";
import { readTold, systemAccountId } from "../im/chat_people.ts";
import { askForWithdrawal, makePayee } from "./withdrawing_people.ts";

const LIST = "GET /v1/withdrawals";
const CONFIRM = "POST /v1/withdrawals/{no}/confirm";
const REJECT = "POST /v1/withdrawals/{no}/reject";
const INVALID = { http: 400, code: 4001 };
const MISSING = { http: 404, code: 4004, msg: "请求资源不存在" };
const DECIDED = { http: 409, code: 4003, msg: "提现已处理" };
/** RFC 3339 in UTC+8. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+08:00$/;

async function openPlace(app: TestApp) {
  const { operatorId, token } = await makeOperator(app.ctx, "operator");
  const payee = await makePayee(app.ctx);
  return { operatorId, token, payee };
}
const actionsOf = (app: TestApp, no: string) =>
  app.ctx.db.select().from(operatorActions).where(eq(operatorActions.target, `withdrawal:${no}`));

Deno.test("GET /v1/withdrawals", async (t) => {
  await using app = await startTestApp();
  const { token, payee } = await openPlace(app);
  const list = (query: Record<string, string> = {}) => askOps(app, LIST, { token, query });

  await t.step("is empty before anybody asked", async () => {
    assert.deepEqual(await list(), { total: 0, items: [] });
  });

  await t.step("shows who is to be paid what, of the card its last digits", async () => {
    const no = await askForWithdrawal(app.ctx, payee, 300);
    const { total, items } = await list();
    assert.equal(total, 1);
    assert.match(items[0].created_at, TIME);
    const said = Date.parse(items[0].created_at);
    const [row] = await app.ctx.db.select().from(withdrawals);
    assert.equal(said, row!.createdAt.getTime());
    assert.deepEqual(items, [{
      no,
      user_id: payee.uid,
      name: "徐辉",
      amount: 300,
      state: "pending",
      reason: "",
      bank: "招商银行",
      card: "**** **** **** 1234",
      created_at: items[0].created_at,
    }]);
  });

  await t.step("pages newest first, by state, with the whole number of them", async () => {
    const numbers: string[] = [];
    for (let amount = 101; amount <= 125; amount++) {
      numbers.unshift(await askForWithdrawal(app.ctx, payee, amount));
    }
    for (const no of numbers.slice(0, 2)) await askOps(app, CONFIRM, { token, params: { no } });
    await askOps(app, REJECT, { token, params: { no: numbers[2]! } });
    const shown = async (query: Record<string, string>) => {
      const { total, items } = await list(query);
      return { total, numbers: items.map(({ no }: { no: string }) => no) };
    };
    assert.deepEqual(await shown({}), { total: 26, numbers: numbers.slice(0, 20) });
    assert.deepEqual(
      await shown({ start: "3", limit: "4" }),
      { total: 26, numbers: numbers.slice(3, 7) },
    );
    assert.deepEqual(await shown({ start: "26" }), { total: 26, numbers: [] });
    const byState = { paid: numbers.slice(0, 2), rejected: [numbers[2]] };
    for (const [state, expected] of Object.entries(byState)) {
      assert.deepEqual(await shown({ state }), { total: expected.length, numbers: expected });
    }
    const pending = await shown({ state: "pending", limit: "100" });
    assert.deepEqual([pending.total, pending.numbers.length], [23, 23]);
    assert.deepEqual(pending.numbers.slice(0, 22), numbers.slice(3));
  });

  await t.step("refuses pages and states there are none of", async () => {
    const wrong: Record<string, string>[] = [
      ...[{ start: "-1" }, { start: "10001" }, { start: "x" }],
      ...[{ limit: "0" }, { limit: "101" }, { state: "all" }],
    ];
    for (const query of wrong) {
      assertOpsFailure(await callOps(app, LIST, { token, query }), INVALID);
    }
  });

  await t.step("is for operators, auditors too", async () => {
    await assertNeedsOperator(app, LIST);
    for (const role of ["admin", "auditor"] as const) {
      const { token } = await makeOperator(app.ctx, role);
      assert.equal((await askOps(app, LIST, { token })).total, 26);
    }
  });
});

Deno.test("POST /v1/withdrawals/{no}/confirm", async (t) => {
  await using app = await startTestApp();
  const { operatorId, token, payee } = await openPlace(app);
  const no = await askForWithdrawal(app.ctx, payee, 300);
  const confirm = (number = no) => callOps(app, CONFIRM, { token, params: { no: number } });

  await t.step("moves what was held to what has been paid out", async () => {
    const { http, data } = await confirm();
    assert.equal(http, 200);
    assert.match(data.decided_at, TIME);
    assert.deepEqual(data, {
      no,
      user_id: payee.uid,
      name: "徐辉",
      amount: 300,
      state: "paid",
      reason: "",
      bank: "招商银行",
      card: "**** **** **** 1234",
      created_at: data.created_at,
      decided_at: data.decided_at,
      operator_id: operatorId,
    });
    const { ctx } = app;
    assert.equal(await balanceOf(ctx, "withdrawal", payee.userId), 0);
    assert.equal(await balanceOf(ctx, "payout", payee.userId), 300);
    assert.equal(await walletOf(ctx, payee), 9_700);
  });

  await t.step(
    "said again, also by another operator, it answers the same and does nothing",
    async () => {
      const first = (await confirm()).data;
      const admin = await makeOperator(app.ctx, "admin");
      app.clock.advance(60_000);
      assert.deepEqual(await askOps(app, CONFIRM, { ...admin, params: { no } }), first);
      assert.equal(await balanceOf(app.ctx, "payout", payee.userId), 300);
    },
  );

  await t.step("is told whose money it was, once, by the system account", async () => {
    const system = await systemAccountId(app);
    const told = await readTold(app, payee);
    const payload = {
      type: 1,
      event: "withdrawal_paid",
      no,
      amount: 300,
      content: "提现3.00元已到账",
    };
    assert.deepEqual(told, [{ senderId: system, channelId: system, redDot: true, payload }]);
    const kept = eq(inbox.userId, system);
    assert.equal(await app.ctx.db.$count(inbox, kept), 0, "which keeps nothing itself");
  });

  await t.step("can not be refused any more", async () => {
    assertOpsFailure(await callOps(app, REJECT, { token, params: { no }, body: {} }), DECIDED);
    assert.equal(await walletOf(app.ctx, payee), 9_700);
  });

  await t.step("is written down once, with who did it", async () => {
    const [action, ...more] = await actionsOf(app, no);
    assert.deepEqual(more, []);
    assert.deepEqual(
      [action!.operatorId, action!.opsKeyId, action!.action, action!.before, action!.after],
      [operatorId, null, "withdrawals.confirm", { state: "pending" }, {
        state: "paid",
        reason: "",
        amount: 300,
      }],
    );
  });

  await t.step("knows no others", async () => {
    assertOpsFailure(await confirm("0".repeat(32)), MISSING);
  });

  await t.step(
    "is for operators who may",
    () => assertNeedsOperator(app, CONFIRM, { params: { no }, refused: ["auditor"] }),
  );
});

Deno.test("POST /v1/withdrawals/{no}/reject", async (t) => {
  await using app = await startTestApp();
  const { operatorId, token, payee } = await openPlace(app);
  const { ctx } = app;
  const no = await askForWithdrawal(ctx, payee, 300);
  const reject = (body?: unknown, number = no) =>
    callOps(app, REJECT, { token, params: { no: number }, body });

  await t.step("gives the money back, with the reason in the person's records", async () => {
    const { http, data } = await reject({ reason: " 卡号有误 " });
    assert.deepEqual(
      [http, data.state, data.reason, data.operator_id],
      [200, "rejected", "卡号有误", operatorId],
    );
    assert.equal(await walletOf(ctx, payee), 10_000);
    assert.equal(await balanceOf(ctx, "withdrawal", payee.userId), 0);
    const [row] = await ctx.db.select().from(withdrawals);
    const [back] = await ctx.db.select().from(transactions)
      .where(eq(transactions.kind, "withdraw_rejected"));
    assert.deepEqual([back!.reversesId, back!.remark], [row!.transactionId, "卡号有误"]);
  });

  await t.step("said again it answers what was decided first", async () => {
    const { data } = await reject({ reason: "另一个" });
    assert.equal(data.reason, "卡号有误");
    assert.deepEqual((await readTold(app, payee)).map(({ payload }) => payload), [{
      type: 1,
      event: "withdrawal_rejected",
      no,
      amount: 300,
      content: "提现3.00元被驳回，已退回钱包：卡号有误",
    }]);
    assert.equal(await walletOf(ctx, payee), 10_000);
    assert.equal((await actionsOf(app, no)).length, 1);
  });

  await t.step("can not be confirmed any more", async () => {
    assertOpsFailure(await callOps(app, CONFIRM, { token, params: { no } }), DECIDED);
    assert.equal(await balanceOf(ctx, "payout", payee.userId), 0);
  });

  await t.step("needs no reason, and takes none that is too long", async () => {
    const next = await askForWithdrawal(ctx, payee, 200);
    for (const reason of ["因".repeat(201), 5]) {
      assertOpsFailure(await reject({ reason }, next), INVALID);
    }
    assert.equal((await reject(undefined, next)).data.reason, "");
    const { content } = (await readTold(app, payee)).at(-1)!.payload;
    assert.equal(content, "提现2.00元被驳回，已退回钱包");
    const last = await askForWithdrawal(ctx, payee, 200);
    assert.equal((await reject({ reason: "half \ud800" }, last)).http, 200);
  });

  await t.step("knows no others", async () => {
    assertOpsFailure(await reject({}, "0".repeat(32)), MISSING);
  });

  await t.step(
    "is for operators who may",
    () => assertNeedsOperator(app, REJECT, { params: { no }, refused: ["auditor"] }),
  );
});

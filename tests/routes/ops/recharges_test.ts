import assert from "node:assert/strict";
import { createRecharge } from "../../../db/domain/wallet/recharge.ts";
import { operatorActions } from "../../../db/schema/operators.ts";
import {
  askOps,
  assertNeedsOperator,
  assertOpsFailure,
  callOps,
  makeOperator,
} from "../../clients/ops.ts";
import { startTestApp } from "../../harness.ts";
import { makeUser } from "../../people/factories.ts";
import { walletOf } from "../../people/money.ts";
import { readTold, systemAccountId } from "../im/chat_people.ts";

const CONFIRM = "POST /v1/recharges/{no}/confirm";

Deno.test("POST /v1/recharges/{no}/confirm", async (t) => {
  await using app = await startTestApp();
  const { ctx } = app;
  const toby = await makeUser(ctx);
  const person = { userId: toby.id };
  const { operatorId, token } = await makeOperator(ctx, "operator");
  const make = (amount: number) =>
    createRecharge(ctx, {
      ...person,
      amount,
      channelType: 2,
      isCreditedAtOnce: false,
      operationKey: undefined,
    });
  const no = await make(5_000);
  const confirm = (as = token) => askOps(app, CONFIRM, { token: as, params: { no } });

  await t.step("credits what an operator has seen arrive", async () => {
    assert.equal(await walletOf(ctx, person), 0);
    const record = await confirm();
    assert.match(record.decided_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+08:00$/);
    assert.deepEqual(record, {
      no,
      user_id: toby.uid,
      name: "Toby",
      amount: 5_000,
      state: "credited",
      channel_type: 2,
      created_at: record.created_at,
      decided_at: record.decided_at,
      operator_id: operatorId,
    });
    assert.equal(await walletOf(ctx, person), 5_000);
  });

  await t.step(
    "confirmed again, by whomever, it answers the same and credits nothing",
    async () => {
      const first = await confirm();
      app.clock.advance(60_000);
      assert.deepEqual(await confirm((await makeOperator(ctx, "admin")).token), first);
      assert.equal(await walletOf(ctx, person), 5_000);
      const told = await readTold(app, person);
      const payload = {
        type: 1,
        event: "recharge_confirmed",
        no,
        amount: 5_000,
        content: "充值50.00元已到账",
      };
      const senderId = await systemAccountId(app);
      assert.deepEqual(told, [{ senderId, channelId: senderId, redDot: true, payload }], "once");
      const [action, ...more] = await ctx.db.select().from(operatorActions);
      assert.deepEqual(more, []);
      assert.deepEqual(
        [action!.operatorId, action!.action, action!.target, action!.before, action!.after],
        [operatorId, "recharges.confirm", `recharge:${no}`, { state: "pending" }, {
          state: "credited",
          amount: 5_000,
        }],
      );
    },
  );

  await t.step("knows no others", async () => {
    const answer = await callOps(app, CONFIRM, { token, params: { no: "0".repeat(32) } });
    assertOpsFailure(answer, { http: 404, code: 4004, msg: "请求资源不存在" });
    const long = await callOps(app, CONFIRM, { token, params: { no: "0".repeat(65) } });
    assertOpsFailure(long, { http: 400, code: 4001 });
  });

  await t.step("is for operators who may", async () => {
    const params = { no: await make(1) };
    await assertNeedsOperator(app, CONFIRM, { params, refused: ["auditor"] });
    assert.equal(await walletOf(ctx, person), 5_000);
  });
});

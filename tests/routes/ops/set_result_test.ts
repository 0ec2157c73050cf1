import { eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { uuidText } from "../../../config/runtime/uuid.ts";
import { operatorActions } from "../../../db/schema/operators.ts";
import { profitCounts, profitRecords } from "../../../db/schema/payouts.ts";
import { assertNeedsOperator, assertOpsFailure, callOps, makeOperator } from "../../clients/ops.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { makeGroup } from "../../people/factories.ts";
import { makePaidPerson, makeRecord, randomSerial } from "./profit_place.ts";

const SET = "PATCH /v1/cny_records/{serial_id}/set_result";
const ALIAS = "PATCH /v1/profits/cny_records/{serial_id}/set_result";
const INVALID = { http: 400, code: 4001 };
const MISSING = { http: 404, code: 4004, msg: "请求资源不存在" };
const DECIDED = { http: 409, code: 4003, msg: "已发放，不能再改" };
const PAID = { state: "claimed", description: "已发放" };

async function openPlace(app: TestApp) {
  const payee = await makePaidPerson(app.ctx, {
    mobile: "13511111111",
    idNo: "310225199001011234",
    card: "6225880212345678",
  });
  const group = await makeGroup(app.ctx, [payee]);
  const { token, operatorId } = await makeOperator(app.ctx, "operator");
  return { payee, group, token, operatorId };
}

Deno.test("PATCH /v1/cny_records/{serial_id}/set_result", async (t) => {
  await using app = await startTestApp();
  const { ctx } = app;
  const { payee, group, token, operatorId } = await openPlace(app);
  let month = 202101;
  const make = async (state: "init" | "error" = "init") => {
    const period = String(month++);
    const made = { groupId: group.id, userId: payee.id, period, state };
    return (await makeRecord(ctx, made)).serialId;
  };
  const set = (serial_id: string, body: unknown, headers = {}, operation = SET) =>
    callOps(app, operation, { token, params: { serial_id }, body, headers });
  const stateOf = async (serialId: string) => {
    const [row] = await ctx.db.select().from(profitRecords)
      .where(eq(profitRecords.serialId, serialId));
    return { state: row!.state, description: row!.description };
  };
  const actionsOf = (serialId: string) =>
    ctx.db.select().from(operatorActions).where(eq(operatorActions.target, `profit:${serialId}`));

  await t.step("answers the record as it is from then on, as the contract's sample", async () => {
    const serialId = await make();
    app.clock.advance(60_000);
    const { http, data } = await set(serialId, PAID);
    assert.equal(http, 200);
    assert.deepEqual(data, {
      user_id: uuidText(payee.uid),
      date: "202101",
      group_id: String(group.id),
      category: "Group",
      amount: "4937.8265",
      is_kyced: true,
      kyc_authorized: true,
      real_name: "徐辉",
      id_type: "idcard",
      id_no: data.id_no,
      phone_code: "86",
      phone_number: "13511111111",
      issuer: "unionpay",
      issuer_bank_name: "招商银行",
      issuer_bank_symbol: "CMB",
      issuer_branch_bank_name: "上海张江支行",
      card_holder_name: "徐辉",
      card_number: "6225880212345678",
      ...PAID,
      serial_id: serialId,
      created_at: data.created_at,
      updated_at: data.updated_at,
    });
    const tookMs = Date.parse(data.updated_at) - Date.parse(data.created_at);
    assert.ok(tookMs >= 60_000);
    assert.deepEqual(await stateOf(serialId), PAID);
  });

  await t.step("goes along the allowed edges, and no other", async () => {
    const failed = (description: string) => ({ state: "error", description });
    const serialId = await make();
    for (const result of [failed("银行卡错误"), failed("户名不符"), PAID]) {
      assert.equal((await set(serialId, result)).http, 200);
      assert.deepEqual(await stateOf(serialId), result);
    }
    for (const result of [failed("银行卡错误"), { state: "claimed", description: "成功" }]) {
      assertOpsFailure(await set(serialId, result), DECIDED);
      assert.deepEqual(await stateOf(serialId), PAID);
    }
    const waiting = await make("error");
    assert.equal((await set(waiting, PAID)).http, 200);
  });

  await t.step("said again it answers the same and does nothing", async () => {
    for (const result of [PAID, { state: "error", description: "银行卡错误" }]) {
      const serialId = await make();
      const first = await set(serialId, result);
      app.clock.advance(60_000);
      const again = await set(serialId, result);
      assert.deepEqual([again.http, again.data], [200, first.data]);
      assert.equal((await actionsOf(serialId)).length, 1);
    }
  });

  await t.step("is written down with who did it, and what was before", async () => {
    const serialId = await make("error");
    await set(serialId, PAID);
    const [action] = await actionsOf(serialId);
    assert.deepEqual(
      [action!.operatorId, action!.action, action!.before, action!.after],
      [operatorId, "profits.set_result", { state: "error", description: "" }, PAID],
    );
  });

  await t.step("is reached under the other path as well, and in capitals", async () => {
    const serialId = await make();
    const { http, data } = await set(serialId.toUpperCase(), PAID, {}, ALIAS);
    assert.deepEqual([http, data.serial_id, data.state], [200, serialId, "claimed"]);
  });

  await t.step("knows no others, nor those of another group than the call's", async () => {
    assertOpsFailure(await set(randomSerial(), PAID), MISSING);
    const serialId = await make();
    assertOpsFailure(await set(serialId, PAID, { group_id: "7000999999" }), MISSING);
    assert.equal((await stateOf(serialId)).state, "init");
    assert.equal((await set(serialId, PAID, { group_id: String(group.id) })).http, 200);
  });

  await t.step("refuses what is no result", async () => {
    const serialId = await make();
    const wrong = [
      ...[{}, { state: "init" }, { state: "cliamed" }, { state: 1 }, { ...PAID, description: 1 }],
      ...[{ ...PAID, description: "字".repeat(201) }, []],
    ];
    for (const body of wrong) assertOpsFailure(await set(serialId, body), INVALID);
    for (const serial of ["x", "1234", serialId.slice(1)]) {
      assertOpsFailure(await set(serial, PAID), INVALID);
    }
    assert.equal((await stateOf(serialId)).state, "init");
    assert.equal((await set(serialId, { state: "error" })).data.description, "");
    assert.equal((await set(serialId, { ...PAID, description: "半 \ud800" })).http, 200);
  });

  await t.step("the counters follow", async () => {
    const counts = await ctx.db.select().from(profitCounts);
    for (const { state, count } of counts) {
      assert.equal(count, await ctx.db.$count(profitRecords, eq(profitRecords.state, state)));
    }
  });

  await t.step("is for operators who may, not for keys", async () => {
    const params = { serial_id: await make() };
    await assertNeedsOperator(app, SET, { params, body: PAID, refused: ["auditor"] });
  });
});

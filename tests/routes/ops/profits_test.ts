import { eq, sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { uuidText } from "../../../config/runtime/uuid.ts";
import { profitRecords } from "../../../db/schema/payouts.ts";
import { paymentMethods, realNames } from "../../../db/schema/people.ts";
import {
  askOps,
  assertNeedsOperator,
  assertOpsFailure,
  callOps,
  makeOperator,
  makeOpsKey,
} from "../../clients/ops.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { makeGroup, makeUser } from "../../people/factories.ts";
import {
  giveCard,
  giveRealName,
  makeMobilePerson,
  makePaidPerson,
  makeRecord,
} from "./profit_place.ts";

const LIST = "GET /v1/profits/cny_records";
const INVALID = { http: 400, code: 4001 };
const FORBIDDEN = { http: 403, code: 4003, msg: "请求被拒绝" };
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+08:00$/;
const ID_NO = "310225199001011234";
const CARD = "6225880212345678";

async function openPlace(app: TestApp) {
  const payee = await makePaidPerson(app.ctx, { mobile: "13511111111", idNo: ID_NO, card: CARD });
  const group = await makeGroup(app.ctx, [payee]);
  const { token } = await makeOperator(app.ctx, "operator");
  return { payee, group, token };
}

Deno.test("GET /v1/profits/cny_records", async (t) => {
  await using app = await startTestApp();
  const { ctx } = app;
  const { payee, group, token } = await openPlace(app);
  const list = (query: Record<string, string> = {}, headers: Record<string, string> = {}) =>
    askOps(app, LIST, { token, query, headers });

  await t.step("is empty before there are any", async () => {
    assert.deepEqual(await list(), { total: 0, items: [] });
    assert.deepEqual(await list({ keyword: "徐" }), { total: 0, items: [] });
  });

  await t.step("shows who is to be paid what and where to, as the contract's sample", async () => {
    const record = await makeRecord(ctx, { groupId: group.id, userId: payee.id });
    const { total, items: [item] } = await list();
    assert.equal(total, 1);
    assert.match(item.created_at, TIME);
    assert.equal(Date.parse(item.created_at), record.createdAt.getTime());
    const [name] = await ctx.db.select().from(realNames);
    assert.deepEqual(item, {
      user_id: uuidText(payee.uid),
      date: "202102",
      group_id: String(group.id),
      category: "Group",
      amount: "4937.8265",
      is_kyced: true,
      kyc_authorized: true,
      real_name: "徐辉",
      id_type: "idcard",
      id_no: name!.idNoSealed.replace(/^1\./, ""),
      phone_code: "86",
      phone_number: "13511111111",
      issuer: "unionpay",
      issuer_bank_name: "招商银行",
      issuer_bank_symbol: "CMB",
      issuer_branch_bank_name: "上海张江支行",
      card_holder_name: "徐辉",
      card_number: CARD,
      state: "init",
      description: "",
      serial_id: record.serialId,
      created_at: item.created_at,
      updated_at: item.created_at,
    });
    assert.match(item.id_no, /^[A-Za-z0-9+/]{60,}=*$/);
    assert.ok(!JSON.stringify(item).includes(ID_NO));
  });

  await t.step("of whoever has no name and no card there is nothing of them", async () => {
    const { id: userId, uid } = await makeUser(ctx);
    const record = await makeRecord(ctx, {
      groupId: group.id,
      userId,
      category: "Inviter",
      amount: "0.2700",
      state: "error",
      description: "bank account not found",
    });
    const { items: [item] } = await list();
    assert.deepEqual(item, {
      user_id: uuidText(uid),
      date: "202102",
      group_id: String(group.id),
      category: "Inviter",
      amount: "0.27",
      is_kyced: false,
      kyc_authorized: false,
      real_name: "",
      id_type: "",
      id_no: "",
      phone_code: "",
      phone_number: "",
      state: "error",
      description: "bank account not found",
      serial_id: record.serialId,
      created_at: item.created_at,
      updated_at: item.updated_at,
    });
  });

  await t.step("the card is the first usable one of their list", async () => {
    const person = await makeMobilePerson(ctx, "13622222222");
    await giveRealName(ctx, person.id, "王五", "110101199003077777");
    await giveCard(ctx, person.id, "6222000000000001", { position: 1, status: 0 });
    await giveCard(ctx, person.id, "6222000000000002", { position: 2, removedAt: ctx.now() });
    await giveCard(ctx, person.id, "6222000000000003", { position: 4 });
    await giveCard(ctx, person.id, "6222000000000004", { position: 3, extra1: "" });
    await giveCard(ctx, person.id, "13622222222", { position: 0, type: 2 });
    await makeRecord(ctx, { groupId: group.id, userId: person.id, category: "Inviter" });
    const { items: [item] } = await list();
    assert.equal(item.card_number, "6222000000000004");
    assert.ok(!("issuer_branch_bank_name" in item), "what is empty is left out");
    await ctx.db.update(paymentMethods).set({ removedAt: ctx.now() })
      .where(eq(paymentMethods.userId, person.id));
    const { items: [without] } = await list();
    assert.deepEqual(Object.keys(without).filter((name) => /^(issuer|card)/.test(name)), []);
  });

  await t.step("to an auditor numbers are masked", async () => {
    const { token } = await makeOperator(ctx, "auditor");
    const { items } = await askOps(app, LIST, { token, query: { keyword: "徐辉" } });
    assert.deepEqual([items[0].card_number, items[0].phone_number], [
      ...["**** **** **** 5678", "135****1111"],
    ]);
    const all = JSON.stringify(await askOps(app, LIST, { token }));
    for (const number of [CARD, ID_NO, "13511111111"]) assert.ok(!all.includes(number));
  });

  await t.step("is for operators, auditors and keys", async () => {
    await assertNeedsOperator(app, LIST);
    const { authorization } = await makeOpsKey(ctx);
    const { items } = await askOps(app, LIST, { headers: { authorization } });
    assert.ok(items.some((item: { card_number?: string }) => item.card_number === CARD));
  });
});

Deno.test("profit records are found", async (t) => {
  await using app = await startTestApp();
  const { ctx } = app;
  const { payee, group, token } = await openPlace(app);
  const other = await makePaidPerson(ctx, {
    name: "Anna_%\\徐",
    mobile: "13812345678",
    idNo: "11010119900307888X",
    card: "6222021234567890",
  });
  const elsewhere = await makeGroup(ctx, [other]);
  const serials: string[] = [];
  for (let at = 0; at < 25; at++) {
    app.clock.advance(at % 3 === 0 ? 0 : 1_000);
    const { serialId } = await makeRecord(ctx, {
      groupId: at < 20 ? group.id : elsewhere.id,
      userId: at % 2 ? other.id : payee.id,
      period: String(202001 + at),
      state: at % 5 === 0 ? "error" : "init",
    });
    serials.push(serialId);
  }
  await ctx.db.update(profitRecords).set({ state: "claimed" })
    .where(eq(profitRecords.serialId, serials[1]!));
  const rows = await ctx.db.select().from(profitRecords)
    .orderBy(sql`created_at desc, serial_id desc`);
  type Query = Record<string, string>;
  const shown = async (query: Query = {}, headers: Query = {}) => {
    const { total, items } = await askOps(app, LIST, { token, query, headers });
    return { total, serials: items.map((item: { serial_id: string }) => item.serial_id) };
  };
  const those = (isMeant: (row: typeof rows[number]) => boolean) =>
    rows.filter(isMeant).map(({ serialId }) => serialId);
  const all = (serials: string[]) => ({ total: serials.length, serials });
  const inGroup = { group_id: String(group.id) };

  await t.step("newest first, page by page, with the number of all", async () => {
    const newest = those(() => true);
    assert.deepEqual(await shown(), { total: 25, serials: newest.slice(0, 20) });
    const page = await shown({ start: "20", limit: "3" });
    assert.deepEqual(page, { total: 25, serials: newest.slice(20, 23) });
    assert.deepEqual(await shown({ start: "25" }), { total: 25, serials: [] });
  });

  await t.step("by state", async () => {
    for (const state of ["init", "error", "claimed"]) {
      assert.deepEqual(
        await shown({ state, limit: "100" }),
        all(those((row) => row.state === state)),
      );
    }
  });

  await t.step("by the group in the header, alone and with a state", async () => {
    assert.deepEqual(
      await shown({ limit: "100" }, inGroup),
      all(those(({ groupId }) => groupId === group.id)),
    );
    assert.deepEqual(
      await shown({ state: "error" }, inGroup),
      all(those(({ groupId, state }) => groupId === group.id && state === "error")),
    );
    const page = await shown({ start: "4", limit: "2" }, inGroup);
    const whole = those(({ groupId }) => groupId === group.id);
    assert.deepEqual(page, { total: 20, serials: whole.slice(4, 6) });
    assert.deepEqual(await shown({}, { group_id: "1" }), { total: 0, serials: [] });
  });

  await t.step(
    "by a part of a name or of a mobile number, which stand for themselves",
    async () => {
      const payees = those(({ userId }) => userId === payee.id);
      const others = those(({ userId }) => userId === other.id);
      const everybody = those(() => true);
      const found: [string, string[]][] = [
        ...[["辉", payees], ["徐辉", payees], ["anna", others], ["NNA_", others]] as const,
        ...[["_%\\徐", others], ["徐", everybody], ["%", others], ["5111", payees]] as const,
        ...[["138123", others], [" 13812345678 ", others], ["1234567", others], [
          "赵",
          [],
        ]] as const,
        ...[["n_a", []], ["", everybody], ["  ", everybody]] as const,
      ].map(([keyword, serials]) => [keyword, [...serials]]);
      for (const [keyword, serials] of found) {
        assert.deepEqual(await shown({ keyword, limit: "100" }), all(serials), keyword);
      }
    },
  );

  await t.step("by the whole number of an id or bank card, not by a part of one", async () => {
    const payees = those(({ userId }) => userId === payee.id);
    const others = those(({ userId }) => userId === other.id);
    const limit = "100";
    assert.deepEqual(await shown({ keyword: ID_NO, limit }), all(payees));
    assert.deepEqual(await shown({ keyword: "11010119900307888x", limit }), all(others));
    assert.deepEqual(await shown({ keyword: CARD, limit }), all(payees));
    assert.deepEqual(await shown({ keyword: "6222 0212 3456 7890", limit }), all(others));
    for (const keyword of [ID_NO.slice(1), CARD.slice(0, 12), "199001"]) {
      assert.deepEqual(await shown({ keyword }), { total: 0, serials: [] }, keyword);
    }
  });

  await t.step("by keyword, state and group together, page by page", async () => {
    const meant = those(({ userId, state, groupId }) =>
      userId === payee.id && state === "init" && groupId === group.id
    );
    const query = { keyword: "徐辉", state: "init" };
    assert.deepEqual(await shown(query, inGroup), all(meant));
    const page = await shown({ ...query, start: "2", limit: "3" }, inGroup);
    assert.deepEqual(page, { total: meant.length, serials: meant.slice(2, 5) });
  });

  await t.step("by a key only of its groups", async () => {
    const ask = async (groupIds: number[] | null, headers: Query = {}) => {
      const { authorization } = await makeOpsKey(ctx, groupIds);
      return await callOps(app, LIST, {
        query: { limit: "100" },
        headers: { ...headers, authorization },
      });
    };
    assert.equal((await ask(null)).data.total, 25);
    assert.equal((await ask([elsewhere.id])).data.total, 5);
    assert.equal((await ask([elsewhere.id, group.id])).data.total, 25);
    const both = (await ask([elsewhere.id, group.id])).data.items;
    assert.deepEqual(both.map((it: { serial_id: string }) => it.serial_id), those(() => true));
    assert.equal((await ask([elsewhere.id, group.id], inGroup)).data.total, 20);
    assert.deepEqual((await ask([])).data, { total: 0, items: [] });
    assertOpsFailure(await ask([elsewhere.id], inGroup), FORBIDDEN);
  });

  await t.step("nowhere else", async () => {
    const wrong: Query[] = [
      ...[{ start: "-1" }, { start: "10001" }, { start: "x" }, { limit: "0" }, { limit: "101" }],
      ...[{ start: "9981" }, { state: "all" }, { keyword: "x".repeat(51) }],
    ];
    for (const query of wrong) {
      assertOpsFailure(await callOps(app, LIST, { token, query }), INVALID);
    }
    assert.equal((await shown({ start: "9980" })).total, 25);
    assert.equal((await shown({ state: "" })).total, 25);
    for (const group_id of ["x", "-1", "1,2", "", "9".repeat(16)]) {
      assertOpsFailure(await callOps(app, LIST, { token, headers: { group_id } }), INVALID);
    }
  });
});

import { asc, sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { uuidText } from "../../../config/runtime/uuid.ts";
import { groupMembers } from "../../../db/schema/groups.ts";
import { operatorActions } from "../../../db/schema/operators.ts";
import { profitRecords } from "../../../db/schema/payouts.ts";
import { askOps, makeOperator, makeOpsKey } from "../../clients/ops.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { makeGroup } from "../../people/factories.ts";
import { FIRST_CARD, nextCard, TOBY_ID_NO } from "../im/card_numbers.ts";
import { bearer, download, makeMobilePerson, makePaidPerson, upload } from "./profit_place.ts";

/** Numbers nobody may find in the database. */
const PLANTED = [
  ...[TOBY_ID_NO, "11010119900307888X", "440301198507152519"],
  ...[FIRST_CARD.bankcard, nextCard(1).bankcard, nextCard(2).bankcard],
];

/** Every row of every table as text. */
async function dump({ ctx }: TestApp): Promise<string> {
  const { rows } = await ctx.db.execute<{ name: string }>(sql`
    select table_name as name from information_schema.tables
    where table_schema = 'public' and table_type = 'BASE TABLE'`);
  const parts: string[] = [];
  for (const { name } of rows) {
    const { rows } = await ctx.db.execute<{ row: string }>(
      sql`select row_to_json(t)::text as row from ${sql.identifier(name)} as t`,
    );
    parts.push(name, ...rows.map(({ row }) => row));
  }
  return parts.join("\n");
}

/** What somebody makes of the file in a spreadsheet: every other line paid, and saved its way. */
function payHalf(csv: string): { file: string; paid: string[]; left: string[] } {
  const lines = csv.replace(/^\ufeff/, "").trimEnd().split("\n").map((line) => line.split(","));
  const [header, ...records] = lines as [string[], ...string[][]];
  const paid = records.filter((_, at) => at % 2 === 0).map(([serial]) => serial!);
  for (const record of records) {
    if (paid.includes(record[0]!)) record[10] = "成功";
  }
  const saved = [header, ...records].map((cells) => [...cells, "", ""])
    .map((cells) => cells.map((cell) => `"${cell}"`).join(",")).join("\r\n");
  const left = records.filter((_, at) => at % 2 === 1).map(([serial]) => serial!);
  return { file: `${saved}\r\n,,,,,,,,,,,,\r\n\r\n`, paid, left };
}

Deno.test("a month, from what people paid to what people were paid", async (t) => {
  await using app = await startTestApp();
  const { ctx } = app;
  const { token, operatorId } = await makeOperator(ctx, "operator");
  const headers = bearer(token);
  const [owner, inviter, otherInviter] = await Promise.all(
    ["徐辉", "张三", "Anna"].map((name, at) =>
      makePaidPerson(ctx, {
        name,
        mobile: `1350000000${at}`,
        idNo: PLANTED[at]!,
        card: PLANTED[at + 3]!,
      })
    ),
  );
  const poor = await makeMobilePerson(ctx, "13500000009");
  const people = [owner!, inviter!, otherInviter!, poor];
  const group = await makeGroup(ctx, people);
  await ctx.db.update(groupMembers).set({ inviterId: inviter!.id });
  const groupId = String(group.id);
  const { keyId, authorization } = await makeOpsKey(ctx, [group.id]);

  await t.step("payments come in from a script", async () => {
    const payments = people.map(({ uid }, at) => ({
      trace_id: `t-${at}`,
      user_id: uuidText(uid),
      amount: "100.1234",
      paid_at: `2021-02-0${at + 1}T12:00:00+08:00`,
      ...at > 1 && { inviter_user_id: uuidText([otherInviter!, poor][at - 2]!.uid) },
    }));
    const told = await askOps(app, "POST /v1/groups/{group_id}/payments", {
      params: { group_id: groupId },
      body: { payments },
      headers: { authorization },
    });
    assert.deepEqual(told, { accepted: 4, duplicates: 0 });
  });

  await t.step("the month is worked out", async () => {
    const run = await askOps(app, "POST /v1/jobs/{name}/run", {
      token,
      params: { name: "profit" },
      body: { period: "202102" },
    });
    assert.deepEqual([run.state, run.report], ["done", { made: 4 }]);
  });

  const list = (query: Record<string, string> = {}) =>
    askOps(app, "GET /v1/profits/cny_records", { token, query });
  await t.step("its records are listed", async () => {
    const { total, items } = await list();
    assert.equal(total, 4);
    const shares = items.map((it: Record<string, string>) => [it.category, it.amount, it.state]);
    assert.deepEqual(shares.sort(), [
      ["Group", "280.3455", "init"],
      ["Inviter", "10.0123", "error"],
      ["Inviter", "10.0123", "init"],
      ["Inviter", "20.0247", "init"],
    ]);
    const [failed] = (await list({ state: "error" })).items;
    assert.equal(failed.description, "bank account not found");
  });

  let csv = "";
  await t.step("they are downloaded with all it takes to pay", async () => {
    csv = await (await download(app, headers)).text();
    for (const number of PLANTED) assert.ok(csv.includes(`,${number},`));
    assert.equal(csv.trimEnd().split("\n").length, 5);
  });

  const { file, paid, left } = payHalf(csv);
  const statesOf = async () =>
    new Map((await ctx.db.select().from(profitRecords)).map((row) => [row.serialId, row]));
  const before = await statesOf();
  await t.step("half of them are paid, and the file comes back", async () => {
    const { http, data } = await upload(app, headers, file);
    assert.deepEqual([http, data.claimed, data.skipped], [200, 2, 2]);
    assert.deepEqual([data.unknown_count, data.rejected_count], [0, 0]);
    const after = await statesOf();
    for (const serial of paid) assert.equal(after.get(serial)!.state, "claimed");
    for (const serial of left) assert.deepEqual(after.get(serial), before.get(serial));
    assert.equal((await list({ state: "claimed" })).total, 2);
    const rest = await (await download(app, headers)).text();
    assert.deepEqual(rest.trimEnd().split("\n").slice(1).map((line) => line.slice(0, 36)), left);
  });

  await t.step("the same file again changes nothing", async () => {
    const after = await statesOf();
    app.clock.advance(60_000);
    const { data } = await upload(app, headers, file);
    assert.deepEqual([data.claimed, data.unchanged, data.skipped], [0, 2, 2]);
    assert.deepEqual(await statesOf(), after);
  });

  await t.step("nor does the month worked out again", async () => {
    const after = await statesOf();
    const run = await askOps(app, "POST /v1/jobs/{name}/run", {
      token,
      params: { name: "profit" },
      body: { period: "202102" },
    });
    assert.equal(run.state, "done");
    assert.deepEqual(await statesOf(), after);
  });

  await t.step("who did what is on record", async () => {
    const actions = await ctx.db.select().from(operatorActions).orderBy(asc(operatorActions.id));
    const told = actions.map(({ action, operatorId, opsKeyId }) => [action, operatorId ?? opsKeyId])
      .filter(([action]) => !String(action).startsWith("jobs."));
    assert.deepEqual(told, [
      ["payments.record", keyId],
      ["profits.feedback_rows", operatorId],
      ["profits.feedback", operatorId],
      ["profits.feedback", operatorId],
    ]);
    const batch = actions.find(({ action }) => action === "profits.feedback_rows");
    assert.deepEqual(batch!.after, { claimed: paid, error: [] });
  });

  await t.step("the database holds no number of an id or a card", async () => {
    const text = await dump(app);
    assert.ok(text.includes("13500000000") && text.includes("profit_records"), "it is a dump");
    for (const number of PLANTED) assert.ok(!text.includes(number), number);
  });
});

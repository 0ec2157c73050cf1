import { eq } from "drizzle-orm";
import assert from "node:assert/strict";
import type { Database } from "../../../db/client/ctx.ts";
import { writeCsv } from "../../../db/domain/payouts/write_csv.ts";
import { profitRecords } from "../../../db/schema/payouts.ts";
import { realNames } from "../../../db/schema/people.ts";
import { assertNeedsOperator, makeOperator, makeOpsKey } from "../../clients/ops.ts";
import { openTestDatabase, startTestApp, type TestApp } from "../../harness.ts";
import { makeGroup, makeUser } from "../../people/factories.ts";
import {
  bearer,
  download,
  downloadLines,
  HEADER,
  makePaidPerson,
  makeRecord,
} from "./profit_place.ts";

const CALL = "POST /v1/profits/cny_records/download";
const ID_NO = "310225199001011234";
const CARD = "6225880212345678";

async function openPlace(app: TestApp) {
  const payee = await makePaidPerson(app.ctx, { mobile: "13511111111", idNo: ID_NO, card: CARD });
  const group = await makeGroup(app.ctx, [payee]);
  const { token } = await makeOperator(app.ctx, "operator");
  return { payee, group, headers: bearer(token) };
}

/** Records of as many months as it takes. */
async function makeMany(app: TestApp, count: number, userId: number, groupId: number) {
  await app.ctx.db.execute(`insert into profit_records
    select md5(n::text)::uuid, (200000 + n)::text, ${groupId}, ${userId}, 'Inviter', 1 + n * 0.0001, 'init',
      '', now(), now() from generate_series(1, ${count}) as n`);
}

Deno.test(CALL, async (t) => {
  await using app = await startTestApp();
  const { ctx } = app;
  const { payee, group, headers } = await openPlace(app);

  await t.step("is a file of its first line alone before there are any records", async () => {
    const response = await download(app, headers);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-type"), "text/csv; charset=utf-8");
    assert.match(response.headers.get("content-disposition")!, /^attachment; filename=".+\.csv"$/);
    const bytes = new Uint8Array(await response.arrayBuffer());
    assert.deepEqual([...bytes.subarray(0, 3)], [0xef, 0xbb, 0xbf]);
    assert.equal(new TextDecoder().decode(bytes), `${HEADER}\n`);
  });

  const { serialId: owners } = await makeRecord(ctx, { groupId: group.id, userId: payee.id });
  const { serialId: inviters } = await makeRecord(ctx, {
    groupId: group.id,
    userId: payee.id,
    category: "Inviter",
    amount: "0.0675",
  });
  const lineOf = (serial: string, amount: string, word: string) =>
    `${serial},徐辉,徐辉,招商银行,上海张江支行,${ID_NO},${CARD},${amount},13511111111,` +
    `2021年02月群${group.id}${word},`;

  await t.step("prints records as the contract's sample does", async () => {
    const lines = [
      lineOf(owners, "4937.8265", "群主收入"),
      lineOf(inviters, "0.0675", "鼓励金"),
    ];
    assert.deepEqual(await downloadLines(app, headers), lines.sort());
  });

  await t.step("those in error too, paid ones not", async () => {
    const { id: userId } = await makeUser(ctx);
    const { serialId } = await makeRecord(ctx, {
      groupId: group.id,
      userId,
      category: "Inviter",
      amount: "100",
      state: "error",
      description: "x",
    });
    await ctx.db.update(profitRecords).set({ state: "claimed" })
      .where(eq(profitRecords.serialId, owners));
    assert.deepEqual(
      await downloadLines(app, headers),
      [
        lineOf(inviters, "0.0675", "鼓励金"),
        `${serialId},,,,,,,100,,2021年02月群${group.id}鼓励金,`,
      ].sort(),
    );
  });

  await t.step("prints long numbers as text for a spreadsheet that asks for it", async () => {
    const text = await (await download(app, headers, "?spreadsheet=1")).text();
    assert.ok(text.includes(`,'${ID_NO},'${CARD},0.0675,13511111111,`), text);
    assert.equal((await download(app, headers, "?spreadsheet=2")).status, 400);
  });

  await t.step("a name that is a formula is none in the file", async () => {
    await ctx.db.update(realNames).set({ name: '=HYPERLINK("http://x","y")' })
      .where(eq(realNames.userId, payee.id));
    const lines = await downloadLines(app, headers);
    const line = lines.find((line) => line.startsWith(inviters))!;
    assert.ok(line.startsWith(`${inviters},"'=HYPERLINK(""http://x"",""y"")",徐辉,`), line);
  });

  await t.step("is of one group where the header says so, or the key", async () => {
    const elsewhere = await makeGroup(ctx, [payee]);
    const { serialId } = await makeRecord(ctx, { groupId: elsewhere.id, userId: payee.id });
    const serialsOf = async (headers: Record<string, string>) =>
      (await downloadLines(app, headers)).map((line) => line.slice(0, 36));
    assert.equal((await serialsOf(headers)).length, 3);
    assert.deepEqual(await serialsOf({ ...headers, group_id: String(elsewhere.id) }), [serialId]);
    const { authorization } = await makeOpsKey(ctx, [elsewhere.id]);
    assert.deepEqual(await serialsOf({ authorization }), [serialId]);
    assert.deepEqual(await serialsOf({ authorization, group_id: String(elsewhere.id) }), [
      serialId,
    ]);
    const foreign = await download(app, { authorization, group_id: String(group.id) });
    assert.equal(foreign.status, 403);
    assert.deepEqual(await foreign.json(), { code: 4003, msg: "请求被拒绝" });
    assert.equal((await download(app, { ...headers, group_id: "x" })).status, 400);
  });

  await t.step("is for operators who may and for keys", async () => {
    await assertNeedsOperator(app, CALL, { refused: ["auditor"] });
    const { authorization } = await makeOpsKey(ctx);
    assert.equal((await downloadLines(app, { authorization })).length, 3);
  });
});

Deno.test("every record is in the file once, however many pages it takes", async () => {
  await using app = await startTestApp();
  const { payee, group, headers } = await openPlace(app);
  for (const count of [1_000, 2_500]) {
    await app.ctx.db.execute("truncate profit_records, profit_counts");
    await makeMany(app, count, payee.id, group.id);
    const lines = await downloadLines(app, headers);
    const serials = lines.map((line) => line.slice(0, 36));
    assert.equal(new Set(serials).size, count);
    assert.deepEqual(serials, serials.toSorted());
  }
});

/** A database that answers its first `count` questions for records, and then fails. */
function failAfter(database: Database, count: number): { database: Database; asked: () => number } {
  let asked = 0;
  const db = new Proxy(database.db, {
    get(target, name) {
      const value = Reflect.get(target, name, target);
      if (name !== "execute") return value;
      return (...given: unknown[]) => {
        if (++asked > count) return Promise.reject(new Error("the database is gone"));
        return (value as (...given: unknown[]) => unknown).apply(target, given);
      };
    },
  });
  return { database: { ...database, db }, asked: () => asked };
}

Deno.test("a file that breaks off does not end as a whole one does", async (t) => {
  const database = await openTestDatabase();
  await using app = await startTestApp({ database });
  const { payee, group, headers } = await openPlace(app);
  await makeMany(app, 2_500, payee.id, group.id);

  await t.step("in the stream", async () => {
    const broken = failAfter(database, 1);
    await using app = await startTestApp({ database: broken.database });
    const reader = (await download(app, headers)).body!.getReader();
    assert.ok((await reader.read()).value!.length > 100_000);
    await assert.rejects(reader.read(), /the database is gone/);
    const logged = app.logs.splice(0).filter(({ level }) => level === "error");
    assert.deepEqual(logged.map(({ msg, error }) => [msg, error]), [
      ["a file broke off", "the database is gone"],
    ]);
  });

  await t.step("over the wire", async () => {
    const broken = failAfter(database, 1);
    await using app = await startTestApp({ database: broken.database });
    const server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      (request) => app.fetch(request),
    );
    const url = `http://127.0.0.1:${server.addr.port}/v1/profits/cny_records/download`;
    const response = await fetch(url, { method: "POST", headers });
    assert.equal(response.status, 200);
    await assert.rejects(response.text());
    await server.shutdown();
    assert.equal(app.logs.splice(0).filter(({ level }) => level === "error").length, 1);
  });

  await t.step("before it began it is an answer", async () => {
    const broken = failAfter(database, 0);
    const app = await startTestApp({ database: broken.database });
    const response = await download(app, headers);
    assert.deepEqual([response.status, (await response.json()).code], [500, 5000]);
    assert.equal(app.logs.splice(0).filter(({ level }) => level === "error").length, 1);
    await app[Symbol.asyncDispose]();
  });
  await database.close();
});

Deno.test("nothing is read any more for a client that went away, or ahead of a slow one", async () => {
  const database = await openTestDatabase();
  const counting = failAfter(database, Infinity);
  await using app = await startTestApp({ database: counting.database });
  const { payee, group, headers } = await openPlace(app);
  await makeMany(app, 5_000, payee.id, group.id);
  const before = counting.asked();
  const reader = (await download(app, headers)).body!.getReader();
  await reader.read();
  await reader.read();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(counting.asked() - before, 2);
  await reader.cancel();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(counting.asked() - before, 2);

  const pieces = writeCsv(app.ctx, { scope: null, isForSpreadsheet: false });
  await pieces.next();
  await pieces.return();
  assert.deepEqual(await pieces.next(), { done: true, value: undefined });
  await database.close();
});

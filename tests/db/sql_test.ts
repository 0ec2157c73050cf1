import assert from "node:assert/strict";
import { eq, sql } from "drizzle-orm";
import { type Ctx, withTx } from "../../db/client/ctx.ts";
import { users } from "../../db/schema/users.ts";
import {
  bool,
  built,
  builtFor,
  int4,
  int8,
  maybe,
  milliseconds,
  patternOf,
  prepared,
  rows,
  text,
  time,
  typed,
} from "../../db/sql.ts";
import { openTestDatabase, startTestApp } from "../harness.ts";
import { makeUser } from "../people/factories.ts";

Deno.test("rows names columns in camel case and reads each as it was declared", async () => {
  const database = await openTestDatabase();
  const found = await rows(
    database,
    sql`select 7000100001::bigint as id, 3::smallint as place, 'ab' as group_no, true as is_super,
      null::bigint as owner_id, '[1,2]'::json as members, 'not asked for' as other,
      ${milliseconds(sql`'2026-11-29T10:00:00.123Z'::timestamptz`)} as created_at
      union all select 1, 1, 'cd', false, 5, '[]', '', 0 order by 1 desc`,
    {
      id: int8,
      place: int4,
      groupNo: text,
      isSuper: bool,
      ownerId: maybe(int8),
      members: typed<number[]>(),
      createdAt: time,
    },
  );
  assert.deepEqual(found, [
    {
      id: 7000100001,
      place: 3,
      groupNo: "ab",
      isSuper: true,
      ownerId: undefined,
      members: [1, 2],
      createdAt: new Date("2026-11-29T10:00:00.123Z"),
    },
    {
      id: 1,
      place: 1,
      groupNo: "cd",
      isSuper: false,
      ownerId: 5,
      members: [],
      createdAt: new Date(0),
    },
  ]);
  await database.close();
});

Deno.test("patternOf takes signs of patterns for themselves", () => {
  assert.equal(patternOf("100%_\\"), "%100\\%\\_\\\\%");
});

Deno.test("a written-out statement is built once, and runs with each call's own parameters", async () => {
  await using app = await startTestApp();
  let buildCount = 0;
  const sumOf = built<{ left: number; right: number | null }>(({ left, right }) => {
    buildCount++;
    return sql`select ${left}::bigint + coalesce(${right}::bigint, ${40}::bigint) as the_sum`;
  });
  const sum = async (ctx: Ctx, left: number, right: number | null) =>
    (await rows(ctx, sumOf({ left, right }), { theSum: int8 }))[0]!.theSum;
  assert.deepEqual(
    [await sum(app.ctx, 1, 2), await sum(app.ctx, 3, 4), await sum(app.ctx, 2, null)],
    [3, 7, 42],
  );
  assert.equal(await withTx(app.ctx, (ctx) => sum(ctx, 5, 6)), 11);
  assert.equal(buildCount, 1);
});

Deno.test("a statement that has shapes is built once for each", async () => {
  await using app = await startTestApp();
  const builtShapes: string[] = [];
  const statementOf = builtFor<{ isDoubled: boolean }, { value: number }>((shape, { value }) => {
    builtShapes.push(String(shape.isDoubled));
    return sql`select ${value}::bigint * ${sql.raw(shape.isDoubled ? "2" : "1")} as value`;
  });
  for (const value of [3, 4]) {
    for (const isDoubled of [false, true]) {
      const [row] = await rows(app.ctx, statementOf({ isDoubled }, { value }), { value: int8 });
      assert.equal(row!.value, isDoubled ? 2 * value : value);
    }
  }
  assert.deepEqual(builtShapes, ["false", "true"]);
});

Deno.test("a builder's query is built once for each handle", async () => {
  await using app = await startTestApp();
  let buildCount = 0;
  const userBy = prepared((db) => {
    buildCount++;
    return db.select({ uid: users.uid }).from(users).where(eq(users.id, sql.placeholder("id")))
      .prepare("user");
  });
  const [one, two] = [await makeUser(app.ctx), await makeUser(app.ctx)];
  for (const { id, uid } of [one, two]) {
    assert.deepEqual(await userBy(app.ctx.db).execute({ id }), [{ uid }]);
  }
  assert.equal(buildCount, 1);
});

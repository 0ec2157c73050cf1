import assert from "node:assert/strict";
import { sql } from "drizzle-orm";
import {
  bool,
  int4,
  int8,
  maybe,
  milliseconds,
  patternOf,
  rows,
  text,
  time,
  typed,
} from "../../db/sql.ts";
import { openTestDatabase } from "../harness.ts";

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

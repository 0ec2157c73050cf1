import assert from "node:assert/strict";
import { sql } from "drizzle-orm";
import { createPglite, overPglite } from "../../db/client/pglite.ts";
import { ARRAY_TYPES } from "../../db/client/pglite_arrays.ts";
import { openTestDatabase } from "../harness.ts";

Deno.test("the embedded database's array types are as its catalog has them, and all we keep are known", async () => {
  const { db, close } = await openTestDatabase();
  const { rows: catalog } = await db.execute<{ element: number; array: number }>(
    sql`select oid::int4 as element, typarray::int4 as array from pg_type where typarray <> 0`,
  );
  const arrayOf = new Map(catalog.map(({ element, array }) => [element, array]));
  for (const [element, array] of ARRAY_TYPES) assert.equal(arrayOf.get(element), array);

  const { rows: kept } = await db.execute<{ type: number }>(
    sql`select distinct atttypid::int4 as type from pg_attribute
        join pg_class on pg_class.oid = attrelid join pg_type on pg_type.oid = atttypid
        where relnamespace = 'public'::regnamespace and attnum > 0 and typcategory = 'A'`,
  );
  const known = new Set(ARRAY_TYPES.map(([, array]) => array));
  assert.ok(kept.length >= 3);
  assert.deepEqual(kept.filter(({ type }) => !known.has(type)), []);
  await close();
});

Deno.test("lists go into the embedded database and come back as they were", async () => {
  const pglite = await createPglite("memory://");
  const sent = [["7205759403792793599", "-1"], ["a,b", '"', "", null], [[1, 2], [3, 4]], []];
  const { rows } = await pglite.query(
    "select $1::int8[] as big, $2::text[] as texts, $3::int4[] as nested, $4::text[] as none",
    sent,
  );
  assert.deepEqual(Object.values(rows[0] as object), sent);
  await overPglite(pglite).close();
});

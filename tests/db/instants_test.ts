import { eq, sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { type Ctx, withTx } from "../../db/client/ctx.ts";
import { users } from "../../db/schema/users.ts";
import { instant, milliseconds } from "../../db/sql.ts";
import { makeUser } from "../people/factories.ts";
import { Clock, openTestDatabase } from "../harness.ts";

const database = await openTestDatabase();
const { db, transact } = database;
const newCtx = () => ({ db, transact, now: new Clock().now }) as Ctx;
Deno.test.afterAll(() => database.close());

Deno.test("every time is stored in whole milliseconds, which is what the wire shows", async () => {
  const { rows } = await db.execute(sql`
    select attrelid::regclass::text as table_name, attname as column_name
    from pg_attribute
      join pg_class on pg_class.oid = attrelid and relkind in ('r', 'p')
      join pg_type on pg_type.oid = atttypid
    where relnamespace = 'public'::regnamespace and not attisdropped
      and typname in ('timestamp', '_timestamp', 'timestamptz', '_timestamptz')
      and atttypmod <> 3`);
  assert.deepEqual(rows, []);
});

Deno.test("a stored time is the same millisecond by whatever way it is read", async () => {
  const { id } = await makeUser(newCtx());
  for (const [written, ms] of [["963", 963], ["9636", 964], ["9634", 963], ["9999", 1_000]]) {
    const at = `2026-03-01T23:59:59.${written}Z`;
    await db.execute(sql`update users set updated_at = ${at}::timestamptz where id = ${id}`);
    const [row] = await db.select({ updatedAt: users.updatedAt }).from(users)
      .where(eq(users.id, id));
    const atMs = row!.updatedAt.getTime();
    assert.equal(atMs - Date.parse("2026-03-01T23:59:59Z"), ms, at);
    const { rows: [read] } = await db.execute<Record<string, string> & { whole: unknown }>(sql`
      select updated_at as text, ${milliseconds(sql`updated_at`)} as ms,
        jsonb_build_object('ms', ${milliseconds(sql`updated_at`)}, 'text', updated_at) as whole,
        updated_at = ${instant(row!.updatedAt)} as is_found
      from users where id = ${id}`);
    const whole = read!.whole as { ms: number; text: string };
    const readings = [Number(read!.ms), whole.ms, ...[read!.text!, whole.text].map(Date.parse)];
    assert.deepEqual(readings, readings.map(() => atMs), at);
    assert.equal(read!.is_found, true, at);
  }
});

Deno.test("a transaction happens at one time, the next at a later one", async () => {
  const ctx = newCtx();
  const timesOf = () =>
    withTx(ctx, async (tx) => {
      const inner = await withTx(tx, (same) => Promise.resolve(same.now()));
      return [inner, tx.now(), tx.now()].map((at) => at.getTime());
    });
  const [first, second] = [await timesOf(), await timesOf()];
  assert.deepEqual([new Set(first).size, new Set(second).size], [1, 1]);
  assert.ok(second[0]! > first[0]!);
});

import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { startTestApp } from "../harness.ts";
import { EXEMPT_TABLES, watchTraces } from "./traces.ts";

Deno.test("whatever a call changes, says or sends is seen, once", async () => {
  await using app = await startTestApp();
  const traces = await watchTraces(app);
  const { db } = app.ctx;
  await db.execute(sql`insert into call_guards values ('a', now())`);
  assert.deepEqual(await traces.take(), []);

  await db.execute(
    sql`insert into operators (name, role, created_at) values ('a', 'admin', now())`,
  );
  const [made] = await traces.take();
  assert.deepEqual([made!.place, made!.was], ["operators", null]);
  await db.execute(sql`update operators set name = name`);
  assert.deepEqual(await traces.take(), []);
  await db.execute(sql`update operators set name = 'b'`);
  const [changed] = await traces.take();
  assert.deepEqual(changed!.was, made!.is_now);
  assert.notDeepEqual(changed!.is_now, made!.is_now);
  await db.execute(sql`delete from operators`);
  const [gone] = await traces.take();
  assert.deepEqual([gone!.was, gone!.is_now], [changed!.is_now, null]);

  app.bus.publish({ kind: "group", groupId: 1 });
  app.providers.outbox!.put({ kind: "sms", to: "8613800138000", text: "hi" });
  const [event, message, ...others] = await traces.take();
  assert.deepEqual(event, { event: { kind: "group", groupId: 1 } });
  assert.equal((message!.message as { text: string }).text, "hi");
  assert.deepEqual(others, []);
});

Deno.test("every table is watched but those that only count who called", async () => {
  await using app = await startTestApp();
  await watchTraces(app);
  const { rows } = await app.ctx.db.execute<{ table: string }>(sql`
    select tablename as "table" from pg_tables where schemaname = 'public' and not exists (
      select from pg_trigger
      where tgname = 'rights_note' and tgrelid = ('public.' || tablename)::regclass)
    order by tablename`);
  assert.deepEqual(rows.map(({ table }) => table), EXEMPT_TABLES.toSorted());
});

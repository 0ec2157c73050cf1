import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import type { Database } from "../db/client/ctx.ts";
import { openTestDatabase, startTestApp } from "./harness.ts";
import { makeChatPerson } from "./servers/chat.ts";

/** Every row of every table, and where its numbers go on. */
async function contentOf({ db }: Database): Promise<string> {
  const { rows: [row] } = await db.execute<{ content: string }>(
    sql`select query_to_xml('select * from users order by id', true, false, '')::text
      || query_to_xml('select * from friends order by 1, 2', true, false, '')::text
      || query_to_xml('select * from user_counts order by 1, 2, 3', true, false, '')::text
      || (select string_agg(sequencename || last_value, ',' order by 1) from pg_sequences)::text
      as content`,
  );
  return row!.content;
}

Deno.test("a database that was used before is as a new one", async () => {
  const first = await openTestDatabase();
  const asNew = await contentOf(first);
  const app = await startTestApp({ database: first });
  await makeChatPerson(app.ctx);
  assert.notEqual(await contentOf(first), asNew);
  await app[Symbol.asyncDispose]();
  await first.close();
  await assert.rejects(first.db.execute(sql`select 1`), "whose test is over has no database");

  const second = await openTestDatabase();
  assert.equal(await contentOf(second), asNew);
  await second.db.execute(sql`create table lasting (id int)`);
  await second.close();

  const third = await openTestDatabase();
  await assert.rejects(
    third.db.execute(sql`select * from lasting`),
    "a changed schema is nobody's",
  );
  await third.close();
});

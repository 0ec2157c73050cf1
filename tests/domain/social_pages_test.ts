import { drizzle } from "drizzle-orm/node-postgres";
import assert from "node:assert/strict";
import pg from "pg";
import { md5Hex } from "../../config/keys.ts";
import type { Ctx, Db } from "../../db/client/ctx.ts";
import { listBlocked } from "../../db/domain/blocks/reads.ts";
import { listCards } from "../../db/domain/cards/reads.ts";
import { listClubsOf, listMembers } from "../../db/domain/clubs/reads.ts";
import { loadNotifications } from "../../db/domain/notifications/load_page.ts";
import type { Cursor } from "../../db/domain/paging/rules.ts";
import { startPostgres } from "../services/postgres.ts";

const postgres = await startPostgres();
Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());

const FEW = 1_000;
const MANY = 100_000;
/** The viewer: has blocked everybody, holds everybody's card, and is in a club of each of them. */
const VIEWER_ID = 1;
/** A club everybody is in. */
const CLUB_ID = "c".repeat(32);
const START_MS = 1_600_000_000_000;

/** Rows number `from` to `to`, a second apart, ten at a time. */
const FILLS = [
  `insert into users (id, uid, app_uid, profile_at, created_at, updated_at)
   select n, md5(n::text), n, now(), now(), now() from generate_series($1::int, $2::int) n`,
  `insert into blocks select 1, n, to_timestamp(1600000000 + n / 10)
   from generate_series($1::int, $2::int) n where n > 1`,
  `insert into cards select n, 1, to_timestamp(1600000000 + n / 10)
   from generate_series($1::int, $2::int) n where n > 1`,
  `insert into clubs (id, owner_id, name, cover, member_count, created_at)
   select md5(n::text), n, 'a', 'b', 1, now() from generate_series($1::int, $2::int) n`,
  `insert into club_members select md5(n::text), 1, to_timestamp(1600000000 + n / 10)
   from generate_series($1::int, $2::int) n`,
  `insert into club_members select '${CLUB_ID}', n, to_timestamp(1600000000 + n / 10)
   from generate_series($1::int, $2::int) n`,
  `insert into notifications (id, user_id, origin, origin_user_id, title, content, url, created_at)
   select n, 1, 2, n, 'a', 'b', 'c', now() from generate_series($1::int, $2::int) n`,
];

interface Page {
  cursor: Cursor | undefined;
  before: number | undefined;
  count: number;
}

const LISTS: Record<string, (ctx: Ctx, page: Page) => Promise<unknown[]>> = {
  "GET /user/block": (ctx, page) => listBlocked(ctx, { userId: VIEWER_ID, ...page }),
  "GET /user/card": (ctx, page) => listCards(ctx, { userId: VIEWER_ID, ...page }),
  "GET /club": (ctx, page) => listClubsOf(ctx, { userId: VIEWER_ID, ...page }),
  "GET /club/{clubId}/member": (ctx, page) =>
    listMembers(ctx, { clubId: CLUB_ID, viewerId: VIEWER_ID, ...page }),
  "GET /user/message": (ctx, page) => loadNotifications(ctx, { userId: VIEWER_ID, ...page }),
};

/** A connection whose statements are kept, to be asked about. */
async function listen(url: string) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const said: { text: string; values: unknown[] }[] = [];
  const recorder = {
    query(query: { text: string }, values: unknown[]) {
      said.push({ text: query.text, values });
      return client.query(query as unknown as string, values);
    },
  };
  const db = drizzle({ client: recorder as unknown as pg.Client, casing: "snake_case" });
  const ctx = { db: db as unknown as Db, now: () => new Date() } as Ctx;
  return { client, said, ctx };
}

type Listener = Awaited<ReturnType<typeof listen>>;

async function fill({ client }: Listener, from: number, to: number) {
  // Rows are right by construction; looking every reference up would take most of the time.
  await client.query("set session_replication_role = replica");
  for (const statement of FILLS) await client.query(statement, [from, to]);
  await client.query("set session_replication_role = origin");
  await client.query("vacuum analyze");
}

/** How many blocks one page of a list reads, from memory or disk. */
async function buffersOf(
  { client, said, ctx }: Listener,
  list: (ctx: Ctx, page: Page) => Promise<unknown[]>,
  page: Page,
): Promise<number> {
  await client.query("begin");
  const rows = await list(ctx, page);
  await client.query("rollback");
  assert.equal(rows.length, page.count);
  const { text, values } = said.pop()!;
  assert.equal(said.length, 0, "a page is one statement");
  await client.query("begin");
  const explained = await client.query(`explain (analyze, buffers, format json) ${text}`, values);
  await client.query("rollback");
  const plan = explained.rows[0]["QUERY PLAN"][0].Plan;
  return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"];
}

Deno.test({
  name: "a page costs the same whether the list has a thousand items or a hundred thousand",
  ignore: !postgres,
  async fn(t) {
    const url = await postgres!.newDatabase();
    const listener = await listen(url);
    try {
      const pages = (itemCount: number) =>
        [undefined, itemCount / 2].flatMap((at) =>
          [20, 100].map((count) => ({
            count,
            before: at,
            cursor: at === undefined
              ? undefined
              : { at: new Date(START_MS + at * 100), id: md5Hex(`${at}`) },
          }))
        );
      await listener.client.query(
        `insert into users (id, uid, app_uid, created_at, updated_at)
         values (0, 'z', 0, now(), now())`,
      );
      await listener.client.query(
        `insert into clubs (id, owner_id, name, cover, created_at)
         values ('${CLUB_ID}', 0, 'a', 'b', now())`,
      );
      const measure = async (itemCount: number) => {
        const measured: Record<string, number[]> = {};
        for (const [name, list] of Object.entries(LISTS)) {
          measured[name] = [];
          for (const page of pages(itemCount)) {
            measured[name].push(await buffersOf(listener, list, page));
          }
        }
        return measured;
      };
      await fill(listener, 1, FEW);
      const few = await measure(FEW);
      await fill(listener, FEW + 1, MANY);
      const many = await measure(MANY);
      for (const name of Object.keys(LISTS)) {
        await t.step(name, () => {
          for (const [at, buffers] of many[name]!.entries()) {
            const ratio = buffers / few[name]![at]!;
            assert.ok(ratio < 1.5, `page ${at}: ${few[name]} became ${many[name]} buffers`);
          }
        });
      }
    } finally {
      await listener.client.end();
    }
  },
});

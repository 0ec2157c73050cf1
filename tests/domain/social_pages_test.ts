import assert from "node:assert/strict";
import { md5Hex } from "../../config/keys.ts";
import type { Ctx } from "../../db/client/ctx.ts";
import { listBlocked } from "../../db/domain/blocks/reads.ts";
import { listCards } from "../../db/domain/cards/reads.ts";
import { listClubsOf, listMembers } from "../../db/domain/clubs/reads.ts";
import { loadNotifications } from "../../db/domain/notifications/load_page.ts";
import type { Cursor } from "../../db/domain/paging/rules.ts";
import { startPostgres } from "../services/postgres.ts";
import {
  PLAN_MODES,
  type PlanMode,
  type StatementCost,
  StatementListener,
} from "../services/statement_costs.ts";

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

async function fill({ client }: StatementListener, from: number, to: number) {
  // Rows are right by construction; looking every reference up would take most of the time.
  await client.query("set session_replication_role = replica");
  for (const statement of FILLS) await client.query(statement, [from, to]);
  await client.query("set session_replication_role = origin");
  await client.query("vacuum analyze");
}

Deno.test({
  name: "a page costs the same whether the list has a thousand items or a hundred thousand",
  ignore: !postgres,
  async fn(t) {
    await using listener = await StatementListener.open(await postgres!.newDatabase());
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
      const measured: Record<string, Record<PlanMode, StatementCost>[]> = {};
      for (const [name, list] of Object.entries(LISTS)) {
        measured[name] = [];
        for (const page of pages(itemCount)) {
          const { answer, costs } = await listener.costOf((ctx) => list(ctx, page));
          assert.equal(answer.length, page.count);
          measured[name].push(costs);
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
        for (const [at, costs] of many[name]!.entries()) {
          const before = few[name]![at]!.custom.buffers;
          for (const mode of PLAN_MODES) {
            const { buffers } = costs[mode];
            const said = `page ${at}, ${mode} plan: ${before} became ${buffers} buffers`;
            assert.ok(buffers < before * 1.5, said);
          }
        }
      });
    }
  },
});

import assert from "node:assert/strict";
import type { Ctx } from "../../../db/client/ctx.ts";
import { listManagedMembers } from "../../../db/domain/groups/list_managed_members.ts";
import { listManagedGroups } from "../../../db/domain/groups/managed_reads.ts";
import { LISTED_COUNT_MAX } from "../../../db/domain/groups/managed_rules.ts";
import { readOwnGroups } from "../../../db/domain/groups/partner_reads.ts";
import { startPostgres } from "../../services/postgres.ts";
import { PLAN_MODES, StatementListener } from "../../services/statement_costs.ts";
import { sized } from "../../size.ts";

// What a statement costs shows on a real server, on which its plan is the one that will be used.
const postgres = await startPostgres();
Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());

const FEW = 1_000;
const MANY = sized({ suite: 20_000, full: 100_000 });
/** Everybody is in it; the others are of one person each. */
const LARGE_ID = 1;
const MEMBER_ID = 300_000_007;

const LARGE = `insert into groups (id, group_no, name, created_at, updated_at)
  overriding system value values (${LARGE_ID}, 'large', 'Large', now(), now())`;
const FILLS = [
  `insert into users (id, uid, app_uid, nickname, created_at, updated_at)
   select 300000000 + n, md5(n::text), 300000000 + n, 'person ' || md5(n::text), now(), now()
   from generate_series($1::int, $2::int) n`,
  `insert into groups (id, group_no, name, created_at, updated_at) overriding system value
   select 1000 + n, n, 'group ' || md5(n::text), now(), now()
   from generate_series($1::int, $2::int) n`,
  `insert into group_members (group_id, user_id, joined_at)
   select g, 300000000 + n, now()
   from generate_series($1::int, $2::int) n, unnest(array[${LARGE_ID}, 1000 + n]) g`,
];

const place = { start: 0, limit: 20 };
const READS: Record<string, (ctx: Ctx) => Promise<unknown>> = {
  "GET /v1/groups": (ctx) => listManagedGroups(ctx, { keyword: "", ...place }),
  "… one by a part of the name": (ctx) =>
    // Of md5 of 7; nobody else's has it.
    listManagedGroups(ctx, { keyword: "8F14E45FCEEA167A", ...place }),
  "GET /v1/groups/{group_id}/users": (ctx) =>
    listManagedMembers(ctx, { groupId: LARGE_ID, keyword: "", ...place }),
  "GET /client/groups": (ctx) => readOwnGroups(ctx, { userId: MEMBER_ID, withMembers: false }),
};

Deno.test({
  name: `lists of groups cost the same with ${FEW} groups and people or ${MANY}`,
  ignore: !postgres,
  async fn(t) {
    await using listener = await StatementListener.open(await postgres!.newDatabase());
    const { client, ctx } = listener;
    const fill = async (from: number, to: number) => {
      // References are right by construction; those of people would be counted one by one.
      for (const table of ["users", "group_members"]) {
        await client.query(`alter table ${table} disable trigger all`);
      }
      for (const statement of FILLS) await client.query(statement, [from, to]);
      await client.query("vacuum analyze");
    };
    const measure = () => listener.costsOf(Object.entries(READS));
    await client.query(LARGE);
    await fill(1, FEW);
    const few = await measure();
    const total = async () => (await listManagedGroups(ctx, { keyword: "", ...place })).total;
    await t.step("the total is the number of groups that have not been disbanded", async () => {
      assert.equal(await total(), FEW + 1);
      await client.query("update groups set disbanded_at = now() where id <= 1010");
      assert.equal(await total(), FEW - 10);
      await client.query("update groups set disbanded_at = null where id <= 1010");
      assert.equal(await total(), FEW + 1);
    });
    await fill(FEW + 1, MANY);
    const many = await measure();
    for (const name of Object.keys(READS)) {
      await t.step(name, () => {
        const before = few[name]!.custom.buffers;
        for (const mode of PLAN_MODES) {
          const { buffers } = many[name]![mode];
          const said = `${mode} plan: ${before} became ${buffers} buffers`;
          // Indexes are a level or two deeper, and of a name's parts each has a longer list.
          assert.ok(buffers < before * 2 + 20, said);
        }
      });
    }
    await t.step("of more than ten thousand ten thousand are told", async () => {
      assert.equal(await total(), LISTED_COUNT_MAX);
    });
  },
});

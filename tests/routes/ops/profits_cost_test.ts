import assert from "node:assert/strict";
import type { Config } from "../../../config/config.ts";
import { deriveKeys } from "../../../config/keys.ts";
import type { Ctx } from "../../../db/client/ctx.ts";
import { listRecords, type RecordsPage } from "../../../db/domain/payouts/list_records.ts";
import { startPostgres } from "../../services/postgres.ts";
import { PLAN_MODES, StatementListener } from "../../services/statement_costs.ts";
import { sized } from "../../size.ts";

// What a statement costs shows on a real server, on which its plan is the one that will be used.
const postgres = await startPostgres();
Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());

const FEW = 1_000;
const MANY = sized({ suite: 20_000, full: 100_000 });
const GROUP_COUNT = 10;
const FIRST_USER_ID = 200_000_000;

/** Everybody has a name, a card and one record: the newest to be paid, one in five in error. */
const FILLS = [
  `insert into users (id, uid, app_uid, country_code, mobile, profile_at, created_at, updated_at)
   select ${FIRST_USER_ID} + n, md5(n::text), ${FIRST_USER_ID} + n, '86',
     (13000000000 + n::bigint * 7919317 % 1000000000)::text, now(), now(), now() from generate_series($1::int, $2::int) n`,
  `insert into real_names select ${FIRST_USER_ID} + n, 'name ' || translate(md5(n::text), '0123456789', 'ghijklmnop'), 'idcard', '1.x',
     md5(n::text), now() from generate_series($1::int, $2::int) n`,
  `insert into payment_methods (user_id, type, name, account_sealed, account_index, account_last4,
     created_at) select ${FIRST_USER_ID} + n, 4, 'name', '1.x', md5(n::text), '1234', now()
   from generate_series($1::int, $2::int) n`,
  `insert into profit_records select md5(n::text)::uuid, '202102', 1 + n % ${GROUP_COUNT},
     ${FIRST_USER_ID} + n, 'Inviter', 1,
     case when n > $2::int - 10 then 'init' when n % 50 < 10 then 'error' else 'claimed' end, '',
     to_timestamp(1600000000 + n / 10), now() from generate_series($1::int, $2::int) n`,
];
const GROUPS = `insert into groups (id, group_no, name, created_at, updated_at)
  overriding system value
  select n, n, 'group', now(), now() from generate_series(1, ${GROUP_COUNT}) n`;

const ANY = { scope: null, state: undefined, keyword: undefined, start: 0, limit: 20 };
const CONFIG = { keys: deriveKeys({ secretKey: "a key of this test" }) } as Config;
const list = (page: Partial<RecordsPage>) => (ctx: Ctx) =>
  listRecords(ctx, { ...ANY, isFull: false, ...page });

const READS: Record<string, { index: string; read(ctx: Ctx): Promise<unknown> }> = {
  "the newest records": { index: "profit_records_newest", read: list({}) },
  "far into the list": { index: "profit_records_newest", read: list({ start: 500 }) },
  "those to be paid out": { index: "profit_records_of_state", read: list({ state: "init" }) },
  "those in error": { index: "profit_records_of_state", read: list({ state: "error", limit: 5 }) },
  "a group's": { index: "profit_records_of_group", read: list({ scope: [3] }) },
  "two groups'": { index: "profit_records_of_group", read: list({ scope: [5, 6] }) },
  "a group's in error, of which it has none": {
    index: "profit_records_in_state",
    read: list({ scope: [99], state: "error" }),
  },
  "one person's by a part of the name": {
    index: "real_names_name_trigrams",
    // Of md5 of 7; nobody else's has it.
    read: list({ keyword: "OFHKEKLFCEEAHMNA" }),
  },
  "one person's by the mobile number": {
    index: "users_mobile_trigrams",
    read: list({ keyword: "13055435219" }),
  },
  "one person's by the id number": {
    index: "real_names_id_no",
    read: list({ keyword: "31022519900101123X" }),
  },
};

Deno.test({
  name: `GET /v1/profits/cny_records costs the same with ${FEW} records or ${MANY}`,
  ignore: !postgres,
  async fn(t) {
    await using listener = await StatementListener.open(await postgres!.newDatabase(), CONFIG);
    const { client, ctx } = listener;
    const fill = async (from: number, to: number) => {
      for (const statement of FILLS) await client.query(statement, [from, to]);
      await client.query("vacuum analyze");
    };
    const measure = () =>
      listener.costsOf(Object.entries(READS).map(([name, { read }]) => [name, read] as const));
    await client.query(GROUPS);
    await fill(1, FEW);
    const few = await measure();
    await client.query("update profit_records set state = 'claimed' where state = 'init'");
    await fill(FEW + 1, MANY);
    const many = await measure();
    for (const [name, { index }] of Object.entries(READS)) {
      await t.step(name, () => {
        const before = few[name]!.custom.buffers;
        for (const mode of PLAN_MODES) {
          const { buffers, indexes } = many[name]![mode];
          const said = `${mode} plan: ${before} became ${buffers} buffers`;
          // Each of the page's people is looked up thrice, in indexes that are one level deeper.
          assert.ok(buffers < before + 5 * 20 + 20, said);
          assert.ok(indexes.includes(index), `${mode} plan: ${indexes}`);
        }
      });
    }
    await t.step("and the total is the number of records", async () => {
      assert.equal((await list({})(ctx)).total, MANY);
      assert.equal((await list({ state: "error" })(ctx)).total, MANY / 5 - 2);
      assert.equal((await list({ scope: [3] })(ctx)).total, MANY / GROUP_COUNT);
    });
    await t.step("of more than ten thousand found ten thousand are counted", async () => {
      assert.equal((await list({ keyword: "NAME" })(ctx)).total, 10_000);
    });
  },
});

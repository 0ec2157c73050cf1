import assert from "node:assert/strict";
import type { Ctx } from "../../../db/client/ctx.ts";
import { listMethods } from "../../../db/domain/payment_methods/reads.ts";
import { listUsers, searchUsersByName } from "../../../db/domain/users/managed_reads.ts";
import { startPostgres } from "../../services/postgres.ts";
import { PLAN_MODES, StatementListener } from "../../services/statement_costs.ts";
import { sized } from "../../size.ts";

// What a statement costs shows on a real server, on which its plan is the one that will be used.
const postgres = await startPostgres();
Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());

const FEW = 1_000;
const MANY = sized({ suite: 20_000, full: 100_000 });
/** Somebody paid this often to one of their methods. */
const PAYEE_ID = 200_000_001;
const PAID_COUNT = 50;

/** People of every kind, one in a hundred of them deleted; as many of a partner's beside them. */
const FILLS = [
  `insert into users (id, uid, app_id, app_uid, nickname, status, exchanger, profile_at, created_at,
     updated_at)
   select 200000000 + n, md5(n::text), 0, 200000000 + n, 'person ' || md5(n::text),
     case when n % 100 = 0 then 4 else 1 end, n % 50 = 0, now(), now(), now()
   from generate_series($1::int, $2::int) n`,
  `insert into users (id, uid, app_id, app_uid, nickname, created_at, updated_at)
   select 900000000 + n, md5('p' || n::text), 7, n, 'person ' || md5(n::text), now(), now()
   from generate_series($1::int, $2::int) n`,
  `insert into withdrawals (withdrawal_no, user_id, payment_method_id, amount, state,
     transaction_id, created_at, decided_at)
   select md5(n::text), 1, case when n <= ${PAID_COUNT} then 123456 else n + 1000000 end, 5, 'paid',
     1, now(), now() from generate_series($1::int, $2::int) n`,
];

const place = { start: 0, limit: 10 };
const any = { status: undefined, exchanger: undefined };
const READS: Record<string, { index: string; read(ctx: Ctx): Promise<unknown> }> = {
  "active people": {
    index: "users_in_state",
    read: (ctx) => listUsers(ctx, { ...any, status: 1, ...place }),
  },
  "everybody": { index: "users_in_state", read: (ctx) => listUsers(ctx, { ...any, ...place }) },
  "exchangers": {
    index: "users_in_state",
    read: (ctx) => listUsers(ctx, { status: 1, exchanger: true, ...place }),
  },
  "deleted people, far into the list": {
    index: "users_in_state",
    read: (ctx) => listUsers(ctx, { ...any, status: 4, start: 5, limit: 5 }),
  },
  "one person by a part of the name": {
    index: "users_nickname_trigrams",
    // md5 of 7; nobody else's has it.
    read: (ctx) => searchUsersByName(ctx, { part: "8F14E45FCEEA167A", ...place }),
  },
  "what was paid out to a method": {
    index: "withdrawals_of_method",
    read: (ctx) => listMethods(ctx, { userId: PAYEE_ID, type: undefined, isFull: false }),
  },
};

Deno.test({
  name: `GET /v1/admin/users and its like cost the same with ${FEW} people or ${MANY}`,
  ignore: !postgres,
  async fn(t) {
    await using listener = await StatementListener.open(await postgres!.newDatabase());
    const { client, ctx } = listener;
    const fill = async (from: number, to: number) => {
      // The counters' trigger runs; references are right by construction.
      await client.query("alter table withdrawals disable trigger all");
      for (const statement of FILLS) await client.query(statement, [from, to]);
      await client.query("vacuum analyze");
    };
    const measure = () =>
      listener.costsOf(Object.entries(READS).map(([name, { read }]) => [name, read] as const));
    await fill(1, FEW);
    await client.query(
      `insert into payment_methods (user_id, type, name, account_sealed, account_index,
         account_last4, created_at) values (${PAYEE_ID}, 4, '', '', '', '1234', now())`,
    );
    const few = await measure();
    await fill(FEW + 1, MANY);
    const many = await measure();
    for (const [name, { index }] of Object.entries(READS)) {
      await t.step(name, () => {
        const before = few[name]!.custom.buffers;
        for (const mode of PLAN_MODES) {
          const { buffers, indexes } = many[name]![mode];
          const said = `${mode} plan: ${before} became ${buffers} buffers`;
          // So many times as many rows are a level or two more in each index, not more of the rest.
          assert.ok(buffers < before * 2, said);
          assert.ok(indexes.includes(index), `${mode} plan: ${indexes}`);
        }
      });
    }
    await t.step("and the total is the number of people, built-in accounts apart", async () => {
      assert.equal((await listUsers(ctx, { ...any, ...place })).total, MANY);
      assert.equal((await listUsers(ctx, { ...any, status: 3, ...place })).total, 0);
      assert.equal((await listUsers(ctx, { ...any, status: 4, ...place })).total, MANY / 100);
    });
    await t.step("of more than ten thousand found ten thousand are counted", async () => {
      assert.equal((await searchUsersByName(ctx, { part: "PERSON", ...place })).total, 10_000);
    });
  },
});

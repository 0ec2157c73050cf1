import { type SQL, sql } from "drizzle-orm";
import assert from "node:assert/strict";
import type { Ctx, Db } from "../../db/client/ctx.ts";
import { auditLedger } from "../../db/domain/ledger/audit.ts";
import { postedAs } from "../../db/domain/ledger/post.ts";
import { PROFIT_JOB } from "../../db/domain/payouts/months.ts";
import { createRedPacket } from "../../db/domain/red_packets/create.ts";
import { openRedPacket } from "../../db/domain/red_packets/open.ts";
import { payRedPacket } from "../../db/domain/red_packets/pay.ts";
import { sendTransfer } from "../../db/domain/transfers/send.ts";
import { decideWithdrawal } from "../../db/domain/wallet/decide_withdrawal.ts";
import { createRecharge } from "../../db/domain/wallet/recharge.ts";
import { requestWithdrawal } from "../../db/domain/wallet/withdraw.ts";
import { jobRuns } from "../../db/schema/jobs.ts";
import type { TransactionKind } from "../../db/schema/ledger.ts";
import { profitRecords } from "../../db/schema/payouts.ts";
import { runDue } from "../../jobs/run.ts";
import { jobs } from "../../jobs/schedule.ts";
import { settleBy, settleSteps } from "../../jobs/settle.ts";
import { openTestDatabase, startTestApp, type TestApp } from "../harness.ts";
import { type Cast, engageCast } from "../money_model/cast.ts";
import { makeGroup } from "../people/factories.ts";
import { issuePayToken } from "../people/money.ts";
import { jobDepsOf } from "./kit.ts";

const auditJob = jobs.find(({ name }) => name === "audit")!;
const DAY_MS = 24 * 60 * 60 * 1000;
const HOUR_MS = 60 * 60 * 1000;

/** Books in which everything has happened once, and all is well. */
async function keepBooks(app: TestApp): Promise<Cast> {
  const cast = await engageCast(app.ctx, 4);
  const { ctx } = app;
  const [toby, tony, anna] = cast.people as [
    Cast["people"][0],
    Cast["people"][0],
    Cast["people"][0],
  ];
  for (const [place, { userId }] of [toby, tony, anna].entries()) {
    await createRecharge(ctx, {
      userId,
      amount: 10_000 + place,
      channelType: 1,
      isCreditedAtOnce: true,
      operationKey: undefined,
    });
  }
  const token = (item: "redpacket" | "transfer" | "withdraw", amount: number) =>
    issuePayToken(ctx, toby, { item, amount });
  const scene = { type: 2, id: cast.groupNo } as const;
  const sendPacket = async () => {
    const terms = { type: 2, amount: 100, shareCount: 2, blessing: "" };
    const redpacketNo = await createRedPacket(ctx, { userId: toby.userId, scene, ...terms });
    const payToken = await token("redpacket", 100);
    await payRedPacket(ctx, { redpacketNo, userId: toby.userId, payToken });
    return redpacketNo;
  };
  const open = (redpacketNo: string, { userId }: { userId: number }) =>
    openRedPacket(ctx, { redpacketNo, userId, channel: scene });
  const send = async () => {
    const payToken = await token("transfer", 50);
    const transfer = { userId: toby.userId, payToken, amount: 50, toUid: tony.uid, remark: "" };
    return await sendTransfer(ctx, transfer);
  };
  await open(await sendPacket(), tony);
  await send();
  // A day later these two have gone back; what follows is still open.
  app.clock.advance(DAY_MS);
  for (let progress: unknown = null, isLast = false; !isLast;) {
    ({ progress, isLast } = await settleBy(settleSteps, ctx, progress));
  }
  const finished = await sendPacket();
  for (const opener of [tony, anna]) await open(finished, opener);
  await open(await sendPacket(), anna);
  await send();
  for (const state of ["paid", "rejected", undefined] as const) {
    const payToken = await token("withdraw", 200);
    const withdrawalNo = await requestWithdrawal(ctx, {
      payToken,
      userId: toby.userId,
      amount: 200,
      cardId: toby.cardId!,
      holderName: "",
    });
    const actor = {
      kind: "operator" as const,
      operatorId: cast.operatorId,
      role: "operator" as const,
      name: "operator",
      jti: "",
    };
    if (state) await decideWithdrawal(ctx, { withdrawalNo, state, reason: "", actor });
  }
  await keepPayouts(ctx, cast);
  return cast;
}

/** A closed month of one group. */
async function keepPayouts(ctx: Ctx, { people }: Cast): Promise<void> {
  const at = ctx.now();
  const period = "202102";
  await ctx.db.insert(jobRuns).values({ job: PROFIT_JOB, period, state: "done", createdAt: at });
  const { id: groupId } = await makeGroup(ctx, people.map(({ userId }) => ({ id: userId })));
  await ctx.db.insert(profitRecords).values(
    people.slice(0, 3).map((
      { userId },
      place,
    ) => ({
      serialId: crypto.randomUUID(),
      period,
      groupId,
      userId,
      amount: "12.5",
      state: "init",
      category: place === 0 ? "Group" : "Inviter",
      createdAt: at,
      updatedAt: at,
    } as typeof profitRecords.$inferInsert)),
  );
}

/** How to break what only a superuser can: what guards it is gone while `wrong` is done. */
type Tamper = (db: Db, ctx: Ctx) => Promise<void>;

const run = async (db: Db, ...statements: SQL[]) => {
  for (const statement of statements) await db.execute(statement);
};

/** With the guards of a table off; on again before anybody looks. */
const unguarded = (table: string, ...wrong: SQL[]): Tamper => (db) =>
  run(
    db,
    sql.raw(`alter table ${table} disable trigger all`),
    ...wrong,
    sql.raw(`alter table ${table} enable trigger all`),
  );

const withoutConstraint = (table: string, name: string, ...wrong: SQL[]): Tamper => (db) =>
  run(db, sql.raw(`alter table ${table} drop constraint "${name}"`), ...wrong);

const both = (...tampers: Tamper[]): Tamper => async (db, ctx) => {
  for (const tamper of tampers) await tamper(db, ctx);
};

/** A movement that is sound by itself and has no business there. */
function posted(
  kind: TransactionKind,
  { from, to, amount = 1, key = "forged", reverses }: {
    /** `kind, owner_id` of an account, as a query. */
    from: SQL;
    to: SQL;
    amount?: number;
    key?: SQL | string;
    reverses?: SQL;
  },
): SQL {
  const leg = (account: SQL, amount: number) =>
    sql`(select jsonb_build_object('kind', account.kind, 'owner', account.owner_id,
      'amount', ${amount}::int) from (${account}) as account)`;
  const call = postedAs({
    kind,
    userId: sql`(select user_id from wallets order by 1 limit 1)`,
    operationKey: key,
    input: {},
    at: new Date(),
    reversesId: reverses,
    legs: sql`jsonb_build_array(${leg(from, -amount)}, ${leg(to, amount)})`,
  });
  return sql`select ${call}`;
}

/** The wallets of the first people, by place. */
const walletAt = (place: number) =>
  sql`select id, kind, owner_id from accounts where kind = 'wallet'
    order by owner_id limit 1 offset ${place}`;
const accountOf = (kind: string, owner: SQL) =>
  sql`select kind, owner_id from accounts where kind = ${kind} and owner_id = (${owner})`;
const openPacket = sql`select id from red_packets where state = 'open'`;
const withdrawalOf = (state: string) =>
  sql`(select transaction_id from withdrawals where state = ${state})`;

/** For every rule a way to break it and no other. */
const TAMPERS: Record<string, Tamper[]> = {
  "the entries of every transaction sum to zero, and there are at least two": [
    // Two sides of different movements change places: every account is as it was.
    unguarded(
      "entries",
      sql`update entries set transaction_id = (select sum(id) from (select id from transactions
          where kind = 'recharge' order by id limit 2) as two) - transaction_id
        where amount < 0 and transaction_id in (
          select id from transactions where kind = 'recharge' order by id limit 2)`,
    ),
    unguarded(
      "transactions",
      sql`insert into transactions (kind, user_id, operation_key, input_hash, created_at)
        select 'withdraw', user_id, 'forged', '', now() from wallets limit 1`,
    ),
  ],
  "all balances together are zero": [
    both(
      unguarded(
        "accounts",
        sql`update accounts set balance = balance + 1, version = version + 1
        where id = (select id from (${walletAt(0)}) as wallet)`,
      ),
      unguarded(
        "entries",
        sql`insert into entries (transaction_id, account_id, amount, balance_after, account_version)
          select 0, id, 1, balance, version from accounts
          where id = (select id from (${walletAt(0)}) as wallet)`,
      ),
    ),
  ],
  "no account but the source of recharges is below zero": [
    withoutConstraint(
      "accounts",
      "accounts_not_negative",
      posted("withdraw_paid", {
        from: walletAt(0),
        to: accountOf("payout", sql`select owner_id from accounts where kind = 'payout'`),
        amount: 1_000_000,
      }),
    ),
  ],
  "every balance is the sum of its entries, every version their number": [
    unguarded(
      "accounts",
      sql`update accounts set balance = balance + 1
        where id = (select id from (${walletAt(0)}) as wallet)`,
      sql`update accounts set balance = balance - 1
        where id = (select id from (${walletAt(1)}) as wallet)`,
    ),
    unguarded(
      "accounts",
      sql`update accounts set version = version + 1
        where id = (select id from (${walletAt(0)}) as wallet)`,
    ),
  ],
  "each entry goes on from the one before it": [
    unguarded(
      "entries",
      sql`update entries set balance_after = balance_after + 1
        where id = (select min(id) from entries)`,
    ),
    unguarded(
      "entries",
      sql`update entries set account_version = account_version + 1000
        where id = (select max(id) from entries)`,
    ),
  ],
  "the triggers that keep the books closed are in force": [
    ...["entries_post", "entries_balanced", "entries_kept"].map((name): Tamper => (db) =>
      run(db, sql.raw(`alter table entries disable trigger ${name}`))
    ),
    (db) => run(db, sql`alter table transactions disable trigger transactions_kept`),
    (db) => run(db, sql`drop trigger accounts_kept on accounts`),
    (db) => run(db, sql`alter table accounts enable replica trigger accounts_posted`),
  ],
  "no movement is taken back twice": [
    withoutConstraint(
      "transactions",
      "transactions_reversesId_unique",
      posted("withdraw_rejected", {
        from: walletAt(0),
        to: walletAt(1),
        reverses: withdrawalOf("rejected"),
      }),
    ),
  ],
  "no operation was done twice": [
    withoutConstraint(
      "transactions",
      "transactions_operation",
      posted("withdraw", { from: walletAt(0), to: walletAt(1) }),
      posted("withdraw", { from: walletAt(0), to: walletAt(1) }),
    ),
  ],
  "a packet's shares add up to it, and what was taken to what it says was": [
    (db) =>
      run(
        db,
        sql`update red_packet_shares set amount = amount + 1
        where packet_id = (${openPacket}) and user_id is null`,
      ),
    (db) =>
      run(db, sql`update red_packet_shares set user_id = null where packet_id = (${openPacket})`),
    (db) =>
      run(
        db,
        sql`update red_packet_shares set opened_at = (
          select expires_at from red_packets where id = packet_id)
          where packet_id = (${openPacket}) and user_id is not null`,
      ),
    (db) =>
      run(
        db,
        sql`update red_packets set share_count = share_count + 1 where id = (${openPacket})`,
      ),
    (db) =>
      run(
        db,
        sql`insert into red_packets (redpacket_no, sender_id, group_id, type, amount, share_count,
            blessing, created_at, expires_at)
          select 'forged', sender_id, group_id, 1, 2, 2, '', now(), now() from red_packets limit 1`,
      ),
  ],
  "taken, left and given back are a packet's whole amount": [
    (db) =>
      run(
        db,
        posted("red_packet_opened", {
          from: accountOf("red_packet", openPacket),
          to: walletAt(0),
        }),
      ),
    (db) => run(db, sql`update red_packets set state = 'finished' where state = 'open'`),
  ],
  "a transfer is held, received or given back: one of them, once": [
    (db) =>
      run(
        db,
        posted("transfer_received", {
          from: accountOf("transfer", sql`select id from transfers where state = 'waiting'`),
          to: walletAt(0),
        }),
      ),
    (db) => run(db, sql`update transfers set received_at = now() where state = 'waiting'`),
    (db) => run(db, sql`update transfers set refunded_at = null where state = 'refunded'`),
    (db) => run(db, sql`update transfers set state = 'waiting' where state = 'refunded'`),
  ],
  "what is credited was paid in once, and what waits was not": [
    (db) =>
      run(
        db,
        sql`insert into recharges (recharge_no, user_id, amount, channel_type, state, created_at)
          select 'forged', user_id, 1, 1, 'credited', now() from wallets limit 1`,
      ),
    (db) =>
      run(
        db,
        sql`update recharges set state = 'pending' where id = (select min(id) from recharges)`,
      ),
  ],
  "what people wait to be paid out is held, no more and no less": [
    (db) => run(db, sql`update withdrawals set state = 'paid' where state = 'pending'`),
    (db) => run(db, sql`update withdrawals set amount = amount + 1 where state = 'pending'`),
  ],
  "what went back is on record once, and not before its time": [
    (db) =>
      run(
        db,
        sql`update red_packets set refunded_at = expires_at - interval '1 second'
          where state = 'refunded'`,
      ),
    (db) =>
      run(
        db,
        posted("red_packet_refunded", {
          from: walletAt(0),
          to: walletAt(1),
          reverses: sql`(select transaction_id from red_packets where state = 'finished')`,
        }),
      ),
  ],
  "the triggers that keep payouts on their way and counted are in force": [
    ...["profit_records_edges", "profit_records_added", "profit_records_changed"]
      .map((name): Tamper => (db) =>
        run(db, sql.raw(`alter table profit_records disable trigger ${name}`))
      ),
  ],
  "payouts are of known states, and of more than nothing": [
    (db) => run(db, sql`update profit_records set amount = 0 where category = 'Group'`),
    (db) => run(db, sql`update profit_records set state = 'lost' where category = 'Group'`),
  ],
  "a group's month has one owner's share, and one of each inviter": [
    (db) => run(db, sql`update profit_records set category = 'Group'`),
    (db) =>
      run(
        db,
        sql`update profit_records set user_id = (select min(user_id) from profit_records)
          where category = 'Inviter'`,
      ),
  ],
  "the counters of payouts count them": [
    (db) => run(db, sql`update profit_counts set count = count + 1`),
    (db) => run(db, sql`delete from profit_counts`),
  ],
};

class RolledBack extends Error {}

/** What the audit says of books tampered with; the next one finds them sound again. */
async function auditAfter({ database, ctx }: TestApp, tamper: Tamper) {
  let lines: Awaited<ReturnType<typeof auditLedger>> = [];
  await assert.rejects(
    database.transact(async (db) => {
      await tamper(db, ctx);
      lines = await auditLedger({ db });
      throw new RolledBack();
    }),
    RolledBack,
  );
  return lines.filter(({ violations }) => violations > 0);
}

Deno.test("each rule of the audit finds what breaks it, and no other does", async (t) => {
  const database = await openTestDatabase();
  try {
    await using app = await startTestApp({ database });
    await keepBooks(app);
    const lines = await auditLedger(app.ctx);
    assert.deepEqual(lines.filter(({ violations }) => violations > 0), [], "sound before");
    assert.deepEqual(lines.map(({ rule }) => rule).sort(), Object.keys(TAMPERS).sort());
    for (const { invariant, rule } of lines) {
      await t.step(`${invariant}: ${rule}`, async () => {
        for (const tamper of TAMPERS[rule]!) {
          const broken = await auditAfter(app, tamper);
          assert.deepEqual(broken.map((line) => line.rule), [rule], JSON.stringify(broken));
          assert.ok(broken[0]!.example);
        }
      });
    }
    assert.deepEqual((await auditLedger(app.ctx)).map(({ violations }) => violations > 0), [
      ...lines.map(() => false),
    ], "sound after");
  } finally {
    await database.close();
  }
});

Deno.test("the audit job reports every rule of sound books, and names what is broken", async (t) => {
  const database = await openTestDatabase();
  try {
    await using app = await startTestApp({ database });
    await keepBooks(app);
    const rules = (await auditLedger(app.ctx)).map(({ invariant, rule }) =>
      `${invariant}: ${rule}`
    );

    await t.step("sound", async () => {
      const [state] = await runDue(auditJob, jobDepsOf(app));
      assert.deepEqual([state!.state, state!.lastError], ["done", null]);
      assert.deepEqual(state!.report, rules);
    });

    await t.step("broken: the run fails, says where, and keeps what held until then", async () => {
      app.clock.advance(HOUR_MS);
      await unguarded(
        "accounts",
        sql`update accounts set version = version + 1
          where id = (select id from (${walletAt(0)}) as wallet)`,
      )(app.ctx.db, app.ctx);
      const [state] = await runDue(auditJob, jobDepsOf(app));
      assert.equal(state!.state, "running", "it will be looked at again");
      const rule = "every balance is the sum of its entries, every version their number";
      assert.match(state!.lastError!, new RegExp(`^M3 \\(${rule}\\): 1, such as account \\d+$`));
      assert.deepEqual(state!.report, rules.slice(0, rules.indexOf(`M3: ${rule}`)));
      const [line, ...more] = app.logs.splice(0).filter(({ level }) => level === "error");
      assert.deepEqual(more, []);
      assert.deepEqual([line!.msg, line!.job], ["job failed", "audit"]);
      assert.match(String(line!.error), new RegExp(rule));
    });

    await t.step("mended: the same run goes on to its end", async () => {
      await unguarded(
        "accounts",
        sql`update accounts set version = version - 1
          where id = (select id from (${walletAt(0)}) as wallet)`,
      )(app.ctx.db, app.ctx);
      app.clock.advance(HOUR_MS / 2);
      const [state] = await runDue(auditJob, jobDepsOf(app));
      assert.deepEqual([state!.state, state!.lastError], ["done", null]);
      assert.deepEqual(state!.report, rules);
    });
  } finally {
    await database.close();
  }
});

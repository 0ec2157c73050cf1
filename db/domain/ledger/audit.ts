import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { int4, listOf, maybe, rows, text } from "../../sql.ts";

export interface AuditLine {
  /** `M1` …: docs/invariants.md. */
  invariant: string;
  rule: string;
  violations: number;
  example: string | undefined;
}

interface Check {
  invariant: string;
  rule: string;
  /** Answers a row `example` for each violation. */
  violations: SQL;
}

/** What an account holds; accounts that were never needed hold nothing. */
const held = (kind: SQL, owner: SQL) =>
  sql`coalesce((select balance from accounts where accounts.kind = ${kind}
    and accounts.owner_id = ${owner}), 0)`;

const LEDGER_TRIGGERS = [
  "entries_post",
  "entries_balanced",
  "entries_kept",
  "transactions_kept",
  "accounts_kept",
  "accounts_posted",
];
const PAYOUT_TRIGGERS = [
  "profit_records_edges",
  "profit_records_added",
  "profit_records_changed",
];

const missingOf = (triggers: string[]) =>
  sql`select 'trigger ' || name as example
    from unnest(${listOf(triggers, "text")}) as name
    where not exists (select from pg_trigger where tgname = name and tgenabled in ('O', 'A'))`;

/** M9, the order of locks, is a property of running programs and shown by the races in `tests/`. */
const CHECKS: Check[] = [
  {
    invariant: "M1",
    rule: "the entries of every transaction sum to zero, and there are at least two",
    violations: sql`select 'transaction ' || transactions.id as example from transactions
      left join entries on entries.transaction_id = transactions.id
      group by transactions.id having coalesce(sum(amount), 0) <> 0 or count(entries.id) < 2`,
  },
  {
    invariant: "M1",
    rule: "all balances together are zero",
    violations: sql`select sum(balance) || ' 分' as example from accounts
      having coalesce(sum(balance), 0) <> 0`,
  },
  {
    invariant: "M2",
    rule: "no account but the source of recharges is below zero",
    violations: sql`select 'account ' || id as example from accounts
      where balance < 0 and kind <> 'recharge'`,
  },
  {
    invariant: "M3",
    rule: "every balance is the sum of its entries, every version their number",
    violations: sql`select 'account ' || accounts.id as example from accounts
      left join entries on entries.account_id = accounts.id
      group by accounts.id
      having balance <> coalesce(sum(amount), 0) or version <> count(entries.id)`,
  },
  {
    invariant: "M3",
    rule: "each entry goes on from the one before it",
    violations: sql`select 'entry ' || id as example from (
        select id, account_version - 1 <> lag(account_version, 1, 0::bigint) over chain
          or balance_after - amount <> lag(balance_after, 1, 0::bigint) over chain as is_broken
        from entries window chain as (partition by account_id order by account_version)
      ) as chained where is_broken`,
  },
  {
    invariant: "M4",
    rule: "the triggers that keep the books closed are in force",
    violations: missingOf(LEDGER_TRIGGERS),
  },
  {
    invariant: "M4",
    rule: "no movement is taken back twice",
    violations: sql`select 'transaction ' || reverses_id as example from transactions
      where reverses_id is not null group by reverses_id having count(*) > 1`,
  },
  {
    invariant: "M5",
    rule: "no operation was done twice",
    violations: sql`select 'transaction ' || min(id) as example from transactions
      group by user_id, kind, operation_key having count(*) > 1`,
  },
  {
    invariant: "M6",
    rule: "a packet's shares add up to it, and what was taken to what it says was",
    violations: sql`select 'red packet ' || packet.redpacket_no as example
      from red_packets as packet left join red_packet_shares as share on share.packet_id = packet.id
      group by packet.id
      having sum(share.amount) is distinct from packet.amount
        or count(share.position) <> packet.share_count
        or coalesce(sum(share.amount) filter (where user_id is not null), 0) <> opened_amount
        or count(user_id) <> opened_count or count(distinct user_id) <> opened_count
        or bool_or(share.opened_at >= packet.expires_at)`,
  },
  {
    invariant: "M6",
    rule: "taken, left and given back are a packet's whole amount",
    violations: sql`select 'red packet ' || redpacket_no as example from red_packets
      where ${held(sql`'red_packet'`, sql`red_packets.id`)} <>
        case when state = 'unpaid' then 0 else amount - opened_amount - refunded_amount end
        or (state in ('finished', 'refunded')) <> (state <> 'unpaid'
          and amount = opened_amount + refunded_amount)`,
  },
  {
    invariant: "M7",
    rule: "a transfer is held, received or given back: one of them, once",
    violations: sql`select 'transfer ' || transfer_no as example from transfers
      where ${held(sql`'transfer'`, sql`transfers.id`)} <>
        case when state = 'waiting' then amount else 0 end
        or (received_at is not null) <> (state = 'received')
        or (refunded_at is not null) <> (state = 'refunded')`,
  },
  {
    invariant: "M7",
    rule: "what is credited was paid in once, and what waits was not",
    violations: sql`select 'recharge ' || recharge_no as example from recharges
      left join transactions on transactions.kind = 'recharge'
        and transactions.user_id = recharges.user_id
          and transactions.operation_key = recharge_no
      group by recharges.id having count(transactions.id) <> case recharges.state
        when 'credited' then 1 else 0 end`,
  },
  {
    invariant: "M7",
    rule: "what people wait to be paid out is held, no more and no less",
    violations: sql`select 'user ' || accounts.owner_id as example from accounts
      where kind = 'withdrawal' and balance <> (select coalesce(sum(amount), 0) from withdrawals
        where user_id = accounts.owner_id and state = 'pending')`,
  },
  {
    invariant: "M8",
    rule: "what went back is on record once, and not before its time",
    violations: sql`select 'red packet ' || redpacket_no as example from red_packets
      left join transactions on reverses_id = red_packets.transaction_id
      left join entries on entries.transaction_id = transactions.id and entries.amount > 0
      group by red_packets.id
      having (state = 'refunded') <> (count(transactions.id) = 1)
        or coalesce(sum(entries.amount), 0) <> refunded_amount
        or refunded_at < expires_at`,
  },
  {
    invariant: "M10",
    rule: "the triggers that keep payouts on their way and counted are in force",
    violations: missingOf(PAYOUT_TRIGGERS),
  },
  {
    invariant: "M10",
    rule: "payouts are of known states, and of more than nothing",
    violations: sql`select 'profit ' || serial_id as example from profit_records
      where state not in ('init', 'error', 'claimed') or amount <= 0`,
  },
  {
    invariant: "M10",
    rule: "a group's month has one owner's share, and one of each inviter",
    violations: sql`select 'profit ' || min(serial_id::text) as example from profit_records
      group by group_id, period, category, case when category = 'Group' then null else user_id end
      having count(*) > 1`,
  },
  {
    invariant: "M10",
    rule: "the counters of payouts count them",
    violations: sql`select 'group ' || group_id || ' ' || state as example from (
        select group_id, state, count(*) as count from profit_records group by group_id, state
      ) as found full join profit_counts using (group_id, state)
      where coalesce(found.count, 0) <> coalesce(profit_counts.count, 0)`,
  },
];

export const AUDIT_RULE_COUNT = CHECKS.length;

/**
 * Checks all the books: every transaction, account, packet, transfer, recharge and withdrawal there
 * ever was, in one statement and so at one moment. Reads whole tables: for a job, not for a request.
 * @param places the rules to check; absent: all of them
 * @returns a line for each rule, those that hold included
 */
export async function auditLedger(
  ctx: Pick<Ctx, "db">,
  places: number[] = [...CHECKS.keys()],
): Promise<AuditLine[]> {
  const parts = places.map((place) =>
    sql`select ${place}::int as place, count(*)::int as violations, min(example) as example
      from (${CHECKS[place]!.violations}) as found`
  );
  const statement = sql`${sql.join(parts, sql` union all `)} order by place`;
  const columns = { place: int4, violations: int4, example: maybe(text) };
  return (await rows(ctx, statement, columns)).map(({ place, ...found }) => ({
    invariant: CHECKS[place]!.invariant,
    rule: CHECKS[place]!.rule,
    ...found,
  }));
}

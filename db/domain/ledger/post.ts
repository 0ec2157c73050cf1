import { and, eq, Placeholder, SQL, sql } from "drizzle-orm";
import { sha256Hex } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { brokenConstraintOf } from "../../client/errors.ts";
import { type AccountKind, type TransactionKind, transactions } from "../../schema/ledger.ts";
import { instant, int8, rows, type Term } from "../../sql.ts";
import { DomainError, type Kind } from "../errors.ts";
import { canonicalText } from "./rules.ts";

export interface Leg {
  kind: AccountKind;
  /** Whose or of what: see `accountKinds`. */
  owner: number;
  amount: number;
}

/** The name of an operation: done once, however often it is asked for. */
export interface Operation {
  kind: TransactionKind;
  userId: number;
  operationKey: string;
  /** What was asked for; the same key with something else is a conflict. */
  input: Record<string, string | number>;
}

export interface Posting extends Operation {
  remark?: string;
  /** The movement this one takes back; each only once. */
  reversesId?: number;
  legs: Leg[];
}

/**
 * Moves money: one transaction whose legs sum to zero. The database fills in balances, locks the
 * accounts in the order of their ids, and refuses what does not balance or overdraws somebody.
 * @returns the transaction's id
 * @throws {DomainError} `balance_insufficient`, `operation_conflict` when it was done before
 */
export async function post(ctx: Ctx, posting: Posting): Promise<number> {
  const statement = sql`select ${postingAs(posting, ctx.now())} as id`;
  const [posted] = await explained(rows(ctx, statement, { id: int8 }));
  return posted!.id;
}

/** The same as part of a statement. */
export function postingAs({ legs, ...posting }: Posting, at: Date): SQL {
  return postedAs({ ...posting, at, legs: sql`${JSON.stringify(legs)}::jsonb` });
}

/** What a refused posting means; anything else as it is. */
export async function explained<T>(posting: PromiseLike<T>): Promise<T> {
  try {
    return await posting;
  } catch (cause) {
    const kind = REFUSALS[brokenConstraintOf(cause) ?? ""];
    throw kind ? new DomainError(kind, { cause }) : cause;
  }
}

const REFUSALS: Record<string, Kind> = {
  accounts_not_negative: "balance_insufficient",
  transactions_operation: "operation_conflict",
  transactions_reversesId_unique: "operation_conflict",
};

/** A {@link Posting} whose parts may come from a statement's own rows, or stand for a value of it. */
export interface PostingAs extends Pick<Posting, "kind"> {
  userId: Term<number> | SQL;
  operationKey: Term<string> | SQL;
  /** Or {@link hashOf} it. */
  input: Operation["input"] | Term<string>;
  remark?: Term<string> | SQL;
  reversesId?: number | SQL | undefined;
  at: Term<Date | string>;
  /** JSON of {@link Leg}s: see {@link legsAs}. */
  legs: SQL;
}

export function postedAs(
  { kind, userId, operationKey, input, remark = "", reversesId, at, legs }: PostingAs,
): SQL {
  return sql`post_transaction(${kind}, ${userId}, ${operationKey}, ${hashAs(input)}, ${remark},
    ${reversesId ?? null}, ${instant(at)}, ${legs})`;
}

export interface LegAs extends Pick<Leg, "kind"> {
  owner: Term<number> | SQL;
  amount: SQL;
}

export function legsAs(legs: LegAs[]): SQL {
  const parts = legs.map(({ kind, owner, amount }) =>
    sql`jsonb_build_object('kind', ${kind}::text, 'owner', ${owner}::bigint, 'amount', ${amount})`
  );
  return sql`jsonb_build_array(${sql.join(parts, sql`, `)})`;
}

/**
 * What one account pays out to many people at once, each in a movement of their own, of the same
 * key. All accounts are locked in the order of their ids.
 * @param shares JSON of `{ user_id, amount, at }`s, a person once
 * @returns how many there were
 */
export function postedToMany(
  { kind, operationKey, input, from, shares }:
    & Pick<PostingAs, "kind" | "operationKey" | "input">
    & {
      from: Pick<LegAs, "kind" | "owner">;
      shares: SQL;
    },
): SQL {
  return sql`post_shares(${kind}, ${operationKey}, ${
    hashAs(input)
  }, ${from.kind}, ${from.owner}::bigint,
    ${shares})`;
}

/** For a statement's rows with `id`, `sender_id`, `transaction_id`: gives back what is left. */
export function postedRefund(
  { of, no, remark, amount, at }: {
    of: "red_packet" | "transfer";
    no: SQL;
    remark: SQL;
    amount: SQL;
    at: Date;
  },
): SQL {
  return postedAs({
    kind: `${of}_refunded`,
    userId: sql`sender_id`,
    operationKey: no,
    input: {},
    remark,
    reversesId: sql`transaction_id`,
    at,
    legs: legsAs([
      { kind: of, owner: sql`id`, amount: sql`-${amount}` },
      { kind: "wallet", owner: sql`sender_id`, amount },
    ]),
  });
}

/**
 * Whether an operation has been done already, so that its answer is to be given again.
 * @returns the transaction's id, or undefined when there is none of that key
 * @throws {DomainError} `operation_conflict` when the key was used for something else
 */
export async function findOperation(
  ctx: Ctx,
  { kind, userId, operationKey, input }: Operation,
): Promise<number | undefined> {
  const [found] = await ctx.db
    .select({ id: transactions.id, inputHash: transactions.inputHash }).from(transactions)
    .where(
      and(
        eq(transactions.userId, userId),
        eq(transactions.kind, kind),
        eq(transactions.operationKey, operationKey),
      ),
    ).limit(1);
  if (found && found.inputHash !== hashOf(input)) throw new DomainError("operation_conflict");
  return found?.id;
}

function hashAs(input: PostingAs["input"]): Term<string> {
  const stands = typeof input === "string" || input instanceof Placeholder || input instanceof SQL;
  return stands ? input : hashOf(input);
}

export function hashOf(input: Operation["input"]): string {
  return sha256Hex(canonicalText(input));
}

import { sql } from "drizzle-orm";
import { sha256Hex } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { bool, instant, int4, int8, milliseconds, rows, typed } from "../../sql.ts";
import { countSends } from "./count_sends.ts";
import type { PendingKind, PendingPayloads } from "./enqueue.ts";
import { ERROR_LENGTH_MAX, PENDING_TRY_COUNT_MAX, waitAfter } from "./rules.ts";

/** Work that is ours until the lease ends; whoever claims it later has a higher fence. */
export type Claim<K extends PendingKind = PendingKind> = {
  [Kind in K]: {
    id: number;
    kind: Kind;
    payload: PendingPayloads[Kind];
    fence: number;
    /** This try included. */
    tryCount: number;
    /** The same at every try, unlike anything else's: receivers drop repeats by it. A UUID. */
    messageId: string;
  };
}[K];

export class LostLeaseError extends Error {
  override name = "LostLeaseError";
  constructor() {
    super("the lease ended before the work did");
  }
}

const columns = {
  id: int8,
  kind: typed<PendingKind>(),
  payload: typed<unknown>(),
  fence: int4,
  tryCount: int4,
  createdMs: int8,
  isDead: bool,
};

export interface ClaimInput<K extends PendingKind> {
  kinds: K[];
  limit: number;
  leaseMs: number;
  untried?: boolean;
}

/**
 * Claims due work, the longest waiting first; nobody else gets it before the lease ends. Work that
 * was claimed too often without an answer (its worker died each time) becomes a dead letter here.
 */
export async function claimDue<K extends PendingKind>(
  ctx: Ctx,
  { kinds, limit, leaseMs, untried = false }: ClaimInput<K>,
): Promise<Claim<K>[]> {
  const now = ctx.now();
  const at = instant(now);
  const leaseEnd = instant(new Date(now.getTime() + leaseMs));
  const isSpent = sql`attempt_count >= ${sql.raw(String(PENDING_TRY_COUNT_MAX))}`;
  const died = sql`select kind, payload, 0 as sent, 1 as failed from claimed where is_dead`;
  const statement = sql`
    with due as (
      select id from pending_work
      where kind in ${kinds} and done_at is null and dead_at is null and due_at <= ${at}
        and ${untried ? sql`attempt_count = 0` : sql`true`}
      order by due_at, id limit ${limit} for update skip locked
    ), claimed as (
      update pending_work set fence = fence + 1, attempt_count = attempt_count + 1,
        due_at = ${leaseEnd},
        dead_at = case when ${isSpent} then ${at} end,
        last_error = case when ${isSpent} then coalesce(last_error, 'no worker came back')
          else last_error end
      from due where pending_work.id = due.id
      returning pending_work.id, kind, payload, fence, attempt_count as try_count,
        dead_at is not null as is_dead, ${milliseconds(sql`created_at`)} as created_ms
    ), counted as (
      ${countSends(died, at)}
    )
    select * from claimed`;
  const claimed = await rows(ctx, statement, columns);
  return claimed.filter(({ isDead }) => !isDead)
    .map(({ createdMs, isDead: _, ...work }) => ({
      ...work,
      messageId: messageIdOf(work.id, createdMs),
    }))
    .sort((a, b) => a.id - b.id) as Claim<K>[];
}

/** The time of birth tells rows of different databases with one number apart. */
function messageIdOf(id: number, createdMs: number): string {
  const hex = sha256Hex(`pending_work:${id}:${createdMs}`);
  const variant = "89ab"[Number.parseInt(hex[16]!, 16) & 3];
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}

type Claimed = Pick<Claim, "id" | "fence" | "tryCount">;

export async function finishWork(ctx: Ctx, claims: Claimed[]): Promise<number> {
  if (claims.length === 0) return 0;
  const now = instant(ctx.now());
  const { rows: finished } = await ctx.db.execute(sql`
    with ours as (
      select * from jsonb_to_recordset(${JSON.stringify(claims.map(nameOf))}::jsonb)
        as ours (id bigint, fence int)
    ), finished as (
      update pending_work set done_at = ${now}, last_error = null from ours
      where pending_work.id = ours.id and pending_work.fence = ours.fence
        and done_at is null and dead_at is null
      returning pending_work.id, kind, payload
    ), counted as (
      ${countSends(sql`select kind, payload, 1 as sent, 0 as failed from finished`, now)}
    )
    select id from finished`);
  return finished.length;
}

/**
 * Forgets finished work. Of messages there is too much for anybody to ask about it later: only
 * what failed for good stays, as a dead letter.
 */
export async function deleteWork(ctx: Ctx, claims: Claimed[]): Promise<void> {
  if (claims.length === 0) return;
  await ctx.db.execute(sql`
    delete from pending_work using (
      select * from jsonb_to_recordset(${JSON.stringify(claims.map(nameOf))}::jsonb)
        as ours (id bigint, fence int)
    ) as ours
    where pending_work.id = ours.id and pending_work.fence = ours.fence
      and done_at is null and dead_at is null`);
}

/** Gives work back that could not even be tried: it waits, and loses no try by it. */
export async function postponeWork(ctx: Ctx, claims: Claimed[], waitMs: number): Promise<void> {
  const dueAt = instant(new Date(ctx.now().getTime() + waitMs));
  await ctx.db.execute(sql`
    update pending_work set due_at = ${dueAt}, attempt_count = attempt_count - 1
    from (
      select * from jsonb_to_recordset(${JSON.stringify(claims.map(nameOf))}::jsonb)
        as ours (id bigint, fence int)
    ) as ours
    where pending_work.id = ours.id and pending_work.fence = ours.fence
      and done_at is null and dead_at is null`);
}

const nameOf = ({ id, fence }: Claimed) => ({ id, fence });

/** What became of work that failed; `lost`: it was somebody else's by then, and is theirs. */
export type FailOutcome = "waits" | "dead" | "lost";

export interface Failure {
  error: string;
  /** Trying again is of no use. */
  permanent?: boolean;
}

export async function failWork(
  ctx: Ctx,
  claim: Claimed,
  failure: Failure,
): Promise<FailOutcome> {
  const [outcome] = await failAll(ctx, [{ claim, ...failure }]);
  return outcome!;
}

/**
 * Puts failed work back to be tried again after a wait that doubles, or, when trying again is
 * hopeless (`permanent`) or was done often enough, makes it a dead letter. One statement.
 * @returns what became of each, in order
 */
export async function failAll(
  ctx: Ctx,
  failures: (Failure & { claim: Claimed })[],
): Promise<FailOutcome[]> {
  if (failures.length === 0) return [];
  const at = ctx.now();
  const now = instant(at);
  const given = failures.map(({ claim, error, permanent = false }) => ({
    ...nameOf(claim),
    due_at: new Date(at.getTime() + waitAfter(claim.tryCount)).toISOString(),
    is_dead: permanent || claim.tryCount >= PENDING_TRY_COUNT_MAX,
    // Postgres takes neither NUL nor half characters.
    error: error.replaceAll("\0", "").slice(0, ERROR_LENGTH_MAX).toWellFormed(),
  }));
  const died = sql`select kind, payload, 0 as sent, 1 as failed from failed where is_dead`;
  const statement = sql`
    with given as (
      select * from jsonb_to_recordset(${JSON.stringify(given)}::jsonb)
        as given (id bigint, fence int, due_at timestamptz, is_dead boolean, error text)
    ), failed as (
      update pending_work set due_at = given.due_at, last_error = given.error,
        dead_at = case when given.is_dead then ${now} end
      from given where pending_work.id = given.id and pending_work.fence = given.fence
        and done_at is null and dead_at is null
      returning pending_work.id, kind, payload, given.is_dead
    ), counted as (
      ${countSends(died, now)}
    )
    select id, is_dead from failed`;
  const kept = await rows(ctx, statement, { id: int8, isDead: bool });
  const isDeadById = new Map(kept.map(({ id, isDead }) => [id, isDead]));
  return failures.map(({ claim: { id } }) => {
    const isDead = isDeadById.get(id);
    if (isDead === undefined) return "lost";
    return isDead ? "dead" : "waits";
  });
}

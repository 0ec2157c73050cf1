import { type SQL, sql } from "drizzle-orm";
import { networksOf } from "../../../config/runtime/address.ts";
import type { Ctx } from "../../client/ctx.ts";
import {
  bool,
  instant,
  joined,
  listOf,
  maybe,
  milliseconds,
  type Part,
  rows,
  text,
  typed,
} from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { type Caller, knownParts } from "./known_caller.ts";

/** Wrong tries at one number or name from everywhere together, after which strangers are refused. */
const TRIES_A_DAY_MAX = 100;
const DAY_MS = 24 * 60 * 60 * 1000;

/** Something that can be guessed, and somebody who may be guessing. */
export interface Guess {
  /** What is guessed: tries at it are counted by network. */
  subject: string;
  /** The number or name it belongs to: tries are counted over all networks. */
  target: string;
  /** Wrong tries within `windowMs`, of one network; a whole IPv6 /48 has ten times as many. */
  countMax: number;
  windowMs: number;
  caller: Caller;
  /** The id of the person whose it is, a scalar subquery. */
  person: SQL;
  /** What else makes the caller's network known. */
  isNetworkKnown?: SQL | undefined;
}

/** A try that was counted as a wrong one. */
export interface Try {
  /** Takes the count back: for whoever was right. One statement, or a part of another one. */
  giveBack: SQL;
}

/** What {@link tryParts} has found, as columns of a select behind them. */
export const tryColumns = {
  fits: sql<boolean>`exists (select from everywhere)`.as("fits"),
  networks: sql<string[]>`array(select network from near)`.as("networks"),
  endsAtMs: sql<string | null>`(select ${milliseconds(sql`max(ends_at)`)} from spent)`
    .as("ends_at_ms"),
};

/**
 * Counts a try before anybody knows how it ends, so of any number of guesses at once only so many
 * are looked at. Whoever is refused has not tried: one network can neither spend another's tries
 * nor the day's. The person's own devices and sessions count for themselves, and a day that is
 * spent is spent for strangers alone.
 *
 * @throws {DomainError} `tries_spent`
 */
export async function claimTry(ctx: Ctx, guess: Guess): Promise<Try> {
  const now = ctx.now();
  const { fits, networks, endsAtMs } = tryColumns;
  const statement = sql`with ${joined(tryParts(guess, now))}
    select ${fits.sql} as fits, ${networks.sql} as networks, ${endsAtMs.sql} as ends_at_ms`;
  const columns = { fits: bool, networks: typed<string[]>(), endsAtMs: maybe(text) };
  const [found] = await rows(ctx, statement, columns);
  return tryOf(guess, found!, now);
}

/** @throws {DomainError} `tries_spent` */
export function tryOf(
  guess: Guess,
  { fits, networks, endsAtMs }: {
    fits: boolean;
    networks: string[];
    endsAtMs?: string | null | undefined;
  },
  now: Date,
): Try {
  if (fits) return { giveBack: giveBack(guess, networks, now) };
  const leftMs = endsAtMs ? Number(endsAtMs) - now.getTime() : guess.windowMs;
  throw new DomainError("tries_spent", {
    retryAfterSeconds: Math.max(1, Math.ceil(leftMs / 1000)),
  });
}

/** The CTEs that count a try, for a statement that asks {@link tryColumns} of them. */
export function tryParts(guess: Guess, now: Date): Part[] {
  const { subject, target, countMax, windowMs, caller } = guess;
  const at = instant(now);
  const given = [
    { network: "own", left_count: countMax, is_own: true },
    ...networksOf(caller.address).map(({ name, factor }) => ({
      network: name,
      left_count: countMax * factor,
      is_own: false,
    })),
  ];
  const isKnown = sql`(known.by_device or known.by_session or known.by_network
    or ${guess.isNetworkKnown ?? sql`false`})`;
  const wanted = sql`select network, left_count, ${isKnown} as is_known
    from known join jsonb_to_recordset(${JSON.stringify(given)}::jsonb)
      as given(network text, left_count int, is_own boolean)
      on given.is_own = (known.by_device or known.by_session)`;
  const spent = sql`select kept.ends_at from tries as kept join wanted on
    kept.subject = ${subject} and kept.network = wanted.network
    or kept.subject = ${target} and kept.network = '' and not wanted.is_known
    where kept.left_count <= 0 and kept.ends_at > ${at}`;
  // Rows are locked in the order of networks, the one of everywhere last.
  const near = sql`insert into tries as kept (subject, network, left_count, ends_at)
    select ${subject}, network, left_count - 1, ${after(now, windowMs)} from wanted
    where not exists (select from spent) order by network
    ${countedDown(at, sql`false`)} returning network`;
  const everywhere = sql`insert into tries as kept (subject, network, left_count, ends_at)
    select ${target}, '', ${TRIES_A_DAY_MAX - 1}::int, ${after(now, DAY_MS)}
    where (select count(*) from near) = (select count(*) from wanted)
    ${countedDown(at, sql`(select bool_or(is_known) from wanted)`)} returning network`;
  return [
    ...knownParts(caller, guess.person, now),
    ["wanted", wanted],
    ["spent", spent],
    ["near", near],
    ["everywhere", everywhere],
  ];
}

/** One try less, or the first of a new window. None is left at zero, but for who `goesOn`. */
function countedDown(at: SQL, goesOn: SQL): SQL {
  return sql`on conflict (subject, network) do update set
      left_count = case when kept.ends_at <= ${at} then excluded.left_count
        else kept.left_count - 1 end,
      ends_at = case when kept.ends_at <= ${at} then excluded.ends_at else kept.ends_at end
    where kept.ends_at <= ${at} or kept.left_count > 0 or ${goesOn}`;
}

function giveBack({ subject, target }: Guess, networks: string[], now: Date): SQL {
  return sql`update tries as kept set left_count = kept.left_count + 1
    from (
      select subject, network from tries
      where subject = ${subject} and network = any(${listOf(networks, "text")})
        or subject = ${target} and network = ''
      order by network = '', network for update
    ) as counted
    where kept.subject = counted.subject and kept.network = counted.network
      and kept.ends_at > ${instant(now)}`;
}

/** Forgets the tries at what has been replaced; a CTE's body, behind one named `on`. */
export function forgetTries(subject: string, on: string): SQL {
  return sql`delete from tries where (subject, network) in (
      select subject, network from tries
      where subject = ${subject} and exists (select from ${sql.identifier(on)})
      order by network for update
    )`;
}

function after(now: Date, ms: number): SQL {
  return instant(new Date(now.getTime() + ms));
}

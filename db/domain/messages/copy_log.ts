import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import {
  bool,
  type Built,
  type Column,
  instant,
  int8,
  listOf,
  type Row,
  rows,
  type Term,
} from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { ontoConversation } from "./conversation_row.ts";
import { countsFor, isCommand } from "./seen.ts";

/** One person's inbox got the message under this number. */
export interface Delivery {
  userId: number;
  seq: number;
}

/** Lines of one log that one statement copies for one person; a read brings the rest with the next. */
export const PULL_COUNT_MAX = 1_000;
/** Lines one statement copies over all its people; one of them may have them all. */
const COPIES_COUNT_MAX = 5_000;
/** People one statement copies for. */
const PEOPLE_COUNT_MAX = 1_000;

export interface Copying {
  /**
   * Rows `user_id, group_id, old_seq, new_seq`, a person and group once: the log's lines behind
   * `old_seq`, which is the person's mark now, up to `new_seq`, where the mark goes. Of more than
   * {@link PULL_COUNT_MAX} lines the newest are copied and the others passed over.
   */
  news: SQL;
  now: SQL;
  /** Whether a line, by its `message_id`, is thrown away already as it gets in. */
  isDeleted?: SQL;
  /** Whether the conversations are cleared up to the last of it, read and thrown away. */
  isCleared?: boolean;
  /** Rows as those of `lines`, a message after what is copied. */
  behind?: SQL;
  /** CTEs that stand behind `copied`, with a comma in front, and on which {@link isRead} may go. */
  reading?: SQL;
  /** Whether the group of this `group_id` has been read up to the last of it. */
  isRead?: SQL;
}

/**
 * The one way from large groups' logs into inboxes, as `name as (…), name as (…)`. What is copied is
 * numbered densely, in the order in which each log has it, and counts as unread as in a small
 * group. Of two statements with the same old mark one copies: it is compared again behind the lock
 * of the member's row, and `claimed` lacks who came second. Further on `copied` has the rows of the
 * inboxes, `listed` those of the conversations, `heads` the newest number of each person.
 */
export function copying(
  { news, now, behind, reading, ...whether }: Copying,
): SQL {
  const { isDeleted = sql`false`, isCleared = false, isRead = sql`false` } = whether;
  const ofEach = sql`over (partition by user_id, group_id)`;
  return sql`
    news as (${news}), claimed as (
      update group_members set log_seq = news.new_seq from news
      where group_members.group_id = news.group_id and group_members.user_id = news.user_id
        and group_members.log_seq = news.old_seq
      returning group_members.user_id, group_members.group_id, news.old_seq, news.new_seq
    ), lines as (
      -- Logs mingle by the messages' ids; against them each keeps its own order.
      select claimed.user_id, claimed.group_id, line.seq, line.message_id,
        ${countsFor(sql`claimed.user_id`, "said")} as is_unread,
        not ${isCommand("said")} as is_listed,
        coalesce(said.sender_id = claimed.user_id, false) and not ${isCommand("said")} as is_own,
        max(line.message_id) over (
          partition by claimed.user_id, claimed.group_id order by line.seq) as place_id
      from claimed cross join lateral (
        -- Limits keep the planner to the index, a few lines at a time.
        select group_logs.seq, group_logs.message_id from group_logs
        where group_logs.group_id = claimed.group_id and group_logs.seq > claimed.old_seq
          and group_logs.seq <= claimed.new_seq
        order by group_logs.seq desc limit ${PULL_COUNT_MAX}
      ) as line cross join lateral (
        select red_dot, sender_id, actor_id, content_type, revoked_at from messages
        where messages.id = line.message_id limit 1
      ) as said
      ${behind ? sql`union all ${behind}` : sql``}
    ), fresh as materialized (
      select user_id, group_id, message_id, is_unread, is_listed, is_own,
        count(*) over (partition by user_id) as count,
        row_number() over (partition by user_id order by place_id, seq) as place
      from lines
    ), heads as (
      insert into inbox_heads (user_id, last_seq)
      select user_id, count(*) from fresh group by user_id order by user_id
      on conflict (user_id) do update set last_seq = inbox_heads.last_seq + excluded.last_seq
      returning user_id, last_seq
    ), numbered as (
      select fresh.*, heads.last_seq - fresh.count + fresh.place as new_seq
      from fresh join heads on heads.user_id = fresh.user_id
    ), copied as (
      insert into inbox (user_id, seq, message_id, channel_type, channel_id, deleted_at)
      select user_id, new_seq, message_id, ${ChannelType.group}, group_id,
        case when ${isDeleted} then ${now} end
      from numbered
      returning user_id, seq, message_id, channel_type, channel_id, deleted_at
    )${reading ?? sql``}, listed as (
      insert into conversations as known (user_id, channel_type, channel_id, last_seq, read_seq,
        unread_count, cleared_seq, updated_at)
      select user_id, ${ChannelType.group}, group_id,
        coalesce(max(new_seq) filter (where is_shown), 0), read_seq,
        count(*) filter (where is_shown and is_unread and new_seq > read_seq),
        case when ${isCleared} then max(new_seq) else 0 end, ${now}
      from (
        select numbered.*, is_listed and not ${isDeleted} as is_shown,
          case when ${isCleared} or ${isRead} then max(new_seq) ${ofEach}
            else coalesce(max(new_seq) filter (where is_own) ${ofEach}, 0) end as read_seq
        from numbered
      ) as placed group by user_id, group_id, read_seq
      having ${isCleared} or bool_or(is_shown)
      ${
    ontoConversation(sql`,
          cleared_seq = greatest(known.cleared_seq, excluded.cleared_seq)`)
  }
      returning *
    )`;
}

export interface CopyLogInput {
  groupId: number;
  userIds: readonly number[];
  /** What `keepsLog` said of the group's row, or true once something was logged. */
  hasLog: boolean;
  /** They are out of the group already, by this transaction. */
  haveLeft?: boolean;
}

interface Reader {
  userId: number;
  logSeq: number;
}

/**
 * Copies all that these members have not copied yet of a group's log, inside the transaction that
 * takes them out of the group; without a log it asks nothing. Rows of members are locked first, then
 * inboxes, each in the order of their people, as every read and every message does: a transaction
 * names everybody concerned at once. Nothing more is logged in the group until it ends.
 *
 * @returns whom to wake after the commit, with the newest number of each
 */
export async function copyLog(
  ctx: Ctx,
  { hasLog, ...whose }: CopyLogInput,
): Promise<Delivery[]> {
  if (!hasLog || whose.userIds.length === 0) return [];
  const { groupId } = whose;
  const { readers, lastSeq } = await lockReaders(ctx, whose);
  const heads = new Map<number, number>();
  for (const parts of statementsOf(readers, lastSeq)) {
    for (const { userId, lastSeq } of await copyParts(ctx, groupId, parts)) {
      heads.set(userId, lastSeq);
    }
  }
  return [...heads].map(([userId, seq]) => ({ userId, seq }));
}

/**
 * The log's head is locked too: what were logged between the copying and the commit, nobody would
 * copy any more for who is out by then.
 */
async function lockReaders(
  ctx: Ctx,
  { groupId, userIds, haveLeft = false }: Omit<CopyLogInput, "hasLog">,
): Promise<{ readers: Reader[]; lastSeq: number }> {
  const locked = await rows(
    ctx,
    sql`
      with head as (
        insert into group_heads (group_id, last_seq) values (${groupId}, 0)
        on conflict (group_id) do update set last_seq = group_heads.last_seq
        returning last_seq
      )
      select user_id, log_seq, (select last_seq from head) as last_seq from group_members
      where group_id = ${groupId} and user_id = any(${listOf(userIds, "bigint")})
        and (${haveLeft} or removed_at is null)
      order by user_id for no key update of group_members`,
    { userId: int8, logSeq: int8, lastSeq: int8 },
  );
  return { readers: locked, lastSeq: locked[0]?.lastSeq ?? 0 };
}

interface Part {
  userId: number;
  oldSeq: number;
  newSeq: number;
}

/** What there is to copy, by statements: a person once in each, their parts in order. */
function* statementsOf(readers: Reader[], lastSeq: number): Generator<Part[]> {
  let parts: Part[] = [];
  let count = 0;
  for (const { userId, logSeq } of readers) {
    for (let oldSeq = logSeq; oldSeq < lastSeq; oldSeq += PULL_COUNT_MAX) {
      const newSeq = Math.min(lastSeq, oldSeq + PULL_COUNT_MAX);
      const isFull = parts.length === PEOPLE_COUNT_MAX || oldSeq > logSeq ||
        count + newSeq - oldSeq > COPIES_COUNT_MAX;
      if (isFull && parts.length > 0) {
        yield parts;
        parts = [];
        count = 0;
      }
      parts.push({ userId, oldSeq, newSeq });
      count += newSeq - oldSeq;
    }
  }
  if (parts.length > 0) yield parts;
}

async function copyParts(ctx: Ctx, groupId: number, parts: Part[]) {
  const column = (of: keyof Part) => listOf(parts.map((part) => part[of]), "bigint");
  const news = sql`
    select user_id, ${groupId}::bigint as group_id, old_seq, new_seq
    from unnest(${column("userId")}, ${column("oldSeq")}, ${column("newSeq")})
      as parts (user_id, old_seq, new_seq)`;
  return await rows(
    ctx,
    sql`with ${copying({ news, now: instant(ctx.now()) })} select user_id, last_seq from heads`,
    { userId: int8, lastSeq: int8 },
  );
}

/** How often a statement that met another one, or a message arriving, is done again. */
const RUN_COUNT_MAX = 5;

/** What a statement of {@link readCopying} selects besides; each of its rows says the same. */
export function copyingState(userId: Term<number>): SQL {
  return sql`
    exists (select 1 from heads where heads.last_seq - (select count(*) from fresh) <>
      (select coalesce(max(seq), 0) from inbox where user_id = ${userId})) as hides_some,
    (select count(*) from news) <> (select count(*) from claimed) as came_second`;
}

/**
 * Runs a statement in which {@link copying} and a reading for one person are one. Done again when it
 * `hides_some`: a message that arrived meanwhile has a number below the copies, and who sees those
 * without it would never ask for it. One that `came_second` answers what there was before the other
 * one's copies, which is not enough where it `mustFind` something.
 *
 * @throws {DomainError} `service_unavailable` when messages arrived each time
 */
export async function readCopying<Columns extends Record<string, Column<unknown>>>(
  ctx: Ctx,
  { statement, columns, mustFind = false }: {
    statement: SQL | Built;
    columns: Columns;
    mustFind?: boolean;
  },
): Promise<Row<Columns>[]> {
  for (let run = 1;; run++) {
    const found = await rows(ctx, statement, { ...columns, hidesSome: bool, cameSecond: bool });
    const state = found[0] as { hidesSome: boolean; cameSecond: boolean } | undefined;
    if (!state?.hidesSome && !(mustFind && state?.cameSecond)) return found as Row<Columns>[];
    if (run === RUN_COUNT_MAX) throw new DomainError("service_unavailable");
  }
}

/** What one statement copies for members who are `whose`: {@link PULL_COUNT_MAX} lines of each log. */
export function newsOf(whose: SQL): SQL {
  return sql`
    select group_members.user_id, group_members.group_id, group_members.log_seq as old_seq,
      least(group_heads.last_seq, group_members.log_seq + ${PULL_COUNT_MAX}) as new_seq
    from group_members join group_heads on group_heads.group_id = group_members.group_id
      and group_heads.last_seq > group_members.log_seq
    where ${whose} and group_members.removed_at is null`;
}

/** All logs of one person. */
export function newsFor(userId: Term<number>): SQL {
  return newsOf(sql`group_members.user_id = ${userId}`);
}

import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { bool, instant, rows } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { copying, copyingState, PULL_COUNT_MAX, readCopying } from "./copy_log.ts";

/** Statements one deletion takes at most: as many as copy a million lines. */
const STATEMENT_COUNT_MAX = 1_000;

/**
 * Throws one message away, for its owner alone; nothing changes for anybody else. One that still
 * lies in a large group's log is copied first, with what the group has logged before it; further
 * statements are needed only for more of it than one read copies.
 *
 * @throws {DomainError} `message_missing` when the person never received it
 */
export async function deleteMessage(
  ctx: Ctx,
  { userId, messageId }: { userId: number; messageId: number },
): Promise<void> {
  for (let count = 0; count < STATEMENT_COUNT_MAX; count++) {
    const statement = deleteStatement({ userId, messageId }, ctx.now());
    const [found] = await rows(ctx, statement, { isGone: bool, isLogged: bool });
    if (found!.isGone) return;
    // Otherwise it lies further on in the log, or somebody else's reading has just copied it.
    if (!found!.isLogged) throw new DomainError("message_missing");
  }
  throw new DomainError("service_unavailable");
}

function deleteStatement(
  { userId, messageId }: { userId: number; messageId: number },
  at: Date,
): SQL {
  const news = sql`
    select ${userId}::bigint as user_id, group_id, log_seq as old_seq,
      least(seq, log_seq + ${PULL_COUNT_MAX}) as new_seq
    from line`;
  return sql`
    with kept as (
      update inbox set deleted_at = coalesce(deleted_at, ${instant(at)})
      where user_id = ${userId} and message_id = ${messageId}
      returning seq
    ), line as materialized (
      select group_logs.group_id, group_logs.seq, group_members.log_seq
      from messages join group_members on group_members.group_id = messages.group_id
        and group_members.user_id = ${userId} and group_members.removed_at is null
      join group_logs on group_logs.group_id = messages.group_id
        and group_logs.seq > group_members.log_seq and group_logs.message_id = messages.id
      where messages.id = ${messageId} and messages.is_logged
    ), ${copying({ news, now: instant(at), isDeleted: sql`message_id = ${messageId}` })}
    select exists (select 1 from line) as is_logged, exists (select 1 from kept)
      or exists (select 1 from copied where message_id = ${messageId}) as is_gone`;
}

/**
 * Throws everything said so far in a channel away, for one person alone. One mark is moved, however
 * much there was; of what a large group has logged the newest is copied as thrown away, and of more
 * than one read copies the rest is passed over.
 *
 * @throws {DomainError} `channel_missing` when the person has no such conversation
 */
export async function clearChannel(
  ctx: Ctx,
  { userId, channel }: { userId: number; channel: { type: number; no: string } },
): Promise<void> {
  const id = channel.type === ChannelType.person
    ? sql`(select id from users where uid = ${channel.no})`
    : sql`(select id from groups where group_no = ${channel.no})`;
  const news = sql`
    select group_members.user_id, group_members.group_id, group_members.log_seq as old_seq,
      group_heads.last_seq as new_seq
    from group_members join group_heads on group_heads.group_id = group_members.group_id
      and group_heads.last_seq > group_members.log_seq
    where ${channel.type} = ${ChannelType.group} and group_members.group_id = ${id}
      and group_members.user_id = ${userId} and group_members.removed_at is null`;
  const statement = sql`
    with ${copying({ news, now: instant(ctx.now()), isCleared: true })}, cleared as (
      update conversations set cleared_seq = last_seq, unread_count = 0
      where user_id = ${userId} and channel_type = ${channel.type} and channel_id = ${id}
        and not exists (select 1 from listed)
      returning last_seq
    )
    select ${copyingState(userId)},
      exists (select 1 from cleared) or exists (select 1 from listed) as is_known`;
  const [found] = await readCopying(ctx, { statement, columns: { isKnown: bool }, mustFind: true });
  if (!found!.isKnown) throw new DomainError("channel_missing");
}

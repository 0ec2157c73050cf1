import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { bool, instant, int8, maybe, rows, typed } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { copying, copyingState, PULL_COUNT_MAX, readCopying } from "./copy_log.ts";
import { channelNoOf, type ChannelSaid, isInChannel } from "./inbox_message.ts";
import { type OwnChannel, ownChannel, tellOwnDevices } from "./own_devices.ts";
import { countsFor } from "./seen.ts";

/** Statements one deletion takes at most: as many as copy a million lines. */
const STATEMENT_COUNT_MAX = 1_000;

interface DeleteInput {
  userId: number;
  messageId: number;
  /** Where the person says it was said. */
  channel?: ChannelSaid | undefined;
}

/**
 * Throws one message away, for its owner alone, who has it unread no more; nothing changes for
 * anybody else. One that still lies in a large group's log is copied first, with what the group has
 * logged before it; further statements are needed only for more of it than one read copies.
 *
 * @throws {DomainError} `message_missing` when the person never received it, or not in that channel
 */
export async function deleteMessage(
  ctx: Ctx,
  input: DeleteInput,
): Promise<void> {
  for (let count = 0; count < STATEMENT_COUNT_MAX; count++) {
    const [found] = await rows(ctx, deleteStatement(input, ctx.now()), {
      isGone: bool,
      isLogged: bool,
      own: maybe(typed<OwnChannel>()),
    });
    const { isGone, isLogged, own } = found!;
    if (own) {
      const message_ids = [String(input.messageId)];
      tellOwnDevices(ctx, own, { cmd: "messageDeleted", message_ids });
    }
    if (isGone) return;
    // Otherwise it lies further on in the log, or somebody else's reading has just copied it.
    if (!isLogged) throw new DomainError("message_missing");
  }
  throw new DomainError("service_unavailable");
}

/** Who takes it back at the same time waits for the message's row, so that it is counted off once. */
function deleteStatement({ userId, messageId, channel }: DeleteInput, at: Date): SQL {
  const news = sql`
    select ${userId}::bigint as user_id, group_id, log_seq as old_seq,
      least(seq, log_seq + ${PULL_COUNT_MAX}) as new_seq
    from line`;
  return sql`
    with said as materialized (
      select id, group_id, is_logged, red_dot, sender_id, actor_id, revoked_at from messages
      where id = ${messageId} for share
    ), kept as materialized (
      select inbox.channel_type, inbox.channel_id, inbox.message_id
      from inbox join said on said.id = inbox.message_id
      where inbox.user_id = ${userId} and ${isInChannel("inbox", channel)}
    ), deleted as (
      update inbox set deleted_at = ${instant(at)} from kept
      where inbox.user_id = ${userId} and inbox.message_id = kept.message_id
        and inbox.deleted_at is null
      returning inbox.seq, inbox.channel_type, inbox.channel_id
    ), counted as (
      update conversations set unread_count = greatest(unread_count - 1, 0) from deleted, said
      where conversations.user_id = ${userId}
        and conversations.channel_type = deleted.channel_type
        and conversations.channel_id = deleted.channel_id and read_seq < deleted.seq
        and ${countsFor(userId, "said")}
    ), line as materialized (
      select line.group_id, line.seq, line.log_seq from (
        select group_logs.group_id, group_logs.seq, group_members.log_seq,
          ${ChannelType.group} as channel_type, group_logs.group_id as channel_id
        from said join group_members on group_members.group_id = said.group_id
          and group_members.user_id = ${userId} and group_members.removed_at is null
        join group_logs on group_logs.group_id = said.group_id
          and group_logs.seq > group_members.log_seq and group_logs.message_id = said.id
        where said.is_logged
      ) as line where ${isInChannel("line", channel)}
    ), ${copying({ news, now: instant(at), isDeleted: sql`message_id = ${messageId}` })},
    gone as (
      select channel_type, channel_id from deleted union all
      select channel_type, channel_id from copied where message_id = ${messageId}
    )
    select exists (select 1 from line) as is_logged, exists (select 1 from kept)
      or exists (select 1 from gone) as is_gone,
      case when gone.channel_id is not null then ${
    ownChannel(userId, { type: sql`gone.channel_type`, no: channelNoOf("gone") })
  } end as own
    from (select 1) as one left join gone on true`;
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
    with ${copying({ news, now: instant(ctx.now()), isCleared: true })}, newest as (
      select max(seq) as seq from inbox
      where user_id = ${userId} and channel_type = ${channel.type} and channel_id = ${id}
    ), cleared as (
      update conversations set unread_count = 0,
        cleared_seq = greatest(cleared_seq, last_seq, newest.seq),
        read_seq = greatest(read_seq, last_seq, newest.seq)
      from newest
      where user_id = ${userId} and channel_type = ${channel.type} and channel_id = ${id}
        and not exists (select 1 from listed)
      returning cleared_seq
    )
    select ${copyingState(userId)}, (select cleared_seq from cleared
      union all select cleared_seq from listed) as cleared_seq,
      ${ownChannel(userId, { type: channel.type, no: sql`${channel.no}::text` })} as own`;
  const [found] = await readCopying(ctx, {
    statement,
    columns: { clearedSeq: maybe(int8), own: typed<OwnChannel>() },
    mustFind: true,
  });
  const { clearedSeq, own } = found!;
  if (clearedSeq === undefined) throw new DomainError("channel_missing");
  tellOwnDevices(ctx, own, { cmd: "channelCleared", message_seq: clearedSeq });
}

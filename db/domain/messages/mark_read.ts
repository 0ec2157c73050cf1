import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { bool, int8, maybe, rows, typed } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { type OwnChannel, ownChannel, tellOwnDevices } from "./own_devices.ts";
import { readInbox } from "./read_inbox.ts";
import { countsFor } from "./seen.ts";

/** Statements one reading takes at most: as many as copy a million lines of a group's log. */
const ROUND_COUNT_MAX = 1_000;

export interface MarkReadInput {
  userId: number;
  /** By the name clients call it. */
  channel: { type: number; no: string };
  unreadMax: number;
}

/**
 * Leaves at most so many messages of a channel unread, its newest, and tells the person's devices if
 * that changed anything; a channel the person does not have has nothing unread. What a large group
 * has logged is copied first.
 */
export async function markRead(
  ctx: Ctx,
  input: MarkReadInput,
): Promise<void> {
  const statement = markStatement(input);
  for (let round = 0; round < ROUND_COUNT_MAX; round++) {
    const [found] = await rows(ctx, statement, {
      hasNews: bool,
      isLate: bool,
      unread: maybe(int8),
      own: maybe(typed<OwnChannel>()),
    });
    if (found!.hasNews) {
      await readInbox(ctx, { userId: input.userId, afterSeq: Number.MAX_SAFE_INTEGER, limit: 1 });
      continue;
    }
    const { own, unread = 0, isLate } = found!;
    if (isLate) continue;
    if (own) tellOwnDevices(ctx, own, { cmd: "unreadClear", unread });
    return;
  }
  throw new DomainError("service_unavailable");
}

function markStatement({ userId, channel: { type, no }, unreadMax }: MarkReadInput): SQL {
  const isGroup = type === ChannelType.group;
  const channelId = isGroup
    ? sql`select id from groups where group_no = ${no}`
    : sql`select id from users where uid = ${no}`;
  const news = sql`exists (
    select 1 from group_members join group_heads on group_heads.group_id = group_members.group_id
      and group_heads.last_seq > group_members.log_seq
    where group_members.group_id = (select id from channel) and group_members.user_id = ${userId}
      and group_members.removed_at is null)`;
  // Numbers rise with the messages: what is left unread lies behind the newest that is not.
  const mark = unreadMax === 0 ? sql`conversations.last_seq` : sql`(
    select inbox.seq from inbox join messages on messages.id = inbox.message_id
    where inbox.user_id = ${userId} and inbox.channel_type = ${type}
      and inbox.channel_id = conversations.channel_id and inbox.seq > conversations.read_seq
      and inbox.deleted_at is null and ${countsFor(userId)}
    order by inbox.seq desc offset ${unreadMax} limit 1)`;
  // What has come or gone meanwhile is not among the messages the mark is looked for in.
  const isAsSeen = unreadMax === 0 ? sql`true` : sql`
        (conversations.last_seq, conversations.read_seq, conversations.unread_count)
          = (seen.last_seq, seen.read_seq, seen.unread_count)`;
  return sql`
    with channel as materialized (${channelId}), state as materialized (
      select ${isGroup ? news : sql`false`} as has_news
    ), seen as materialized (
      select last_seq, read_seq, unread_count from conversations
      where user_id = ${userId} and channel_type = ${type}
        and channel_id = (select id from channel) and unread_count > ${unreadMax}::int
    ), marked as (
      update conversations set unread_count = ${unreadMax}::int,
        read_seq = greatest(conversations.read_seq, ${mark})
      from state, seen
      where conversations.user_id = ${userId} and channel_type = ${type}
        and channel_id = (select id from channel) and conversations.unread_count > ${unreadMax}::int
        and not has_news and ${isAsSeen}
      returning conversations.unread_count
    )
    select has_news, not has_news and marked.unread_count is null
        and exists (select 1 from seen) as is_late, marked.unread_count as unread,
      case when marked.unread_count is not null then ${
    ownChannel(userId, { type, no: sql`${no}::text` })
  } end as own
    from state left join marked on true`;
}

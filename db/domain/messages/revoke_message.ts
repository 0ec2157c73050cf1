import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { bool, instant, int4, int8, maybe, rows, typed } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import type { Channel } from "./channel.ts";
import { type ChannelSaid, isInChannel } from "./inbox_message.ts";
import { canRevoke, ContentType, isRevocable } from "./rules.ts";
import { countsFor } from "./seen.ts";
import { sendMessage } from "./send.ts";
import { nextVersions } from "./sync_versions.ts";
import { tellDevicesOf } from "./tell_devices.ts";

export interface RevokeInput {
  userId: number;
  messageId: number;
  /** Where the person says it was said. */
  channel?: ChannelSaid | undefined;
}

/**
 * Takes a message back for everybody who received it, who has it unread no more, and tells their
 * clients so; whom it reminded, it reminds no more. Doing it again changes nothing more.
 *
 * @throws {DomainError} `message_missing` when the person never received it, or not in that channel;
 *   `message_irrevocable`, `group_no_right`
 */
export async function revokeMessage(ctx: Ctx, input: RevokeInput): Promise<void> {
  const { userId, messageId } = input;
  const facts = await readFacts(ctx, input);
  if (!facts) throw new DomainError("message_missing");
  if (!isRevocable(facts)) throw new DomainError("message_irrevocable");
  if (!canRevoke(facts)) throw new DomainError("group_no_right");
  const revoked = facts.isRevoked ? undefined : await markRevoked(ctx, { userId, messageId });
  if (!revoked) return;
  tellDevicesOf(ctx, revoked.remindedIds, { cmd: "syncReminders" });
  await tellChannel(ctx, userId, facts.channel, messageId);
}

/** Undefined when the person never received it: it is neither in their inbox nor yet to be copied. */
async function readFacts(ctx: Ctx, { userId, messageId, channel: said }: RevokeInput) {
  const role = (of: unknown) =>
    sql`(select role from group_members where group_id = messages.group_id
      and user_id = ${of} and removed_at is null)`;
  const [facts] = await rows(
    ctx,
    sql`
      with received as (
        select messages.id, messages.channel_type,
          coalesce(inbox.channel_id, messages.group_id) as channel_id
        from messages left join inbox
          on inbox.user_id = ${userId} and inbox.message_id = messages.id
        where messages.id = ${messageId} and (inbox.seq is not null or exists (
          select 1 from group_members join group_logs
            on group_logs.group_id = group_members.group_id
            and group_logs.seq > group_members.log_seq and group_logs.message_id = messages.id
          where group_members.group_id = messages.group_id and messages.is_logged
            and group_members.user_id = ${userId} and group_members.removed_at is null))
      )
      select messages.sender_id, messages.group_id, received.channel_id, messages.content_type,
        messages.revoked_at is not null as is_revoked,
        ${role(userId)} as actor_role, ${role(sql`messages.sender_id`)} as sender_role
      from received join messages on messages.id = received.id
      where ${isInChannel("received", said)}`,
    {
      senderId: maybe(int8),
      groupId: maybe(int8),
      channelId: int8,
      contentType: int4,
      isRevoked: bool,
      actorRole: maybe(int4),
      senderRole: maybe(int4),
    },
  );
  if (!facts) return undefined;
  const { groupId, channelId, senderId } = facts;
  const channel: Channel = groupId === undefined
    ? { type: ChannelType.person, userId: channelId }
    : { type: ChannelType.group, groupId };
  return { ...facts, channel, isOwn: senderId === userId, hasSender: senderId !== undefined };
}

/**
 * Rows are locked in the order of their people, as every message locks them, inboxes before
 * reminders, and looked at again behind the lock: what has been read or thrown away meanwhile is
 * not counted off once more. A reminder is done, in a new version, so that clients that have it
 * hear of it.
 *
 * @returns who was reminded and had not seen to it; undefined when somebody else has just taken the
 *   message back
 */
async function markRevoked(
  ctx: Ctx,
  { userId, messageId }: { userId: number; messageId: number },
): Promise<{ remindedIds: number[] } | undefined> {
  const now = instant(ctx.now());
  const people = sql`
    select reminders.user_id from revoked
    join group_members on group_members.group_id = revoked.group_id
      and group_members.removed_at is null
    join reminders on reminders.user_id = group_members.user_id
      and reminders.message_id = revoked.id and reminders.done_at is null
    where revoked.mentions and (select count(*) from unread) >= 0`;
  const [found] = await rows(
    ctx,
    sql`
      with revoked as (
        update messages set revoked_at = ${now}, revoker_id = ${userId}
        where id = ${messageId} and revoked_at is null
        returning id, channel_type, group_id, sender_id, receiver_id, red_dot, actor_id,
          null::timestamptz as revoked_at, strpos(payload, '"mention"') > 0 as mentions
      ), unread as materialized (
        select conversations.user_id, conversations.channel_type, conversations.channel_id
        from revoked cross join lateral (
          select user_id from group_members where group_members.group_id = revoked.group_id
          union all
          select receiver_id where revoked.group_id is null
        ) as hearer
        join inbox on inbox.user_id = hearer.user_id and inbox.message_id = revoked.id
        join inbox_heads on inbox_heads.user_id = inbox.user_id
        join conversations on conversations.user_id = inbox.user_id
          and conversations.channel_type = inbox.channel_type
          and conversations.channel_id = inbox.channel_id
        where inbox.deleted_at is null and inbox.seq > conversations.read_seq
          and ${countsFor(sql`hearer.user_id`, "revoked")}
        order by conversations.user_id
        for no key update of inbox_heads, conversations, inbox
      ), counted as (
        update conversations set unread_count = greatest(unread_count - 1, 0) from unread
        where conversations.user_id = unread.user_id
          and conversations.channel_type = unread.channel_type
          and conversations.channel_id = unread.channel_id
      ), versions as (${nextVersions(people, now)}), reminded as (
        update reminders set done_at = ${now}, version = versions.version from versions
        where reminders.user_id = versions.user_id and reminders.message_id = ${messageId}
        returning reminders.user_id
      )
      select coalesce((select json_agg(user_id) from reminded), '[]') as reminded_ids
      from revoked`,
    { remindedIds: typed<number[]>() },
  );
  return found;
}

/** The command that makes clients take it off the screen. */
async function tellChannel(ctx: Ctx, userId: number, channel: Channel, messageId: number) {
  const payload = JSON.stringify({
    type: ContentType.command,
    cmd: "messageRevoke",
    param: { message_id: String(messageId) },
  });
  const command = { channel, clientMsgNo: undefined, payload, redDot: false };
  // In a group the system speaks: whoever may take back need not be allowed to talk.
  const senderId = channel.type === ChannelType.group ? undefined : userId;
  await sendMessage(ctx, { ...command, senderId }).catch((error) => {
    // Somebody who has blocked the sender finds it revoked at the next sync all the same.
    const isBlocked = error instanceof DomainError && error.kind === "message_blacklisted";
    if (!isBlocked) throw error;
  });
}

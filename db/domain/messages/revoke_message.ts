import { eq, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType, messages } from "../../schema/messages.ts";
import { bool, int4, int8, maybe, rows } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import type { Channel } from "./channel.ts";
import { canRevoke, ContentType } from "./rules.ts";
import { sendMessage } from "./send.ts";

/**
 * Takes a message back for everybody who received it, and tells their clients so. Doing it again
 * changes nothing more.
 *
 * @throws {DomainError} `message_missing` when the person never received it, `group_no_right`
 */
export async function revokeMessage(
  ctx: Ctx,
  { userId, messageId }: { userId: number; messageId: number },
): Promise<void> {
  const facts = await readFacts(ctx, userId, messageId);
  if (!facts) throw new DomainError("message_missing");
  if (!canRevoke(facts)) throw new DomainError("group_no_right");
  if (facts.isRevoked) return;
  await ctx.db.update(messages).set({ revokedAt: ctx.now(), revokerId: userId })
    .where(eq(messages.id, messageId));
  await tellChannel(ctx, userId, facts.channel, messageId);
}

/** Undefined when the person never received it: it is neither in their inbox nor yet to be copied. */
async function readFacts(ctx: Ctx, userId: number, messageId: number) {
  const role = (of: unknown) =>
    sql`(select role from group_members where group_id = messages.group_id
      and user_id = ${of} and removed_at is null)`;
  const [facts] = await rows(
    ctx,
    sql`
      select messages.sender_id, messages.group_id, inbox.channel_id,
        messages.revoked_at is not null as is_revoked,
        ${role(userId)} as actor_role, ${role(sql`messages.sender_id`)} as sender_role
      from messages left join inbox
        on inbox.user_id = ${userId} and inbox.message_id = messages.id
      where messages.id = ${messageId} and (inbox.seq is not null or exists (
        select 1 from group_members join group_logs
          on group_logs.group_id = group_members.group_id
          and group_logs.seq > group_members.log_seq and group_logs.message_id = messages.id
        where group_members.group_id = messages.group_id and messages.is_logged
          and group_members.user_id = ${userId} and group_members.removed_at is null))`,
    {
      senderId: maybe(int8),
      groupId: maybe(int8),
      channelId: maybe(int8),
      isRevoked: bool,
      actorRole: maybe(int4),
      senderRole: maybe(int4),
    },
  );
  if (!facts) return undefined;
  const { groupId, channelId } = facts;
  const channel: Channel = groupId === undefined
    ? { type: ChannelType.person, userId: channelId! }
    : { type: ChannelType.group, groupId };
  return { ...facts, channel, isOwn: facts.senderId === userId };
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

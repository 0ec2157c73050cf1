import { eq, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType, messages } from "../../schema/messages.ts";
import { DomainError } from "../errors.ts";
import type { Channel } from "./accept.ts";
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

interface FactsRow extends Record<string, unknown> {
  sender_id: string | null;
  channel_type: number;
  channel_id: string;
  is_revoked: boolean;
  actor_role: number | null;
  sender_role: number | null;
}

async function readFacts(ctx: Ctx, userId: number, messageId: number) {
  const role = (of: unknown) =>
    sql`(select role from group_members where group_id = messages.group_id
      and user_id = ${of} and removed_at is null)`;
  const { rows: [row] } = await ctx.db.execute<FactsRow>(sql`
    select messages.sender_id::text, inbox.channel_type, inbox.channel_id::text,
      messages.revoked_at is not null as is_revoked,
      ${role(userId)} as actor_role, ${role(sql`messages.sender_id`)} as sender_role
    from inbox join messages on messages.id = inbox.message_id
    where inbox.user_id = ${userId} and inbox.message_id = ${messageId}`);
  if (!row) return undefined;
  const channelId = Number(row.channel_id);
  const channel: Channel = row.channel_type === ChannelType.person
    ? { type: ChannelType.person, userId: channelId }
    : { type: ChannelType.group, groupId: channelId };
  return {
    channel,
    isOwn: Number(row.sender_id) === userId,
    isRevoked: row.is_revoked,
    actorRole: row.actor_role ?? undefined,
    senderRole: row.sender_role ?? undefined,
  };
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

import { and, eq, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType, inbox } from "../../schema/messages.ts";
import { DomainError } from "../errors.ts";

/**
 * Throws one message away, for its owner alone; nothing changes for anybody else.
 *
 * @throws {DomainError} `message_missing` when it is not in the person's inbox
 */
export async function deleteMessage(
  ctx: Ctx,
  { userId, messageId }: { userId: number; messageId: number },
): Promise<void> {
  const gone = await ctx.db.update(inbox)
    .set({ deletedAt: sql`coalesce(${inbox.deletedAt}, ${ctx.now().toISOString()}::timestamptz)` })
    .where(and(eq(inbox.userId, userId), eq(inbox.messageId, messageId)))
    .returning({ seq: inbox.seq });
  if (gone.length === 0) throw new DomainError("message_missing");
}

/**
 * Throws everything said so far in a channel away, for one person alone. One mark is moved, however
 * much there was.
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
  const { rows } = await ctx.db.execute(sql`
    update conversations set cleared_seq = last_seq, unread_count = 0
    where user_id = ${userId} and channel_type = ${channel.type} and channel_id = ${id}
    returning last_seq`);
  if (rows.length === 0) throw new DomainError("channel_missing");
}

import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { int8, maybe, rows } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import type { Accepted } from "./accept.ts";
import { type Channel, channelValuesOf, namingOf, targetOf } from "./channel.ts";
import { moneyMsgNo, type MoneySaid } from "./rules.ts";
import { senderSeqOf } from "./send.ts";

/**
 * The message with which the server showed somebody's packet or transfer in this channel when it
 * was paid for: their client says the same once more, and nobody has to hear it twice.
 *
 * @throws {DomainError} `message_invalid` when there is none
 */
export async function findMoney(
  ctx: Ctx,
  { senderId, channel, money: { type, no } }: {
    senderId: number;
    channel: Channel;
    money: MoneySaid;
  },
): Promise<Pick<Accepted, "messageId" | "senderSeq">> {
  const receiver = channel.type === ChannelType.person ? sql`receiver_id` : sql`group_id`;
  const [found] = no === undefined ? [] : await rows(
    ctx,
    sql`
      select messages.id as message_id, inbox.seq
      from (${targetOf(namingOf(channel), channelValuesOf(channel))}) as target
      join messages on messages.sender_id = ${senderId} and messages.${receiver} = target.id
        and messages.client_msg_no = ${moneyMsgNo({ type, no })} and content_type = ${type}
      left join inbox on inbox.user_id = ${senderId} and inbox.message_id = messages.id`,
    { messageId: int8, seq: maybe(int8) },
  );
  if (!found) throw new DomainError("message_invalid", { message: "没有这笔已支付的红包或转账" });
  const { messageId, seq } = found;
  return { messageId, senderSeq: seq ?? await senderSeqOf(ctx, senderId, messageId) };
}

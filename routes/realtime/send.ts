import type { Ctx } from "../../db/client/ctx.ts";
import { DomainError, type Kind } from "../../db/domain/errors.ts";
import type { Channel } from "../../db/domain/messages/channel.ts";
import { findMoney } from "../../db/domain/messages/find_money.ts";
import type { GroupSends } from "../../db/domain/messages/group_sends.ts";
import {
  checkWords,
  CLIENT_MSG_NO_LENGTH_MAX,
  KeptSetting,
} from "../../db/domain/messages/rules.ts";
import { sendMessage } from "../../db/domain/messages/send.ts";
import { sendMoment } from "../../db/domain/messages/send_moment.ts";
import { Reason, type ReasonCode } from "./reasons.ts";
import type { Codec, SendAsked, Sent } from "./types.ts";
import { CipherError } from "./wukong/cipher.ts";
import { SEALED_BYTES_MAX } from "./wukong/frames.ts";

/** `channel_type` on the wire. */
const PERSON = 1;
const GROUP = 2;

const KEPT_BITS = KeptSetting.receipt | KeptSetting.signal;

/** What clients are told about our own failures. */
const REASONS: Partial<Record<Kind, ReasonCode>> = {
  message_invalid: Reason.payload_invalid,
  message_blacklisted: Reason.in_blacklist,
  group_not_member: Reason.not_a_member,
  group_forbidden: Reason.sending_not_allowed,
  group_muted: Reason.banned,
  group_blacklisted: Reason.in_blacklist,
  group_disbanded: Reason.disbanded,
  channel_missing: Reason.channel_missing,
};

/** Who sends, from where, in which protocol. */
export interface Sender {
  userId: number;
  uid: string;
  socketId: string;
  codec: Codec;
  groupSends: GroupSends;
}

/** Takes a SEND in. @returns what became of it; only what nobody expected is also reported */
export async function takeSend(
  ctx: Ctx,
  sender: Sender,
  frame: SendAsked,
  report: (error: unknown) => void,
): Promise<Sent> {
  try {
    return await take(ctx, sender, frame);
  } catch (error) {
    return { reason: reasonOf(error, report), messageId: 0, seq: 0 };
  }
}

async function take(ctx: Ctx, sender: Sender, frame: SendAsked): Promise<Sent> {
  const channel = channelOf(frame);
  if (!channel) return refused(Reason.channel_type_unsupported);
  if (frame.clientMsgNo.length > CLIENT_MSG_NO_LENGTH_MAX) return refused(Reason.payload_invalid);
  if (frame.payload.length > SEALED_BYTES_MAX) return refused(Reason.payload_invalid);
  const payload = textOf(sender.codec.open(frame));
  const money = checkWords(payload);
  if (money) {
    const shown = await findMoney(ctx, { senderId: sender.userId, channel, money });
    return { reason: Reason.success, messageId: shown.messageId, seq: shown.senderSeq };
  }
  const { redDot, syncOnce, noPersist } = frame.flags;
  const setting = frame.setting & KEPT_BITS;
  if (noPersist) {
    const { messageId } = await sendMoment(ctx, {
      senderId: sender.userId,
      channel,
      clientMsgNo: frame.clientMsgNo,
      payload,
      redDot,
      syncOnce,
      setting,
      fromSocket: sender.socketId,
    });
    return { reason: Reason.success, messageId, seq: 0 };
  }
  const said = {
    senderId: sender.userId,
    // Without a number of the client's own every message would be a repeat of the first.
    clientMsgNo: frame.clientMsgNo === "" ? undefined : frame.clientMsgNo,
    payload,
    redDot,
    syncOnce,
    setting,
    fromSocket: sender.socketId,
  };
  const { messageId, senderSeq } = "groupNo" in channel
    ? await sender.groupSends.send({ ...said, groupNo: channel.groupNo })
    : await sendMessage(ctx, { ...said, channel });
  return { reason: Reason.success, messageId, seq: senderSeq };
}

function refused(reason: ReasonCode): Sent {
  return { reason, messageId: 0, seq: 0 };
}

function channelOf(
  { channelType, channelId }: SendAsked,
): Extract<Channel, { uid: string } | { groupNo: string }> | undefined {
  if (channelType === PERSON) return { type: PERSON, uid: channelId };
  return channelType === GROUP ? { type: GROUP, groupNo: channelId } : undefined;
}

const decoder = new TextDecoder("utf-8", { fatal: true });

function textOf(payload: Uint8Array): string {
  try {
    return decoder.decode(payload);
  } catch (cause) {
    throw new DomainError("message_invalid", { cause });
  }
}

function reasonOf(error: unknown, report: (error: unknown) => void): ReasonCode {
  if (error instanceof CipherError) return error.reason;
  if (error instanceof DomainError) return REASONS[error.kind] ?? Reason.system_error;
  report(error);
  return Reason.system_error;
}

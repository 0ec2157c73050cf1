import type { LongInteger } from "../../../config/runtime/long_integer.ts";
import { randomHex32 } from "../../../config/keys.ts";
import type { Ctx } from "../../../db/client/ctx.ts";
import { DomainError, type Kind } from "../../../db/domain/errors.ts";
import { acceptMessage } from "../../../db/domain/messages/accept.ts";
import type { Channel } from "../../../db/domain/messages/channel.ts";
import { clientMsgNoOf } from "../../../db/domain/messages/client_numbers.ts";
import { payloadSaid } from "../../../db/domain/messages/content.ts";
import { ContentType, roomFor } from "../../../db/domain/messages/rules.ts";
import { wake } from "../../../db/domain/messages/send.ts";
import { sendMoment } from "../../../db/domain/messages/send_moment.ts";
import type { GobelieveAsked } from "./layouts.ts";

/** `channel_type` of messages. */
const PERSON = 1, GROUP = 2;

/** What ACK says of a message. All but `refused` are the protocol's own; none but 0 is success. */
export const AckStatus = {
  ok: 0,
  no_such_person: 1,
  blacklisted: 3,
  not_a_member: 64,
  no_such_group: 65,
  /** Ours: muted, too long, or our own failure. */
  refused: 255,
} as const;
export type AckStatusCode = (typeof AckStatus)[keyof typeof AckStatus];

const STATUSES: Partial<Record<Kind, AckStatusCode>> = {
  message_blacklisted: AckStatus.blacklisted,
  group_not_member: AckStatus.not_a_member,
  group_disbanded: AckStatus.no_such_group,
};

/** Who speaks, and from where. */
export interface Speaker {
  userId: number;
  appId: number;
  appUid: LongInteger;
  socketId: string;
  /** `deviceMark` of the device. */
  mark: string;
}

export type SaidFrame = Extract<GobelieveAsked, { type: "im" | "group_im" | "customer" }>;
type Report = (error: unknown) => void;

/** What became of a message; its number in the sender's inbox, 0 where it has none there yet. */
export interface Said {
  status: AckStatusCode;
  seq: number;
  /** Its number in the log of a super group. */
  superSeq?: number | undefined;
}

/**
 * Takes a message in and wakes whoever receives it. People and groups are those of the speaker's
 * own app: what other apps have does not exist. Nobody is made for being named.
 */
export async function takeSaid(
  ctx: Ctx,
  speaker: Speaker,
  { frame, report }: { frame: SaidFrame; report: Report },
): Promise<Said> {
  try {
    return await take(ctx, speaker, frame);
  } catch (error) {
    return { status: statusOf(error, frame, report), seq: 0 };
  }
}

async function take(ctx: Ctx, speaker: Speaker, frame: SaidFrame): Promise<Said> {
  const { appId, userId, mark } = speaker;
  const { receiver, content } = frame;
  if (content === undefined) throw new DomainError("message_invalid");
  if (frame.type === "customer" && frame.receiverApp !== appId) {
    throw new DomainError("channel_missing");
  }
  const channel: Channel = frame.type === "group_im"
    ? { type: GROUP, appId, groupId: receiver }
    : { type: PERSON, appId, appUid: receiver };
  const accepted = await acceptMessage(ctx, {
    senderId: userId,
    channel,
    clientMsgNo: await clientMsgNoOf(ctx, {
      senderId: userId,
      mark,
      content,
      channel,
      localId: frame.type === "customer" ? 0 : frame.msgLocalId,
    }),
    payload: payloadSaid(content),
    payloadBytesMax: roomFor(content, { tenantId: appId }),
    redDot: true,
  });
  wake(ctx, accepted);
  return { status: AckStatus.ok, seq: accepted.senderSeq, superSeq: accepted.superSeq };
}

function statusOf(error: unknown, { type }: SaidFrame, report: Report): AckStatusCode {
  if (!(error instanceof DomainError)) {
    report(error);
    return AckStatus.refused;
  }
  if (error.kind === "channel_missing") {
    return type === "group_im" ? AckStatus.no_such_group : AckStatus.no_such_person;
  }
  return STATUSES[error.kind] ?? AckStatus.refused;
}

/** Passes on what is only for those who are there now; nobody answers it, whatever becomes of it. */
export async function passOn(
  ctx: Ctx,
  { userId, appId, socketId }: Speaker,
  { frame: { receiver, content }, report }: {
    frame: Extract<GobelieveAsked, { type: "rt" }>;
    report: Report;
  },
): Promise<void> {
  if (content === undefined) return;
  try {
    await sendMoment(ctx, {
      senderId: userId,
      channel: { type: PERSON, appId, appUid: receiver },
      clientMsgNo: randomHex32(),
      payload: momentPayloadOf(content),
      payloadBytesMax: roomFor(content, { tenantId: appId }),
      redDot: false,
      syncOnce: false,
      fromSocket: socketId,
    });
  } catch (error) {
    if (!(error instanceof DomainError)) report(error);
  }
}

/** The chat app would show words between programs as a text; a command it does not know it passes. */
function momentPayloadOf(content: string): string {
  const payload = payloadSaid(content);
  if (payload === content) return payload;
  const command = { type: ContentType.command, cmd: "realTime", param: {} };
  return JSON.stringify({ ...command, notification: content });
}

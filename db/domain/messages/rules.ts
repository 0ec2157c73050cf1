import { parseBoundedJson } from "../../../config/runtime/bounded_json.ts";
import { DomainError } from "../errors.ts";

/** Largest payload, bytes of UTF-8: beyond this the deployed client loses its connection. */
export const PAYLOAD_BYTES_MAX = 16 * 1024;
/** Longest `client_msg_no`, characters. */
export const CLIENT_MSG_NO_LENGTH_MAX = 100;
/** Bits of a SEND's `setting` that are for its receivers: kept, and given back with the message. */
export const KeptSetting = { receipt: 0x80, signal: 0x20 } as const;
/** Above this many members a group keeps one log instead of an inbox row for each. */
export const FAN_OUT_COUNT_MAX = 500;

/** `type` of a payload: the numbers of the im contract's clients. */
export const ContentType = {
  text: 1,
  image: 2,
  file: 8,
  redPacket: 9,
  transfer: 10,
  command: 99,
  friendApply: 1000,
  groupCreated: 1001,
  membersAdded: 1002,
  membersRemoved: 1003,
  friendConfirmed: 1004,
  groupUpdated: 1005,
  messageRevoked: 1006,
  joinedByScan: 1007,
  ownerChanged: 1008,
  inviteRequested: 1009,
  redPacketOpened: 1011,
  redPacketFinished: 1012,
  youWereRemoved: 1020,
  memberLeft: 1021,
  tip: 2000,
} as const;

/**
 * Refuses what would break the clients that receive it: a payload must be a JSON object with an
 * integer `type`, and fit.
 *
 * @throws {DomainError} `message_invalid`
 */
export function checkPayload(payload: string): void {
  if (new TextEncoder().encode(payload).length > PAYLOAD_BYTES_MAX) {
    throw new DomainError("message_invalid", { message: "消息过长" });
  }
  let parsed: unknown;
  try {
    parsed = parseBoundedJson(payload);
  } catch {
    parsed = undefined;
  }
  const type = (parsed as { type?: unknown } | null | undefined)?.type;
  if (Array.isArray(parsed) || !Number.isInteger(type)) {
    throw new DomainError("message_invalid", {
      message: "消息内容必须是带有整数 type 的 JSON 对象",
    });
  }
}

/** What decides whether somebody may take a message back. Roles are those of the group, if any. */
export interface RevokeFacts {
  isOwn: boolean;
  /** Absent: not in the group, or no group. */
  actorRole: number | undefined;
  senderRole: number | undefined;
}

const OWNER = 1, MANAGER = 2;

/**
 * One's own message always; in a group the owner may take back anybody's, a manager what plain
 * members said and what people said who have left (docs/behaviour.md#messages).
 */
export function canRevoke({ isOwn, actorRole, senderRole }: RevokeFacts): boolean {
  if (isOwn || actorRole === OWNER) return true;
  return actorRole === MANAGER && senderRole !== OWNER && senderRole !== MANAGER;
}

/** Most messages one history shows (docs/contracts/partner.md#get-messages). */
export const HISTORY_COUNT_MAX = 1024;
/**
 * The newest of a person's messages that are looked at for it: of these some were deleted, taken
 * back, or are only for the chat app.
 */
export const LOOKED_AT_COUNT_MAX = 4 * HISTORY_COUNT_MAX;

/** What a partner's clients call the kinds of messages, on the socket and in histories. */
export const Command = {
  peer: 4,
  groupNotification: 7,
  group: 8,
  system: 21,
  fromCustomer: 24,
  fromSeller: 25,
} as const;

/** What decides on a message's {@link Command}. */
export interface MessageFacts {
  isInGroup: boolean;
  /** Somebody said it, not the system. */
  hasSender: boolean;
  /** Between a customer and a seller: whether the customer said it. Absent: between others. */
  isByCustomer: boolean | undefined;
}

export function commandOf({ isInGroup, hasSender, isByCustomer }: MessageFacts): number {
  if (isInGroup) return hasSender ? Command.group : Command.groupNotification;
  if (!hasSender) return Command.system;
  if (isByCustomer === undefined) return Command.peer;
  return isByCustomer ? Command.fromCustomer : Command.fromSeller;
}

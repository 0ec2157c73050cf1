import { parseBoundedJson } from "../../../config/runtime/bounded_json.ts";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { DomainError } from "../errors.ts";

/** Largest payload, bytes of UTF-8: beyond this the deployed client loses its connection. */
export const PAYLOAD_BYTES_MAX = 16 * 1024;
/** Largest content of a partner's own app, bytes of UTF-8, whatever room JSON needs for it. */
export const CONTENT_BYTES_MAX = 32 * 1024;
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

const INT_MAX = 2 ** 31 - 1;

/**
 * Refuses what would break the clients that receive it: a payload must be a JSON object with an
 * integer `type`, and fit.
 *
 * @returns the type, as far as 32 bits hold it
 * @throws {DomainError} `message_invalid`
 */
export function checkPayload(payload: string, { bytesMax = PAYLOAD_BYTES_MAX } = {}): number {
  checkSize(payload, bytesMax);
  const type = parsePayload(payload)?.type;
  if (type === undefined) {
    throw new DomainError("message_invalid", {
      message: "消息内容必须是 JSON 对象，并带有整数类型",
    });
  }
  return Math.max(-INT_MAX, Math.min(INT_MAX, type));
}

function checkSize(text: string, bytesMax: number): void {
  if (new TextEncoder().encode(text).length > bytesMax) {
    throw new DomainError("message_invalid", { message: "消息过长" });
  }
}

/**
 * How large a payload with a content of this app may be, bytes. The content of a partner's own app
 * is measured itself; what the house's people read is what the chat app can carry.
 *
 * @throws {DomainError} `message_invalid`
 */
export function roomFor(content: string, { tenantId }: { tenantId: number }): number {
  if (tenantId === HOUSE_APP_ID) return PAYLOAD_BYTES_MAX;
  checkSize(content, CONTENT_BYTES_MAX);
  return Infinity;
}

/** Undefined: it is no payload. */
function parsePayload(payload: string): { type: number; [key: string]: unknown } | undefined {
  let parsed: unknown;
  try {
    parsed = parseBoundedJson(payload);
  } catch {
    return undefined;
  }
  const isPayload = typeof parsed === "object" && parsed !== null && !Array.isArray(parsed) &&
    Number.isInteger((parsed as { type?: unknown }).type);
  return isPayload ? parsed as { type: number } : undefined;
}

/** How a message is dealt with, besides what it says. */
export interface Handling {
  /** Counts as unread. */
  redDot: boolean;
  /** For the device's screens, not for reading. */
  syncOnce: boolean;
  /** False: it lies in the inboxes and changes nobody's list of conversations. */
  inConversations: boolean;
}

/** A command is for screens, whoever causes it: no conversation shows it, nobody has to read it. */
export function handlingOf(contentType: number, asked: Handling): Handling {
  return contentType === ContentType.command
    ? { redDot: false, syncOnce: true, inConversations: false }
    : asked;
}

/** The one command that people's clients send each other. */
export const TYPING = "typing";

/** Commands between the chat app and its server, for its screens; any other is somebody's own. */
export const APP_COMMANDS: readonly string[] = [
  "channelCleared",
  "channelUpdate",
  "conversationDeleted",
  "friendAccept",
  "friendDeleted",
  "friendRequest",
  "groupAvatarUpdate",
  "memberUpdate",
  "messageDeleted",
  "messageRevoke",
  "onlineStatus",
  "syncConversationExtra",
  "syncMessageExtra",
  "syncReminders",
  "unreadClear",
  "userAvatarUpdate",
  TYPING,
];

/** Kinds of messages by which the system tells what has happened. */
const SYSTEM_TYPES = { from: 1000, to: 2000 };
/** Money a person says they have put into a channel. */
export interface MoneySaid {
  type: typeof ContentType.redPacket | typeof ContentType.transfer;
  /** The packet's or transfer's number; undefined: none is named. */
  no: string | undefined;
}

/** The sender's own number of the message that shows their money. */
export function moneyMsgNo({ type, no }: { type: MoneySaid["type"]; no: string }): string {
  return `${type === ContentType.redPacket ? "redpacket" : "transfer"}-${no}`;
}

/**
 * Whether only the server says such a thing. Clients obey commands, and show what the system tells
 * and money for what it is, whoever sends it.
 */
function isServersWord({ type, cmd }: { type: number; cmd?: unknown }): boolean {
  return (type === ContentType.command && cmd !== TYPING) || isSystemType(type);
}

const isSystemType = (type: number) => type >= SYSTEM_TYPES.from && type <= SYSTEM_TYPES.to;
const isMoneyType = (type: number): type is MoneySaid["type"] =>
  type === ContentType.redPacket || type === ContentType.transfer;

/**
 * Refuses what only the server says.
 *
 * @returns the money a person's words speak of, which the server has shown in the channel itself
 * @throws {DomainError} `message_invalid`
 */
export function checkWords(payload: string): MoneySaid | undefined {
  const said = parsePayload(payload);
  if (!said) return undefined;
  if (isServersWord(said)) {
    throw new DomainError("message_invalid", { message: "这类消息只能由系统发送" });
  }
  const { type } = said;
  if (!isMoneyType(type)) return undefined;
  const no = type === ContentType.redPacket ? said.redpacket_no : said.no ?? said.record_no;
  return { type, no: typeof no === "string" ? no : undefined };
}

/** Whether somebody may say this as it is, with nothing to be looked up. */
export function isPlainWord(payload: string): boolean {
  const said = parsePayload(payload);
  return !said || !(isServersWord(said) || isMoneyType(said.type));
}

/** What decides whether somebody may take a message back. Roles are those of the group, if any. */
export interface RevokeFacts {
  isOwn: boolean;
  /** The payload's `type`. */
  contentType: number;
  /** Somebody said it, not the system. */
  hasSender: boolean;
  /** Absent: not in the group, or no group. */
  actorRole: number | undefined;
  senderRole: number | undefined;
}

const OWNER = 1, MANAGER = 2;

/** Nobody takes back money, nor what the system says or does. */
export function isRevocable({ contentType, hasSender }: RevokeFacts): boolean {
  return hasSender && contentType !== ContentType.command && !isMoneyType(contentType) &&
    !isSystemType(contentType);
}

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

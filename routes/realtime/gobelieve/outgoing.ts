import type { LongInteger } from "../../../config/runtime/long_integer.ts";
import type { BusEvent, Moment } from "../../../db/bus/bus.ts";
import { localIdOf } from "../../../db/domain/messages/client_numbers.ts";
import { contentOf, contentsOf } from "../../../db/domain/messages/content.ts";
import type { InboxMessage } from "../../../db/domain/messages/read_inbox.ts";
import { APP_COMMANDS, ContentType, TYPING } from "../../../db/domain/messages/rules.ts";
import { isCustomerUid } from "../../../db/schema/users.ts";
import { Flag, type GobelieveInput } from "./layouts.ts";

/** `channel_type` of messages. */
const PERSON = 1;

/** Whose connection it is. */
export interface Owner {
  appId: number;
  appUid: LongInteger;
  /** `deviceMark` of the device. */
  mark: string;
}

/** What a frame needs of a message, kept or not. */
type Heard = Pick<
  Moment,
  "fromId" | "channelType" | "channelId" | "clientMsgNo" | "payload" | "redDot"
>;

/**
 * A kept message as this protocol has it: one frame, or one for each of its notifications. What is
 * for the chat app alone means nothing here.
 *
 * @returns none for what is not for this protocol
 */
export function framesOf({ createdAt, ...message }: InboxMessage, owner: Owner): GobelieveInput[] {
  const { fromId, channelType, clientMsgNo, isOfSuperGroup, payload } = message;
  if (isForChatApp(message)) return [];
  const flags = isOfSuperGroup ? Flag.superGroup : 0;
  if (fromId === 0) {
    const type = channelType === PERSON ? "system" : "group_notification";
    return contentsOf(payload).map((content) => ({ type, flags, content }));
  }
  const localId = fromId === owner.appUid ? localIdOf(clientMsgNo, owner) : undefined;
  const said = {
    flags: localId === undefined ? flags : flags | Flag.self,
    // Only the device that chose it knows what it is a number of.
    msgLocalId: localId ?? 0,
    timestamp: secondsOf(createdAt.getTime()),
    content: contentOf(payload),
  };
  return [saidFrame(message, owner, said)];
}

/** Something of the moment; a person's own other devices have no use for it. */
export function momentFrameOf(moment: Moment, owner: Owner): GobelieveInput | undefined {
  const { fromId, channelType, channelId } = moment;
  const content = contentOf(moment.payload);
  if (fromId === 0) return { type: "notification", content };
  if (fromId === owner.appUid) return undefined;
  const isTyping = channelType === PERSON && JSON.parse(moment.payload).cmd === TYPING;
  if (!isTyping && isForChatApp(moment)) return undefined;
  if (channelType === PERSON) {
    return { type: "rt", sender: fromId, receiver: owner.appUid, content };
  }
  const timestamp = secondsOf(moment.atMs);
  return {
    type: "group_im",
    flags: Flag.notKept,
    sender: fromId,
    receiver: channelId,
    timestamp,
    msgLocalId: 0,
    content,
  };
}

export function chatRoomFrameOf(event: Extract<BusEvent, { kind: "chat_room" }>): GobelieveInput {
  const { fromId: sender, chatRoomId: receiver } = event;
  return { type: "room_im", sender, receiver, content: contentOf(event.payload) };
}

function saidFrame(
  { fromId: sender, channelType, channelId }: Heard,
  { appId, appUid }: Owner,
  said: { flags: number; msgLocalId: number; timestamp: number; content: string },
): GobelieveInput {
  if (channelType !== PERSON) return { type: "group_im", sender, receiver: channelId, ...said };
  const receiver = sender === appUid ? channelId : appUid;
  if (!isCustomerUid(sender) && !isCustomerUid(receiver)) {
    return { type: "im", sender, receiver, ...said };
  }
  const { flags, timestamp, content } = said;
  const apps = { senderApp: appId, receiverApp: appId };
  return { type: "customer", flags, ...apps, sender, receiver, timestamp, content };
}

/**
 * Commands of the chat app, and requests of a group's people, as this server writes them; a
 * partner's own commands are for its clients.
 */
function isForChatApp({ payload, redDot, fromId, channelType }: Heard): boolean {
  const isAnnounced = fromId === 0 && channelType !== PERSON;
  if (redDot && !isAnnounced) return false;
  const { type, cmd, notification } = JSON.parse(payload) as Record<string, unknown>;
  if (typeof notification === "string") return false;
  if (type === ContentType.inviteRequested) return isAnnounced;
  return !redDot && type === ContentType.command && APP_COMMANDS.includes(String(cmd));
}

/** s since 1970 in the 32 bits there are. */
function secondsOf(ms: number): number {
  return Math.floor(ms / 1000) | 0;
}

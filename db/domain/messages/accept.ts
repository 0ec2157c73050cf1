import type { SQL } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { brokenConstraintOf } from "../../client/errors.ts";
import {
  type Built,
  builtFor,
  type Column,
  int8,
  listText,
  maybe,
  type Row,
  rows,
  text,
  time,
  typed,
} from "../../sql.ts";
import { DomainError } from "../errors.ts";
import {
  type AcceptShape,
  acceptStatement,
  type AcceptValues,
  type Prelude,
} from "./accept_statement.ts";
import {
  type ChannelValues,
  channelValuesOf,
  shapeOf,
  type Speaking,
  speakingValuesOf,
  VERDICTS,
} from "./channel.ts";
import type { Delivery } from "./copy_log.ts";
import { type Mention, mentionOf } from "./mention_rules.ts";
import type { OwnChannel } from "./own_devices.ts";
import { checkPayload, handlingOf } from "./rules.ts";

export interface AcceptInput extends Speaking {
  senderId: number | undefined;
  /** Whose doing the system tells of: to them it is no news. */
  actorId?: number | undefined;
  /** The sender's own number of it in the channel; sent there again it is the same message. */
  clientMsgNo: string | undefined;
  /** JSON text with an integer `type`. */
  payload: string;
  /** Absent: as large as the chat app can carry; see {@link roomFor}. */
  payloadBytesMax?: number;
  /** Counts as unread. */
  redDot: boolean;
  syncOnce?: boolean;
  /** Bits of {@link KeptSetting}. */
  setting?: number | undefined;
  /** Whether devices of people who are away are told; absent: of what counts as unread. */
  pushes?: boolean;
  /** False: it lies in the inboxes and changes nobody's list of conversations. */
  inConversations?: boolean;
  /** False: the sender, who did not say it themselves, has not read the channel. */
  ownReads?: boolean;
  /** The socket it came from, if from one. */
  fromSocket?: string | undefined;
}

export interface Accepted {
  messageId: number;
  /** The sender's own number of it; 0 for the system and for large groups. */
  senderSeq: number;
  createdAt: Date;
  /** Whether this was a repeat, which delivers nothing again. */
  repeated: boolean;
  /** Whom to wake, with the newest number of each. */
  deliveries: Delivery[];
  /** A large group whose log got the message instead; its members pull. */
  loggedInGroup: number | undefined;
  /** Who is reminded of it. */
  remindedIds: number[];
  /** Where something was unread until its sender spoke. */
  reads: OwnChannel[];
  /** Its number in that log, if the group is a super group and this is no repeat. */
  superSeq: number | undefined;
}

/**
 * Takes a message in: the one way for sockets, partners, broadcasts and the system. Permission,
 * the check for a repeat, the message and an inbox row for everybody in the channel, numbered, are
 * one statement: either all of it happened or none. Inboxes are locked in the order of their
 * owners, so no two messages wait for each other.
 *
 * @throws {DomainError} `message_invalid`, `message_blacklisted`, `group_not_member`,
 *   `group_forbidden`, `group_muted`, `group_blacklisted`, `group_disbanded`, `channel_missing`
 */
export async function acceptMessage(ctx: Ctx, input: AcceptInput): Promise<Accepted> {
  const contentType = checkPayload(input.payload, { bytesMax: input.payloadBytesMax });
  const mention = input.channel.type === ChannelType.group && !input.visibleTo
    ? mentionOf(input.payload)
    : undefined;
  const values = {
    ...channelValuesOf(input.channel),
    ...acceptValuesOf({ ...input, contentType }, ctx.now(), mention),
  };
  const shape = { ...shapeOf(input), reminds: mention !== undefined };
  const said = await runAccept(ctx, statementOf(shape, values));
  const { verdict } = said[0]!;
  if (verdict in VERDICTS) throw new DomainError(VERDICTS[verdict]!);
  const { reads, ...accepted } = acceptedOf(said, input.senderId);
  const { fromSocket: exceptSocket } = input;
  return { ...accepted, reads: reads.map((read) => ({ ...read, exceptSocket })) };
}

/** `7:12,8:3`: whose inbox the message got into, and under which number. */
export const deliveriesIn: Column<Delivery[]> = (answered) =>
  String(answered).split(",").map((delivery) => {
    const [userId, seq] = delivery.split(":");
    return { userId: Number(userId), seq: Number(seq) };
  });

/** Columns of an accepting statement, which answers one row. */
export const ACCEPT_COLUMNS = {
  verdict: text,
  messageId: maybe(int8),
  createdAt: maybe(time),
  /** The receiver's id, or the group's. */
  targetId: maybe(int8),
  /** The sender's own number of a message that was there already. */
  priorSeq: maybe(int8),
  superSeq: maybe(int8),
  deliveries: maybe(deliveriesIn),
  remindedIds: maybe(typed<(number | string)[]>()),
  read: maybe(typed<OwnChannel>()),
};

type AcceptRow = Row<typeof ACCEPT_COLUMNS>;

/** What an accepting statement's row says, when its verdict is no refusal. */
export function acceptedOf([said]: AcceptRow[], senderId: number | undefined): Accepted {
  const { verdict, messageId, createdAt, targetId, priorSeq, superSeq, read } = said!;
  const { deliveries = [], remindedIds = [] } = said!;
  const own = deliveries.find(({ userId }) => userId === senderId);
  return {
    messageId: messageId!,
    senderSeq: own?.seq ?? priorSeq ?? 0,
    createdAt: createdAt!,
    repeated: verdict === "repeated",
    deliveries,
    loggedInGroup: verdict === "logged" ? targetId : undefined,
    remindedIds: remindedIds.map(Number),
    reads: read ? [read] : [],
    superSeq,
  };
}

/** A statement that does something and says so in a channel, as one. */
export function acceptStatementAfter(
  prelude: Prelude,
  input: Omit<AcceptInput, "payload">,
  at: Date,
): SQL {
  const values = {
    ...channelValuesOf(input.channel),
    ...acceptValuesOf({ ...input, payload: "", contentType: 0 }, at),
  };
  return acceptStatement(shapeOf(input), values, { prelude });
}

/**
 * What stands in a statement for what is said; the channel comes besides.
 *
 * @param input with what `checkPayload` says of its payload
 */
export function acceptValuesOf(
  { redDot, syncOnce = false, inConversations = true, ...input }:
    & Omit<AcceptInput, "channel">
    & { contentType: number },
  at: Date,
  mention?: Mention,
): Omit<AcceptValues, keyof ChannelValues> {
  return {
    ...speakingValuesOf(input),
    ...handlingOf(input.contentType, { redDot, syncOnce, inConversations }),
    ownReads: input.ownReads ?? true,
    actorId: input.actorId ?? null,
    clientMsgNo: input.clientMsgNo ?? null,
    payload: input.payload,
    contentType: input.contentType,
    setting: input.setting ?? 0,
    pushes: input.pushes ?? redDot,
    visibleTo: listText(input.visibleTo ?? []),
    at: at.toISOString(),
    mentionsAll: mention?.all ?? false,
    mentions: listText(mention?.uids ?? []),
  };
}

const statementOf = builtFor<AcceptShape, AcceptValues>(acceptStatement);

/** What one message coming in twice breaks. */
const ONCE = ["messages_once_to_person", "messages_once_to_group"];

/**
 * Runs a statement that accepts a message, once more if the same message came in twice at once: by
 * then the other one is there to be found.
 */
export async function runAccept(
  ctx: Ctx,
  statement: SQL | Built,
): Promise<AcceptRow[]> {
  try {
    return await rows(ctx, statement, ACCEPT_COLUMNS);
  } catch (error) {
    if (!ONCE.includes(brokenConstraintOf(error)!)) throw error;
    return await rows(ctx, statement, ACCEPT_COLUMNS);
  }
}

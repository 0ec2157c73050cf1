import { type SQL, sql } from "drizzle-orm";
import type { Moment } from "../../bus/bus.ts";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { instant, int8, long, maybe, rows, text } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import {
  type Channel,
  channelParts,
  channelValuesOf,
  shapeOf,
  speakingValuesOf,
  targetOf,
  VERDICTS,
} from "./channel.ts";
import { checkPayload, handlingOf } from "./rules.ts";

export interface SendMomentInput {
  /** Absent: the system speaks. */
  senderId?: number;
  channel: Channel;
  clientMsgNo: string;
  payload: string;
  /** As in `AcceptInput`. */
  payloadBytesMax?: number;
  redDot: boolean;
  syncOnce: boolean;
  setting?: number;
  /** A partner's server speaks for the sender. */
  trusted?: boolean;
  /** The socket it came from, if from one. */
  fromSocket?: string;
}

/** Of a larger group nobody beyond hears a message that is not kept. */
const HEARER_COUNT_MAX = 5_000;
/** People one event of the bus names. */
const EVENT_PEOPLE_MAX = 500;

/**
 * Passes on a message that is not to be kept, to whoever is connected and nobody else. The rules
 * are those of any message; it has an id of its own but no number.
 *
 * @throws {DomainError} as `acceptMessage`
 */
export async function sendMoment(ctx: Ctx, input: SendMomentInput): Promise<Moment> {
  const contentType = checkPayload(input.payload, { bytesMax: input.payloadBytesMax });
  const { redDot, syncOnce } = handlingOf(contentType, { ...input, inConversations: false });
  const { senderId, channel, trusted, fromSocket } = input;
  const at = ctx.now();
  const found = await rows(ctx, momentStatement(input, at), {
    verdict: text,
    userId: maybe(int8),
    fromUid: maybe(text),
    fromId: maybe(long),
    channelNo: text,
    channelId: long,
  });
  const { verdict, fromUid = "", fromId = 0, channelNo, channelId } = found[0]!;
  if (verdict in VERDICTS) throw new DomainError(VERDICTS[verdict]!);
  const said: Moment = {
    messageId: momentIdAt(at),
    fromUid,
    fromId,
    channelType: channel.type,
    channelNo,
    channelId,
    clientMsgNo: input.clientMsgNo,
    payload: input.payload,
    redDot,
    syncOnce,
    ...input.setting && { setting: input.setting },
    atMs: at.getTime(),
    ...fromSocket !== undefined && { exceptSocket: fromSocket },
  };
  // A partner's server has no other devices that would want to know.
  publish(ctx, said, {
    senderId: trusted ? undefined : senderId,
    hearerIds: found.flatMap(({ userId }) => userId ?? []),
  });
  return said;
}

function momentStatement(input: SendMomentInput, at: Date): SQL {
  const { channel } = input;
  const speaking = { ...input, senderId: input.senderId };
  const shape = shapeOf(speaking);
  const values = { ...channelValuesOf(channel), ...speakingValuesOf(speaking) };
  const parts = channelParts(shape, values, instant(at));
  const isPerson = channel.type === ChannelType.person;
  const [people, no, id] = isPerson
    ? [sql`users`, sql`called.uid`, sql`called.app_uid`]
    : [sql`groups`, sql`called.group_no`, sql`called.id`];
  return sql`
    with target as materialized (
      ${targetOf(shape.naming, values)}
    ), verdict as (
      ${parts.verdict}
    ), hearers as (
      ${parts.recipients} limit ${HEARER_COUNT_MAX}
    )
    select verdict.verdict, hearers.user_id, sender.uid as from_uid,
      sender.app_uid as from_id, ${no} as channel_no, ${id} as channel_id
    from verdict left join hearers on verdict.verdict in ('sent', 'logged')
    left join users as sender on sender.id = ${values.senderId}::bigint
    left join ${people} as called on called.id = (select id from target)`;
}

function publish(
  ctx: Ctx,
  said: Moment,
  { senderId, hearerIds }: { senderId: number | undefined; hearerIds: number[] },
): void {
  if (said.channelType === ChannelType.person) {
    // The sender's other devices see the receiver's channel, the receiver the sender's.
    const userIds = hearerIds.filter((id) => id !== senderId);
    const heard = { ...said, channelNo: said.fromUid, channelId: said.fromId };
    if (senderId !== undefined) ctx.bus.publish({ kind: "moment", userIds: [senderId], ...said });
    ctx.bus.publish({ kind: "moment", userIds, ...heard });
    return;
  }
  for (let from = 0; from < hearerIds.length; from += EVENT_PEOPLE_MAX) {
    const userIds = hearerIds.slice(from, from + EVENT_PEOPLE_MAX);
    ctx.bus.publish({ kind: "moment", userIds, ...said });
  }
}

/** Far above the numbers of messages that are kept, and below 2^53 for a century. */
const MOMENT_EPOCH_MS = Date.UTC(2025, 0, 1);
const IDS_PER_MS = 4096;
let momentCount = Math.floor(Math.random() * IDS_PER_MS);

/** An id for something that is not kept, different from any other of this process. */
export function momentIdAt(at: Date): number {
  momentCount = (momentCount + 1) % IDS_PER_MS;
  return Math.max(1, at.getTime() - MOMENT_EPOCH_MS) * IDS_PER_MS + momentCount;
}

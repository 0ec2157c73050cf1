import { sql } from "drizzle-orm";
import type { Moment } from "../../bus.ts";
import type { Ctx } from "../../client.ts";
import { ChannelType } from "../../schema/messages.ts";
import { DomainError } from "../errors.ts";
import { moment } from "../moments.ts";
import { type Channel, channelParts, targetOf, VERDICTS } from "./accept.ts";
import { checkPayload } from "./rules.ts";

export interface SendMomentInput {
  sender: { userId: number; uid: string };
  channel: Extract<Channel, { uid: string } | { groupNo: string }>;
  clientMsgNo: string;
  payload: string;
  redDot: boolean;
  syncOnce: boolean;
  /** The socket it came from. */
  fromSocket: string;
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
  checkPayload(input.payload);
  const { sender, channel } = input;
  const at = ctx.now();
  const parts = channelParts({ senderId: sender.userId, channel }, moment(at));
  const { rows } = await ctx.db.execute<{ verdict: string; user_id: string | null }>(sql`
    with target as materialized (
      ${targetOf(channel)}
    ), verdict as (
      ${parts.verdict}
    ), hearers as (
      ${parts.recipients} limit ${HEARER_COUNT_MAX}
    )
    select verdict.verdict, hearers.user_id::text
    from verdict left join hearers on verdict.verdict in ('sent', 'logged')`);
  const { verdict } = rows[0]!;
  if (verdict in VERDICTS) throw new DomainError(VERDICTS[verdict]!);
  const said: Moment = {
    messageId: momentIdAt(at),
    fromUid: sender.uid,
    channelType: channel.type,
    channelNo: channel.type === ChannelType.person ? channel.uid : channel.groupNo,
    clientMsgNo: input.clientMsgNo,
    payload: input.payload,
    redDot: input.redDot,
    syncOnce: input.syncOnce,
    atMs: at.getTime(),
    exceptSocket: input.fromSocket,
  };
  publish(ctx, said, {
    senderId: sender.userId,
    hearerIds: rows.map((row) => Number(row.user_id)),
  });
  return said;
}

function publish(
  ctx: Ctx,
  said: Moment,
  { senderId, hearerIds }: { senderId: number; hearerIds: number[] },
): void {
  if (said.channelType === ChannelType.person) {
    // The sender's other devices see the receiver's channel, the receiver the sender's.
    const userIds = hearerIds.filter((id) => id !== senderId);
    ctx.bus.publish({ kind: "moment", userIds: [senderId], ...said });
    ctx.bus.publish({ kind: "moment", userIds, ...said, channelNo: said.fromUid });
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

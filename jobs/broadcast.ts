import { chunksOf } from "../config/runtime/chunks.ts";
import { withDeadline } from "../config/runtime/deadline.ts";
import type { Ctx } from "../db/client/ctx.ts";
import { deliverNextBroadcast } from "../db/domain/broadcasts/deliver_broadcast.ts";
import { type BroadcastToSend, readBroadcastsToSend } from "../db/domain/broadcasts/reads.ts";
import type { Step } from "../db/domain/jobs/runs.ts";
import { type Claim, claimDue, failAll, finishWork } from "../db/domain/outgoing/claims.ts";
import {
  messagesPerCall,
  type Mixin,
  type MixinMessage,
  MixinRefusedError,
} from "../providers/mixin.ts";
import { addCounts } from "./counts.ts";
import type { ChunkInput } from "./run.ts";

/** Messages one chunk sends that nobody has tried yet, and such as have failed before. */
const FRESH_COUNT = 1_000;
const FAILED_COUNT = 100;
/**
 * Messages of one call at the first, second and any later try: Mixin takes a call whole or not at
 * all, so what keeps the others from being taken is found by making calls smaller.
 */
const CALL_SIZES = [100, 10, 1] as const;
const CALL_COUNT = 20;
/** How long one call may take, ms: all calls of a chunk stay well below the leases. */
const CALL_TIMEOUT_MS = 4_000;
/** Longer than a chunk can take, so that only a worker that died loses its lease, ms. */
const LEASE_MS = 60_000;

type MixinClaim = Claim<"mixin_message">;

export interface BroadcastReport {
  delivered: number;
  sent: number;
  waiting: number;
  dead: number;
}

const NOTHING: BroadcastReport = { delivered: 0, sent: 0, waiting: 0, dead: 0 };

export async function broadcast(ctx: Ctx, { progress, providers }: ChunkInput): Promise<Step> {
  const { report, isLast } = await broadcastChunk(ctx, providers.mixin);
  const total = addCounts({ ...NOTHING, ...progress as BroadcastReport | null }, report);
  return { progress: total, report: total, isLast };
}

/**
 * One bounded piece of the work. What was delivered is sent before the next members are delivered
 * to, so that other kinds of work never wait behind more than that; what failed before comes last.
 * Sending is at least once: a worker that dies between call and commit leaves the message to
 * another, who sends it under the same id, and Mixin drops it.
 */
export async function broadcastChunk(
  ctx: Ctx,
  mixin: Mixin,
): Promise<{ report: BroadcastReport; isLast: boolean }> {
  const claims = await claim(ctx, { limit: FRESH_COUNT, untried: true });
  if (claims.length === 0) {
    const delivered = await deliverNextBroadcast(ctx);
    if (delivered !== undefined) return { report: { ...NOTHING, delivered }, isLast: false };
    claims.push(...await claim(ctx, { limit: FAILED_COUNT, untried: false }));
  }
  return { report: await sendAll(ctx, mixin, claims), isLast: claims.length === 0 };
}

const claim = (ctx: Ctx, which: { limit: number; untried: boolean }) =>
  claimDue(ctx, { kinds: ["mixin_message"], leaseMs: LEASE_MS, ...which });

async function sendAll(ctx: Ctx, mixin: Mixin, claims: MixinClaim[]): Promise<BroadcastReport> {
  const report = { ...NOTHING };
  if (claims.length === 0) return report;
  const broadcasts = await readBroadcastsToSend(ctx, claims.map(({ payload }) => payload));
  const done: MixinClaim[] = [];
  const failed: { claim: MixinClaim; error: string; permanent: boolean }[] = [];
  const calls = callsOf(claims, broadcasts).values();
  await Promise.all(Array.from({ length: CALL_COUNT }, async () => {
    for (const call of calls) {
      try {
        await send(mixin, call);
        done.push(...call.claims);
      } catch (thrown) {
        const error = thrown instanceof Error ? thrown.message : String(thrown);
        // Of several messages a refusal says nothing about each.
        const permanent = thrown instanceof MixinRefusedError && call.claims.length === 1;
        failed.push(...call.claims.map((claim) => ({ claim, error, permanent })));
      }
    }
  }));
  report.sent = await finishWork(ctx, done);
  for (const outcome of await failAll(ctx, failed)) {
    if (outcome === "waits") report.waiting += 1;
    if (outcome === "dead") report.dead += 1;
  }
  return report;
}

interface Call {
  broadcast: BroadcastToSend;
  claims: MixinClaim[];
}

/** Claims cut into calls: of one broadcast each, and the smaller the more often they have failed. */
function callsOf(claims: MixinClaim[], broadcasts: Map<number, BroadcastToSend>): Call[] {
  const together = Map.groupBy(claims, ({ payload: { broadcastId }, tryCount }) => {
    const size = CALL_SIZES[Math.min(tryCount, CALL_SIZES.length) - 1]!;
    return `${broadcastId}:${size}`;
  });
  return [...together].flatMap(([key, alike]) => {
    const [broadcastId, callSize] = key.split(":").map(Number) as [number, number];
    const broadcast = broadcasts.get(broadcastId)!;
    const size = Math.min(callSize, messagesPerCall(broadcast.text));
    return [...chunksOf(alike, size)].map((claims) => ({ broadcast, claims }));
  });
}

async function send(mixin: Mixin, { broadcast, claims }: Call): Promise<void> {
  const { bot, text, receivers } = broadcast;
  if (!bot) throw new MixinRefusedError("the group has no usable bot");
  const messages = claims.map(({ payload: { userId } }): MixinMessage => {
    const { mixinUserId, messageId } = receivers.get(userId)!;
    return { id: messageId, to: mixinUserId, text };
  });
  await withDeadline("Mixin", CALL_TIMEOUT_MS, () => mixin.sendMessages(bot, messages));
}

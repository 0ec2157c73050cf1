import { withDeadline } from "../config/runtime/deadline.ts";
import type { Ctx } from "../db/client/ctx.ts";
import type { Step } from "../db/domain/jobs/runs.ts";
import { type Claim, claimDue, failWork, finishWork } from "../db/domain/outgoing/claims.ts";
import { fanOutRoom } from "../db/domain/outgoing/fan_out_room.ts";
import { readPushTargets } from "../db/domain/outgoing/push_targets.ts";
import { type Push, PushRefusedError } from "../providers/push.ts";
import { addCounts } from "./counts.ts";
import type { ChunkInput } from "./run.ts";

const BATCH_COUNT = 50;
/** How long one call may take: a chunk of them, with its statements, stays below 5 s. */
const CALL_TIMEOUT_MS = 4_000;
/** Longer than a chunk can take, so that only a worker that died loses its lease, ms. */
const LEASE_MS = 30_000;

export interface PushReport {
  sent: number;
  /** Nobody to send it to: no device, or one that is gone. */
  unreachable: number;
  waiting: number;
  dead: number;
  fanned_out: number;
}

const NOTHING: PushReport = { sent: 0, unreachable: 0, waiting: 0, dead: 0, fanned_out: 0 };

export async function push(ctx: Ctx, { progress, providers }: ChunkInput): Promise<Step> {
  const { report, isLast } = await drainPending(ctx, providers.push);
  const total = addCounts({ ...NOTHING, ...progress as PushReport | null }, report);
  return { progress: total, report: total, isLast };
}

/**
 * Does one batch of due work, with the calls outside any transaction. Delivery is at least once:
 * a worker that dies between call and commit leaves the work to another, who sends it under the
 * same message id.
 */
export async function drainPending(
  ctx: Ctx,
  provider: Push,
): Promise<{ report: PushReport; isLast: boolean }> {
  const claims = await claimDue(ctx, {
    kinds: ["push", "room_opened"] as const satisfies string[],
    limit: BATCH_COUNT,
    leaseMs: LEASE_MS,
  });
  const report = { ...NOTHING };
  for (const claim of claims) {
    if (claim.kind === "room_opened") await fanOut(ctx, claim, report);
  }
  await sendAll(ctx, provider, claims.filter((claim) => claim.kind === "push"), report);
  return { report, isLast: claims.length < BATCH_COUNT && report.fanned_out === 0 };
}

async function fanOut(ctx: Ctx, claim: Claim<"room_opened">, report: PushReport) {
  try {
    report.fanned_out += await fanOutRoom(ctx, claim);
  } catch (error) {
    await keepFailure(ctx, claim, error, report);
  }
}

async function sendAll(ctx: Ctx, provider: Push, claims: Claim<"push">[], report: PushReport) {
  const targets = await readPushTargets(ctx, claims.map(({ payload }) => payload.userId));
  const done: Claim<"push">[] = [];
  const failed: { claim: Claim<"push">; error: unknown }[] = [];
  await Promise.all(claims.map(async (claim) => {
    const { userId, title, content, url } = claim.payload;
    const to = targets.get(userId);
    try {
      if (to !== undefined) {
        const message = { to, title, content, url, id: claim.messageId };
        await withDeadline("push", CALL_TIMEOUT_MS, () => provider.send(message));
        report.sent += 1;
      } else {
        report.unreachable += 1;
      }
      done.push(claim);
    } catch (error) {
      if (error instanceof PushRefusedError && error.isDeviceGone) {
        report.unreachable += 1;
        done.push(claim);
      } else {
        failed.push({ claim, error });
      }
    }
  }));
  await finishWork(ctx, done);
  for (const { claim, error } of failed) await keepFailure(ctx, claim, error, report);
}

async function keepFailure(ctx: Ctx, claim: Claim, thrown: unknown, report: PushReport) {
  const error = thrown instanceof Error ? thrown.message : String(thrown);
  const permanent = thrown instanceof PushRefusedError;
  const outcome = await failWork(ctx, claim, { error, permanent });
  if (outcome === "waits") report.waiting += 1;
  if (outcome === "dead") report.dead += 1;
}

import type { Ctx } from "../db/client/ctx.ts";
import { remindOfEvents } from "../db/domain/events/remind.ts";
import type { Step } from "../db/domain/jobs/runs.ts";
import { refundExpiredRedPackets } from "../db/domain/red_packets/expire.ts";
import { closeForsakenRooms, removePastRoomMembers } from "../db/domain/rooms/settle_rooms.ts";
import { refundExpiredTransfers } from "../db/domain/transfers/expire.ts";
import { askRoomChannels } from "./room_channels.ts";
import type { ChunkInput } from "./run.ts";

const STEP_COUNT = 200;

export interface SettleStep {
  name: string;
  settle(ctx: Ctx, limit: number): Promise<number>;
}

export const settleSteps: SettleStep[] = [
  { name: "reminders", settle: (ctx, limit) => remindOfEvents(ctx, { limit }) },
  { name: "rooms", settle: closeForsakenRooms },
  { name: "past_room_members", settle: removePastRoomMembers },
  { name: "red_packets", settle: (ctx, limit) => refundExpiredRedPackets(ctx, { limit }) },
  { name: "transfers", settle: (ctx, limit) => refundExpiredTransfers(ctx, { limit }) },
];

interface Progress {
  step: number;
  counts: Record<string, number>;
}

/** Whoever is out of a room is so before rooms are looked at; once a run. */
export async function askBeforeSettling(
  ctx: Ctx,
  { progress, providers, log }: ChunkInput,
): Promise<void> {
  if (progress === null) await askRoomChannels(ctx, { rtc: providers.rtc, log });
}

/** Each step until it finds less than it could take, then the next. */
export async function settle(ctx: Ctx, { progress }: Pick<ChunkInput, "progress">): Promise<Step> {
  return await settleBy(settleSteps, ctx, progress);
}

export async function settleBy(steps: SettleStep[], ctx: Ctx, progress: unknown): Promise<Step> {
  const { step: at, counts } = progress as Progress | null ?? { step: 0, counts: {} };
  const step = steps[at];
  if (!step) return { progress, report: counts, isLast: true };
  const count = await step.settle(ctx, STEP_COUNT);
  const settled = { ...counts, [step.name]: (counts[step.name] ?? 0) + count };
  const next = count < STEP_COUNT ? at + 1 : at;
  return {
    progress: { step: next, counts: settled },
    report: settled,
    isLast: next >= steps.length,
  };
}

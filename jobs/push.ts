import { withDeadline } from "../config/runtime/deadline.ts";
import type { Ctx } from "../db/client/ctx.ts";
import { appLink } from "../db/domain/app_links.ts";
import { fanOutStart } from "../db/domain/events/tell_start.ts";
import type { Step } from "../db/domain/jobs/runs.ts";
import {
  type Claim,
  claimDue,
  deleteWork,
  failWork,
  finishWork,
} from "../db/domain/outgoing/claims.ts";
import { fanOutRoom } from "../db/domain/outgoing/fan_out_room.ts";
import { readPushTargets } from "../db/domain/outgoing/push_targets.ts";
import { fanOutMessages } from "../db/domain/pushes/fan_out_messages.ts";
import { type MessagePush, readMessagePushes } from "../db/domain/pushes/read_message_pushes.ts";
import {
  type DeviceType,
  deviceTypeOf,
  type Push,
  type PushMessage,
  PushRefusedError,
  UnservedDeviceError,
} from "../providers/push.ts";
import { addCounts } from "./counts.ts";
import type { ChunkInput } from "./run.ts";

type Log = NonNullable<ChunkInput["log"]>;

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

export async function push(ctx: Ctx, { progress, providers, log }: ChunkInput): Promise<Step> {
  const { report, isLast } = await drainPending(ctx, providers.push, log);
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
  log: Log = () => {},
): Promise<{ report: PushReport; isLast: boolean }> {
  const kinds = ["push", "room_opened", "event_started", "message_sent", "message_push"] as const;
  const claims = await claimDue(ctx, { kinds: [...kinds], limit: BATCH_COUNT, leaseMs: LEASE_MS });
  const report = { ...NOTHING };
  for (const claim of claims) {
    if (claim.kind === "room_opened" || claim.kind === "event_started") {
      await fanOut(ctx, claim, report);
    }
  }
  const said = claims.filter((claim) => claim.kind === "message_sent");
  const goesOn = said.length > 0 && await fanOutSaid(ctx, said, report);
  const drafts = [
    ...await noticesOf(ctx, claims.filter((claim) => claim.kind === "push")),
    ...await messagesOf(ctx, claims.filter((claim) => claim.kind === "message_push")),
  ];
  await sendAll(ctx, drafts, { provider, report, log });
  const isLast = claims.length < BATCH_COUNT && report.fanned_out === 0 && !goesOn;
  return { report, isLast };
}

async function fanOut(
  ctx: Ctx,
  claim: Claim<"room_opened" | "event_started">,
  report: PushReport,
) {
  try {
    report.fanned_out += claim.kind === "room_opened"
      ? await fanOutRoom(ctx, claim)
      : await fanOutStart(ctx, claim);
  } catch (error) {
    await keepFailure(ctx, claim, error, report);
  }
}

/** @returns whether some of it is left to be done at once */
async function fanOutSaid(
  ctx: Ctx,
  claims: Claim<"message_sent">[],
  report: PushReport,
): Promise<boolean> {
  try {
    const { enteredCount, waitingCount, goesOn } = await fanOutMessages(ctx, claims);
    report.fanned_out += enteredCount;
    report.waiting += waitingCount;
    return goesOn;
  } catch (error) {
    if (claims.length === 1) {
      await keepFailure(ctx, claims[0]!, error, report);
      return false;
    }
    // One that cannot be done does not keep the others from their readers.
    let goesOn = false;
    for (const claim of claims) goesOn = await fanOutSaid(ctx, [claim], report) || goesOn;
    return goesOn;
  }
}

type Sendable = Claim<"push"> | Claim<"message_push">;
type Device = Pick<PushMessage, "deviceType" | "bundleId" | "token">;

/** A claim with what it says, and the devices to try, the first that is served counts. */
interface Draft {
  claim: Sendable;
  message: Omit<PushMessage, keyof Device | "id">;
  devices: Device[];
}

async function noticesOf(ctx: Ctx, claims: Claim<"push">[]): Promise<Draft[]> {
  const targets = await readPushTargets(ctx, claims.map(({ payload }) => payload.userId));
  return claims.map((claim) => {
    const { userId, title, content } = claim.payload;
    const url = appLink(ctx.config, claim.payload.url);
    const devices = gatewayDevices(targets.get(userId));
    return { claim, message: { title, content, url }, devices };
  });
}

async function messagesOf(ctx: Ctx, claims: Claim<"message_push">[]): Promise<Draft[]> {
  const pushes = await readMessagePushes(ctx, claims);
  return claims.map((claim) => {
    const push = pushes.get(claim.id);
    if (!push) return { claim, message: { title: "", content: "", url: "" }, devices: [] };
    const { device: _device, jpushId: _jpushId, ...said } = push;
    const message = { ...said, url: appLink(ctx.config, said.url) };
    return { claim, message, devices: devicesOf(push) };
  });
}

function devicesOf({ device, jpushId }: MessagePush): Device[] {
  const others = gatewayDevices(jpushId);
  if (!device) return others;
  const { token, type, bundleId } = device;
  return [{ deviceType: deviceTypeOf(type), token, bundleId }, ...others];
}

function gatewayDevices(jpushId: string | undefined): Device[] {
  return jpushId === undefined ? [] : [{ deviceType: "JPUSH", token: jpushId, bundleId: "" }];
}

interface Sending {
  provider: Push;
  report: PushReport;
  log: Log;
}

async function sendAll(ctx: Ctx, drafts: Draft[], { provider, report, log }: Sending) {
  const done: Sendable[] = [];
  const failed: { claim: Sendable; error: unknown }[] = [];
  // One person's in their order: the last to arrive is what the phone shows on top, and its badge.
  const byPerson = Map.groupBy(drafts, ({ claim }) => claim.payload.userId).values();
  await Promise.all([...byPerson].map(async (own) => {
    let broken: { error: unknown } | undefined;
    for (const draft of own) {
      const { claim } = draft;
      try {
        // What could not be sent comes before what follows it, at the next try.
        if (broken) throw broken.error;
        report[await send(draft, provider, log)] += 1;
        done.push(claim);
      } catch (error) {
        failed.push({ claim, error });
        if (!(error instanceof PushRefusedError)) broken = { error };
      }
    }
  }));
  await finishWork(ctx, done.filter(({ kind }) => kind === "push"));
  await deleteWork(ctx, done.filter(({ kind }) => kind === "message_push"));
  for (const { claim, error } of failed) await keepFailure(ctx, claim, error, report);
}

async function send(
  { claim, message, devices }: Draft,
  provider: Push,
  log: Log,
): Promise<"sent" | "unreachable"> {
  const id = claim.messageId;
  for (const device of devices) {
    try {
      const sending = () => provider.send({ ...message, ...device, id });
      await withDeadline("push", CALL_TIMEOUT_MS, sending);
      return "sent";
    } catch (error) {
      const isGone = error instanceof PushRefusedError && error.isDeviceGone;
      if (error instanceof UnservedDeviceError) noteUnserved(provider, error.deviceType, log);
      else if (!isGone) throw error;
    }
  }
  return "unreachable";
}

const noted = new WeakMap<Push, Set<DeviceType>>();

/** Once: of some types there may be thousands of devices. */
function noteUnserved(provider: Push, deviceType: DeviceType, log: Log): void {
  const types = noted.get(provider) ?? new Set();
  if (types.has(deviceType)) return;
  noted.set(provider, types.add(deviceType));
  log({ level: "notice", msg: "no push service for devices of this type", deviceType });
}

async function keepFailure(ctx: Ctx, claim: Claim, thrown: unknown, report: PushReport) {
  const error = thrown instanceof Error ? thrown.message : String(thrown);
  const permanent = thrown instanceof PushRefusedError;
  const outcome = await failWork(ctx, claim, { error, permanent });
  if (outcome === "waits") report.waiting += 1;
  if (outcome === "dead") report.dead += 1;
}

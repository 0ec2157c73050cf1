import { lazy } from "../config/runtime/lazy.ts";
import { logTextOf } from "../config/runtime/log_text.ts";
import { isDatabaseAway } from "../db/client/errors.ts";
import { mayRunJobs } from "./cron.ts";
import type { JobDeps } from "./run.ts";

/** How long after a request its pending work is looked at, ms; requests within it share a look. */
const DELAY_MS = 500;
const BATCH_COUNT_MAX = 100;

const loadWork = lazy(() =>
  Promise.all([import("./push.ts"), import("./broadcast.ts"), import("./run.ts")])
);

export interface Soon {
  ask(): void;
  stop(): Promise<void>;
}

/**
 * Spares people the wait for the next minute's tick: pushes and broadcasts go out half a second
 * after the request that asked for them. Only a convenience; what this leaves the tick finds.
 */
export function openSoon(
  deps: JobDeps,
  { delayMs = DELAY_MS }: { delayMs?: number } = {},
): Soon {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let underWay: Promise<void> | undefined;
  let isStopped = !mayRunJobs(deps);

  const look = () => {
    timer = undefined;
    underWay = drain(deps, () => isStopped).finally(() => underWay = undefined);
  };
  return {
    ask() {
      const isReady = deps.readiness?.isReady() !== false;
      if (isStopped || !isReady || timer !== undefined) return;
      timer = setTimeout(() => underWay ? underWay.then(look) : look(), delayMs);
    },
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await underWay;
    },
  };
}

async function drain(deps: JobDeps, isStopped: () => boolean): Promise<void> {
  try {
    const [{ drainPending }, { broadcastChunk }, { contextOf }] = await loadWork();
    const ctx = contextOf({ name: "soon" }, deps);
    const { push, mixin } = deps.providers;
    for (const doBatch of [() => drainPending(ctx, push), () => broadcastChunk(ctx, mixin)]) {
      for (let count = 0; count < BATCH_COUNT_MAX && !isStopped(); count++) {
        if ((await doBatch()).isLast) break;
      }
    }
  } catch (error) {
    const level = isDatabaseAway(error) ? "notice" : "error";
    const text = logTextOf(error);
    deps.log({ level, msg: "pending work was left for the next tick", error: text });
  }
}

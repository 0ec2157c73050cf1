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
  /** @param what `pushes`: nothing else has come up */
  ask(what?: "all" | "pushes"): void;
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
  let isForAll = false;
  let underWay: Promise<void> | undefined;
  let isStopped = !mayRunJobs(deps);

  const look = () => {
    timer = undefined;
    const withAll = isForAll;
    isForAll = false;
    underWay = drain(deps, { withAll, isStopped: () => isStopped })
      .finally(() => underWay = undefined);
  };
  return {
    ask(what = "all") {
      const isReady = deps.readiness?.isReady() !== false;
      if (isStopped || !isReady) return;
      isForAll ||= what === "all";
      if (timer !== undefined) return;
      timer = setTimeout(() => underWay ? underWay.then(look) : look(), delayMs);
    },
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await underWay;
    },
  };
}

/**
 * The bus as those use it who say something without a request that asks, over a socket or in a job:
 * what they tell the others of may have a push to go with it.
 */
export function busThatAsks(bus: JobDeps["bus"], soon: Pick<Soon, "ask">): JobDeps["bus"] {
  return {
    publish(event) {
      bus.publish(event);
      if (event.kind === "inbox" || event.kind === "group") soon.ask("pushes");
    },
    subscribe: (listener) => bus.subscribe(listener),
    close: () => bus.close(),
  };
}

async function drain(
  deps: JobDeps,
  { withAll, isStopped }: { withAll: boolean; isStopped: () => boolean },
): Promise<void> {
  try {
    const [{ drainPending }, { broadcastChunk }, { contextOf }] = await loadWork();
    const ctx = contextOf({ name: "soon" }, deps);
    const { push, mixin } = deps.providers;
    const pushes = () => drainPending(ctx, push, deps.log);
    const broadcasts = () => broadcastChunk(ctx, mixin);
    for (const doBatch of withAll ? [pushes, broadcasts] : [pushes]) {
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

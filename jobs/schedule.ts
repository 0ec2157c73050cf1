import { lazy } from "../config/runtime/lazy.ts";
import { PROFIT_JOB, PROFIT_SCHEDULE } from "../db/domain/payouts/months.ts";
import type { Job } from "./run.ts";

const loadSettle = lazy(() => import("./settle.ts"));
const loadPush = lazy(() => import("./push.ts"));
const loadBroadcast = lazy(() => import("./broadcast.ts"));
const loadProfit = lazy(() => import("./profit.ts"));
const loadAudit = lazy(() => import("./audit.ts"));
const loadCleanup = lazy(() => import("./cleanup.ts"));

/**
 * Every job. A chunk's code is loaded when it first runs: this list is read at each cold start,
 * because the platform looks for registrations before anything is served.
 */
export const jobs: Job[] = [
  {
    name: "settle",
    cron: "* * * * *",
    schedule: { unit: "minute", due: "begun" },
    catchUp: "latest",
    ahead: async (...given) => (await loadSettle()).askBeforeSettling(...given),
    chunk: async (...given) => (await loadSettle()).settle(...given),
  },
  {
    name: "push",
    cron: "* * * * *",
    schedule: { unit: "minute", due: "begun" },
    catchUp: "latest",
    callsOut: true,
    chunk: async (...given) => (await loadPush()).push(...given),
  },
  {
    name: "broadcast",
    cron: "* * * * *",
    schedule: { unit: "minute", due: "begun" },
    catchUp: "latest",
    callsOut: true,
    chunk: async (...given) => (await loadBroadcast()).broadcast(...given),
  },
  {
    name: PROFIT_JOB,
    // Hourly: the first of the month is asked for until its run is done.
    cron: "20 * * * *",
    schedule: PROFIT_SCHEDULE,
    catchUp: "each",
    chunk: async (...given) => (await loadProfit()).profit(...given),
  },
  {
    name: "audit",
    cron: "7 * * * *",
    schedule: { unit: "hour", due: "begun", delayMs: 7 * 60 * 1000 },
    catchUp: "latest",
    chunk: async (...given) => (await loadAudit()).audit(...given),
  },
  {
    name: "cleanup",
    // 04:30 in China, when the fewest people are awake.
    cron: "30 20 * * *",
    schedule: { unit: "day", due: "begun", delayMs: 20.5 * 60 * 60 * 1000 },
    catchUp: "latest",
    chunk: async (...given) => (await loadCleanup()).cleanup(...given),
  },
];

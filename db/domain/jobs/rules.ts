import { DomainError } from "../errors.ts";

const MINUTE_MS = 60_000;
const UNIT_MS = { minute: MINUTE_MS, hour: 60 * MINUTE_MS, day: 24 * 60 * MINUTE_MS } as const;

/** Most missed periods entered at one tick; the next tick goes on. */
export const CATCH_UP_COUNT_MAX = 50;
/** Most missed periods entered because somebody asked for one after them. */
export const ASKED_COUNT_MAX = 5_000;
export const RUN_TRY_COUNT_MAX = 5;

export interface Schedule {
  unit: "minute" | "hour" | "day" | "month";
  /** Where days and months begin, minutes east of UTC; China is 480. */
  utcOffsetMinutes?: number;
  /** `begun`: due in the period itself; `over`: once it has ended, as for accounts of a month. */
  due: "begun" | "over";
  /** How long after that beginning or end, ms. */
  delayMs?: number;
}

/** `each`: every missed period gets its run; `latest`: only the newest matters. */
export type CatchUp = "each" | "latest";

export interface JobPlan {
  name: string;
  /** When to look for due periods: five fields, UTC, days of the week by name. */
  cron: string;
  schedule: Schedule;
  catchUp: CatchUp;
}

/** Periods are counted from 1970, so that neighbours are neighbouring numbers. */
function indexAt({ unit, utcOffsetMinutes = 0 }: Schedule, at: Date): number {
  const localMs = at.getTime() + utcOffsetMinutes * MINUTE_MS;
  if (unit !== "month") return Math.floor(localMs / UNIT_MS[unit]);
  const local = new Date(localMs);
  return (local.getUTCFullYear() - 1970) * 12 + local.getUTCMonth();
}

/** `2021-02-03T04:05Z`, `2021-02-03T04Z`, `2021-02-03`, `202102`: in order of time as texts too. */
function nameOf({ unit, utcOffsetMinutes = 0 }: Schedule, index: number): string {
  if (unit === "month") {
    return `${1970 + Math.floor(index / 12)}${String(index % 12 + 1).padStart(2, "0")}`;
  }
  // Hours and minutes are told in UTC, days by the calendar they were cut by.
  const shiftMs = unit === "day" ? 0 : utcOffsetMinutes * MINUTE_MS;
  const text = new Date(index * UNIT_MS[unit] - shiftMs).toISOString();
  if (unit === "day") return text.slice(0, 10);
  return `${text.slice(0, unit === "hour" ? 13 : 16)}Z`;
}

function indexOf(schedule: Schedule, period: string): number {
  const { unit, utcOffsetMinutes = 0 } = schedule;
  const shiftMs = utcOffsetMinutes * MINUTE_MS;
  const beginning = {
    month: `${period.slice(0, 4)}-${period.slice(4)}-01T00:00Z`,
    day: `${period}T00:00Z`,
    hour: period.replace("Z", ":00Z"),
    minute: period,
  }[unit];
  const isLocal = unit === "month" || unit === "day";
  const startsMs = Date.parse(beginning) - (isLocal ? shiftMs : 0);
  const index = Number.isNaN(startsMs) ? NaN : indexAt(schedule, new Date(startsMs));
  if (Number.isNaN(index) || nameOf(schedule, index) !== period) {
    throw new DomainError("params_invalid", {
      message: `没有这个周期：${period}`,
      english: `no such period: ${period}`,
    });
  }
  return index;
}

function newestDueIndex(schedule: Schedule, now: Date): number {
  const index = indexAt(schedule, new Date(now.getTime() - (schedule.delayMs ?? 0)));
  return schedule.due === "over" ? index - 1 : index;
}

function startOf({ unit, utcOffsetMinutes = 0 }: Schedule, index: number): number {
  const localMs = unit === "month" ? Date.UTC(1970, index) : index * UNIT_MS[unit];
  return localMs - utcOffsetMinutes * MINUTE_MS;
}

export function newestDuePeriod(schedule: Schedule, now: Date): string {
  return nameOf(schedule, newestDueIndex(schedule, now));
}

/**
 * Periods to enter now, oldest first: with `each` all that are due since `last`, at most
 * {@link CATCH_UP_COUNT_MAX}. The first run ever is for the newest. A clock that was set back
 * makes nothing due that was due before.
 * @param last the newest period entered so far that is not in the future, or the oldest if all are
 */
export function periodsToEnter(
  schedule: Schedule,
  { catchUp, now, last }: { catchUp: CatchUp; now: Date; last: string | undefined },
): string[] {
  const newest = newestDueIndex(schedule, now);
  if (catchUp === "latest" || last === undefined) return [nameOf(schedule, newest)];
  const first = indexOf(schedule, last) + 1;
  const count = Math.max(0, Math.min(newest - first + 1, CATCH_UP_COUNT_MAX));
  return Array.from({ length: count }, (_, at) => nameOf(schedule, first + at));
}

/**
 * Periods to enter because somebody asked for `period`, which comes last. Where each period counts
 * those missed before it come with it: once it is entered no tick looks for them any more.
 * @param last as {@link periodsToEnter} has it
 * @throws {DomainError} `params_invalid` when more than {@link ASKED_COUNT_MAX} were missed
 */
export function periodsUpTo(
  schedule: Schedule,
  { catchUp, period, last }: { catchUp: CatchUp; period: string; last: string | undefined },
): string[] {
  if (catchUp === "latest" || last === undefined || period <= last) return [period];
  const first = indexOf(schedule, last) + 1;
  const count = indexOf(schedule, period) - first + 1;
  if (count > ASKED_COUNT_MAX) {
    throw new DomainError("params_invalid", {
      message: `在它之前错过了${count}个周期`,
      english: `${count} periods were missed before it`,
    });
  }
  return Array.from({ length: count }, (_, at) => nameOf(schedule, first + at));
}

/** When the next period that is not due yet will be; the tick after that runs it. */
export function nextDueAt(schedule: Schedule, now: Date): Date {
  const next = newestDueIndex(schedule, now) + 1;
  const from = schedule.due === "over" ? next + 1 : next;
  return new Date(startOf(schedule, from) + (schedule.delayMs ?? 0));
}

export interface RunsSoFar {
  /** As {@link periodsToEnter} has it. */
  last: string | undefined;
  openCount: number;
  isNewestDone: boolean;
}

/** Due periods without a run that is done; of a job that wants the latest only, that one. */
export function missedCount(
  { schedule, catchUp }: Pick<JobPlan, "schedule" | "catchUp">,
  { last, openCount, isNewestDone, now }: RunsSoFar & { now: Date },
): number {
  if (catchUp === "latest" || last === undefined) return isNewestDone ? 0 : 1;
  const unentered = newestDueIndex(schedule, now) - indexOf(schedule, last);
  return Math.max(0, unentered) + openCount;
}

/**
 * A run for a month that is not over would be the only one that month ever gets.
 * @throws {DomainError} `params_invalid` for a period that does not exist or is not due
 */
export function refuseUndue(schedule: Schedule, period: string, now: Date): void {
  if (indexOf(schedule, period) > newestDueIndex(schedule, now)) {
    throw new DomainError("params_invalid", {
      message: `周期未到：${period}`,
      english: `not due yet: ${period}`,
    });
  }
}

export function restAfter(tryCount: number): number {
  return Math.min(10_000 * 2 ** Math.max(0, tryCount - 1), 10 * MINUTE_MS);
}

import { CHINA_AHEAD_MS, inChina } from "../china_time.ts";
import type { Schedule } from "../jobs/rules.ts";

export const PROFIT_JOB = "profit";
/** Months are China's; a run is due two hours after the end of one. */
export const PROFIT_SCHEDULE: Schedule = {
  unit: "month",
  due: "over",
  utcOffsetMinutes: CHINA_AHEAD_MS / 60_000,
  delayMs: 2 * 60 * 60 * 1000,
};

/** The month, `yyyyMM`, a point in time belongs to. */
export function periodOf(at: Date): string {
  const there = inChina(at);
  return `${there.getUTCFullYear()}${String(there.getUTCMonth() + 1).padStart(2, "0")}`;
}

/** `202112` → `202201`. */
export function periodAfter(period: string): string {
  const [year, month] = [Number(period.slice(0, 4)), Number(period.slice(4))];
  return month === 12 ? `${year + 1}01` : String(year * 100 + month + 1);
}

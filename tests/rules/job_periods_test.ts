import fc from "fast-check";
import assert from "node:assert/strict";
import {
  CATCH_UP_COUNT_MAX,
  type CatchUp,
  missedCount,
  newestDuePeriod,
  nextDueAt,
  periodsToEnter,
  periodsUpTo,
  refuseUndue,
  type RunsSoFar,
  type Schedule,
} from "../../db/domain/jobs/rules.ts";
import { PENDING_TRY_COUNT_MAX, waitAfter } from "../../db/domain/outgoing/rules.ts";
import { jobs } from "../../jobs/schedule.ts";

const HOUR_MS = 60 * 60_000;
const minutely: Schedule = { unit: "minute", due: "begun" };
const hourly: Schedule = { unit: "hour", due: "begun" };
const daily: Schedule = { unit: "day", due: "begun" };
/** Accounts of a month in China: due four hours after it ended there. */
const chinaMonths: Schedule = {
  unit: "month",
  due: "over",
  utcOffsetMinutes: 480,
  delayMs: 4 * HOUR_MS,
};
const units = { minutely, hourly, daily, chinaMonths };

/** A job as its ticks see it: the periods entered so far, each once. */
class Ticks {
  readonly entered: string[] = [];
  constructor(readonly schedule: Schedule, readonly catchUp: CatchUp) {}

  at(time: string | number | Date): string[] {
    const now = new Date(time);
    const upTo = newestDuePeriod(this.schedule, now);
    const known = this.entered.toSorted();
    const last = known.findLast((period) => period <= upTo) ?? known[0];
    const found = periodsToEnter(this.schedule, { catchUp: this.catchUp, now, last });
    const fresh = found.filter((period) => !this.entered.includes(period));
    this.entered.push(...fresh);
    return fresh;
  }
}

Deno.test("periods are named by their beginning, so that texts sort as times do", () => {
  const at = new Date("2021-02-03T04:05:06.789Z");
  assert.equal(newestDuePeriod(minutely, at), "2021-02-03T04:05Z");
  assert.equal(newestDuePeriod(hourly, at), "2021-02-03T04Z");
  assert.equal(newestDuePeriod(daily, at), "2021-02-03");
  assert.equal(newestDuePeriod({ unit: "month", due: "begun" }, at), "202102");
});

Deno.test("a month in China ends at 16:00 UTC, and its accounts are due four hours later", () => {
  const due = (at: string) => newestDuePeriod(chinaMonths, new Date(at));
  assert.equal(due("2021-02-28T15:59:59Z"), "202101");
  assert.equal(due("2021-02-28T16:00:00Z"), "202101", "over, but four hours are not");
  assert.equal(due("2021-02-28T19:59:59.999Z"), "202101");
  assert.equal(due("2021-02-28T20:00:00Z"), "202102");
  assert.equal(due("2020-02-29T20:00:00Z"), "202002", "a leap year's February");
  assert.equal(due("2020-12-31T20:00:00Z"), "202012");
  assert.equal(due("2021-01-31T19:59:59Z"), "202012");
});

Deno.test("a day in China begins at 16:00 UTC", () => {
  const chinaDays: Schedule = { ...daily, utcOffsetMinutes: 480 };
  const due = (at: string) => newestDuePeriod(chinaDays, new Date(at));
  assert.equal(due("2021-02-28T15:59:59Z"), "2021-02-28");
  assert.equal(due("2021-02-28T16:00:00Z"), "2021-03-01");
});

Deno.test("after an outage each missed period comes, oldest first, a bounded number a tick", () => {
  const ticks = new Ticks(chinaMonths, "each");
  assert.deepEqual(ticks.at("2021-02-01T00:00Z"), ["202101"], "the first ever is the newest");
  assert.deepEqual(ticks.at("2021-02-01T00:01Z"), []);
  assert.deepEqual(ticks.at("2021-06-01T00:00Z"), ["202102", "202103", "202104", "202105"]);

  const hours = new Ticks(hourly, "each");
  hours.at("2021-01-01T00:00Z");
  const first = hours.at("2021-01-05T00:00Z");
  assert.equal(first.length, CATCH_UP_COUNT_MAX);
  assert.equal(first[0], "2021-01-01T01Z");
  assert.equal(hours.at("2021-01-05T00:01Z").length, 96 - CATCH_UP_COUNT_MAX);
  assert.equal(hours.entered.at(-1), "2021-01-05T00Z");
});

Deno.test("where only the latest matters an outage leaves one run", () => {
  const ticks = new Ticks(minutely, "latest");
  ticks.at("2021-01-01T00:00Z");
  assert.deepEqual(ticks.at("2021-01-05T00:00Z"), ["2021-01-05T00:00Z"]);
});

Deno.test("a clock an hour ahead, then right again: each hour once, none left out", () => {
  const ticks = new Ticks(hourly, "each");
  for (
    const at of ["10:00", "11:00", "13:00", "14:00", "13:05", "14:00", "15:00", "16:00"]
  ) ticks.at(`2021-01-01T${at}Z`);
  assert.deepEqual(ticks.entered, [
    ...["2021-01-01T10Z", "2021-01-01T11Z", "2021-01-01T12Z", "2021-01-01T13Z"],
    ...["2021-01-01T14Z", "2021-01-01T15Z", "2021-01-01T16Z"],
  ]);
});

Deno.test("a clock an hour behind: nothing again, and nothing left out when it is right", () => {
  const ticks = new Ticks(hourly, "each");
  for (const at of ["10:00", "11:00", "10:30", "11:30", "12:00"]) ticks.at(`2021-01-01T${at}Z`);
  assert.deepEqual(ticks.entered, ["2021-01-01T10Z", "2021-01-01T11Z", "2021-01-01T12Z"]);
});

Deno.test("a minute's job goes on while the clock is back, instead of waiting an hour", () => {
  const ticks = new Ticks(minutely, "latest");
  ticks.at("2021-01-01T11:00Z");
  assert.deepEqual(ticks.at("2021-01-01T10:01Z"), ["2021-01-01T10:01Z"]);
});

Deno.test("whatever the clock does, nothing due is left out in the end and nothing comes twice", () => {
  const start = Date.parse("2021-03-31T00:00Z");
  const stepMs = { minute: 60_000, hour: HOUR_MS, day: 24 * HOUR_MS, month: 15 * 24 * HOUR_MS };
  fc.assert(fc.property(
    fc.constantFrom(...Object.values(units)),
    fc.array(fc.double({ min: -2, max: 5, noNaN: true }), { maxLength: 30 }),
    (schedule, jumps) => {
      const ticks = new Ticks(schedule, "each");
      let latest = start, now = start;
      ticks.at(now);
      for (const jump of jumps) {
        now += Math.round(jump * stepMs[schedule.unit]);
        latest = Math.max(latest, now);
        ticks.at(now);
      }
      for (let at = 0; at < 5; at++) ticks.at(latest);
      const sorted = [...ticks.entered].sort();
      assert.equal(new Set(sorted).size, sorted.length);
      const first = sorted[0]!;
      const again = periodsToEnter(schedule, {
        catchUp: "each" as const,
        now: new Date(latest),
        last: first,
      });
      assert.deepEqual(sorted.slice(1, 1 + again.length), again);
    },
  ));
});

Deno.test("a period asked for must exist and be due", () => {
  const now = new Date("2021-03-05T00:00Z");
  const refused = (schedule: Schedule, period: string) =>
    assert.throws(() => refuseUndue(schedule, period, now), { kind: "params_invalid" }, period);
  refuseUndue(chinaMonths, "202102", now);
  refuseUndue(chinaMonths, "201912", now);
  for (const period of ["202103", "202113", "202100", "2021-02", "21", "", "latest", "202102 "]) {
    refused(chinaMonths, period);
  }
  refuseUndue(daily, "2021-03-05", now);
  for (const period of ["2021-03-06", "2021-02-30", "20210305", "2021-03-05T00Z"]) {
    refused(daily, period);
  }
  refuseUndue(hourly, "2021-03-05T00Z", now);
  refused(hourly, "2021-03-05T01Z");
  refused(hourly, "2021-03-05T00:00Z");
  refuseUndue(minutely, "2021-03-05T00:00Z", now);
  refused(minutely, "2021-03-05T00:01Z");
});

Deno.test("jobs have names, crons and schedules the platform takes", () => {
  for (const { name, cron, schedule } of jobs) {
    assert.match(name, /^[a-z_]{1,64}$/);
    const fields = cron.split(" ");
    assert.equal(fields.length, 5);
    // Numbers mean other days to the platform than to everybody else.
    assert.match(fields[4]!, /^(\*|[A-Z,-]+)$/, `${name}: days of the week by name`);
    assert.ok(newestDuePeriod(schedule, new Date()));
  }
  assert.equal(new Set(jobs.map(({ name }) => name)).size, jobs.length);
});

Deno.test("at its own cron's time the period of that day or minute is due", () => {
  const cleanup = jobs.find(({ name }) => name === "cleanup")!;
  assert.equal(newestDuePeriod(cleanup.schedule, new Date("2021-03-05T20:30:00Z")), "2021-03-05");
  assert.equal(newestDuePeriod(cleanup.schedule, new Date("2021-03-05T20:29:59Z")), "2021-03-04");
});

Deno.test("waits between tries double, are bounded, and end within a receiver's memory of a day", () => {
  const waits = Array.from({ length: PENDING_TRY_COUNT_MAX }, (_, at) => waitAfter(at + 1));
  assert.deepEqual(waits.slice(0, 3), [10_000, 20_000, 40_000]);
  assert.ok(waits.reduce((a, b) => a + b) < 12 * HOUR_MS);
  assert.equal(waitAfter(1_000), 15 * 60_000);
});

const asked = (over: Partial<Parameters<typeof periodsUpTo>[1]> = {}) =>
  periodsUpTo(chinaMonths, { catchUp: "each", period: "202105", last: "202102", ...over });

Deno.test("a period asked for brings those missed before it, where each counts", () => {
  assert.deepEqual(asked(), ["202103", "202104", "202105"]);
  assert.deepEqual(asked({ catchUp: "latest" }), ["202105"]);
  assert.deepEqual(asked({ last: undefined }), ["202105"]);
  assert.deepEqual(asked({ period: "202001" }), ["202001"]);
  assert.deepEqual(asked({ period: "202102" }), ["202102"]);
  const week = { catchUp: "each", last: "2021-01-01T00:00Z", period: "2021-01-08T00:00Z" } as const;
  assert.throws(() => periodsUpTo(minutely, week), { kind: "params_invalid" });
});

Deno.test("the next period is due when the newest that is due changes, and not before", () => {
  fc.assert(fc.property(
    fc.record({
      unit: fc.constantFrom<Schedule["unit"]>("minute", "hour", "day", "month"),
      due: fc.constantFrom("begun" as const, "over" as const),
      utcOffsetMinutes: fc.constantFrom(0, 480),
      delayMs: fc.nat(3 * 60 * 60 * 1000),
    }),
    fc.date({ min: new Date("2020-01-01"), max: new Date("2030-01-01"), noInvalidDate: true }),
    (schedule, now) => {
      const next = nextDueAt(schedule, now);
      const justBefore = new Date(next.getTime() - 1);
      assert.ok(next > now);
      assert.equal(newestDuePeriod(schedule, justBefore), newestDuePeriod(schedule, now));
      assert.notEqual(newestDuePeriod(schedule, next), newestDuePeriod(schedule, now));
    },
  ));
});

Deno.test("missed periods are those without a run that is done", () => {
  const now = new Date("2021-07-01T00:00:00+08:00");
  const count = (catchUp: "each" | "latest", runs: Partial<RunsSoFar> = {}) =>
    missedCount({ schedule: chinaMonths, catchUp }, {
      last: "202102",
      openCount: 0,
      isNewestDone: false,
      now,
      ...runs,
    });
  assert.equal(newestDuePeriod(chinaMonths, now), "202105", "June's accounts are not due yet");
  assert.equal(count("each"), 3);
  assert.equal(count("each", { openCount: 2 }), 5);
  assert.equal(count("each", { last: undefined }), 1, "the first run is for the newest");
  assert.equal(count("each", { last: "202112" }), 0, "entered by a clock that ran ahead");
  assert.equal(count("latest"), 1);
  assert.equal(count("latest", { isNewestDone: true }), 0);
});

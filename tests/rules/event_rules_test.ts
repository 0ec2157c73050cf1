import assert from "node:assert/strict";
import fc from "fast-check";
import type { Kind } from "../../db/domain/errors.ts";
import {
  checkChange,
  checkEventTime,
  checkReminder,
  checkStart,
  EVENT_AHEAD_MS_MAX,
  EVENT_MEMBER_COUNT_MAX,
  type EventFacts,
  EventPhase,
  membersOf,
  phaseOf,
} from "../../db/domain/events/rules.ts";

const MINUTE_MS = 60_000;
const AT = 1_620_748_800_000;

/** Which failure `check` ends with; undefined when it passes. */
function failureOf(check: () => void): Kind | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return (error as { kind: Kind }).kind;
  }
}

Deno.test("an event is due within half an hour of its time, both ends included", () => {
  const phaseAt = (ms: number) => phaseOf(AT, AT + ms);
  assert.equal(phaseAt(-30 * MINUTE_MS - 1), EventPhase.early);
  assert.equal(phaseAt(-30 * MINUTE_MS), EventPhase.due);
  assert.equal(phaseAt(0), EventPhase.due);
  assert.equal(phaseAt(30 * MINUTE_MS), EventPhase.due);
  assert.equal(phaseAt(30 * MINUTE_MS + 1), EventPhase.over);
});

Deno.test("time passes in one direction: early, due, over", () => {
  const ms = fc.integer({ min: -1e10, max: 1e10 });
  fc.assert(fc.property(ms, ms, (a, b) => {
    const [first, second] = [Math.min(a, b), Math.max(a, b)];
    assert.ok(phaseOf(AT, AT + first) <= phaseOf(AT, AT + second));
  }));
});

Deno.test("an event lies ahead, and not absurdly far", () => {
  const failureAt = (eventAtMs: number) => failureOf(() => checkEventTime(eventAtMs, AT));
  for (const wrong of [0, -1, AT - 1, AT, NaN, AT + EVENT_AHEAD_MS_MAX + 1, Infinity]) {
    assert.equal(failureAt(wrong), "params_invalid", `${wrong}`);
  }
  assert.equal(failureAt(AT + 1), undefined);
  assert.equal(failureAt(AT + EVENT_AHEAD_MS_MAX), undefined);
});

Deno.test("an event's people are 1 to 20, each once, whoever says so among them", () => {
  const uids = Array.from({ length: EVENT_MEMBER_COUNT_MAX + 1 }, (_, at) => `person ${at}`);
  const failure = (members: string[]) => failureOf(() => membersOf(members, uids[0]!));
  assert.equal(failure([uids[0]!]), undefined);
  assert.equal(failure(uids.slice(0, EVENT_MEMBER_COUNT_MAX)), undefined);
  assert.deepEqual(membersOf([uids[1]!, uids[0]!, uids[1]!], uids[0]!), [uids[1]!, uids[0]!]);
  for (const wrong of [[], uids, uids.slice(1, 3)]) {
    assert.equal(failure(wrong), "event_members_invalid", `${wrong}`);
  }
});

/** All the facts there are, with what each check says to them; 40 minutes are outside the window. */
const CASES = [true, false].flatMap((isMember) =>
  [null, "room"].flatMap((roomId) => [-40, 0, 40].map((minutes) => ({ isMember, roomId, minutes })))
);

Deno.test("who may change, start and be reminded of an event, in every case", () => {
  for (const { isMember, roomId, minutes } of CASES) {
    const event: EventFacts = { isMember, roomId, eventAtMs: AT };
    const nowMs = AT + minutes * MINUTE_MS;
    const place = JSON.stringify({ isMember, roomId, minutes });
    assert.equal(
      failureOf(() => checkChange(event)),
      !isMember ? "event_not_yours" : roomId ? "event_started" : undefined,
      `change ${place}`,
    );
    assert.equal(
      failureOf(() => checkStart(event, nowMs)),
      !isMember
        ? "event_not_yours"
        : roomId || minutes === 0
        ? undefined
        : minutes < 0
        ? "event_not_due"
        : "event_over",
      `start ${place}`,
    );
    assert.equal(
      failureOf(() => checkReminder(event, nowMs)),
      isMember ? "event_own" : roomId ? "event_started" : minutes > 0 ? "event_over" : undefined,
      `remind ${place}`,
    );
  }
});

Deno.test("nothing can be done with an event that is not there", () => {
  for (const check of [checkChange, checkStart, checkReminder]) {
    assert.equal(failureOf(() => check(undefined, AT)), "event_missing");
  }
});

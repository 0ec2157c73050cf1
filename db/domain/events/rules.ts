import { DomainError } from "../errors.ts";

const MINUTE_MS = 60_000;

/** Longest name and introduction of an event, in characters as people count them. */
export const EVENT_NAME_LENGTH_MAX = 100;
export const EVENT_DESCRIPTION_LENGTH_MAX = 300;
export const EVENT_MEMBER_COUNT_MAX = 20;
export const EVENT_AHEAD_MS_MAX = 10 * 366 * 24 * 60 * MINUTE_MS;
/** An event can be started this long before and after its time, ms; then it is over. */
export const EVENT_WINDOW_MS = 30 * MINUTE_MS;
export const EVENT_REMINDER_MS = 10 * MINUTE_MS;

/** `eventTimeStatus` of the gateway contract. */
export const EventPhase = { early: 0, due: 1, over: 2 } as const;
export type EventPhase = (typeof EventPhase)[keyof typeof EventPhase];

/** Whether an event is too early to start, due (both ends count), or over. */
export function phaseOf(eventAtMs: number, nowMs: number): EventPhase {
  if (nowMs < eventAtMs - EVENT_WINDOW_MS) return EventPhase.early;
  return nowMs <= eventAtMs + EVENT_WINDOW_MS ? EventPhase.due : EventPhase.over;
}

export interface EventFacts {
  eventAtMs: number;
  /** The person asking is one of its hosts and guests. */
  isMember: boolean;
  roomId: string | null;
}

/**
 * @throws {DomainError} `params_invalid` unless the time lies ahead, and not absurdly far
 */
export function checkEventTime(eventAtMs: number, nowMs: number): void {
  if (!(eventAtMs > nowMs)) {
    throw new DomainError("params_invalid", { message: "日程时间必须晚于当前时间" });
  }
  if (eventAtMs > nowMs + EVENT_AHEAD_MS_MAX) {
    throw new DomainError("params_invalid", { message: "日程时间过于遥远" });
  }
}

/**
 * @returns the people, each once
 * @throws {DomainError} `event_members_invalid` unless they are {@link EVENT_MEMBER_COUNT_MAX} at
 *   most, with the one who says so among them
 */
export function membersOf(memberUids: string[], callerUid: string): string[] {
  const members = [...new Set(memberUids)];
  if (members.length > EVENT_MEMBER_COUNT_MAX || !members.includes(callerUid)) {
    throw new DomainError("event_members_invalid");
  }
  return members;
}

/**
 * By any of its members, until it was started.
 * @throws {DomainError} `event_missing`, `event_not_yours`, `event_started`
 */
export function checkChange(event: EventFacts | undefined): void {
  if (!event) throw new DomainError("event_missing");
  if (!event.isMember) throw new DomainError("event_not_yours");
  if (event.roomId !== null) throw new DomainError("event_started");
}

/** @throws {DomainError} `event_missing`, `event_own`, `event_started`, `event_over` */
export function checkReminder(event: EventFacts | undefined, nowMs: number): void {
  if (!event) throw new DomainError("event_missing");
  if (event.isMember) throw new DomainError("event_own");
  if (event.roomId !== null) throw new DomainError("event_started");
  if (phaseOf(event.eventAtMs, nowMs) === EventPhase.over) throw new DomainError("event_over");
}

/**
 * Whether an event may be started: by any of its members while it is due. One that was started
 * already passes at any time, since starting it again only answers its room.
 * @throws {DomainError} `event_missing`, `event_not_yours`, `event_not_due`, `event_over`
 */
export function checkStart(event: EventFacts | undefined, nowMs: number): void {
  if (!event) throw new DomainError("event_missing");
  if (!event.isMember) throw new DomainError("event_not_yours");
  if (event.roomId !== null) return;
  const phase = phaseOf(event.eventAtMs, nowMs);
  if (phase === EventPhase.early) throw new DomainError("event_not_due");
  if (phase === EventPhase.over) throw new DomainError("event_over");
}

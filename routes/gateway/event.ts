import { z } from "zod";
import { askReminder } from "../../db/domain/events/ask_reminder.ts";
import { createEvent } from "../../db/domain/events/create_event.ts";
import { deleteEvent } from "../../db/domain/events/delete_event.ts";
import { editEvent } from "../../db/domain/events/edit_event.ts";
import { type EventView, listEvents, readEvent } from "../../db/domain/events/reads.ts";
import {
  EVENT_DESCRIPTION_LENGTH_MAX,
  EVENT_MEMBER_COUNT_MAX,
  EVENT_NAME_LENGTH_MAX,
  phaseOf,
} from "../../db/domain/events/rules.ts";
import { startEvent } from "../../db/domain/events/start_event.ts";
import { cursorText } from "../../db/domain/paging/rules.ts";
import type { Profile } from "../../db/domain/users/profile.ts";
import { perUser } from "../../middleware/rate_limit.ts";
import { Flag, flag, HexId, nameUpTo, Nothing, textOrNothingUpTo } from "../fields.ts";
import { Page, pageOf, PageQuery, UserProfile, userProfileResult } from "./fields.ts";
import { Room, roomResult } from "./room_fields.ts";
import { endpoint } from "./surface.ts";

/** `eventResult`: an event as the caller sees it. */
const Event = z.object({
  eventId: HexId,
  uid: HexId.describe("Who announced it"),
  name: z.string(),
  desc: z.string(),
  createTime: z.number().int(),
  eventTime: z.number().int().describe("When it begins, ms"),
  eventTimeStatus: z.literal([0, 1, 2])
    .describe("0: more than 30 minutes before its time; 1: within 30 minutes of it; 2: later"),
  memberUidList: z.array(HexId),
  memberList: z.array(UserProfile).optional().describe("Not in lists"),
  notify: Flag.describe("1: you asked to be reminded"),
  roomId: HexId.optional().describe("Once it was started"),
  roomResult: Room.optional().describe("While its room is open and somebody inside"),
});

function eventResult(
  event: EventView & { members?: Profile[] },
  now: Date,
): z.input<typeof Event> {
  return {
    eventId: event.eventId,
    uid: event.creatorUid,
    name: event.name,
    desc: event.description,
    createTime: event.createdAtMs,
    eventTime: event.eventAtMs,
    eventTimeStatus: phaseOf(event.eventAtMs, now.getTime()),
    memberUidList: event.memberUids,
    ...event.members && { memberList: event.members.map(userProfileResult) },
    notify: flag(event.isReminded),
    ...event.roomId !== null && { roomId: event.roomId },
    ...event.room && { roomResult: roomResult(event.room) },
  };
}

const EventParams = z.object({ eventId: z.string() });

const EventBody = z.object({
  name: nameUpTo(EVENT_NAME_LENGTH_MAX).describe("标题"),
  desc: textOrNothingUpTo(EVENT_DESCRIPTION_LENGTH_MAX).optional().describe("介绍"),
  eventTime: z.coerce.number().int().default(0).describe("日程时间，毫秒数; must lie ahead"),
  memberUidList: z.array(z.string()).min(1).max(EVENT_MEMBER_COUNT_MAX)
    .describe("主持人或者嘉宾; the caller among them"),
});

function eventInput({ name, desc, eventTime, memberUidList }: z.output<typeof EventBody>) {
  return { name, description: desc, eventAtMs: eventTime, memberUids: memberUidList };
}

export const announce = endpoint({
  method: "post",
  path: "/event",
  summary: "创建日程",
  body: EventBody,
  data: Event,
  errors: ["event_members_invalid"],
  rate: perUser(30, "1 min"),
  async handle({ body, actor, ctx }) {
    const creator = { userId: actor.userId, uid: actor.uid };
    return eventResult(await createEvent(ctx, { creator, ...eventInput(body) }), ctx.now());
  },
});

export const change = endpoint({
  method: "put",
  path: "/event/{eventId}",
  summary: "编辑日程",
  description:
    "By any of its members, who stays among them, until it was started. `desc` stays if it is left " +
    "out; `eventTime` has to lie ahead if it is another.",
  params: EventParams,
  body: EventBody,
  data: Event,
  errors: ["event_missing", "event_not_yours", "event_started", "event_members_invalid"],
  async handle({ params: { eventId }, body, actor, ctx }) {
    const input = { eventId, userId: actor.userId, ...eventInput(body) };
    return eventResult(await editEvent(ctx, input), ctx.now());
  },
});

export const callOff = endpoint({
  method: "delete",
  path: "/event/{eventId}",
  summary: "删除日程",
  description: "By any of its members, until it was started.",
  params: EventParams,
  data: Nothing,
  errors: ["event_missing", "event_not_yours", "event_started"],
  async handle({ params: { eventId }, actor, ctx }) {
    await deleteEvent(ctx, { eventId, userId: actor.userId });
    return {};
  },
});

export const read = endpoint({
  method: "get",
  path: "/event/{eventId}",
  summary: "获取日程",
  params: EventParams,
  data: Event,
  errors: ["event_missing"],
  handle: async ({ params: { eventId }, actor, ctx }) =>
    eventResult(await readEvent(ctx, { eventId, viewerId: actor.userId }), ctx.now()),
});

const ListedEvent = z.object({
  eventId: HexId,
  eventResult: Event,
  eventTime: z.number().int(),
  sequenceId: z.string(),
});

export const list = endpoint({
  method: "get",
  path: "/event",
  summary: "分页获取日程列表",
  description: "Events that are not over, the next first; `{}` before the profile is filled in.",
  query: PageQuery,
  // Strict, so that a page that is not as it should be is never taken for nothing.
  data: z.union([Page(ListedEvent), z.strictObject({})]),
  beforeProfile: true,
  async handle({ query: { lastId, count }, actor, ctx }) {
    if (!actor.hasProfile) return {};
    const events = await listEvents(ctx, { viewerId: actor.userId, cursor: lastId, count });
    return pageOf(
      count,
      events.map((event) => ({
        eventId: event.eventId,
        eventResult: eventResult(event, ctx.now()),
        eventTime: event.eventAtMs,
        sequenceId: cursorText({ at: new Date(event.eventAtMs), id: event.eventId }),
      })),
    );
  },
});

export const askForReminder = endpoint({
  method: "post",
  path: "/event/{eventId}/notify",
  summary: "预约日程",
  params: EventParams,
  data: Nothing,
  errors: ["event_missing", "event_own", "event_started", "event_over"],
  repeatable: true,
  async handle({ params: { eventId }, actor, ctx }) {
    await askReminder(ctx, { eventId, userId: actor.userId });
    return {};
  },
});

export const start = endpoint({
  method: "post",
  path: "/event/{eventId}/start",
  summary: "通过日程开始活动",
  description: "By any of its members, within 30 minutes of its time. Started again, it answers " +
    "the room it has.",
  params: EventParams,
  data: Event,
  errors: ["event_missing", "event_not_yours", "event_not_due", "event_over"],
  async handle({ params: { eventId }, actor, ctx }) {
    return eventResult(await startEvent(ctx, { eventId, ...actor }), ctx.now());
  },
});

import { type SQL, sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { type Ctx, withTx } from "../../db/client/ctx.ts";
import { DomainError, type Kind } from "../../db/domain/errors.ts";
import { askReminder } from "../../db/domain/events/ask_reminder.ts";
import { createEvent, type EventInput } from "../../db/domain/events/create_event.ts";
import { editEvent } from "../../db/domain/events/edit_event.ts";
import { listEvents, readEvent } from "../../db/domain/events/reads.ts";
import { remindOfEvents } from "../../db/domain/events/remind.ts";
import { startEvent } from "../../db/domain/events/start_event.ts";
import { closeRoom } from "../../db/domain/rooms/close_room.ts";
import { createRoom } from "../../db/domain/rooms/create_room.ts";
import { inviteToRoom } from "../../db/domain/rooms/invite_to_room.ts";
import { joinRoom } from "../../db/domain/rooms/join_room.ts";
import { leaveRoom } from "../../db/domain/rooms/leave_room.ts";
import { listRooms, readRoom } from "../../db/domain/rooms/reads.ts";
import { closeForsakenRooms, removePastRoomMembers } from "../../db/domain/rooms/settle_rooms.ts";
import { shareRoom } from "../../db/domain/rooms/share_room.ts";
import { startTestApp } from "../harness.ts";
import { makeUsers } from "../people/factories.ts";
import { openPatiently, startPostgres } from "../services/postgres.ts";
import {
  PLAN_MODES,
  type PlanMode,
  type StatementCost,
  StatementListener,
} from "../services/statement_costs.ts";
import { sized } from "../size.ts";

const MINUTE_MS = 60_000;
const PARALLEL_COUNT = sized({ suite: 400, full: 1_000 });

const buildToken = (channel: string) => Promise.resolve(`token of ${channel}`);

/** How often each expected failure came; any other failure is thrown. */
function failuresOf(results: PromiseSettledResult<unknown>[]): Partial<Record<Kind, number>> {
  const counts: Partial<Record<Kind, number>> = {};
  for (const result of results) {
    if (result.status === "fulfilled") continue;
    if (!(result.reason instanceof DomainError)) throw result.reason;
    counts[result.reason.kind] = (counts[result.reason.kind] ?? 0) + 1;
  }
  return counts;
}

/** Runs work for 0…count-1 all at once. */
function allAtOnce<T>(count: number, work: (at: number) => Promise<T>) {
  return Promise.allSettled(Array.from({ length: count }, (_, at) => work(at)));
}

async function countOf(ctx: Ctx, rows: SQL): Promise<number> {
  const result = await ctx.db.execute<{ count: string }>(
    sql`select count(*)::text as count ${rows}`,
  );
  return Number(result.rows[0]!.count);
}

Deno.test("rooms and events on a real Postgres", async (t) => {
  await using server = await startPostgres();
  if (!server) return;
  const database = openPatiently(await server.newDatabase());
  const app = await startTestApp({ database });
  const { ctx } = app;
  const people = await makeUsers(ctx, 6);
  const [host, guest] = people.map(({ id }) => id) as [number, number];
  const newRoom = async () => {
    const room = { userId: host, name: "Room", clubId: undefined, inviteOnly: false };
    return (await createRoom(ctx, room)).roomId;
  };

  await t.step(
    "many at once join, leave, look, invite and share; the count is right",
    async () => {
      const other = await newRoom();
      const roomId = await newRoom();
      // Somebody stays in each, so that it is there to be entered.
      await joinRoom(ctx, { roomId, userId: people[3]!.id, buildToken });
      await joinRoom(ctx, { roomId: other, userId: host, buildToken });
      await joinRoom(ctx, { roomId: other, userId: people[4]!.id, buildToken });
      const results = await allAtOnce(PARALLEL_COUNT, (at) => {
        const userId = people[at % 2]!.id;
        const steps = [
          () => joinRoom(ctx, { roomId, userId, buildToken }),
          () => joinRoom(ctx, { roomId: other, userId, buildToken }),
          () => leaveRoom(ctx, { roomId, userId }),
          () => readRoom(ctx, { roomId, viewerId: host }),
          () => shareRoom(ctx, { roomId, userId: host }),
          () => inviteToRoom(ctx, { roomId, inviterId: host, uid: people[2]!.uid }),
          () => removePastRoomMembers(ctx, 100),
          () => closeForsakenRooms(ctx, 100),
        ];
        return steps[Math.floor(at / 2) % steps.length]!() as Promise<unknown>;
      });
      assert.deepEqual(failuresOf(results), {});
      for (const { id } of people) await joinRoom(ctx, { roomId, userId: id, buildToken });
      const inside = sql`from room_members where left_at is null`;
      assert.equal(await countOf(ctx, inside), people.length, "each in one room");
      assert.equal((await readRoom(ctx, { roomId, viewerId: host })).memberTotal, people.length);
      assert.equal(await countOf(ctx, sql`from room_shares where room_id = ${roomId}`), 1);
    },
  );

  await t.step("closed while others join and leave, a room is empty, and closed once", async () => {
    for (let round = 0; round < 10; round++) {
      const roomId = await newRoom();
      const results = await allAtOnce<unknown>(PARALLEL_COUNT / 10, (at) => {
        const userId = people[at % people.length]!.id;
        if (at % 20 === 13) return closeRoom(ctx, { roomId, userId: host });
        if (at % 7 === 5) return leaveRoom(ctx, { roomId, userId });
        return joinRoom(ctx, { roomId, userId, buildToken });
      });
      assert.deepEqual(Object.keys(failuresOf(results)), ["room_missing"]);
      const closers = results.filter((result, at) =>
        at % 20 === 13 && result.status === "fulfilled"
      );
      assert.equal(closers.length, 1);
      assert.equal(await countOf(ctx, sql`from room_members where room_id = ${roomId}`), 0);
    }
  });

  await t.step(
    "who comes while a room closes stays out, who was in before is sent out",
    async () => {
      for (const isCloserFirst of [true, false]) {
        const roomId = await newRoom();
        const join = (ctx: Ctx) => joinRoom(ctx, { roomId, userId: guest, buildToken });
        const close = (ctx: Ctx) => closeRoom(ctx, { roomId, userId: host });
        let second: Promise<PromiseSettledResult<unknown>[]>;
        // The first has not committed when the second begins.
        await withTx(ctx, async (tx) => {
          await (isCloserFirst ? close : join)(tx);
          second = Promise.allSettled([(isCloserFirst ? join : close)(ctx)]);
          await delay(50);
        });
        const failures = failuresOf(await second!);
        assert.deepEqual(failures, isCloserFirst ? { room_missing: 1 } : {});
        assert.equal(await countOf(ctx, sql`from room_members where room_id = ${roomId}`), 0);
      }
    },
  );

  const announce = (over: Partial<EventInput> = {}) =>
    createEvent(ctx, {
      creator: { userId: host, uid: people[0]!.uid },
      name: "Event",
      description: undefined,
      eventAtMs: ctx.now().getTime() + MINUTE_MS,
      memberUids: people.slice(0, 2).map(({ uid }) => uid),
      ...over,
    });

  await t.step(
    "an event started by many at once has one room, which all are answered",
    async () => {
      const { eventId } = await announce();
      const roomCount = await countOf(ctx, sql`from rooms`);
      const started = await Promise.all(
        Array.from(
          { length: 100 },
          (_, at) => startEvent(ctx, { eventId, userId: at % 2 ? host : guest }),
        ),
      );
      assert.equal(
        new Set(started.map(({ roomId }) => roomId)).size,
        1,
      );
      assert.ok(started.every(({ room }) => room !== null));
      assert.equal(await countOf(ctx, sql`from rooms`), roomCount + 1);
    },
  );

  await t.step("of edits at once one stays whole: its text with its people", async () => {
    const { eventId } = await announce();
    const others = people.slice(2);
    const results = await allAtOnce(100, (at) => {
      const other = others[at % others.length]!;
      return editEvent(ctx, {
        eventId,
        userId: host,
        description: undefined,
        name: other.uid,
        eventAtMs: ctx.now().getTime() + MINUTE_MS,
        memberUids: [people[0]!.uid, other.uid],
      });
    });
    assert.deepEqual(failuresOf(results), {});
    const event = await readEvent(ctx, { eventId, viewerId: host });
    assert.deepEqual(event.memberUids, [people[0]!.uid, event.name]);
  });

  await t.step("started while it is edited, an event is what the room says", async () => {
    for (let round = 0; round < 10; round++) {
      const event = await announce({ name: "Before" });
      const { eventId } = event;
      const results = await Promise.allSettled([
        startEvent(ctx, { eventId, userId: guest }),
        editEvent(ctx, {
          eventId,
          userId: host,
          name: "After",
          description: undefined,
          eventAtMs: event.eventAtMs,
          memberUids: event.memberUids,
        }),
      ]);
      const wasEdited = failuresOf(results).event_started === undefined;
      const { name, room } = await readEvent(ctx, { eventId, viewerId: host });
      assert.deepEqual([name, room!.name], wasEdited ? ["After", "After"] : ["Before", "Before"]);
    }
  });

  await t.step("reminders sent by many runs at once reach each person once", async () => {
    const askers = await makeUsers(ctx, 30);
    const events = [await announce(), await announce(), await announce()];
    for (const { eventId } of events) {
      for (const { id } of askers) await askReminder(ctx, { eventId, userId: id });
    }
    const runs = await Promise.all(
      Array.from({ length: 8 }, () => remindOfEvents(ctx, { limit: 1_000 })),
    );
    assert.equal(runs.reduce((sum, told) => sum + told), askers.length * events.length);
    assert.equal(
      await countOf(ctx, sql`from notifications where title = '你预约的日程即将开始'`),
      askers.length * events.length,
    );
    const unread = await ctx.db.execute<{ unread_count: number }>(
      sql`select distinct unread_count from users where id >= ${askers[0]!.id}`,
    );
    assert.deepEqual(unread.rows, [{ unread_count: events.length }]);
  });

  await app[Symbol.asyncDispose]();
  await database.close();
});

/** Rooms of `count` hosts and clubs, and as many events: public, of clubs, private and closed ones. */
async function fill(ctx: Ctx, count: number, people: { id: number }[]): Promise<void> {
  const ids = sql`array[${sql.join(people.map(({ id }) => sql`${id}::bigint`), sql`, `)}]`;
  // Selected, the array is made once and not for each of a hundred thousand rows.
  const person = sql`(select ${ids})[1 + n % ${people.length}]`;
  const steps = [
    sql`insert into clubs (id, owner_id, name, cover, created_at)
      select md5('club' || n), ${person}, 'Club', 'c', now()
      from generate_series(1, ${count / 100}::int) n`,
    sql`insert into club_members (club_id, user_id, joined_at)
      select md5('club' || n), ${people[0]!.id}, now() from generate_series(1, 10) n`,
    sql`insert into rooms (id, host_id, name, club_id, invite_only, created_at, closed_at)
      select md5('room' || n), ${person}, 'Room',
        case when n % 3 = 1 then md5('club' || (1 + n % ${count / 100}::int)) end, n % 3 = 2,
        now() - n * interval '1 minute', case when n % 10 = 0 then now() end
      from generate_series(1, ${count}::int) n`,
    // Everybody is in one room at most, so somebody else is in each.
    sql`with made as (
        insert into users (id, app_uid, uid, nickname, profile_at, created_at, updated_at)
        select 1000000 + n, 1000000 + n, md5('inside' || n), 'Inside', now(), now(), now()
        from generate_series(1, ${count}::int) n returning id
      )
      insert into room_members (room_id, user_id, role, joined_at, seen_at)
      select rooms.id, made.id, 0, now(), now() from made
      join rooms on rooms.id = md5('room' || (made.id - 1000000)) where closed_at is null`,
    sql`insert into room_invites (room_id, user_id, inviter_id, created_at)
      select id, ${people[0]!.id}, host_id, created_at from rooms
      where invite_only order by created_at desc limit 100 on conflict do nothing`,
    sql`insert into events (id, creator_id, name, event_at, created_at)
      select md5('event' || n), ${person}, 'Event',
        now() + (n - ${count / 2}::int) * interval '1 minute', now()
      from generate_series(1, ${count}::int) n`,
    sql`insert into event_members (event_id, user_id, position)
      select id, creator_id, 1 from events`,
    sql`vacuum analyze`,
  ];
  for (const step of steps) await ctx.db.execute(step);
}

Deno.test("both lists cost the same however large their tables grow", async () => {
  await using server = await startPostgres();
  if (!server) return;
  const cost: Record<string, Record<PlanMode, StatementCost>>[] = [];
  for (const count of [1_000, sized({ suite: 20_000, full: 100_000 })]) {
    const url = await server.newDatabase();
    const database = openPatiently(url);
    await using listener = await StatementListener.open(url);
    const app = await startTestApp({ database });
    const people = await makeUsers(app.ctx, 500);
    await fill(app.ctx, count, people);
    const now = new Date();
    const later = new Date(now.getTime() + 5 * MINUTE_MS);
    const earlier = new Date(now.getTime() - 5 * MINUTE_MS);
    const at = (at: Date) => ({ at, id: "f".repeat(32) });
    const page = { viewerId: people[0]!.id, count: 20 };
    const pages: Record<string, (ctx: Ctx) => Promise<unknown[]>> = {
      rooms: (ctx) => listRooms(ctx, { ...page, cursor: undefined }),
      moreRooms: (ctx) => listRooms(ctx, { ...page, cursor: at(earlier) }),
      events: (ctx) => listEvents(ctx, { ...page, cursor: undefined }),
      moreEvents: (ctx) => listEvents(ctx, { ...page, cursor: at(later) }),
    };
    const costs: Record<string, Record<PlanMode, StatementCost>> = {};
    for (const [name, read] of Object.entries(pages)) {
      const listed = await listener.costOf(read);
      assert.equal(listed.answer.length, page.count, name);
      costs[name] = listed.costs;
    }
    cost.push(costs);
    await app[Symbol.asyncDispose]();
    await database.close();
  }
  for (const [name, small] of Object.entries(cost[0]!)) {
    for (const mode of PLAN_MODES) {
      const [before, after] = [small.custom.buffers, cost[1]![name]![mode].buffers];
      assert.ok(after <= before * 1.5, `${name}, ${mode} plan: ${after} blocks, not ${before}`);
    }
  }
});

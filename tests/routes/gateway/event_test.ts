import { eq, sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { readPublicEvent } from "../../../db/domain/events/reads.ts";
import { remindOfEvents } from "../../../db/domain/events/remind.ts";
import { eventReminders, events } from "../../../db/schema/events.ts";
import { pendingWork } from "../../../db/schema/jobs.ts";
import { notifications } from "../../../db/schema/notifications.ts";
import { roomMembers, rooms } from "../../../db/schema/rooms.ts";
import { users, UserStatus } from "../../../db/schema/users.ts";
import { drainPending } from "../../../jobs/push.ts";
import {
  assertFailed,
  caller,
  callGateway,
  type GatewayAnswer,
  type GatewayLogin,
  logIn,
  registerPerson,
} from "../../clients/gateway.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { makeUsers } from "../../people/factories.ts";
import { userIdOf } from "./rooms_and_clubs.ts";

const NOWHERE = "0".repeat(32);
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** What a good event says; it begins in an hour. What `rest` has undefined is left out. */
function eventBody(app: TestApp, people: GatewayLogin[], rest: Record<string, unknown> = {}) {
  const body: Record<string, unknown> = {
    name: "测试日程",
    desc: "测试介绍",
    eventTime: app.clock.now().getTime() + 60 * MINUTE_MS,
    memberUidList: people.map(({ uid }) => uid),
    ...rest,
  };
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
}

/** Announces an event in the name of the first of `people`. */
async function announce(app: TestApp, people: GatewayLogin[], rest: Record<string, unknown> = {}) {
  const body = eventBody(app, people, rest);
  const answer = await caller(app)("POST", "/event", people[0]!, { body });
  assert.equal(answer.status, 1, answer.message);
  return answer.result.eventId as string;
}

Deno.test("POST /event", async (t) => {
  await using app = await startTestApp();
  const call = caller(app);
  const host = await registerPerson(app, "枫叶");
  const guest = await registerPerson(app, "铭恺");
  const create = (body: Record<string, unknown>) => call("POST", "/event", host, { body });

  await t.step("answers the event as the contract's sample", async () => {
    const body = eventBody(app, [host, guest]);
    const { status, message, result } = await create(body);
    assert.deepEqual([status, message], [1, "Success"]);
    assert.match(result.eventId, /^[a-f0-9]{32}$/);
    assert.ok(Math.abs(result.createTime - app.clock.now().getTime()) < 5_000);
    const { memberList, ...rest } = result;
    assert.deepEqual(rest, {
      createTime: result.createTime,
      desc: "测试介绍",
      eventId: result.eventId,
      eventTime: body.eventTime,
      eventTimeStatus: 0,
      memberUidList: [host.uid, guest.uid],
      name: "测试日程",
      notify: 0,
      uid: host.uid,
    });
    assert.deepEqual(memberList.map((it: { nickname: string }) => it.nickname), ["枫叶", "铭恺"]);
  });

  await t.step(
    "keeps people in the order they were named, and no desc as an empty one",
    async () => {
      const { desc: _desc, ...body } = eventBody(app, [guest, host]);
      const { result } = await create(body);
      assert.deepEqual(result.memberUidList, [guest.uid, host.uid]);
      assert.equal(result.desc, "");
    },
  );

  await t.step(
    "refuses people who are unknown, too many, or without the creator; named twice is once",
    async () => {
      const nameless = await logIn(app);
      const gone = await registerPerson(app, "Gone");
      await app.database.db.update(users).set({ status: UserStatus.deleted })
        .where(eq(users.uid, gone.uid));
      const many = Array.from({ length: 20 }, (_, at) => String(at).padStart(32, "0"));
      for (
        const memberUidList of [
          [],
          [guest.uid],
          [host.uid, NOWHERE],
          [host.uid, nameless.uid],
          [host.uid, gone.uid],
          [host.uid, ...many],
          "not a list",
          undefined,
        ]
      ) assertFailed(await create(eventBody(app, [], { memberUidList })), 0);
      assert.equal(await app.database.db.$count(events), 2, "only the good ones above");
      const twice = eventBody(app, [], { memberUidList: [host.uid, guest.uid, guest.uid] });
      assert.deepEqual((await create(twice)).result.memberUidList, [host.uid, guest.uid]);
    },
  );

  await t.step("refuses a time that is missing, past or absurd, and texts too long", async () => {
    const nowMs = app.clock.now().getTime();
    for (
      const wrong of [
        { eventTime: undefined },
        { eventTime: 0 },
        { eventTime: nowMs - 1 },
        { eventTime: 1e18 },
        { eventTime: "soon" },
        { name: " " },
        { name: undefined },
        { name: "字".repeat(101) },
        { desc: "字".repeat(301) },
      ]
    ) assertFailed(await create(eventBody(app, [host], wrong)), 0);
    const longest = { name: "👍".repeat(100), desc: "👍".repeat(300) };
    assert.equal((await create(eventBody(app, [host], longest))).status, 1);
  });
});

Deno.test("PUT /event/{eventId}", async (t) => {
  await using app = await startTestApp();
  const call = caller(app);
  const host = await registerPerson(app, "Host");
  const guest = await registerPerson(app, "Guest");
  const third = await registerPerson(app, "Third");
  const eventId = await announce(app, [host, guest]);
  const edit = (as: GatewayLogin, body: Record<string, unknown>, id = eventId) =>
    call("PUT", `/event/${id}`, as, { body });

  await t.step("replaces everything, by any of its members", async () => {
    assert.equal((await edit(guest, eventBody(app, [guest, host, third]))).status, 1);
    const body = eventBody(app, [third, host], { name: "Later", desc: "" });
    const { status, result } = await edit(host, body);
    assert.equal(status, 1);
    assert.deepEqual(
      [result.name, result.desc, result.eventTime, result.memberUidList, result.uid],
      ["Later", "", body.eventTime, [third.uid, host.uid], host.uid],
    );
    assertFailed(await edit(guest, body), 0, "只有日程成员可以进行此操作");
  });

  await t.step("keeps the desc that is left out", async () => {
    await edit(host, eventBody(app, [host, guest], { desc: "Kept" }));
    const { desc: _desc, ...body } = eventBody(app, [host, guest]);
    assert.equal((await edit(host, body)).result.desc, "Kept");
  });

  await t.step("refuses what creating refuses, and changes nothing", async () => {
    for (
      const body of [
        eventBody(app, [guest]),
        eventBody(app, [host], { memberUidList: [host.uid, NOWHERE] }),
        eventBody(app, [host], { eventTime: 1 }),
        eventBody(app, [host], { name: "" }),
      ]
    ) assertFailed(await edit(host, body), 0);
    const { result } = await call("GET", `/event/${eventId}`, host);
    assert.deepEqual([result.name, result.memberUidList], ["测试日程", [host.uid, guest.uid]]);
  });

  await t.step(
    "is 600000 for unknown and deleted ones, a failure to others and once started",
    async () => {
      const body = eventBody(app, [host]);
      assertFailed(await edit(host, body, NOWHERE), 600000);
      assertFailed(await edit(third, body), 0, "只有日程成员可以进行此操作");
      const deleted = await announce(app, [host]);
      await call("DELETE", `/event/${deleted}`, host);
      assertFailed(await edit(host, body, deleted), 600000);
      const started = await announce(app, [host], { eventTime: app.clock.now().getTime() + 9_000 });
      await call("POST", `/event/${started}/start`, host);
      assertFailed(await edit(host, body, started), 0, "日程已开始");
    },
  );

  await t.step("a new member's wish to be reminded falls away", async () => {
    await call("POST", `/event/${eventId}/notify`, third);
    assert.equal((await call("GET", `/event/${eventId}`, third)).result.notify, 1);
    assert.equal((await edit(host, eventBody(app, [host, third]))).status, 1);
    assert.equal((await call("GET", `/event/${eventId}`, third)).result.notify, 0);
  });
});

Deno.test("an event's new guests are told, once each", async (t) => {
  await using app = await startTestApp();
  const call = caller(app);
  const people: GatewayLogin[] = [];
  for (const name of ["Host", "Ann", "Ben", "Cleo"]) people.push(await registerPerson(app, name));
  const [host, ann, ben, cleo] = people as [GatewayLogin, GatewayLogin, GatewayLogin, GatewayLogin];
  await call("POST", `/user/${host.uid}/block`, cleo);
  const told = async (who: GatewayLogin) =>
    (await call("GET", "/user/message", who, { query: { count: "10" } })).result.list
      .map((item: { userMessageResult: Record<string, unknown> }) => item.userMessageResult);
  const count = async () => (await Promise.all(people.map(told))).map((list) => list.length);
  const eventId = await announce(app, [host, ann, cleo], { name: "Jam" });

  await t.step("at its announcement, but for the announcer and who has blocked them", async () => {
    const [notice] = await told(ann);
    assert.deepEqual(
      [notice.messageBody, notice.originUid, notice.originPushType],
      [
        { title: "你被邀请为活动嘉宾", content: "Jam", url: `chaoqer://event/${eventId}` },
        host.uid,
        2,
      ],
    );
    assert.deepEqual(await count(), [0, 1, 0, 0]);
    assert.equal(await app.database.db.$count(pendingWork, eq(pendingWork.kind, "push")), 1);
  });

  await t.step("added by an edit, and nobody of before again", async () => {
    const body = eventBody(app, [host, ann, ben], { name: "Session" });
    assert.equal((await call("PUT", `/event/${eventId}`, ann, { body })).status, 1);
    assert.deepEqual(await count(), [0, 1, 1, 0]);
    assert.equal((await told(ben))[0].originUid, ann.uid);
    await call("PUT", `/event/${eventId}`, ann, { body });
    assert.deepEqual(await count(), [0, 1, 1, 0]);
  });
});

Deno.test("an event is edited by its people, whoever announced it", async () => {
  await using app = await startTestApp();
  const call = caller(app);
  const host = await registerPerson(app, "Host");
  const guest = await registerPerson(app, "Guest");
  const eventId = await announce(app, [host, guest], {
    eventTime: app.clock.now().getTime() + MINUTE_MS,
  });
  const { eventTime } = (await call("GET", `/event/${eventId}`, host)).result;
  const edit = (as: GatewayLogin, people: GatewayLogin[], over = {}) => {
    const body = eventBody(app, people, { eventTime, name: "Mended", ...over });
    return call("PUT", `/event/${eventId}`, as, { body });
  };
  app.clock.advance(11 * MINUTE_MS);
  assert.equal((await edit(host, [host, guest])).result.name, "Mended", "its time has passed");
  assertFailed(await edit(host, [host, guest], { eventTime: eventTime + 1 }), 0);
  await app.database.db.update(users).set({ status: UserStatus.deleted })
    .where(eq(users.uid, host.uid));
  assertFailed(await edit(guest, [host, guest]), 0, "日程成员不正确");
  assertFailed(await edit(guest, [await registerPerson(app)]), 0, "日程成员不正确");
  const { memberUidList } = (await edit(guest, [guest, guest])).result;
  assert.deepEqual(memberUidList, [guest.uid]);
  assert.equal((await call("POST", `/event/${eventId}/start`, guest)).status, 1);
});

Deno.test("DELETE /event/{eventId}", async () => {
  await using app = await startTestApp();
  const call = caller(app);
  const host = await registerPerson(app, "Host");
  const guest = await registerPerson(app, "Guest");
  const remove = (as: GatewayLogin, id: string) => call("DELETE", `/event/${id}`, as);
  const eventId = await announce(app, [host, guest]);
  const started = await announce(app, [host], { eventTime: app.clock.now().getTime() + 9_000 });
  await call("POST", `/event/${started}/start`, host);

  assertFailed(await remove(await registerPerson(app), eventId), 0, "只有日程成员可以进行此操作");
  assertFailed(await remove(host, started), 0, "日程已开始");
  assertFailed(await remove(host, NOWHERE), 600000);
  const removed = await remove(guest, eventId);
  assert.deepEqual([removed.status, removed.result], [1, {}]);
  assertFailed(await remove(guest, eventId), 600000);
  assertFailed(await call("GET", `/event/${eventId}`, host), 600000);
});

Deno.test("GET /event/{eventId} shows the event to anybody, at its time", async () => {
  await using app = await startTestApp();
  const call = caller(app);
  const host = await registerPerson(app, "Host");
  const viewer = await registerPerson(app, "Viewer");
  const eventId = await announce(app, [host]);
  const read = async () => (await call("GET", `/event/${eventId}`, viewer)).result;

  const { memberList, ...event } = await read();
  assert.equal(memberList[0].uid, host.uid);
  assert.deepEqual(event, {
    createTime: event.createTime,
    desc: "测试介绍",
    eventId,
    eventTime: event.eventTime,
    eventTimeStatus: 0,
    memberUidList: [host.uid],
    name: "测试日程",
    notify: 0,
    uid: host.uid,
  });
  app.clock.advance(31 * MINUTE_MS);
  assert.equal((await read()).eventTimeStatus, 1);
  app.clock.advance(60 * MINUTE_MS);
  assert.equal((await read()).eventTimeStatus, 2);
  assertFailed(await call("GET", `/event/${NOWHERE}`, viewer), 600000);
  assertFailed(await call("GET", `/event/${"0".repeat(24)}`, viewer), 600000);

  const shown = await readPublicEvent(app.ctx, eventId);
  assert.deepEqual([shown.isReminded, shown.isMember, shown.members[0]!.blocked], [
    false,
    false,
    false,
  ]);
  await assert.rejects(readPublicEvent(app.ctx, NOWHERE), { kind: "event_missing" });
});

Deno.test("GET /event", async (t) => {
  await using app = await startTestApp();
  const call = caller(app);
  const host = await registerPerson(app, "Host");
  const viewer = await registerPerson(app, "Viewer");
  const soon = app.clock.now().getTime() + 30 * MINUTE_MS;
  const ids: string[] = [];
  for (const days of [3, 1, 2, 1]) {
    ids[days * 10 + (ids[days * 10] ? 1 : 0)] = await announce(app, [host], {
      eventTime: soon + days * DAY_MS,
    });
  }
  const early = await announce(app, [host], { eventTime: soon });
  const called = await announce(app, [host], { eventTime: soon });
  await call("DELETE", `/event/${called}`, host);
  const expected = [early, ...[ids[10]!, ids[11]!].sort(), ids[20]!, ids[30]!];
  const list = (as: GatewayLogin, query: Record<string, string> = { count: "10" }) =>
    call("GET", "/event", as, { query });
  const idsOf = (answer: GatewayAnswer): string[] =>
    answer.result.list.map(({ eventId }: { eventId: string }) => eventId);

  await t.step("has the next first, as the contract's sample", async () => {
    const answer = await list(viewer);
    assert.deepEqual(answer.result.page, { count: 10 });
    assert.deepEqual(idsOf(answer), expected);
    const [item] = answer.result.list;
    assert.deepEqual(Object.keys(item).sort(), [
      "eventId",
      "eventResult",
      "eventTime",
      "sequenceId",
    ]);
    assert.deepEqual([item.eventTime, item.sequenceId], [soon, `${soon}:${early}`]);
    assert.deepEqual(Object.keys(item.eventResult).sort(), [
      "createTime",
      "desc",
      "eventId",
      "eventTime",
      "eventTimeStatus",
      "memberUidList",
      "name",
      "notify",
      "uid",
    ]);
  });

  await t.step("pages forward from behind the last one", async () => {
    const seen: string[] = [];
    let lastId = "";
    for (;;) {
      const { result } = await list(viewer, { count: "2", ...lastId && { lastId } });
      if (result.list.length === 0) break;
      seen.push(...result.list.map(({ eventId }: { eventId: string }) => eventId));
      lastId = result.list.at(-1).sequenceId;
    }
    assert.deepEqual(seen, expected);
  });

  await t.step("keeps an event until half an hour after its time", async () => {
    app.clock.advance(55 * MINUTE_MS);
    assert.equal(idsOf(await list(viewer))[0], early);
    app.clock.advance(10 * MINUTE_MS);
    assert.deepEqual(idsOf(await list(viewer)), expected.slice(1));
  });

  await t.step("shows a started one with its room", async () => {
    const now = await announce(app, [host], { eventTime: app.clock.now().getTime() + MINUTE_MS });
    await call("POST", `/event/${now}/start`, host);
    const [item] = (await list(viewer)).result.list;
    assert.equal(item.eventId, now);
    assert.equal(item.eventResult.roomId, item.eventResult.roomResult.roomId);
  });

  await t.step(
    "refuses a bad count and lastId; is an empty success before the profile",
    async () => {
      for (const count of ["0", "101", "x"]) assertFailed(await list(viewer, { count }), 0);
      assertFailed(await list(viewer, { count: "1", lastId: "x" }), 0);
      const far = await list(viewer, { count: "1", lastId: `999999999999999:${NOWHERE}` });
      assert.deepEqual(idsOf(far), []);
      const { status, result } = await list(await logIn(app));
      assert.deepEqual([status, result], [1, {}]);
    },
  );
});

Deno.test("POST /event/{eventId}/notify", async (t) => {
  await using app = await startTestApp();
  const call = caller(app);
  const host = await registerPerson(app, "Host");
  const viewer = await registerPerson(app, "Viewer");
  const eventId = await announce(app, [host]);
  const ask = (as: GatewayLogin, id = eventId) => call("POST", `/event/${id}/notify`, as);

  await t.step("is noted once, and shows to who asked alone", async () => {
    for (let time = 0; time < 2; time++) {
      const asked = await ask(viewer);
      assert.deepEqual([asked.status, asked.result], [1, {}]);
    }
    assert.equal(await app.database.db.$count(eventReminders), 1);
    assert.equal((await call("GET", `/event/${eventId}`, viewer)).result.notify, 1);
    assert.equal((await call("GET", `/event/${eventId}`, host)).result.notify, 0);
  });

  await t.step("is refused to its members, and for one unknown, started or over", async () => {
    assertFailed(await ask(host), 0, "日程成员无需预约");
    assertFailed(await ask(viewer, NOWHERE), 600000);
    const started = await announce(app, [host], { eventTime: app.clock.now().getTime() + 9_000 });
    const over = await announce(app, [host], { eventTime: app.clock.now().getTime() + 9_000 });
    await call("POST", `/event/${started}/start`, host);
    assertFailed(await ask(viewer, started), 0, "日程已开始");
    app.clock.advance(31 * MINUTE_MS);
    assertFailed(await ask(viewer, over), 0, "日程已结束");
    assert.equal(await app.database.db.$count(eventReminders), 1);
  });

  await t.step("leads to one notice and one push within ten minutes of the event", async () => {
    const body = eventBody(app, [host], { name: "Jam" });
    await call("PUT", `/event/${eventId}`, host, { body });
    assert.equal(await remindOfEvents(app.ctx, { limit: 10 }), 0, "too early");
    app.clock.advance(51 * MINUTE_MS);
    assert.equal(await remindOfEvents(app.ctx, { limit: 0 }), 0, "no more than the limit");
    const runs = await Promise.all([1, 2, 3].map(() => remindOfEvents(app.ctx, { limit: 10 })));
    assert.deepEqual(runs.sort(), [0, 0, 1]);
    const [notice, ...more] = await app.database.db.select().from(notifications);
    assert.deepEqual(
      [notice!.userId, notice!.title, notice!.content, notice!.url, more.length],
      [await userIdOf(app, viewer), "你预约的日程即将开始", "Jam", `event/${eventId}`, 0],
    );
    assert.equal(await app.database.db.$count(pendingWork, eq(pendingWork.kind, "push")), 1);
    const unread = await app.database.db.select({ count: users.unreadCount }).from(users)
      .where(eq(users.uid, viewer.uid));
    assert.deepEqual(unread, [{ count: 1 }]);
  });

  await t.step(
    "counts anew when the event is put off, and not when it is only renamed",
    async () => {
      const { eventTime } = (await call("GET", `/event/${eventId}`, host)).result;
      const renamed = eventBody(app, [host], { name: "Session", eventTime });
      assert.equal((await call("PUT", `/event/${eventId}`, host, { body: renamed })).status, 1);
      assert.equal(await remindOfEvents(app.ctx, { limit: 10 }), 0);
      const later = eventBody(app, [host], { eventTime: eventTime + 1_000 });
      await call("PUT", `/event/${eventId}`, host, { body: later });
      assert.equal(await remindOfEvents(app.ctx, { limit: 10 }), 1);
    },
  );
});

Deno.test("who asked hears that an event has started, instead of being reminded", async (t) => {
  await using app = await startTestApp();
  const call = caller(app);
  const host = await registerPerson(app, "Host");
  const viewer = await registerPerson(app, "Viewer");
  const soon = () => app.clock.now().getTime() + 9 * MINUTE_MS;
  const messages = async () =>
    (await call("GET", "/user/message", viewer, { query: { count: "10" } })).result.list
      .map(({ userMessageResult }: { userMessageResult: { messageBody: unknown } }) =>
        userMessageResult.messageBody
      );

  await t.step("with the room's link", async () => {
    const eventId = await announce(app, [host], { name: "Jam", eventTime: soon() });
    const off = await announce(app, [host], { name: "Off", eventTime: soon() });
    for (const id of [eventId, off]) await call("POST", `/event/${id}/notify`, viewer);
    for (let time = 0; time < 2; time++) await call("POST", `/event/${eventId}/start`, host);
    const { roomId } = (await call("GET", `/event/${eventId}`, host)).result;
    const started = {
      title: "你预约的活动已经开始了",
      content: "Jam",
      url: `chaoqer://room/${roomId}`,
    };
    assert.deepEqual(await messages(), [started]);
    await call("DELETE", `/event/${off}`, host);
    assert.equal(await remindOfEvents(app.ctx, { limit: 10 }), 0, "started, and called off");
    assert.deepEqual(await messages(), [started]);
    assert.equal(await app.database.db.$count(pendingWork, eq(pendingWork.kind, "push")), 1);
    assert.equal(await app.database.db.$count(notifications), 1, "the starter is not told");
  });

  await t.step("each of more than two hundred once, the rest a moment later", async () => {
    const eventId = await announce(app, [host], { name: "Big", eventTime: soon() });
    await makeUsers(app.ctx, 450);
    await app.ctx.db.execute(sql`insert into event_reminders (event_id, user_id, created_at)
      select ${eventId}, id, now() from users where nickname like 'Person %'`);
    const title = eq(notifications.content, "Big");
    await call("POST", `/event/${eventId}/start`, host);
    assert.equal(await app.database.db.$count(notifications, title), 200);
    const { push } = app.providers;
    while (!(await drainPending(app.ctx, push)).isLast);
    assert.equal(await app.database.db.$count(notifications, title), 450);
    const { rows } = await app.ctx.db.execute(sql`select user_id from notifications
      where content = 'Big' group by 1 having count(*) > 1`);
    assert.deepEqual(rows, []);
    assert.equal(
      await app.database.db.$count(pendingWork, eq(pendingWork.kind, "event_started")),
      1,
    );
  });
});

Deno.test("POST /event/{eventId}/start", async (t) => {
  await using app = await startTestApp();
  const call = caller(app);
  const host = await registerPerson(app, "枫叶");
  const guest = await registerPerson(app, "Guest");
  const viewer = await registerPerson(app, "Viewer");
  const start = (as: GatewayLogin, id: string) => call("POST", `/event/${id}/start`, as);
  const eventId = await announce(app, [host, guest]);

  await t.step("is refused before its time, to others, and for an unknown one", async () => {
    assertFailed(await start(host, eventId), 0, "不在日程开始时间内");
    app.clock.advance(40 * MINUTE_MS);
    assertFailed(await start(viewer, eventId), 0, "只有日程成员可以进行此操作");
    assertFailed(await start(host, NOWHERE), 600000);
    assert.equal(await app.database.db.$count(rooms), 0);
  });

  await t.step("opens a public room of its name, as the contract's sample", async () => {
    const { status, result } = await start(guest, eventId);
    assert.equal(status, 1);
    assert.equal(result.eventTimeStatus, 1);
    const { roomResult, roomId } = result;
    const [member] = roomResult.memberList;
    assert.deepEqual(roomResult, {
      clubId: "",
      createTime: roomResult.createTime,
      inviteOnly: 0,
      memberList: [member],
      memberTotal: 1,
      name: "测试日程",
      roomId,
      uid: guest.uid,
    });
    assert.equal(member.uid, guest.uid);
    assert.equal((await call("GET", `/room/${roomId}`, viewer)).result.roomId, roomId);
  });

  await t.step(
    "answers the same room to whoever starts it again, even after its time",
    async () => {
      const { roomId } = (await start(host, eventId)).result;
      app.clock.advance(60 * MINUTE_MS);
      const again = (await start(guest, eventId)).result;
      assert.deepEqual([again.roomId, again.roomResult.uid, again.eventTimeStatus], [
        roomId,
        guest.uid,
        2,
      ]);
      assert.equal(await app.database.db.$count(rooms), 1);
    },
  );

  await t.step("makes hosts of its members, who may close the room", async () => {
    const { roomId } = (await start(host, eventId)).result;
    // All had gone silent, so who opened it comes first.
    for (const as of [guest, host, viewer]) await call("POST", `/room/${roomId}/token`, as);
    const rows = await app.database.db.select().from(roomMembers)
      .where(eq(roomMembers.roomId, roomId));
    const roles = new Map(rows.map(({ userId, role }) => [userId, role]));
    assert.equal(roles.get(await userIdOf(app, host)), 2);
    assert.equal(roles.get(await userIdOf(app, viewer)), 0);
    assertFailed(await call("POST", `/room/${roomId}/close`, viewer), 400000);
    assert.equal((await call("POST", `/room/${roomId}/close`, host)).status, 1);
    const after = (await call("GET", `/event/${eventId}`, viewer)).result;
    assert.deepEqual([after.roomId, "roomResult" in after], [roomId, false]);
  });

  await t.step("is refused when it is over", async () => {
    const late = await announce(app, [host]);
    app.clock.advance(91 * MINUTE_MS);
    assertFailed(await start(host, late), 0, "日程已结束");
  });
});

Deno.test("every operation on events wants credentials and a profile", async () => {
  await using app = await startTestApp();
  const nameless = await logIn(app);
  for (
    const [method, path] of [
      ["POST", "/event"],
      ["PUT", `/event/${NOWHERE}`],
      ["DELETE", `/event/${NOWHERE}`],
      ["GET", `/event/${NOWHERE}`],
      ["GET", "/event"],
      ["POST", `/event/${NOWHERE}/notify`],
      ["POST", `/event/${NOWHERE}/start`],
    ] as const
  ) {
    assert.equal((await callGateway(app, method, path)).http, 401, path);
    if (path === "/event" && method === "GET") continue;
    assertFailed(await callGateway(app, method, path, { as: nameless }), 200000);
  }
  assert.equal((await callGateway(app, "GET", "/event/xyz")).http, 404);
});

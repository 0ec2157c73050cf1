import { eq } from "drizzle-orm";
import assert from "node:assert/strict";
import type { Ctx } from "../../../db/client/ctx.ts";
import { inviteToRoom } from "../../../db/domain/rooms/invite_to_room.ts";
import { joinRoom } from "../../../db/domain/rooms/join_room.ts";
import { readSharedRoom } from "../../../db/domain/rooms/reads.ts";
import { RedisAwayError } from "../../../db/redis/client.ts";
import { blocks } from "../../../db/schema/blocks.ts";
import { cards } from "../../../db/schema/cards.ts";
import { clubMembers } from "../../../db/schema/clubs.ts";
import { pendingWork } from "../../../db/schema/jobs.ts";
import { notifications } from "../../../db/schema/notifications.ts";
import { roomMembers } from "../../../db/schema/rooms.ts";
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
import { insertClub, userIdOf } from "./rooms_and_clubs.ts";

const NOWHERE = "0".repeat(32);

/** A room; a public one unless the body says otherwise. */
async function openRoom(app: TestApp, as: GatewayLogin, body: Record<string, unknown> = {}) {
  const answer = await caller(app)("POST", "/room", as, {
    body: { name: "产品活动", clubId: "", ...body },
  });
  assert.equal(answer.status, 1, answer.message);
  return answer.result.roomId as string;
}

async function block(app: TestApp, who: GatewayLogin, whom: GatewayLogin) {
  await app.database.db.insert(blocks).values({
    userId: await userIdOf(app, who),
    blockedId: await userIdOf(app, whom),
    createdAt: app.clock.now(),
  });
}

async function giveCard(app: TestApp, from: GatewayLogin, to: GatewayLogin) {
  await app.database.db.insert(cards).values({
    fromUserId: await userIdOf(app, from),
    toUserId: await userIdOf(app, to),
    createdAt: app.clock.now(),
  });
}

Deno.test("POST /room", async (t) => {
  await using app = await startTestApp();
  const host = await registerPerson(app, "Host");
  const call = caller(app);
  const create = (body: Record<string, unknown>, as = host) => call("POST", "/room", as, { body });

  await t.step("opens a club's room and leaves word for the club, once", async () => {
    const clubId = await insertClub(app, host);
    const { status, message, result } = await create({ name: "产品活动", clubId });
    assert.deepEqual([status, message], [1, "Success"]);
    assert.match(result.roomId, /^[a-f0-9]{32}$/);
    assert.ok(Math.abs(result.createTime - app.clock.now().getTime()) < 5_000);
    assert.deepEqual(result, {
      uid: host.uid,
      createTime: result.createTime,
      name: "产品活动",
      clubId,
      inviteOnly: 0,
      roomId: result.roomId,
    });
    const work = await app.database.db.select().from(pendingWork)
      .where(eq(pendingWork.kind, "room_opened"));
    assert.deepEqual(work.map(({ payload }) => payload), [{ roomId: result.roomId }]);
  });

  await t.step(
    "opens a public room without a clubId, a private one for inviteOnly",
    async () => {
      for (const none of [{ clubId: "" }, { clubId: null }, {}]) {
        const open = (await create({ name: "A", ...none })).result;
        assert.deepEqual([open.inviteOnly, open.clubId], [0, ""]);
        const shown = (await call("GET", `/room/${open.roomId}`, host)).result;
        assert.deepEqual([shown.clubId, "clubResult" in shown], ["", false]);
        const [listed] = (await call("GET", "/room", host, { query: { count: "1" } })).result.list;
        assert.deepEqual([listed.roomId, listed.roomResult.clubId], [open.roomId, ""]);
      }
      const hidden = (await create({ name: "A", inviteOnly: 7, clubId: NOWHERE })).result;
      assert.deepEqual([hidden.inviteOnly, hidden.clubId], [1, ""]);
      const work = await app.database.db.$count(pendingWork);
      assert.equal(work, 1, "only the club is told");
    },
  );

  await t.step("is 500000 for a club that is unknown, or not the creator's", async () => {
    const clubId = await insertClub(app, await registerPerson(app, "Other"));
    for (const id of [clubId, NOWHERE, "nonsense"]) {
      assertFailed(await create({ name: "A", clubId: id }), 500000);
    }
  });

  await t.step("wants a name of 1 to 100 characters", async () => {
    assert.equal((await create({ name: "👍".repeat(100), clubId: "" })).status, 1);
    for (
      const body of [
        {},
        { clubId: "" },
        { name: " ", clubId: "" },
        { name: "字".repeat(101), clubId: "" },
        { name: "A", clubId: 5 },
        { name: "A", clubId: "", inviteOnly: -1 },
        { name: "A", clubId: "", inviteOnly: "yes" },
      ]
    ) assertFailed(await create(body), 0);
  });
});

Deno.test("GET /room/{roomId}", async (t) => {
  await using app = await startTestApp();
  const call = caller(app);
  const host = await registerPerson(app, "Toby");
  const member = await registerPerson(app, "Member");
  const outsider = await registerPerson(app, "Outsider");
  const clubId = await insertClub(app, host, [member]);
  const roomId = await openRoom(app, host, { clubId });
  const read = (as: GatewayLogin, id = roomId) => call("GET", `/room/${id}`, as);

  await t.step("shows the room, its club and who is in it, as the contract's sample", async () => {
    const { status, result } = await read(member);
    assert.equal(status, 1);
    assert.deepEqual(result, {
      clubId,
      clubResult: {
        clubId,
        inviteOnly: 0,
        cover: "c.png",
        createTime: result.clubResult.createTime,
        joined: 1,
        memberTotal: 2,
        name: "产品交流圈",
        uid: host.uid,
      },
      createTime: result.createTime,
      inviteOnly: 0,
      memberList: [{
        avatar: "https://cdn.example.com/a.png",
        bio: "",
        nickname: "Toby",
        uid: host.uid,
        blocked: 0,
        sendCard: 0,
        cardTotal: 0,
        allowLive: 1,
      }],
      memberTotal: 1,
      name: "产品活动",
      roomId,
      uid: host.uid,
    });
    assert.equal(typeof result.clubResult.createTime, "number");
  });

  await t.step(
    "shows a club's room to whoever has its id; unknown and closed is 400000",
    async () => {
      const { status, result } = await read(outsider);
      assert.deepEqual([status, result.clubResult.joined], [1, 0]);
      assertFailed(await read(member, NOWHERE), 400000);
      assertFailed(await read(member, "0".repeat(24)), 400000);
      const closed = await openRoom(app, host);
      assert.equal((await read(outsider, closed)).status, 1, "public");
      await call("POST", `/room/${closed}/close`, host);
      assertFailed(await read(host, closed), 400000);
    },
  );

  await t.step("private, it is there for its host and for whom it invites", async () => {
    const hidden = await openRoom(app, host, { inviteOnly: 1 });
    assertFailed(await read(member, hidden), 400000);
    await call("POST", `/room/${hidden}/invite/${member.uid}`, host);
    assert.equal((await read(member, hidden)).result.inviteOnly, 1);
    assert.equal((await read(host, hidden)).status, 1);
    assertFailed(await read(outsider, hidden), 400000);
  });

  await t.step(
    "shows six of all, hosts first, then who came first; each viewer their own blocks",
    async () => {
      const open = await openRoom(app, host);
      const people: GatewayLogin[] = [];
      for (const name of ["B", "C", "D", "E", "F", "G"]) {
        const person = await registerPerson(app, name);
        people.push(person);
        await call("POST", `/room/${open}/token`, person);
      }
      await block(app, outsider, people[0]!);
      const { result } = await read(outsider, open);
      const names = (list: { nickname: string }[]) => list.map(({ nickname }) => nickname);
      assert.deepEqual(names(result.memberList), ["Toby", "B", "C", "D", "E", "F"]);
      assert.equal(result.memberTotal, 7);
      assert.equal(result.memberList[1].blocked, 1);
      assert.equal((await read(member, open)).result.memberList[1].blocked, 0);
    },
  );
});

Deno.test("GET /room", async (t) => {
  await using app = await startTestApp();
  const call = caller(app);
  const host = await registerPerson(app, "Toby");
  const viewer = await registerPerson(app, "Viewer");
  const clubId = await insertClub(app, host, [viewer]);
  const hosts: GatewayLogin[] = [];
  for (const name of ["B", "C", "D"]) hosts.push(await registerPerson(app, name));
  const [clubHost, openHost, hiddenHost] = hosts as [GatewayLogin, GatewayLogin, GatewayLogin];
  const foreignClub = await insertClub(app, clubHost);
  const inClub = await openRoom(app, host, { clubId });
  await openRoom(app, clubHost, { clubId: foreignClub });
  const open = await openRoom(app, openHost, { name: "Open" });
  await openRoom(app, hiddenHost, { inviteOnly: 1 });
  const inviter = await registerPerson(app, "Inviter");
  const invited = await openRoom(app, inviter, { inviteOnly: 1 });
  await call("POST", `/room/${invited}/invite/${viewer.uid}`, inviter);
  const own = await openRoom(app, viewer, { inviteOnly: 1 });
  const list = (as: GatewayLogin, query: Record<string, string> = { count: "10" }) =>
    call("GET", "/room", as, { query });
  const ids = (answer: GatewayAnswer): string[] =>
    answer.result.list.map(({ roomId }: { roomId: string }) => roomId);

  await t.step("has the public, the club's, the own and the invited, newest first", async () => {
    assert.deepEqual(ids(await list(viewer)), [own, invited, open, inClub]);
    assert.deepEqual(ids(await list(host)), [open, inClub]);
    const outsider = await registerPerson(app, "Outsider");
    assert.deepEqual(ids(await list(outsider)), [open]);
  });

  await t.step("has items as the contract's sample", async () => {
    const { result } = await list(viewer);
    assert.deepEqual(result.page, { count: 10 });
    const item = result.list[3];
    assert.deepEqual(Object.keys(item).sort(), [
      "createTime",
      "roomId",
      "roomResult",
      "sequenceId",
    ]);
    assert.equal(item.sequenceId, `${item.createTime}:${inClub}`);
    const room = item.roomResult;
    assert.deepEqual(
      [room.clubId, room.clubResult.clubId, room.clubResult.inviteOnly, room.uid, room.name],
      [clubId, clubId, 0, host.uid, "产品活动"],
    );
    assert.equal(room.createTime, item.createTime);
    assert.equal(Array.isArray(room.memberList), true);
  });

  await t.step("pages from behind the last one, without gaps or repeats", async () => {
    const seen: string[] = [];
    let lastId = "";
    for (;;) {
      const { result } = await list(viewer, { count: "1", ...lastId && { lastId } });
      if (result.list.length === 0) break;
      assert.equal(result.list.length, 1);
      seen.push(result.list[0].roomId);
      lastId = result.list[0].sequenceId;
    }
    assert.deepEqual(seen, [own, invited, open, inClub]);
  });

  await t.step("loses what was closed, and the club's once one has left it", async () => {
    await call("POST", `/room/${open}/close`, openHost);
    await app.database.db.delete(clubMembers)
      .where(eq(clubMembers.userId, await userIdOf(app, viewer)));
    assert.deepEqual(ids(await list(viewer)), [own, invited]);
  });

  await t.step("refuses a bad count and a bad lastId; far away years are only empty", async () => {
    for (const count of ["0", "101", "x", "1.5"]) assertFailed(await list(viewer, { count }), 0);
    assertFailed(await list(viewer, {}), 0);
    assertFailed(await list(viewer, { count: "1", lastId: "later" }), 0);
    const far = await list(viewer, { count: "1", lastId: `999999999999999:${NOWHERE}` });
    assert.deepEqual(ids(far), [own]);
  });

  await t.step("is an empty success before the profile is filled in", async () => {
    const { status, result } = await list(await logIn(app));
    assert.deepEqual([status, result], [1, {}]);
  });
});

Deno.test("POST /room/{roomId}/token", async (t) => {
  await using app = await startTestApp();
  const call = caller(app);
  const host = await registerPerson(app, "Toby");
  const guest = await registerPerson(app, "Guest");
  const roomId = await openRoom(app, host);
  const token = (as: GatewayLogin, id = roomId) => call("POST", `/room/${id}/token`, as);
  const total = async () => (await call("GET", `/room/${roomId}`, host)).result.memberTotal;

  await t.step("enters the room and answers one token for all, for 23 hours", async () => {
    const first = await token(guest);
    assert.deepEqual(Object.keys(first.result).sort(), ["roomId", "token"]);
    assert.equal(first.result.roomId, roomId);
    assert.match(first.result.token, /^007/);
    assert.equal(await total(), 2);
    assert.equal((await token(host)).result.token, first.result.token);
    assert.equal(await total(), 2, "taking it again is staying");
  });

  await t.step("may be asked for as often as one likes, by GET as well", async () => {
    for (const method of ["POST", "GET", "POST"]) {
      const answer = await callGateway(app, method, `/room/${roomId}/token`, { as: guest });
      assert.equal(answer.status, 1, answer.message);
    }
  });

  await t.step("is answered while Redis is away, with a token of one's own", async () => {
    const redis = {
      multi() {
        throw new RedisAwayError("away");
      },
    } as unknown as Ctx["redis"];
    const userId = await userIdOf(app, guest);
    const buildToken = () => Promise.resolve("fresh");
    const joined = await joinRoom({ ...app.ctx, redis }, { roomId, userId, buildToken });
    assert.deepEqual(joined, { token: "fresh" });
    const kept = await joinRoom(app.ctx, { roomId, userId, buildToken });
    assert.match(kept.token, /^007/);
  });

  await t.step("makes a listener of a guest and a host of who opened the room", async () => {
    const rows = await app.database.db.select().from(roomMembers)
      .where(eq(roomMembers.roomId, roomId));
    const roles = new Map(rows.map(({ userId, role }) => [userId, role]));
    assert.equal(roles.get(await userIdOf(app, host)), 2);
    assert.equal(roles.get(await userIdOf(app, guest)), 0);
  });

  await t.step("is 400001 for whom a host has blocked, who need not be there", async () => {
    const blocked = await registerPerson(app, "Blocked");
    await block(app, guest, blocked);
    assert.equal((await token(blocked)).status, 1, "a listener's block does not count");
    await call("POST", `/room/${roomId}/leave`, blocked);
    await block(app, host, blocked);
    assertFailed(await token(blocked), 400001);
    assert.equal(await total(), 2);
    await call("POST", `/room/${roomId}/leave`, host);
    assertFailed(await token(blocked), 400001);
    await token(host);
    assertFailed(await token(blocked), 400001);
  });

  await t.step(
    "lets into a club's room whoever has its id, not into a private or closed one",
    async () => {
      const [clubHost, hiddenHost] = [
        await registerPerson(app, "B"),
        await registerPerson(app, "C"),
      ];
      const club = await openRoom(app, clubHost, { clubId: await insertClub(app, clubHost) });
      const hidden = await openRoom(app, hiddenHost, { inviteOnly: 1 });
      const closed = await openRoom(app, host);
      await call("POST", `/room/${closed}/close`, host);
      assert.equal((await token(guest, club)).status, 1);
      for (const id of [hidden, closed, NOWHERE]) assertFailed(await token(guest, id), 400000);
      await call("POST", `/room/${hidden}/invite/${guest.uid}`, hiddenHost);
      assert.equal((await token(guest, hidden)).status, 1);
    },
  );
});

Deno.test("POST /room/{roomId}/leave takes out who is in, and nothing happens to others", async () => {
  await using app = await startTestApp();
  const call = caller(app);
  const host = await registerPerson(app, "Toby");
  const guest = await registerPerson(app, "Guest");
  const roomId = await openRoom(app, host);
  await call("POST", `/room/${roomId}/token`, guest);
  for (const id of [roomId, roomId, NOWHERE]) {
    const left = await call("POST", `/room/${id}/leave`, guest);
    assert.deepEqual([left.status, left.result], [1, {}]);
  }
  const { memberTotal, memberList } = (await call("GET", `/room/${roomId}`, guest)).result;
  assert.deepEqual([memberTotal, memberList[0].uid], [1, host.uid]);
});

Deno.test("POST /room/{roomId}/close", async (t) => {
  await using app = await startTestApp();
  const call = caller(app);
  const host = await registerPerson(app, "Toby");
  const guest = await registerPerson(app, "Guest");
  const close = (as: GatewayLogin, id: string) => call("POST", `/room/${id}/close`, as);

  await t.step("is 400000 to a listener and to strangers, and nothing happens", async () => {
    const roomId = await openRoom(app, host);
    assertFailed(await close(guest, roomId), 400000);
    await call("POST", `/room/${roomId}/token`, guest);
    assertFailed(await close(guest, roomId), 400000);
    assertFailed(await close(host, NOWHERE), 400000);
    assert.equal((await call("GET", `/room/${roomId}`, guest)).result.memberTotal, 2);
  });

  await t.step("sends everybody out, and is 400000 the second time", async () => {
    const roomId = await openRoom(app, host);
    await call("POST", `/room/${roomId}/token`, guest);
    const done = await close(host, roomId);
    assert.deepEqual([done.status, done.result], [1, {}]);
    assert.equal(await app.database.db.$count(roomMembers, eq(roomMembers.roomId, roomId)), 0);
    assertFailed(await close(host, roomId), 400000);
  });

  await t.step("who opened the room may close it from outside", async () => {
    const roomId = await openRoom(app, host);
    await call("POST", `/room/${roomId}/leave`, host);
    assert.equal((await close(host, roomId)).status, 1);
  });
});

Deno.test("POST /room/{roomId}/cache", async (t) => {
  await using app = await startTestApp();
  const call = caller(app);
  const host = await registerPerson(app, "Toby");
  const guest = await registerPerson(app, "Guest");
  const roomId = await openRoom(app, host, { clubId: await insertClub(app, host, [guest]) });
  const share = (as: GatewayLogin, id = roomId) => call("POST", `/room/${id}/cache`, as);

  await t.step("answers one id for each who shares it, the same each time", async () => {
    const first = await share(host);
    assert.equal(first.status, 1);
    assert.match(first.result, /^[a-f0-9]{32}$/);
    assert.equal((await share(host)).result, first.result);
    const byGet = await callGateway(app, "GET", `/room/${roomId}/cache`, { as: host });
    assert.equal(byGet.result, first.result);
    assert.notEqual((await share(guest)).result, first.result);
  });

  await t.step("is 400000 for what one cannot see, and no club's affair", async () => {
    const outsider = await registerPerson(app, "Outsider");
    const hidden = await openRoom(app, await registerPerson(app, "Hider"), { inviteOnly: 1 });
    assertFailed(await share(outsider, hidden), 400000);
    assertFailed(await share(host, NOWHERE), 400000);
    assert.match((await share(outsider)).result, /^[a-f0-9]{32}$/);
  });

  await t.step("the id leads strangers to the room, open and closed", async () => {
    const shareId = (await share(guest)).result;
    const open = await readSharedRoom(app.ctx, { shareId });
    assert.deepEqual(
      [open.closed, open.roomId, open.from.uid, open.memberTotal, open.club?.joined],
      [false, roomId, guest.uid, 1, false],
    );
    await call("POST", `/room/${roomId}/close`, host);
    const closed = await readSharedRoom(app.ctx, { shareId, viewerId: await userIdOf(app, guest) });
    assert.deepEqual([closed.closed, closed.memberTotal, closed.club?.joined], [true, 0, true]);
    await assert.rejects(readSharedRoom(app.ctx, { shareId: NOWHERE }), { kind: "room_missing" });
  });
});

Deno.test("POST /room/{roomId}/invite/{uid}", async (t) => {
  await using app = await startTestApp();
  const call = caller(app);
  const host = await registerPerson(app, "Toby");
  const friend = await registerPerson(app, "Friend");
  const stranger = await registerPerson(app, "Stranger");
  await giveCard(app, friend, host);
  const roomId = await openRoom(app, host);
  const invite = async (uid: string, { as = host, id = roomId } = {}) => {
    const answer = await call("POST", `/room/${id}/invite/${uid}`, as);
    assert.deepEqual([answer.status, answer.message, answer.result], [1, "邀请成功", {}]);
  };
  const told = async (who: GatewayLogin) =>
    await app.database.db.select().from(notifications)
      .where(eq(notifications.userId, await userIdOf(app, who)));

  await t.step("tells, on their device as well, who gave the inviter a card", async () => {
    await invite(friend.uid);
    const [notice] = await told(friend);
    assert.deepEqual(
      [notice!.title, notice!.content, notice!.url, notice!.origin, notice!.originUserId],
      [
        "有人邀请你参加活动",
        "Toby 邀请你参加「产品活动」",
        `room/${roomId}`,
        2,
        await userIdOf(app, host),
      ],
    );
    assert.equal(await app.database.db.$count(pendingWork, eq(pendingWork.kind, "push")), 1);
  });

  await t.step("tells once in ten minutes, however often and fast one taps", async () => {
    const before = (await told(friend)).length;
    const inviterId = await userIdOf(app, host);
    const tap = () => inviteToRoom(app.ctx, { roomId, inviterId, uid: friend.uid });
    await invite(friend.uid);
    assert.equal((await told(friend)).length, before);
    app.clock.advance(10 * 60_000);
    await Promise.all([tap(), tap(), tap()]);
    await invite(friend.uid);
    assert.equal((await told(friend)).length, before + 1);
    const other = await registerPerson(app, "Other");
    await giveCard(app, friend, other);
    await invite(friend.uid, { as: other });
    assert.equal((await told(friend)).length, before + 2, "another inviter is another invitation");
  });

  await t.step("says the same, and tells nobody, in every other case", async () => {
    app.clock.advance(10 * 60_000);
    const count = () => app.database.db.$count(notifications);
    const before = await count();
    await invite(stranger.uid);
    await invite(host.uid);
    await invite(friend.uid, { as: stranger });
    await call("POST", `/room/${roomId}/token`, friend);
    await invite(friend.uid);
    await call("POST", `/room/${roomId}/leave`, friend);
    await block(app, host, friend);
    await invite(friend.uid);
    await app.database.db.delete(blocks);
    await block(app, friend, host);
    await invite(friend.uid);
    await app.database.db.delete(blocks);
    assert.equal(await count(), before);
  });

  await t.step("tells who is not in the room's club: they may enter it", async () => {
    const owner = await registerPerson(app, "Owner");
    await giveCard(app, friend, owner);
    const club = await openRoom(app, owner, { clubId: await insertClub(app, owner) });
    const before = (await told(friend)).length;
    await invite(friend.uid, { as: owner, id: club });
    assert.equal((await told(friend)).length, before + 1);
    assert.equal((await call("POST", `/room/${club}/token`, friend)).status, 1);
  });

  await t.step(
    "is 400000 for a room that is not there for the inviter, 200002 for nobody",
    async () => {
      const tried = (uid: string, id: string, as = host) =>
        call("POST", `/room/${id}/invite/${uid}`, as);
      assertFailed(await tried(friend.uid, NOWHERE), 400000);
      assertFailed(await tried(NOWHERE, roomId), 200002);
      const hidden = await openRoom(app, host, { inviteOnly: 1 });
      assertFailed(await tried(stranger.uid, hidden, stranger), 400000);
      assertFailed(await tried(stranger.uid, hidden, friend), 400000);
      assertFailed(await call("GET", `/room/${hidden}`, stranger), 400000);
      await invite(stranger.uid, { id: hidden });
      assert.equal((await call("GET", `/room/${hidden}`, stranger)).status, 1);
      await call("POST", `/room/${hidden}/close`, host);
      assertFailed(await tried(friend.uid, hidden), 400000);
    },
  );
});

Deno.test("every operation on rooms wants credentials and a profile", async () => {
  await using app = await startTestApp();
  const nameless = await logIn(app);
  for (
    const [method, path] of [
      ["POST", "/room"],
      ["GET", `/room/${NOWHERE}`],
      ["GET", "/room"],
      ["POST", `/room/${NOWHERE}/token`],
      ["POST", `/room/${NOWHERE}/close`],
      ["POST", `/room/${NOWHERE}/cache`],
      ["POST", `/room/${NOWHERE}/invite/${NOWHERE}`],
      ["POST", `/room/${NOWHERE}/leave`],
    ] as const
  ) {
    assert.equal((await callGateway(app, method, path)).http, 401, path);
    if (path === "/room" && method === "GET") continue;
    assertFailed(await callGateway(app, method, path, { as: nameless }), 200000);
  }
  assert.equal((await callGateway(app, "GET", "/room/xyz")).http, 404);
});

import { eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { randomHex32 } from "../../../config/keys.ts";
import { roomMembers } from "../../../db/schema/rooms.ts";
import { runDue } from "../../../jobs/run.ts";
import { jobs } from "../../../jobs/schedule.ts";
import {
  callGateway,
  type GatewayAnswer,
  type GatewayCall,
  type GatewayLogin,
  logIn,
} from "../../clients/gateway.ts";
import { RpcClient } from "../../clients/rpc.ts";
import { callH5, logInWithWechat } from "../../clients/wechat.ts";
import { startTestApp } from "../../harness.ts";
import { jobDepsOf } from "../../jobs/kit.ts";
import { overHttp, startChatServer } from "../../servers/chat.ts";
import { waitUntil } from "../../services/binary.ts";
import { userIdOf } from "./rooms_and_clubs.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const NOWHERE = randomHex32();
const NAMES = ["Anna", "Ben", "Cleo", "Dan", "Eve"] as const;

interface Notice {
  title: string;
  content: string;
  url: string;
  by: string;
}

type Call = (
  as: GatewayLogin,
  method: string,
  path: string,
  rest?: GatewayCall,
) => Promise<GatewayAnswer>;

/** Five people at home, and what they do and look at; the clock moves by being read and advanced. */
async function begin() {
  await using stack = new AsyncDisposableStack();
  const inside = stack.use(await startTestApp());
  // No socket is silent for too long: whoever has one open pings, whatever the test's clock says.
  const server = stack.use(startChatServer(inside, { pollMs: 20, idleMs: 24 * HOUR_MS }));
  const app = overHttp(inside, server);
  app.clock.standStill(1_000);

  const numbers = new Map(NAMES.map((name, at) => [name, `1370000000${at}`]));
  const people = await Promise.all(NAMES.map(async (name) => {
    const login = await logIn(app, { mobile: numbers.get(name)! });
    const body = { nickname: name, avatar: "https://cdn.example.com/a.png" };
    await callGateway(app, "POST", "/user/profile/init", { as: login, body });
    return login;
  })) as [GatewayLogin, GatewayLogin, GatewayLogin, GatewayLogin, GatewayLogin];

  /** Right behind what was called before. */
  const tap: Call = (as, method, path, rest = {}) =>
    callGateway(app, method, path, { as, ...rest });
  const call: Call = (...args) => {
    app.clock.advance(1_500);
    return tap(...args);
  };
  const done = async (...args: Parameters<Call>) => {
    const answer = await call(...args);
    assert.equal(answer.status, 1, `${args[1]} ${args[2]}: ${answer.message}`);
    return answer.result;
  };
  const list = async (as: GatewayLogin, path: string) =>
    (await done(as, "GET", path, { query: { count: "100" } })).list;
  const cookie = await logInWithWechat(app);

  const held = stack.move();
  return {
    app,
    server,
    people,
    tap,
    done,
    list,
    async refused(errorCode: number, ...args: Parameters<Call>) {
      const { http, status, errorCode: answered } = await call(...args);
      assert.deepEqual([http, status, answered], [200, 0, errorCode], `${args[1]} ${args[2]}`);
    },
    /** Two calls with one signature; answers what each came to: 1, or its code. */
    async twice(as: GatewayLogin, method: string, path: string, rest: GatewayCall = {}) {
      const ts = app.clock.now().getTime();
      const once = async () => {
        const { status, errorCode } = await tap(as, method, path, { ts, ...rest });
        return status || errorCode;
      };
      return [await once(), await once()];
    },
    page: async (path: string) => {
      app.clock.advance(1_500);
      return (await callH5(app, path, { cookie })).result;
    },
    open: async (as: GatewayLogin, body: Record<string, unknown> = {}): Promise<string> =>
      (await done(as, "POST", "/room", { body: { name: "Jazz", ...body } })).roomId,
    enter: (as: GatewayLogin, roomId: string) => done(as, "POST", `/room/${roomId}/token`),
    async names(as: GatewayLogin, roomId: string): Promise<string[]> {
      const { memberList, memberTotal } = await done(as, "GET", `/room/${roomId}`);
      assert.equal(memberList.length, memberTotal);
      return memberList.map(({ nickname }: { nickname: string }) => nickname).sort();
    },
    /** Ids of the rooms in somebody's feed. */
    feed: async (as: GatewayLogin): Promise<string[]> =>
      (await list(as, "/room")).map(({ roomId }: { roomId: string }) => roomId),
    /** What somebody was told, the newest first. */
    told: async (as: GatewayLogin): Promise<Notice[]> =>
      (await list(as, "/user/message")).map((
        { userMessageResult: { messageBody, originUid } }: {
          userMessageResult: { messageBody: Notice; originUid: string };
        },
      ) => ({
        ...messageBody,
        by: NAMES[people.findIndex(({ uid }) => uid === originUid)] ?? "",
      })),
    /** What a device has shown, the newest first; none: all of them. */
    shown(device?: string): string[] {
      const pushed = app.providers.outbox!.list({ to: device });
      return pushed.filter(({ kind }) => kind === "push").map(({ text }) => text);
    },
    /** The next minute's tick. */
    async tick(name: "settle" | "push") {
      app.clock.advance(MINUTE_MS);
      const states = await runDue(jobs.find((job) => job.name === name)!, jobDepsOf(app));
      assert.deepEqual(states.map(({ state }) => state), ["done"], JSON.stringify(states));
    },
    /** A login with the same number on another phone. */
    anotherPhone(name: typeof NAMES[number]): Promise<GatewayLogin> {
      app.clock.advance(2 * MINUTE_MS);
      return logIn(app, { mobile: numbers.get(name)! });
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

Deno.test("an evening in rooms, over real HTTP and sockets", async (t) => {
  await using evening = await begin();
  const { app, server, people, tap, done, list, refused, twice, page } = evening;
  const { open, enter, names, feed, told, shown, tick, anotherPhone } = evening;
  const [anna, ben, cleo, dan] = people;
  let [, , , , eve] = people;
  const nowMs = () => app.clock.now().getTime();
  const announce = async (
    as: GatewayLogin,
    guests: GatewayLogin[],
    { name, inMs }: { name: string; inMs: number },
  ): Promise<string> => {
    const memberUidList = [as, ...guests].map(({ uid }) => uid);
    const body = { name, eventTime: nowMs() + inMs, memberUidList };
    return (await done(as, "POST", "/event", { body })).eventId;
  };

  const clubId = (await done(cleo, "POST", "/club", { body: { name: "Jazz", cover: "c.png" } }))
    .clubId;

  await t.step("what somebody taps in one millisecond is all done, once each", async () => {
    const eventId = await announce(cleo, [], { name: "Off", inMs: HOUR_MS });
    const ts = nowMs();
    const taps = [
      "/push/annas-phone",
      `/club/${clubId}/join`,
      `/event/${eventId}/notify`,
      `/user/${dan.uid}/block`,
      `/user/${eve.uid}/block`,
    ];
    const answers = await Promise.all(taps.map((path) => tap(anna, "POST", path, { ts })));
    assert.deepEqual(answers.map(({ status }) => status), [1, 1, 1, 1, 1]);
    assert.equal((await tap(anna, "POST", taps[3]!, { ts })).errorCode, -1);
    assert.equal((await done(anna, "GET", `/club/${clubId}`)).memberTotal, 2);
    assert.equal((await done(anna, "GET", `/event/${eventId}`)).notify, 1);
    assert.equal((await list(anna, "/user/block")).length, 2);
    const undone = taps.slice(3).map((path) => tap(anna, "DELETE", path, { ts }));
    assert.deepEqual((await Promise.all(undone)).map(({ status }) => status), [1, 1]);
    assert.deepEqual(await list(anna, "/user/block"), []);
    await done(cleo, "DELETE", `/event/${eventId}`);
  });

  await t.step("four people's cards come at once; a button hit twice opens one club", async () => {
    const ts = nowMs();
    const givers = [ben, cleo, dan, eve];
    const cards = givers.map((as) => tap(as, "POST", `/user/${anna.uid}/card`, { ts }));
    assert.deepEqual((await Promise.all(cards)).map(({ status }) => status), [1, 1, 1, 1]);
    assert.equal((await list(anna, "/user/card")).length, 4);
    const body = { name: "Twice", cover: "c.png" };
    const clubs = await Promise.all([1, 2].map(() => tap(anna, "POST", "/club", { body })));
    assert.deepEqual(clubs.map(({ status, errorCode }) => status || errorCode).sort(), [-1, 1]);
    assert.equal((await list(anna, "/club")).length, 2);
  });

  await t.step("what failed fails again for its own reason, signed anew or not", async () => {
    for (
      const [errorCode, path, body] of [
        [500000, `/club/${NOWHERE}/join`],
        [500000, "/room", { name: "Jazz", clubId: NOWHERE }],
        [200002, `/user/${NOWHERE}/card`],
        [200002, `/user/${NOWHERE}/block`],
        [0, `/user/${anna.uid}/block`],
        [600000, `/event/${NOWHERE}/start`],
        [600000, `/event/${NOWHERE}/notify`],
        [400000, `/room/${NOWHERE}/token`],
        [400000, `/room/${NOWHERE}/close`],
        [400000, `/room/${NOWHERE}/invite/${ben.uid}`],
      ] as const
    ) {
      const rest = body ? { body } : {};
      assert.deepEqual(await twice(anna, "POST", path, rest), [errorCode, errorCode], path);
      assert.equal((await tap(anna, "POST", path, rest)).errorCode, errorCode, path);
    }
  });

  await t.step("block, unblock, block within 600 ms ends blocked; so joining joined", async () => {
    for (
      const [method, path] of [
        ["POST", `/user/${cleo.uid}/block`],
        ["DELETE", `/user/${cleo.uid}/block`],
        ["POST", `/user/${cleo.uid}/block`],
        ["POST", `/club/${clubId}/join`],
        ["POST", `/club/${clubId}/leave`],
        ["POST", `/club/${clubId}/join`],
      ] as const
    ) {
      assert.equal((await tap(dan, method, path)).status, 1, path);
      app.clock.advance(300);
    }
    assert.equal((await done(dan, "GET", `/user/${cleo.uid}/profile`)).blocked, 1);
    assert.equal((await done(dan, "GET", `/club/${clubId}`)).joined, 1);
  });

  await t.step("a phone's clock may be most of a day off, and its texts say $$$", async () => {
    for (const hours of [-23, 23]) {
      const ts = nowMs() + hours * HOUR_MS;
      const body = {
        originFeedbackType: 0,
        originId: "",
        feedbackType: 0,
        feedbackContent: `花了我$$$太贵了 ${hours}`,
      };
      const send = async () => (await tap(ben, "POST", "/app/feedback", { ts, body })).errorCode;
      assert.equal(await send(), undefined);
      app.clock.advance(19 * MINUTE_MS);
      assert.equal(await send(), -1, "known again for twenty minutes, whatever it says");
      app.clock.advance(2 * MINUTE_MS);
      assert.equal(await send(), undefined);
    }
    const ts = nowMs() - 25 * HOUR_MS;
    assert.equal((await tap(ben, "GET", "/user/message/unread_total", { ts })).http, 400);
  });

  await t.step("a room needs no club, and always says which it is in", async () => {
    for (const body of [{}, { clubId: null }, { clubId: "" }, { clubId, inviteOnly: 1 }]) {
      const created = await done(ben, "POST", "/room", { body: { name: "Jazz", ...body } });
      const { roomId } = created;
      const shareId = await done(ben, "POST", `/room/${roomId}/cache`);
      const shown = await done(ben, "GET", `/room/${roomId}`);
      const listed = (await list(ben, "/room"))[0].roomResult;
      for (const room of [created, shown, listed, await page(`/h5/room/${shareId}`)]) {
        assert.deepEqual(
          [room.roomId, room.clubId, "clubResult" in room, room.inviteOnly],
          [roomId, "", false, "inviteOnly" in body ? 1 : 0],
        );
      }
      await done(ben, "POST", `/room/${roomId}/close`);
    }
  });

  await t.step("a club's room is open to whoever has its id, a private one is not", async () => {
    const late = await open(anna, { clubId });
    assert.deepEqual([await feed(dan), await feed(eve)], [[late], []]);
    const { clubResult } = await done(eve, "GET", `/room/${late}`);
    assert.deepEqual([clubResult.clubId, clubResult.joined, clubResult.inviteOnly], [clubId, 0, 0]);
    await enter(eve, late);
    assert.deepEqual(await names(ben, late), ["Anna", "Eve"]);
    assert.match(await done(eve, "POST", `/room/${late}/cache`), /^[0-9a-f]{32}$/);
    assert.deepEqual(await feed(eve), [], "inside, and still no member");

    const secret = await open(cleo, { inviteOnly: 1 });
    for (const verb of ["token", "cache", "close", `invite/${anna.uid}`]) {
      await refused(400000, eve, "POST", `/room/${secret}/${verb}`);
    }
    await refused(400000, eve, "GET", `/room/${secret}`);
    await done(cleo, "POST", `/room/${secret}/invite/${eve.uid}`);
    await enter(eve, secret);
    assert.deepEqual([await names(eve, secret), await feed(eve)], [["Cleo", "Eve"], [secret]]);
    assert.deepEqual(await names(ben, late), ["Anna"], "one room at a time");
    await refused(400000, ben, "GET", `/room/${secret}`);
    for (const [as, roomId] of [[anna, late], [cleo, secret]] as const) {
      await done(as, "POST", `/room/${roomId}/close`);
    }
    await refused(400000, cleo, "POST", `/room/${secret}/invite/${ben.uid}`);
  });

  await t.step("friends invited in one millisecond hear it all, once in ten minutes", async () => {
    const roomId = await open(anna);
    const guests = [ben, cleo, dan, eve];
    await done(eve, "POST", "/push/eves-phone");
    const invitations = async () => {
      const lists = await Promise.all(guests.map(told));
      return lists.map((own) => own.filter(({ url }) => url.endsWith(roomId)).length);
    };
    const inviteAll = async () => {
      const ts = nowMs();
      const invite = ({ uid }: GatewayLogin) =>
        tap(anna, "POST", `/room/${roomId}/invite/${uid}`, { ts });
      assert.deepEqual((await Promise.all(guests.map(invite))).map(({ status }) => status), [
        1,
        1,
        1,
        1,
      ]);
    };
    for (let count = 0; count < 3; count++) {
      await inviteAll();
      assert.deepEqual(await invitations(), [1, 1, 1, 1]);
      app.clock.advance(2 * MINUTE_MS);
    }
    const [notice] = await told(ben);
    assert.deepEqual([notice!.url, notice!.by], [`chaoqer://room/${roomId}`, "Anna"]);
    await tick("push");
    assert.equal(shown("eves-phone").length, 1);
    app.clock.advance(5 * MINUTE_MS);
    await inviteAll();
    assert.deepEqual(await invitations(), [2, 2, 2, 2]);
    await tick("push");
    assert.deepEqual(
      shown("eves-phone").map((text) => text.split("\n").at(-1)),
      [notice!.url, notice!.url],
    );

    const before = await done(anna, "GET", "/user/message/unread_total");
    await done(anna, "POST", `/room/${roomId}/invite/${anna.uid}`);
    assert.equal(await done(anna, "GET", "/user/message/unread_total"), before, "oneself");
    await refused(200002, anna, "POST", `/room/${roomId}/invite/${NOWHERE}`);
    await done(anna, "POST", `/room/${roomId}/close`);
    await refused(400000, anna, "POST", `/room/${roomId}/invite/${ben.uid}`);
  });

  await t.step("whom a host has blocked gets no token, nor when the host has left", async () => {
    const roomId = await open(anna);
    await enter(dan, roomId);
    await enter(ben, roomId);
    await done(anna, "POST", `/user/${dan.uid}/block`);
    await refused(400001, dan, "POST", `/room/${roomId}/token`);
    await done(anna, "POST", `/room/${roomId}/leave`);
    await refused(400001, dan, "POST", `/room/${roomId}/token`);
    await done(dan, "POST", `/room/${roomId}/leave`);
    app.clock.advance(11 * MINUTE_MS);
    const before = (await told(dan)).length;
    await done(anna, "POST", `/room/${roomId}/invite/${dan.uid}`);
    await done(ben, "POST", `/room/${roomId}/invite/${dan.uid}`);
    assert.equal((await told(dan)).length, before, "nobody is invited who may not come");
    await done(anna, "DELETE", `/user/${dan.uid}/block`);
    await enter(dan, roomId);
    assert.deepEqual(await names(cleo, roomId), ["Ben", "Dan"]);
    await done(anna, "POST", `/room/${roomId}/close`);
  });

  let quiet = "", shareId = "";

  await t.step("whoever is not heard of for half an hour is out", async () => {
    quiet = await open(cleo);
    for (const as of [anna, ben, eve]) await enter(as, quiet);
    shareId = await done(ben, "POST", `/room/${quiet}/cache`);
    // Eve has nothing but her socket; Anna calls in the chat app, Cleo in the room app, Ben not.
    await using socket = await new RpcClient(server.url).opened();
    await socket.connect({ uid: eve.uid, token: eve.accessToken }, 0);
    const eveId = await userIdOf(app, eve);
    for (let count = 0; count < 2; count++) {
      app.clock.advance(20 * MINUTE_MS);
      const since = app.clock.now();
      const synced = await app.fetch(
        new Request("http://plaza.test/message/sync", {
          method: "POST",
          headers: { token: anna.accessToken, "Content-Type": "application/json" },
          body: "{}",
        }),
      );
      assert.equal(synced.status, 200);
      await synced.body?.cancel();
      await done(cleo, "GET", "/user/message/unread_total");
      await waitUntil("a sign of life", async () => {
        const [row] = await app.database.db.select().from(roomMembers)
          .where(eq(roomMembers.userId, eveId));
        return row!.seenAt >= since;
      }, 5_000);
    }
    assert.deepEqual(await names(dan, quiet), ["Anna", "Cleo", "Eve"]);
    await done(ben, "GET", "/user/message/unread_total");
    assert.deepEqual(await names(dan, quiet), ["Anna", "Cleo", "Eve"], "a call is no way in");
    await enter(ben, quiet);
    assert.deepEqual(await names(dan, quiet), ["Anna", "Ben", "Cleo", "Eve"]);
  });

  await t.step("another phone ends the first one's login, room, socket and pushes", async () => {
    await done(ben, "POST", `/user/${eve.uid}/card`);
    await tick("push");
    const count = shown("eves-phone").length;
    assert.ok(shown("eves-phone")[0]!.endsWith(`\nchaoqer://profile/${ben.uid}`));
    await using socket = await new RpcClient(server.url).opened();
    await socket.connect({ uid: eve.uid, token: eve.accessToken }, 0);

    const before = eve;
    eve = await anotherPhone("Eve");
    await socket.ended();
    assert.equal((await tap(before, "GET", "/user/message/unread_total")).http, 401);
    assert.equal((await tap(before, "POST", `/room/${quiet}/token`)).http, 401);
    assert.deepEqual(await names(dan, quiet), ["Anna", "Ben", "Cleo"]);

    await done(cleo, "POST", `/user/${eve.uid}/card`);
    await tick("push");
    assert.deepEqual((await told(eve)).slice(0, 2).map(({ by }) => by), ["Cleo", "Ben"]);
    assert.equal(shown("eves-phone").length, count, "whoever holds it now reads nothing");
    await done(eve, "POST", "/push/eves-other-phone");
    await done(dan, "POST", `/user/${eve.uid}/card`);
    await tick("push");
    assert.equal(shown("eves-phone").length, count);
    const [card, ...more] = shown("eves-other-phone");
    assert.ok(card!.endsWith(`\nchaoqer://profile/${dan.uid}`), card);
    assert.deepEqual(more, []);
  });

  await t.step("an empty room is its creator's alone, for twelve hours", async () => {
    for (const as of [anna, ben, cleo]) await done(as, "POST", `/room/${quiet}/leave`);
    for (const verb of ["token", "cache", `invite/${anna.uid}`, "close"]) {
      await refused(400000, ben, "POST", `/room/${quiet}/${verb}`);
    }
    await refused(400000, ben, "GET", `/room/${quiet}`);
    assert.deepEqual([await feed(ben), await feed(cleo)], [[], [quiet]]);
    assert.deepEqual(await names(cleo, quiet), []);
    const empty = await page(`/h5/room/${shareId}`);
    assert.deepEqual([empty.closed, empty.memberTotal, empty.memberList], [0, 0, []]);

    await enter(cleo, quiet);
    assert.deepEqual([await names(ben, quiet), await feed(ben)], [["Cleo"], [quiet]]);
    await done(cleo, "POST", `/room/${quiet}/leave`);
    app.clock.advance(12 * HOUR_MS - 2 * MINUTE_MS);
    await tick("settle");
    assert.deepEqual(await feed(cleo), [quiet], "a minute before");
    await tick("settle");
    await refused(400000, cleo, "GET", `/room/${quiet}`);
    await refused(400000, cleo, "POST", `/room/${quiet}/token`);
    assert.deepEqual(await feed(cleo), []);
    assert.equal((await page(`/h5/room/${shareId}`)).closed, 1);
  });

  let jam = "", jamRoom = "";

  await t.step("guests of an event are told once each, at its announcement and edit", async () => {
    const guestNotice = { title: "你被邀请为活动嘉宾", content: "Jam" };
    // Dan has blocked Cleo.
    jam = await announce(cleo, [ben, dan], { name: "Jam", inMs: HOUR_MS });
    const url = `chaoqer://event/${jam}`;
    const ofJam = async (as: GatewayLogin) => (await told(as)).filter((it) => it.url === url);
    assert.deepEqual(await ofJam(ben), [{ ...guestNotice, url, by: "Cleo" }]);
    assert.deepEqual(await Promise.all([anna, cleo, dan].map(ofJam)), [[], [], []]);

    const { eventTime } = await done(ben, "GET", `/event/${jam}`);
    const memberUidList = [cleo, ben, dan, anna].map(({ uid }) => uid);
    const body = { name: "Jam", eventTime, memberUidList };
    for (const as of [ben, cleo]) await done(as, "PUT", `/event/${jam}`, { body });
    assert.deepEqual(await ofJam(anna), [{ ...guestNotice, url, by: "Ben" }]);
    assert.deepEqual((await Promise.all([ben, cleo, dan].map(ofJam))).map((own) => own.length), [
      1,
      0,
      0,
    ]);
    await tick("push");
    assert.deepEqual(shown("annas-phone").filter((text) => text.endsWith(url)), [
      `${guestNotice.title}\nJam\n${url}`,
    ]);
  });

  await t.step("whoever asked hears of the start instead of a reminder", async () => {
    const off = await announce(ben, [], { name: "Called off", inMs: HOUR_MS });
    const solo = await announce(ben, [], { name: "Solo", inMs: 70 * MINUTE_MS });
    const ts = nowMs();
    const asked = [jam, off, solo].map((id) => tap(eve, "POST", `/event/${id}/notify`, { ts }));
    assert.deepEqual((await Promise.all(asked)).map(({ status }) => status), [1, 1, 1]);
    assert.deepEqual(await twice(eve, "POST", `/event/${jam}/notify`), [1, 1]);
    assert.ok(!("roomId" in await page(`/h5/event/${jam}`)));
    await done(ben, "DELETE", `/event/${off}`);

    app.clock.advance(40 * MINUTE_MS);
    jamRoom = (await done(cleo, "POST", `/event/${jam}/start`)).roomId;
    assert.equal((await done(ben, "POST", `/event/${jam}/start`)).roomId, jamRoom);
    const url = `chaoqer://room/${jamRoom}`;
    const started = { title: "你预约的活动已经开始了", content: "Jam", url };
    assert.deepEqual((await told(eve))[0], { ...started, by: "" });
    await tick("push");
    assert.equal(shown("eves-other-phone")[0], `${started.title}\nJam\n${url}`);

    const before = (await told(eve)).length;
    for (let count = 0; count < 3; count++) {
      await tick("settle");
      app.clock.advance(9 * MINUTE_MS);
    }
    const [reminder, ...rest] = await told(eve);
    assert.equal(rest.length, before, "of the one that is still to come, once");
    assert.deepEqual([reminder!.content, reminder!.url], ["Solo", `chaoqer://event/${solo}`]);
    for (const as of [anna, ben, cleo, dan]) {
      assert.ok((await told(as)).every((it) => it.url !== url), "guests are no audience");
    }
  });

  await t.step("an event's guests host its room, and its page in WeChat leads there", async () => {
    await enter(cleo, jamRoom); // Dan, its guest, has blocked her; she has opened it.
    const { roomId, roomResult, notify } = await page(`/h5/event/${jam}`);
    assert.deepEqual([roomId, roomResult.roomId, roomResult.clubId, roomResult.memberTotal], [
      jamRoom,
      jamRoom,
      "",
      1,
    ]);
    assert.equal(notify, 0);
    await done(anna, "POST", `/user/${eve.uid}/block`);
    await refused(400001, eve, "POST", `/room/${jamRoom}/token`);
    await done(anna, "DELETE", `/user/${eve.uid}/block`);
    await enter(eve, jamRoom);
    await refused(400000, eve, "POST", `/room/${jamRoom}/close`);
    await done(anna, "POST", `/room/${jamRoom}/close`);
    const over = await page(`/h5/event/${jam}`);
    assert.deepEqual([over.roomId, "roomResult" in over], [jamRoom, false]);
  });

  await t.step("every link in messages and pushes opens the app", async () => {
    const links = (await Promise.all([anna, ben, cleo, dan, eve].map(told))).flat()
      .map(({ url }) => url);
    await tick("push");
    const pushed = shown().map((text) => text.split("\n").at(-1)!);
    for (const all of [links, pushed]) {
      const kinds = all.map((link) =>
        /^chaoqer:\/\/(room|profile|event)\/[0-9a-f]{32}$/.exec(link)?.[1] ?? link
      );
      assert.deepEqual([...new Set(kinds)].sort(), ["event", "profile", "room"]);
    }
  });
});

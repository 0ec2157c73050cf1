import { eq, sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { createRoom } from "../../../db/domain/rooms/create_room.ts";
import { hashToken } from "../../../db/domain/sessions/access_secret.ts";
import { rooms } from "../../../db/schema/rooms.ts";
import { SessionKind, sessions } from "../../../db/schema/sessions.ts";
import { users, UserStatus } from "../../../db/schema/users.ts";
import { runDue } from "../../../jobs/run.ts";
import { jobs } from "../../../jobs/schedule.ts";
import { askAdmin } from "../../clients/admin.ts";
import {
  assertFailed,
  caller,
  type GatewayLogin,
  logIn,
  registerPerson,
} from "../../clients/gateway.ts";
import { makeOperator } from "../../clients/ops.ts";
import { RpcClient } from "../../clients/rpc.ts";
import { callH5, logInWithWechat } from "../../clients/wechat.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { jobDepsOf } from "../../jobs/kit.ts";
import { startChatServer } from "../../servers/chat.ts";
import { waitUntil } from "../../services/binary.ts";
import { insertClub, userIdOf } from "./rooms_and_clubs.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

interface Evening {
  app: TestApp;
  call: ReturnType<typeof caller>;
  host: GatewayLogin;
  guest: GatewayLogin;
  /** Opens a room; a public one unless the body says otherwise. */
  open(as: GatewayLogin, body?: Record<string, unknown>): Promise<string>;
  enter(as: GatewayLogin, roomId: string): Promise<void>;
  /** Nicknames of who is in a room, as somebody sees it; undefined: it is not there for them. */
  inside(as: GatewayLogin, roomId: string): Promise<string[] | undefined>;
  settle(): Promise<void>;
}

async function begin(app: TestApp): Promise<Evening> {
  const call = caller(app);
  const settling = jobs.find(({ name }) => name === "settle")!;
  return {
    app,
    call,
    host: await registerPerson(app, "Host"),
    guest: await registerPerson(app, "Guest"),
    async open(as, body = {}) {
      const { status, result, message } = await call("POST", "/room", as, {
        body: { name: "Jazz", ...body },
      });
      assert.equal(status, 1, message);
      return result.roomId;
    },
    async enter(as, roomId) {
      assert.equal((await call("POST", `/room/${roomId}/token`, as)).status, 1);
    },
    async inside(as, roomId) {
      const { errorCode, result } = await call("GET", `/room/${roomId}`, as);
      if (errorCode === 400000) return undefined;
      const names = result.memberList.map(({ nickname }: { nickname: string }) => nickname);
      assert.equal(result.memberTotal, names.length);
      return names;
    },
    async settle() {
      app.clock.advance(MINUTE_MS);
      const [state] = await runDue(settling, jobDepsOf(app));
      assert.equal(state!.state, "done", JSON.stringify(state));
    },
  };
}

Deno.test("people are in a room until half an hour passes without any call of theirs", async (t) => {
  await using app = await startTestApp();
  const { call, host, guest, open, enter, inside, settle } = await begin(app);
  const viewer = await registerPerson(app, "Viewer");
  const roomId = await open(host);
  await enter(guest, roomId);

  await t.step("any call will do, and none that is about the room is needed", async () => {
    for (let count = 0; count < 3; count++) {
      app.clock.advance(25 * MINUTE_MS);
      await call("GET", "/user/message/unread_total", host);
      await call("GET", "/user/card", guest, { query: { count: "1" } });
      await settle();
    }
    assert.deepEqual(await inside(viewer, roomId), ["Host", "Guest"]);
  });

  await t.step("whoever is silent goes, and a later call does not bring them back", async () => {
    app.clock.advance(27 * MINUTE_MS);
    await call("GET", "/user/message/unread_total", host);
    app.clock.advance(4 * MINUTE_MS);
    assert.deepEqual(await inside(viewer, roomId), ["Host"]);
    await call("GET", "/user/message/unread_total", guest);
    assert.deepEqual(await inside(viewer, roomId), ["Host"]);
    await enter(guest, roomId);
    assert.deepEqual(await inside(viewer, roomId), ["Host", "Guest"]);
  });
});

Deno.test("a sign of life is written once a minute, and no call waits for it", async () => {
  await using app = await startTestApp({ env: { APP_ENV: "development" } });
  const { call, host, open } = await begin(app);
  const roomId = await open(host);
  const seen = async () =>
    (await app.ctx.db.execute<{ at: string }>(
      sql`select seen_at::text as at from room_members where room_id = ${roomId}`,
    )).rows[0]!.at;
  app.clock.advance(MINUTE_MS);
  const { headers } = await call("GET", "/user/message/unread_total", host);
  assert.match(headers.get("Server-Timing")!, /sql;desc="1"/);
  const first = await seen();
  for (let count = 0; count < 10; count++) {
    await call("GET", "/user/message/unread_total", host);
  }
  assert.equal(await seen(), first);
  app.clock.advance(MINUTE_MS);
  await call("GET", "/user/message/unread_total", host);
  assert.notEqual(await seen(), first);
});

Deno.test("an open socket is a sign of life", async () => {
  await using app = await startTestApp();
  const { host, guest, open, inside } = await begin(app);
  const roomId = await open(host);
  await using server = startChatServer(app, { pollMs: 20, idleMs: 2 * HOUR_MS });
  await using rpc = await new RpcClient(server.url).opened();
  await rpc.connect({ uid: host.uid, token: host.accessToken }, 0);
  const seenMs = async () =>
    Number(
      (await app.ctx.db.execute<{ ms: string }>(sql`select extract(epoch from seen_at) * 1000 as ms
        from room_members where room_id = ${roomId}`)).rows[0]!.ms,
    );
  for (let count = 0; count < 3; count++) {
    app.clock.advance(20 * MINUTE_MS);
    const since = app.clock.now().getTime();
    await waitUntil("a sign of life", async () => await seenMs() >= since);
  }
  assert.deepEqual(await inside(guest, roomId), ["Host"]);
});

Deno.test("a person is in one room at a time", async (t) => {
  await using app = await startTestApp();
  const { call, host, guest, open, enter, inside } = await begin(app);
  const [first, second] = [await open(host), await open(await registerPerson(app, "Other"))];

  await t.step("entering another is leaving the one", async () => {
    await enter(guest, first);
    await enter(guest, second);
    assert.deepEqual(await inside(guest, first), ["Host"]);
    assert.deepEqual(await inside(guest, second), ["Other", "Guest"]);
  });

  await t.step("so is opening one, or starting an event", async () => {
    const own = await open(guest);
    assert.deepEqual(await inside(guest, second), ["Other"]);
    const { result: { eventId } } = await call("POST", "/event", guest, {
      body: {
        name: "Jam",
        eventTime: app.clock.now().getTime() + MINUTE_MS,
        memberUidList: [guest.uid],
      },
    });
    await call("POST", `/event/${eventId}/start`, guest);
    assert.deepEqual(await inside(guest, own), []);
    assert.deepEqual(await inside(host, eventId), ["Guest"]);
  });

  await t.step("a room that keeps them out is no room entered", async () => {
    await call("POST", `/user/${guest.uid}/block`, host);
    await enter(guest, second);
    assertFailed(await call("POST", `/room/${first}/token`, guest), 400001);
    assert.deepEqual(await inside(host, second), ["Other", "Guest"]);
  });
});

Deno.test("with the last session of theirs a person is out of their room", async (t) => {
  await using app = await startTestApp();
  const { call, host, open, enter, inside } = await begin(app);
  const roomId = await open(host);
  const guests: [string, (guest: GatewayLogin) => Promise<unknown>][] = [
    ["logged out", (guest) => call("POST", "/account/logout", guest)],
    ["replaced by another phone", async ({ uid }) => {
      const [{ mobile } = {}] = await app.database.db.select({ mobile: users.mobile })
        .from(users).where(eq(users.uid, uid));
      app.clock.advance(2 * MINUTE_MS);
      await logIn(app, { mobile: mobile!.replace(/^\+?86/, "") });
    }],
    ["disabled", (guest) => setStatus(app, guest, UserStatus.disabled)],
    ["deleted", (guest) => setStatus(app, guest, UserStatus.deleted)],
  ];
  for (const [way, end] of guests) {
    await t.step(way, async () => {
      const guest = await registerPerson(app, "Guest");
      await enter(guest, roomId);
      assert.deepEqual(await inside(host, roomId), ["Host", "Guest"]);
      await end(guest);
      assert.deepEqual(await inside(host, roomId), ["Host"]);
    });
  }

  await t.step(
    "one of the web keeps them in, and its end leaves the phone's room alone",
    async () => {
      const guest = await registerPerson(app, "Guest");
      await enter(guest, roomId);
      const web = "0".repeat(32);
      const insertWeb = async () =>
        await app.database.db.insert(sessions).values({
          tokenHash: hashToken(web),
          userId: await userIdOf(app, guest),
          kind: SessionKind.web,
          createdAt: app.clock.now(),
          expiresAt: new Date(app.clock.now().getTime() + 24 * HOUR_MS),
        });
      const endWeb = () =>
        app.database.db.update(sessions).set({ revokedAt: app.clock.now() })
          .where(eq(sessions.tokenHash, hashToken(web)));
      await insertWeb();
      await endWeb();
      assert.deepEqual(await inside(host, roomId), ["Host", "Guest"]);
      await app.database.db.update(sessions).set({ revokedAt: null })
        .where(eq(sessions.tokenHash, hashToken(web)));
      await call("POST", "/account/logout", guest);
      assert.deepEqual(await inside(host, roomId), ["Host", "Guest"]);
      await endWeb();
      assert.deepEqual(await inside(host, roomId), ["Host"]);
    },
  );
});

Deno.test("a room with nobody inside", async (t) => {
  await using app = await startTestApp();
  const { call, host, guest, open, enter, inside, settle } = await begin(app);
  const listed = async (as: GatewayLogin) =>
    (await call("GET", "/room", as, { query: { count: "50" } })).result.list
      .map(({ roomId }: { roomId: string }) => roomId);
  const roomId = await open(host);
  const shareId = (await call("POST", `/room/${roomId}/cache`, guest)).result;

  await t.step("is there for its creator alone", async () => {
    await call("POST", `/room/${roomId}/leave`, host);
    for (const [method, path] of [["GET", ""], ["POST", "/token"], ["POST", "/cache"]]) {
      assertFailed(await call(method!, `/room/${roomId}${path}`, guest), 400000);
    }
    assertFailed(await call("POST", `/room/${roomId}/invite/${host.uid}`, guest), 400000);
    assert.deepEqual([await listed(guest), await listed(host)], [[], [roomId]]);
    assert.deepEqual(await inside(host, roomId), []);
    const cookie = await logInWithWechat(app);
    const page = (await callH5(app, `/h5/room/${shareId}`, { cookie })).result;
    assert.deepEqual([page.closed, page.memberTotal, page.memberList], [0, 0, []]);
  });

  await t.step("is seen again once its creator enters", async () => {
    await enter(host, roomId);
    assert.deepEqual(await inside(guest, roomId), ["Host"]);
    assert.deepEqual(await listed(guest), [roomId]);
  });

  await t.step("is closed when it has been empty for twelve hours, not before", async () => {
    await enter(guest, roomId);
    await call("POST", `/room/${roomId}/leave`, host);
    app.clock.advance(11 * HOUR_MS);
    // The guest was heard of half an hour less than that ago.
    await settle();
    assert.deepEqual(await inside(host, roomId), []);
    app.clock.advance(85 * MINUTE_MS);
    await settle();
    assert.deepEqual(await inside(host, roomId), []);
    app.clock.advance(10 * MINUTE_MS);
    await settle();
    assertFailed(await call("GET", `/room/${roomId}`, host), 400000);
  });

  await t.step("an occupied one goes on, however old", async () => {
    const old = await open(host);
    for (let hour = 0; hour < 14; hour++) {
      for (let half = 0; half < 2; half++) {
        app.clock.advance(28 * MINUTE_MS);
        await call("GET", "/user/message/unread_total", host);
      }
      await settle();
    }
    assert.deepEqual(await inside(guest, old), ["Host"]);
  });

  await t.step("goes with its creator: hidden at once, and closed", async () => {
    const creator = await registerPerson(app, "Creator");
    const left = await open(creator);
    await setStatus(app, creator, UserStatus.deleted);
    assert.equal(await inside(guest, left), undefined);
    await settle();
    const [room] = await app.database.db.select().from(rooms).where(eq(rooms.id, left));
    assert.notEqual(room!.closedAt, null);
  });

  await t.step("a deleted creator's room goes on while others are in it", async () => {
    const creator = await registerPerson(app, "Creator");
    const left = await open(creator);
    await enter(guest, left);
    await setStatus(app, creator, UserStatus.deleted);
    await settle();
    assert.deepEqual(await inside(host, left), ["Guest"]);
  });
});

Deno.test("hosts may close a room wherever they are: its creator, and its event's people", async () => {
  await using app = await startTestApp();
  const { call, host, guest, enter, inside } = await begin(app);
  const listener = await registerPerson(app, "Listener");
  const start = async () => {
    const { result: { eventId } } = await call("POST", "/event", host, {
      body: {
        name: "Jam",
        eventTime: app.clock.now().getTime() + MINUTE_MS,
        memberUidList: [host.uid, guest.uid],
      },
    });
    await call("POST", `/event/${eventId}/start`, host);
    return eventId;
  };
  const first = await start();
  await enter(listener, first);
  assertFailed(await call("POST", `/room/${first}/close`, listener), 400000);
  assert.equal((await call("POST", `/room/${first}/close`, guest)).status, 1, "never inside");
  assert.equal(await inside(listener, first), undefined);

  const second = await start();
  for (const { uid } of [listener, host]) await call("POST", `/user/${uid}/block`, guest);
  assertFailed(await call("POST", `/room/${second}/token`, listener), 400001);
  await enter(host, second); // Nobody keeps out whoever has opened it.
  await call("POST", `/room/${second}/leave`, host);
  const event = (await call("GET", `/event/${second}`, listener)).result;
  assert.deepEqual([event.roomId, "roomResult" in event], [second, false]);
  assert.equal((await call("POST", `/room/${second}/close`, guest)).status, 1, "empty");
});

Deno.test("a club that goes takes its open rooms with it", async () => {
  await using app = await startTestApp();
  const { call, host, guest, open, enter, inside, settle } = await begin(app);
  const clubId = (await call("POST", "/club", host, { body: { name: "Jazz", cover: "c.png" } }))
    .result.clubId;
  const [roomId, other] = [await open(host, { clubId }), await open(guest)];
  await enter(host, roomId);
  assert.equal((await call("POST", `/club/${clubId}/leave`, host)).status, 1);
  assert.deepEqual([await inside(host, roomId), await inside(host, other)], [undefined, ["Guest"]]);

  // One that was just being opened meanwhile is closed by the job.
  const gone = await insertClub(app, host);
  const late = await open(host, { clubId: gone });
  await app.ctx.db.execute(sql`update clubs set deleted_at = now() where id = ${gone}`);
  await settle();
  assert.equal(await inside(host, late), undefined);
  const user = { userId: await userIdOf(app, host), name: "A", inviteOnly: false };
  await assert.rejects(createRoom(app.ctx, { ...user, clubId: gone }), { kind: "club_missing" });
});

/** As an operator does. */
async function setStatus(app: TestApp, person: GatewayLogin, status: number): Promise<void> {
  const { token } = await makeOperator(app.ctx, "admin");
  const params = { uid: String(await userIdOf(app, person)) };
  await askAdmin(app, "PUT /v1/admin/users/{uid}", { token, params, body: { status } });
}

import assert from "node:assert/strict";
import { randomHex32 } from "../../../config/keys.ts";
import { blocks } from "../../../db/schema/blocks.ts";
import { RedisAwayError } from "../../../db/redis/client.ts";
import { admit } from "../../../middleware/admission.ts";
import { loadSurface } from "../../../routes/surfaces.ts";
import {
  assertFailed,
  callGateway,
  type GatewayCall,
  type GatewayLogin,
  registerPerson,
} from "../../clients/gateway.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { insertClub } from "./rooms_and_clubs.ts";

const MINUTE_MS = 60_000;

/** Not guarded: done twice they leave what one leaves. */
const REPEATABLE = [
  "DELETE /user/{uid}/block",
  "POST /account/logout",
  "POST /app/link/preview/{linkMD5}",
  "POST /event/{eventId}/notify",
  "POST /h5/club/{clubId}",
  "POST /h5/event/{eventId}",
  "POST /h5/profile/{uid}",
  "POST /h5/room/{roomCacheId}",
  "POST /h5/weixin/config",
  "POST /push/{jPushId}",
  "POST /room/{roomId}/cache",
  "POST /room/{roomId}/close",
  "POST /room/{roomId}/invite/{uid}",
  "POST /room/{roomId}/leave",
  "POST /room/{roomId}/token",
];

/** A clock that only moves when it is read: what happens at once does, on any machine. */
async function startStill(): Promise<TestApp> {
  const app = await startTestApp();
  app.clock.standStill(1_000);
  return app;
}

const by = (app: TestApp, as: GatewayLogin) => (method: string, path: string, rest?: GatewayCall) =>
  callGateway(app, method, path, { as, ...rest });

Deno.test("the guard watches over every write but those that may be repeated", async () => {
  const { endpoints } = await loadSurface("gateway");
  const repeatable = endpoints.filter((it) => it.method !== "get" && "repeatable" in it)
    .map(({ method, path }) => `${method.toUpperCase()} ${path}`);
  assert.deepEqual(repeatable.sort(), REPEATABLE);
});

Deno.test("the same parameters at another path are another call, in the same millisecond too", async () => {
  await using app = await startStill();
  const me = await registerPerson(app);
  const others = [await registerPerson(app), await registerPerson(app)];
  const ts = app.clock.now().getTime();
  for (const { uid } of others) {
    const blocked = await callGateway(app, "POST", `/user/${uid}/block`, { as: me, ts });
    assert.deepEqual([blocked.status, blocked.message], [1, "拉黑成功"]);
  }
  assert.equal((await app.database.db.select().from(blocks)).length, 2);
  const again = await callGateway(app, "POST", `/user/${others[0]!.uid}/block`, { as: me, ts });
  assertFailed(again, -1);
});

Deno.test("a signature is known for twenty minutes where it was used, the parameters for half a second", async () => {
  await using app = await startStill();
  const me = by(app, await registerPerson(app));
  const call = {
    body: { nickname: "Toby", avatar: "a.png" },
    ts: app.clock.now().getTime(),
  };
  const put = (rest: GatewayCall = call) => me("PUT", "/user/profile", rest);
  const later = { body: call.body };
  assert.equal((await put()).status, 1);
  assertFailed(await put(), -1);
  assertFailed(await put(later), -1);
  app.clock.advance(500);
  assert.equal((await put(later)).status, 1);
  assertFailed(await put(), -1);
  app.clock.advance(19 * MINUTE_MS);
  assertFailed(await put(), -1);
  app.clock.advance(MINUTE_MS);
  assert.equal((await put()).status, 1);
});

Deno.test("what is undone at once may be done again at once", async () => {
  await using app = await startStill();
  const [owner, me, other] = await Promise.all([1, 2, 3].map(() => registerPerson(app)));
  const clubId = await insertClub(app, owner!);
  const mine = by(app, me!);
  for (
    const [path, done, undone] of [
      [`/user/${other!.uid}/block`, "POST", "DELETE"],
      [`/club/${clubId}`, "join", "leave"],
    ]
  ) {
    for (const verb of [done, undone, done]) {
      const answer = verb === verb!.toUpperCase()
        ? await mine(verb!, path!)
        : await mine("POST", `${path}/${verb}`);
      assert.equal(answer.status, 1, `${verb} ${path}`);
      app.clock.advance(300);
    }
  }
  assert.equal((await mine("GET", `/user/${other!.uid}/profile`)).result.blocked, 1);
  assert.equal((await mine("GET", `/club/${clubId}`)).result.joined, 1);
});

Deno.test("what may be repeated answers each time what it answers alone", async () => {
  await using app = await startStill();
  const [me, other] = await Promise.all([1, 2].map(() => registerPerson(app)));
  const mine = by(app, me!);
  const room = await mine("POST", "/room", { body: { name: "晚间", clubId: "" } });
  const { roomId } = room.result;
  const ts = app.clock.now().getTime();
  const twice = async (method: string, path: string) =>
    [await mine(method, path, { ts }), await mine(method, path, { ts })]
      .map(({ http, status, errorCode }) => status ? status : http === 200 ? errorCode : http);
  assert.deepEqual(await twice("POST", "/push/device-1"), [1, 1]);
  assert.deepEqual(await twice("POST", "/push/update/device-1"), [1, 1]);
  assert.deepEqual(await twice("DELETE", `/user/${other!.uid}/block`), [1, 1]);
  for (const verb of ["token", "cache", `invite/${other!.uid}`, "leave", "token"]) {
    assert.deepEqual(await twice("POST", `/room/${roomId}/${verb}`), [1, 1], verb);
  }
  const event = await by(app, other!)("POST", "/event", {
    body: {
      name: "日程",
      eventTime: ts + 60 * MINUTE_MS,
      memberUidList: [other!.uid],
    },
  });
  assert.deepEqual(await twice("POST", `/event/${event.result.eventId}/notify`), [1, 1]);
  assert.deepEqual(await twice("POST", `/room/${roomId}/close`), [1, 400000]);
  assert.deepEqual(await twice("POST", "/account/logout"), [1, 401]);
});

/** From now on nothing reaches Redis. */
function takeAwayRedis(app: TestApp): void {
  const { client } = app.redis.redis as unknown as { client: { request(): Promise<unknown> } };
  client.request = () => Promise.reject(new RedisAwayError("away"));
}

for (const store of ["Redis", "PostgreSQL"] as const) {
  Deno.test(`a call that failed was not made: its keys are free again in ${store}`, async () => {
    await using app = await startStill();
    const [owner, login] = [await registerPerson(app), await registerPerson(app)];
    const me = by(app, login);
    if (store === "PostgreSQL") takeAwayRedis(app);
    const clubId = randomHex32();
    const ts = app.clock.now().getTime();
    const join = (rest: GatewayCall = { ts }) => me("POST", `/club/${clubId}/join`, rest);
    assertFailed(await join(), 500000);
    assertFailed(await join(), 500000);
    assertFailed(await join({}), 500000);
    await insertClub(app, owner, [], clubId);
    assert.equal((await join()).status, 1, "and what was refused works once it can");
    assertFailed(await join(), -1);
    // A repetition frees what is its own, and nothing of the call it repeats.
    const other = app.clock.now().getTime();
    assertFailed(await join({ ts: other }), -1);
    assertFailed(await join({ ts: other }), -1);
    app.clock.advance(500);
    assert.equal((await join({ ts: other })).status, 1);
    assertFailed(await join(), -1);
  });
}

for (const store of ["Redis", "PostgreSQL"] as const) {
  Deno.test(`of equal calls at once one is made, and a late failure frees nobody else's key in ${store}`, async () => {
    await using app = await startStill();
    if (store === "PostgreSQL") takeAwayRedis(app);
    const releases: (() => Promise<void>)[] = [];
    const use = () =>
      admit(app.ctx, {
        useOnce: [{ key: "call:a", windowMs: 500 }],
        onUse: (release) => releases.push(release),
      });
    const isRepeated = { name: "DomainError", kind: "call_repeated" };
    const all = await Promise.allSettled(Array.from({ length: 20 }, use));
    assert.equal(all.filter(({ status }) => status === "fulfilled").length, 1);
    const late = releases.splice(0);
    app.clock.advance(500);
    await use();
    for (const release of late) await release();
    await assert.rejects(use(), isRepeated);
    for (const release of releases) await release();
    await use();
    await assert.rejects(use(), isRepeated);
  });
}

Deno.test("a failure within the call frees it as well, and one before it does", async () => {
  await using app = await startStill();
  const login = await registerPerson(app);
  const me = by(app, login);
  const ts = app.clock.now().getTime();
  const body = { nickname: "Anna", avatar: "a.png" };
  const put = () => me("PUT", "/user/profile", { ts, body });
  const { db } = app.database;
  const [update, select] = [db.update, db.select];
  db.update = () => {
    throw new Error("broken");
  };
  db.select = db.update as never;
  const broken = await put();
  assert.equal(broken.http, 500);
  Object.assign(db, { update, select });
  app.logs.length = 0;
  assert.equal((await put()).status, 1);
  assertFailed(await put(), -1);
  const stranger = await me("POST", `/user/${randomHex32()}/block`, { ts, sign: "0".repeat(32) });
  assert.equal(stranger.http, 401);
});

Deno.test("freeing costs a failure one trip, and a success none", async () => {
  await using app = await startStill();
  const [login, other] = [await registerPerson(app), await registerPerson(app)];
  const me = by(app, login);
  const trips = ({ headers }: { headers: Headers }) =>
    /redis;desc="(\d+)"/.exec(headers.get("server-timing")!)![1];
  const ts = app.clock.now().getTime();
  const block = () => me("POST", `/user/${other.uid}/block`, { ts });
  assert.equal((await me("GET", `/user/${other.uid}/profile`)).status, 1);
  assert.equal(trips(await block()), "1");
  assert.equal(trips(await block()), "1", "of a repetition there is nothing to free");
  assert.equal(trips(await me("POST", `/club/${randomHex32()}/join`)), "2");
});

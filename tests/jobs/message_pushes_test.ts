import { eq, sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { withTrips } from "../../config/runtime/trips.ts";
import { acceptSeveral } from "../../db/domain/messages/accept_several.ts";
import { registerPushTarget } from "../../db/domain/notifications/register_push_target.ts";
import { deliverNextBroadcast } from "../../db/domain/broadcasts/deliver_broadcast.ts";
import { claimDue } from "../../db/domain/outgoing/claims.ts";
import { fanOutMessages } from "../../db/domain/pushes/fan_out_messages.ts";
import { hashToken } from "../../db/domain/sessions/access_secret.ts";
import { logOut } from "../../db/domain/sessions/log_out.ts";
import { RedisAwayError } from "../../db/redis/client.ts";
import { setGone, setPresent } from "../../db/redis/presence.ts";
import { chatAccounts } from "../../db/schema/chat.ts";
import { groups } from "../../db/schema/groups.ts";
import { pendingWork } from "../../db/schema/jobs.ts";
import { drainPending } from "../../jobs/push.ts";
import { UnservedDeviceError } from "../../providers/push.ts";
import { askIm } from "../clients/im.ts";
import { startTestApp, type TestApp } from "../harness.ts";
import { makeBroadcast } from "../people/crowd.ts";
import { makeGroup } from "../people/factories.ts";
import { befriend, type Chatter, makeChatter, openGroup } from "../people/group.ts";
import { forGroup, makePlace, paid } from "../routes/im/red_packet_place.ts";
import {
  drainAll,
  KeepingPush,
  makePhoneOwner,
  namePhone,
  sayIn,
  sayTo,
} from "./message_pushes_people.ts";

const workCount = (app: TestApp) => app.database.db.$count(pendingWork);
const badgeOf = async (app: TestApp, { userId }: Chatter) =>
  (await app.ctx.db.select().from(chatAccounts).where(eq(chatAccounts.userId, userId)))[0]!.badge;
const nameAtGateway = (app: TestApp, { userId, token }: Chatter, jpushId: string) =>
  registerPushTarget(app.ctx, { userId, jpushId, tokenHash: hashToken(token) });
const socketOf = ({ userId }: Chatter, deviceFlag: number) => ({
  userId,
  deviceFlag,
  socketId: `s${userId}-${deviceFlag}`,
});

Deno.test("a message reaches the phone of whoever is away, once, and costs the sender no trip", async () => {
  await using app = await startTestApp();
  const [ann, bob] = [await makeChatter(app, "Ann"), await makePhoneOwner(app, "Bob")];
  const push = new KeepingPush();
  await withTrips(async (trips) => {
    await sayTo(app, ann, bob, "hello");
    assert.equal(trips.sql.count, 1);
  });
  assert.equal((await drainAll(app, push)).sent, 1);
  const [message] = push.taken;
  assert.deepEqual({ ...message, id: "" }, {
    deviceType: "JPUSH",
    bundleId: "com.example.chat",
    token: "Bob",
    title: "Ann",
    content: "hello",
    url: `chaoqer://chat/1/${ann.uid}`,
    badge: 1,
    sounds: true,
    vibrates: true,
    id: "",
  });
  assert.equal((await drainAll(app, push)).sent, 0);
  assert.equal(push.taken.length, 1);
  assert.equal(await workCount(app), 0);
});

Deno.test("a message said again under its number is pushed once", async () => {
  await using app = await startTestApp();
  const [ann, bob] = [await makeChatter(app, "Ann"), await makePhoneOwner(app, "Bob")];
  for (let time = 0; time < 2; time++) await sayTo(app, ann, bob, { clientMsgNo: "n1" });
  const push = new KeepingPush();
  await drainAll(app, push);
  assert.deepEqual(push.next(), ["Bob Ann: hi [1]"]);
});

Deno.test("nothing is entered where nobody could need a push", async () => {
  await using app = await startTestApp();
  const [ann, bob] = [await makeChatter(app, "Ann"), await makePhoneOwner(app, "Bob")];
  await sayTo(app, bob, ann, "Ann has no phone");
  await sayTo(app, ann, bob, { redDot: false });
  const group = await makeGroup(app.ctx, [ann, bob].map(({ userId: id }) => ({ id })), {
    appId: 7,
  });
  await sayIn(app, ann, group.groupNo, "a partner's people have no phones here");
  assert.equal(await workCount(app), 0);
});

Deno.test("whoever has the app open is not pushed; a computer silences only those who want it", async () => {
  await using app = await startTestApp();
  const [ann, bob] = [await makeChatter(app, "Ann"), await makePhoneOwner(app, "Bob")];
  const push = new KeepingPush();
  const pushed = async () => {
    await sayTo(app, ann, bob);
    await drainAll(app, push);
    return push.next().length;
  };
  await setPresent(app.ctx, [socketOf(bob, 0)]);
  assert.equal(await pushed(), 0);
  await setGone(app.ctx, [socketOf(bob, 0)]);
  for (const computer of [1, 2]) {
    await setPresent(app.ctx, [socketOf(bob, computer)]);
    assert.equal(await pushed(), 1);
    await bob.ask("PUT", "/users/current", { body: { mute_of_app: 1 } });
    assert.equal(await pushed(), 0);
    await setGone(app.ctx, [socketOf(bob, computer)]);
    assert.equal(await pushed(), 1);
    await bob.ask("PUT", "/users/current", { body: { mute_of_app: 0 } });
  }
  assert.equal(await workCount(app), 0);
});

Deno.test("who has silenced a person, a group, or all of it, or has blocked the sender, is not pushed", async () => {
  await using app = await startTestApp();
  const ann = await makeChatter(app, "Ann");
  const bob = await makePhoneOwner(app, "Bob");
  const groupNo = await openGroup(app, [ann, bob]);
  const push = new KeepingPush();
  await drainAll(app, push);
  push.next();
  const pushed = async () => {
    await sayTo(app, ann, bob);
    await sayIn(app, ann, groupNo);
    await drainAll(app, push);
    return push.next().map((line) => line.split(":")[0]);
  };
  const set = (path: string, body: object) => bob.ask("PUT", path, { body });
  assert.deepEqual(await pushed(), ["Bob Ann", "Bob 读书会"]);
  await set(`/users/${ann.uid}/setting`, { mute: 1 });
  assert.deepEqual(await pushed(), ["Bob 读书会"]);
  await set(`/users/${ann.uid}/setting`, { mute: 0 });
  await set(`/groups/${groupNo}/setting`, { mute: 1 });
  assert.deepEqual(await pushed(), ["Bob Ann"]);
  await set(`/groups/${groupNo}/setting`, { mute: 0 });
  await set("/users/current", { new_msg_notice: 0 });
  assert.deepEqual(await pushed(), []);
  await set("/users/current", { new_msg_notice: 1 });
  await bob.ask("POST", `/user/blacklist/${ann.uid}`);
  await sayIn(app, ann, groupNo);
  await drainAll(app, push);
  assert.deepEqual(push.next(), []);
});

Deno.test("a message taken back, or a login that ended, leaves nothing to push, also while it waits", async () => {
  await using app = await startTestApp();
  const [ann, bob] = [await makeChatter(app, "Ann"), await makePhoneOwner(app, "Bob")];
  const push = new KeepingPush();
  const revoke = (messageId: number) =>
    ann.ask("POST", "/message/revoke", { query: { message_id: String(messageId) } });

  await revoke((await sayTo(app, ann, bob, "1234")).messageId);
  await drainAll(app, push);
  assert.deepEqual(push.next(), []);

  const failing = new KeepingPush(() => {
    throw new Error("not now");
  });
  const { messageId } = await sayTo(app, ann, bob, "1234");
  assert.equal((await drainAll(app, failing)).waiting, 1);
  const [work] = await app.ctx.db.select().from(pendingWork);
  assert.ok(!JSON.stringify(work).includes("1234"), "the words wait nowhere but in the message");
  await revoke(messageId);
  app.clock.advance(60_000);
  await drainAll(app, push);
  assert.deepEqual(push.next(), []);
  assert.equal(await workCount(app), 0);

  await sayTo(app, ann, bob);
  await logOut(app.ctx, { tokenHash: hashToken(bob.token) });
  await drainAll(app, push);
  assert.deepEqual(push.next(), []);
});

Deno.test("a group's members are pushed under its name, the sender as each calls them", async () => {
  await using app = await startTestApp();
  const ann = await makePhoneOwner(app, "Ann");
  const [bob, cid] = [await makePhoneOwner(app, "Bob"), await makePhoneOwner(app, "Cid")];
  const groupNo = await openGroup(app, [ann, bob, cid]);
  const push = new KeepingPush();
  await drainAll(app, push);
  push.next();
  for (const { userId } of [ann, bob, cid]) {
    await app.ctx.db.update(chatAccounts).set({ badge: 0 }).where(eq(chatAccounts.userId, userId));
  }
  await app.ctx.db.execute(sql`insert into peer_settings (user_id, peer_id, remark)
    values (${cid.userId}, ${ann.userId}, 'Annie')`);
  await sayIn(app, ann, groupNo, "one");
  const said = ["two", "three"].map((content) => ({
    senderId: ann.userId,
    clientMsgNo: undefined,
    payload: JSON.stringify({ type: 1, content }),
    redDot: true,
    syncOnce: false,
    setting: 0,
    at: app.ctx.now(),
  }));
  await acceptSeveral(app.ctx, { groupNo, said });
  await drainAll(app, push);
  assert.deepEqual(push.next().sort(), [
    "Bob 读书会: Ann：one [1]",
    "Bob 读书会: Ann：three [3]",
    "Bob 读书会: Ann：two [2]",
    "Cid 读书会: Annie：one [1]",
    "Cid 读书会: Annie：three [3]",
    "Cid 读书会: Annie：two [2]",
  ]);
  assert.equal(await badgeOf(app, bob), 3);
  await bob.ask("POST", "/user/device_badge", { body: { badge: 7 } });
  await bob.ask("PUT", "/users/current", { body: { msg_show_detail: 0, voice_on: 0 } });
  await sayIn(app, ann, groupNo, "secret");
  await drainAll(app, push);
  const toBob = push.taken.find(({ token }) => token === "Bob")!;
  assert.deepEqual(
    [toBob.title, toBob.content, toBob.badge, toBob.sounds, toBob.vibrates],
    ["读书会", "您有一条新的消息", 8, false, true],
  );
  assert.equal(toBob.url, `chaoqer://chat/2/${groupNo}`);
});

Deno.test("a large group's members are told in parts, those who came later not at all", async () => {
  await using app = await startTestApp();
  const ann = await makeChatter(app, "Ann");
  const names = ["Bob", "Cid", "Dan", "Eve", "Fay"];
  const others: Chatter[] = [];
  for (const name of names) others.push(await makePhoneOwner(app, name));
  const groupNo = await openGroup(app, [ann, ...others.slice(0, 4)]);
  await app.ctx.db.update(groups).set({ isSuper: true }).where(eq(groups.groupNo, groupNo));
  const push = new KeepingPush();
  await drainAll(app, push);
  push.next();
  const { loggedInGroup } = await sayIn(app, ann, groupNo, "hi");
  assert.notEqual(loggedInGroup, undefined);
  await app.ctx.db.execute(sql`
    insert into group_members (group_id, user_id, joined_at)
    values (${loggedInGroup}, ${others[4]!.userId}, ${app.ctx.now().toISOString()}::timestamptz)`);
  const seen: { enteredCount: number; goesOn: boolean }[] = [];
  for (let part = 0; part < 10; part++) {
    const claims = await claimDue(app.ctx, { kinds: ["message_sent"], limit: 10, leaseMs: 1_000 });
    if (claims.length === 0) break;
    const { enteredCount, goesOn } = await fanOutMessages(app.ctx, claims, { memberCount: 2 });
    seen.push({ enteredCount, goesOn });
  }
  assert.deepEqual(seen.map(({ enteredCount }) => enteredCount).reduce((a, b) => a + b), 4);
  assert.deepEqual(seen.map(({ goesOn }) => goesOn), [true, true, true, false]);
  await drainAll(app, push);
  assert.deepEqual(push.next().map((line) => line.slice(0, 3)).sort(), names.slice(0, 4));
});

Deno.test("while Redis is away pushes wait, however long, and lose no try", async () => {
  await using app = await startTestApp();
  const [ann, bob] = [await makeChatter(app, "Ann"), await makePhoneOwner(app, "Bob")];
  await sayTo(app, ann, bob);
  const redis = new Proxy(app.ctx.redis, {
    get: (target, name) =>
      name === "pipeline"
        ? () => ({ zrange() {}, exec: () => Promise.reject(new RedisAwayError("away")) })
        : Reflect.get(target, name),
  });
  const push = new KeepingPush();
  for (let hour = 0; hour < 12; hour++) {
    const { report, isLast } = await drainPending({ ...app.ctx, redis }, push);
    assert.deepEqual([report.waiting, isLast], [1, true]);
    app.clock.advance(60_000);
  }
  assert.deepEqual(push.next(), []);
  await drainAll(app, push);
  assert.deepEqual(push.next(), ["Bob Ann: hi [1]"]);
});

Deno.test("a request for friendship is pushed, and so is money", async () => {
  await using app = await startTestApp();
  const [ann, bob] = [await makeChatter(app, "Ann"), await makePhoneOwner(app, "Bob")];
  const push = new KeepingPush();
  await ann.ask("POST", "/friend/apply", { body: { to_uid: bob.uid, remark: "hello" } });
  await drainAll(app, push);
  assert.deepEqual(push.next(), ["Bob Ann: Ann请求添加你为好友 [1]"]);
  await befriend(app, ann, [bob]);
  await sayTo(app, ann, bob, { payload: { type: 9, content: "恭喜发财" } });
  await sayTo(app, ann, bob, { payload: { type: 10, content: "[转账]" } });
  await sayTo(app, undefined, bob, { payload: { type: 2000, content: "转账已退回 1.00 元" } });
  await drainAll(app, push);
  assert.deepEqual(push.next(), [
    "Bob Ann: [红包] [2]",
    "Bob Ann: [转账] [3]",
    "Bob 系统通知: 转账已退回 1.00 元 [4]",
  ]);
});

Deno.test("a phone of no service here is reached by the gateway's registration, else not, said once", async () => {
  await using app = await startTestApp();
  const ann = await makeChatter(app, "Ann");
  const [bob, cid] = [
    await makePhoneOwner(app, "Bob", { type: "mi" }),
    await makePhoneOwner(app, "Cid", { type: "MI" }),
  ];
  const dan = await makeChatter(app, "Dan");
  await nameAtGateway(app, bob, "bob-gateway");
  await nameAtGateway(app, dan, "dan-gateway");
  const push = new KeepingPush(({ deviceType }) => {
    if (deviceType === "MI") throw new UnservedDeviceError(deviceType);
  });
  for (const person of [bob, cid, dan, cid]) await sayTo(app, ann, person);
  const report = await drainAll(app, push);
  assert.deepEqual([report.sent, report.unreachable], [2, 2]);
  assert.deepEqual(push.next().sort(), ["bob-gateway Ann: hi [1]", "dan-gateway Ann: hi [1]"]);
  const notices = app.logs.filter(({ deviceType }) => deviceType !== undefined);
  assert.deepEqual(notices.map(({ level, deviceType }) => [level, deviceType]), [["notice", "MI"]]);
});

Deno.test("a phone speaks for whoever named it last, in either app", async () => {
  await using app = await startTestApp();
  const [ann, bob] = [await makeChatter(app, "Ann"), await makePhoneOwner(app, "Bob")];
  const cid = await makeChatter(app, "Cid");
  await namePhone(cid, { token: "Bob", type: "IOS" });
  const push = new KeepingPush();
  for (const person of [bob, cid]) await sayTo(app, ann, person);
  await drainAll(app, push);
  assert.deepEqual(push.next(), ["Bob Ann: hi [1]"]);
  await nameAtGateway(app, bob, "Bob");
  for (const person of [bob, cid]) await sayTo(app, ann, person);
  await drainAll(app, push);
  assert.deepEqual(push.next(), ["Bob Ann: hi [1]"]);
  await namePhone(cid, { token: "Bob" });
  for (const person of [bob, cid]) await sayTo(app, ann, person);
  await drainAll(app, push);
  assert.deepEqual(push.next(), ["Bob Ann: hi [2]"]);
  await cid.ask("DELETE", "/user/device_token");
  await sayTo(app, ann, cid);
  assert.equal(await workCount(app), 0);
});

Deno.test("people who swap phones at once end with one each", async () => {
  await using app = await startTestApp();
  const people: Chatter[] = [];
  for (const name of ["Ann", "Bob", "Cid"]) people.push(await makePhoneOwner(app, name));
  for (let round = 0; round < 5; round++) {
    await Promise.all(
      people.map((person, at) => namePhone(person, { token: `t${(at + round) % 2}` })),
    );
  }
  const tokens = (await app.ctx.db.select().from(chatAccounts)).flatMap(({ deviceToken }) =>
    deviceToken ?? []
  );
  assert.equal(new Set(tokens).size, tokens.length);
});

Deno.test("a worker whose lease is over enters nothing, and counts no badge", async () => {
  await using app = await startTestApp();
  const [ann, bob] = [await makeChatter(app, "Ann"), await makePhoneOwner(app, "Bob")];
  await sayTo(app, ann, bob);
  const claim = () => claimDue(app.ctx, { kinds: ["message_sent"], limit: 10, leaseMs: 1_000 });
  const late = await claim();
  app.clock.advance(1_001);
  const current = await claim();
  assert.equal((await fanOutMessages(app.ctx, late)).enteredCount, 0);
  assert.equal(await badgeOf(app, bob), 0);
  assert.equal((await fanOutMessages(app.ctx, current)).enteredCount, 1);
  assert.equal((await fanOutMessages(app.ctx, current)).enteredCount, 0);
  assert.equal(await badgeOf(app, bob), 1);
});

Deno.test("a broadcast reaches phones once all its members have it", async () => {
  await using app = await startTestApp();
  const people: Chatter[] = [];
  for (const name of ["Ann", "Bob", "Cid"]) people.push(await makePhoneOwner(app, name));
  const group = await makeGroup(app.ctx, people.map(({ userId: id }) => ({ id })));
  await makeBroadcast(app.ctx, group.id);
  const push = new KeepingPush();
  for (const delivered of [2, 1]) {
    assert.deepEqual(push.next(), []);
    assert.equal(await deliverNextBroadcast(app.ctx, { limit: 2 }), delivered);
    await drainAll(app, push);
  }
  assert.equal(await deliverNextBroadcast(app.ctx, { limit: 2 }), undefined);
  await drainAll(app, push);
  assert.deepEqual(push.taken.map(({ token, title }) => `${token} ${title}`).sort(), [
    "Ann Group",
    "Bob Group",
    "Cid Group",
  ]);
});

Deno.test("a packet that is paid reaches its group's phones", async () => {
  await using app = await startTestApp();
  const { toby, tony, group } = await makePlace(app);
  const body = { device_token: "tony", device_type: "ios" };
  await askIm(app, "POST", "/user/device_token", { token: tony.token, body });
  await paid(app, toby, forGroup(group));
  const push = new KeepingPush();
  await drainAll(app, push);
  assert.deepEqual(push.taken.map(({ deviceType }) => deviceType), ["IOS"]);
  assert.deepEqual(push.next(), ["tony Group: Toby：[红包] [1]"]);
});

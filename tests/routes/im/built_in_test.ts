import { eq, inArray } from "drizzle-orm";
import assert from "node:assert/strict";
import type { BusEvent } from "../../../db/bus/bus.ts";
import { WELCOME } from "../../../db/domain/friends/rules.ts";
import { sendMessage } from "../../../db/domain/messages/send.ts";
import { sendMoment } from "../../../db/domain/messages/send_moment.ts";
import { chatAccounts, friends } from "../../../db/schema/chat.ts";
import { ChannelType, conversations, inbox, inboxHeads } from "../../../db/schema/messages.ts";
import { BUILT_IN_UIDS, FILE_HELPER_UID, SYSTEM_UID, users } from "../../../db/schema/users.ts";
import { callGateway, logIn, registerPerson } from "../../clients/gateway.ts";
import {
  askIm,
  assertImFailure,
  callIm,
  CHAT_PASSWORD,
  freshPhone,
  registerChat,
  requestRegisterCode,
} from "../../clients/im.ts";
import { startTestApp, type TestApp } from "../../harness.ts";

// deno-lint-ignore no-explicit-any -- the contract's own fields
type Json = any;

const ask = (app: TestApp, path: string, token: string, method = "POST") =>
  askIm(app, method, path, { token, ...method === "POST" && { body: {} } });
const contentOf = (message: { payload: string }) =>
  JSON.parse(new TextDecoder().decode(
    Uint8Array.from(atob(message.payload), (letter) => letter.charCodeAt(0)),
  )).content;

async function idOf(app: TestApp, uid: string): Promise<number> {
  const [row] = await app.ctx.db.select({ id: users.id }).from(users).where(eq(users.uid, uid));
  return row!.id;
}

/** Both built-in friends, and one welcome. */
async function assertWelcomed(app: TestApp, token: string): Promise<void> {
  const synced = await ask(app, "/friend/sync", token);
  assert.deepEqual(
    synced.map(({ to_uid, to_name, is_deleted }: Json) => [to_uid, to_name, is_deleted]),
    [[SYSTEM_UID, "系统通知", 0], [FILE_HELPER_UID, "文件传输助手", 0]],
  );
  // Commands to one's own devices are in no channel.
  const told = (await ask(app, "/message/sync", token)).filter((it: Json) => it.channel_id !== "");
  assert.deepEqual(
    told.map((it: Json) => [it.from_uid, it.channel_id, it.header.red_dot, contentOf(it)]),
    [[SYSTEM_UID, SYSTEM_UID, 1, WELCOME]],
  );
}

Deno.test("POST /user/register begins with two built-in friends and a welcome", async (t) => {
  await using app = await startTestApp();
  const heard: BusEvent[] = [];
  app.bus.subscribe((event) => heard.push(event));
  const person = await registerChat(app, "Toby");
  const userId = await idOf(app, person.uid);

  await t.step("which is unread, and known to whoever listens", async () => {
    await assertWelcomed(app, person.token);
    const [listed, ...more] = await ask(app, "/conversations", person.token, "GET");
    assert.deepEqual([listed.channel_id, listed.unread, more], [SYSTEM_UID, 1, []]);
    const inboxes = heard.filter(({ kind }) => kind === "inbox");
    assert.deepEqual(inboxes, [{ kind: "inbox", heads: [{ userId, seq: 1 }] }]);
  });

  await t.step("times rise, so a sync by key misses neither", async () => {
    const [first, second] = await ask(app, "/friend/sync", person.token);
    assert.ok(first.version < second.version);
    const query = { sync_key: `${first.updated_at}@${first.id}` };
    const rest = await askIm(app, "POST", "/friend/sync", { token: person.token, query });
    assert.deepEqual(rest, [second]);
  });

  await t.step("of somebody the gateway knew before, too, once", async () => {
    const mobile = freshPhone();
    const known = await logIn(app, { mobile });
    const body = { zone: "0086", phone: mobile, password: CHAT_PASSWORD, flag: 0 };
    const code = await requestRegisterCode(app, mobile);
    const login = await askIm(app, "POST", "/user/register", { body: { ...body, code } });
    assert.equal(login.uid, known.uid);
    await assertWelcomed(app, login.token);
    await ask(app, "/user/devices", login.token, "GET");
    await assertWelcomed(app, login.token);
  });

  await t.step(
    "a refused registration leaves the friends it had, and says nothing more",
    async () => {
      app.clock.advance(61_000);
      const code = "000000";
      const body = { zone: "0086", phone: person.phone, password: CHAT_PASSWORD, code };
      assertImFailure(await callIm(app, "POST", "/user/register", { body }));
      await assertWelcomed(app, person.token);
    },
  );
});

Deno.test("whoever began in the gateway is welcomed when the chat account is made", async (t) => {
  await using app = await startTestApp();
  const person = await registerPerson(app, "Rose");
  const token = person.accessToken;
  const setBadge = () => callIm(app, "POST", "/user/device_badge", { token, body: { badge: 1 } });

  await t.step("not before", async () => {
    assert.deepEqual(await ask(app, "/friend/sync", token), []);
  });

  await t.step("once, however many calls make it at once", async () => {
    const answers = await Promise.all([setBadge(), setBadge(), setBadge()]);
    assert.deepEqual(answers.map(({ http }) => http), [200, 200, 200]);
    await assertWelcomed(app, token);
  });

  await t.step("also by a change of what is set", async () => {
    const other = await registerPerson(app, "Otto");
    const call = { token: other.accessToken, body: { sex: 0 } };
    await askIm(app, "PUT", "/users/current", call);
    await assertWelcomed(app, other.accessToken);
  });
});

Deno.test("built-in accounts are seen by their friends and by nobody else", async (t) => {
  await using app = await startTestApp();
  const person = await registerChat(app, "Toby");
  const { token } = person;
  const call = (method: string, path: string, body?: unknown, query?: Record<string, string>) =>
    callIm(app, method, path, { token, body, ...query && { query } });

  await t.step("their details and one's own settings for them are there", async () => {
    const { data } = await call("GET", `/users/${SYSTEM_UID}`);
    assert.deepEqual(
      [data.name, data.category, data.follow, data.be_deleted, data.online],
      ["系统通知", "system", 1, 0, 0],
    );
    const set = await call("PUT", `/users/${FILE_HELPER_UID}/setting`, { top: 1 });
    assert.deepEqual(set.data, { mute: 0, top: 1 });
  });

  await t.step("nobody finds, blocks, leaves or asks them, or takes them along", async () => {
    for (const uid of BUILT_IN_UIDS) {
      for (const keyword of [uid, uid.slice(-5)]) {
        const { data } = await call("GET", "/user/search", undefined, { keyword });
        assert.deepEqual(data, { exist: 0 });
      }
      assertImFailure(await call("POST", `/user/blacklist/${uid}`), 400, "用户不存在");
      assertImFailure(await call("DELETE", `/friend/${uid}`), 400, "系统账号不能删除");
      assertImFailure(await call("POST", "/friend/apply", { to_uid: uid }), 400, "已经是好友");
      const group = { name: "g", members: [uid] };
      assertImFailure(await call("POST", "/group/create", group), 400, "群成员不正确");
    }
    await assertWelcomed(app, token);
    assert.deepEqual((await call("GET", "/user/customerservices")).data, []);
    for (const [method, path] of [["GET", "/user/chat/online"], ["POST", "/friend/online"]]) {
      const { data, headers } = await call(method!, path!);
      assert.deepEqual(data, []);
      // Redis is not even asked whether they are there.
      assert.match(headers.get("server-timing")!, /redis;desc="0"/);
    }
    const as = await logIn(app, { mobile: person.phone });
    const profile = await callGateway(app, "GET", `/user/${SYSTEM_UID}/profile`, { as });
    assert.notEqual(profile.status, 1);
  });

  await t.step("nobody logs in as them, even with a password", async () => {
    const [owner] = await app.ctx.db.select({ password: chatAccounts.password })
      .from(chatAccounts).where(eq(chatAccounts.userId, await idOf(app, person.uid)));
    const logInAs = (username: string) =>
      callIm(app, "POST", "/user/login", { body: { username, password: CHAT_PASSWORD } });
    assertImFailure(await logInAs(SYSTEM_UID), 400, "用户名或密码错误");
    await app.ctx.db.update(chatAccounts).set({ password: owner!.password })
      .where(eq(chatAccounts.username, SYSTEM_UID));
    assertImFailure(await logInAs(SYSTEM_UID), 400, "账号已被冻结");
  });
});

Deno.test("what is said to a built-in account lies in the speaker's own inbox alone", async (t) => {
  await using app = await startTestApp();
  const people = [await registerChat(app, "Toby"), await registerChat(app, "Tony")];
  const ids = await Promise.all(people.map(({ uid }) => idOf(app, uid)));
  const builtInIds = await Promise.all(BUILT_IN_UIDS.map((uid) => idOf(app, uid)));
  const say = (senderId: number, uid: string, content: string) =>
    sendMessage(app.ctx, {
      senderId,
      clientMsgNo: undefined,
      redDot: true,
      channel: { type: ChannelType.person, uid },
      payload: JSON.stringify({ type: 1, content }),
    });

  await t.step("in a conversation with it, read", async () => {
    for (const id of ids) await say(id, FILE_HELPER_UID, `note of ${id}`);
    const accepted = await say(ids[0]!, SYSTEM_UID, "help");
    assert.deepEqual(accepted.deliveries, [{ userId: ids[0], seq: 3 }]);
    const told = await ask(app, "/message/sync", people[0]!.token);
    assert.deepEqual(
      told.slice(1).map((it: Json) => [it.from_uid, it.channel_id, contentOf(it)]),
      [
        [people[0]!.uid, FILE_HELPER_UID, `note of ${ids[0]}`],
        [people[0]!.uid, SYSTEM_UID, "help"],
      ],
    );
    const listed = await ask(app, "/conversations", people[1]!.token, "GET");
    assert.deepEqual(
      listed.map(({ channel_id, unread }: Json) => [channel_id, unread]),
      [[FILE_HELPER_UID, 0], [SYSTEM_UID, 1]],
    );
  });

  await t.step("and so does what is not kept", async () => {
    const heard: BusEvent[] = [];
    const stop = app.bus.subscribe((event) => heard.push(event));
    await sendMoment(app.ctx, {
      senderId: ids[0]!,
      channel: { type: ChannelType.person, uid: FILE_HELPER_UID },
      clientMsgNo: "m",
      payload: '{"type":99}',
      fromSocket: "",
      redDot: false,
      syncOnce: false,
    });
    await Promise.resolve();
    stop();
    const told = heard.flatMap((event) => event.kind === "moment" ? event.userIds : []);
    assert.deepEqual(told, [ids[0]]);
  });

  await t.step("nothing of theirs is written, which everybody would wait for", async () => {
    const { db } = app.ctx;
    for (const table of [inboxHeads, inbox, conversations, friends]) {
      const rows = await db.select().from(table).where(inArray(table.userId, builtInIds));
      assert.deepEqual(rows, []);
    }
  });
});

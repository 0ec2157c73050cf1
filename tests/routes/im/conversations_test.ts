import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import type { Moment } from "../../../db/bus/bus.ts";
import { acceptMessage } from "../../../db/domain/messages/accept.ts";
import { sendMessage } from "../../../db/domain/messages/send.ts";
import { ChannelType } from "../../../db/schema/messages.ts";
import { askIm, assertImFailure, assertNeedsToken, callIm } from "../../clients/im.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { makeGroup } from "../../people/factories.ts";
import { type ChatPerson, makeChatPerson, makeFriends } from "./chat_people.ts";

type To = ChatPerson | { groupId: number };

/** People who talk, and what each of them is shown. */
async function openPlace() {
  const app = await startTestApp();
  const [anna, ben, cleo] = [
    await makeChatPerson(app, "Anna"),
    await makeChatPerson(app, "Ben"),
    await makeChatPerson(app, "Cleo"),
  ] as const;
  const groupOf = async (people: ChatPerson[], over: { isSuper?: boolean } = {}) => {
    const group = await makeGroup(app.ctx, people.map(({ userId: id }) => ({ id })), over);
    await app.ctx.db.execute(sql`update group_members set role = 1
      where group_id = ${group.id} and user_id = ${people[0]!.userId}`);
    return { groupId: group.id, groupNo: group.groupNo };
  };
  return { app, anna, ben, cleo, groupOf, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
}

async function say(app: TestApp, from: ChatPerson, to: To, content: string) {
  const { messageId } = await sendMessage(app.ctx, {
    senderId: from.userId,
    channel: "groupId" in to
      ? { type: ChannelType.group, groupId: to.groupId }
      : { type: ChannelType.person, userId: to.userId },
    clientMsgNo: undefined,
    payload: JSON.stringify({ type: 1, content }),
    redDot: true,
  });
  return String(messageId);
}

const ask = (app: TestApp, { token }: ChatPerson, call: string, more: object = {}) => {
  const [method, path] = call.split(" ") as [string, string];
  return askIm(app, method, path, { token, ...more });
};

// deno-lint-ignore no-explicit-any -- what a message says
const payloadOf = ({ payload }: { payload: string }): any =>
  JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(payload), (it) => it.charCodeAt(0))));

/** `channel unread words`, as listed. */
async function listed(app: TestApp, person: ChatPerson) {
  const list = await ask(app, person, "GET /conversations");
  return list.map((
    { channel_id, unread, last_message }: {
      channel_id: string;
      unread: number;
      last_message: { payload: string; revoke: number; message_seq: number };
    },
  ) => [
    channel_id,
    unread,
    last_message.revoke
      ? "revoked"
      : payloadOf(last_message).content ?? payloadOf(last_message).type,
  ]);
}

const unreadIn = async (app: TestApp, person: ChatPerson, channel: string) =>
  (await listed(app, person)).find(([id]: [string]) => id === channel)?.[1];

/** What a person's own devices are told from now on. */
function devicesOf(app: TestApp, { userId }: ChatPerson) {
  const told: { cmd: string; param: Record<string, unknown> }[] = [];
  app.ctx.bus.subscribe((event) => {
    if (event.kind !== "moment" || !event.userIds.includes(userId)) return;
    const { cmd, param } = JSON.parse((event as Moment).payload);
    told.push({ cmd, param });
  });
  return async () => {
    await new Promise((resolve) => setTimeout(resolve, 10));
    return told.splice(0);
  };
}

const revoke = (app: TestApp, person: ChatPerson, message_id: string) =>
  ask(app, person, "POST /message/revoke", { query: { message_id } });
const remove = (app: TestApp, person: ChatPerson, query: Record<string, string>) =>
  ask(app, person, "DELETE /message", { query });
const read = (app: TestApp, person: ChatPerson, body: Record<string, unknown>) =>
  ask(app, person, "PUT /coversation/clearUnread", { body });
const syncChannel = (app: TestApp, person: ChatPerson, channel: string, more: object = {}) =>
  ask(app, person, "POST /message/sync", {
    body: { channel_id: channel, channel_type: 1, ...more },
  });

Deno.test("GET /conversations", async (t) => {
  await using place = await openPlace();
  const { app, anna, ben, cleo, groupOf } = place;
  const group = await groupOf([anna, ben, cleo]);

  await t.step("lists channels, the newest message first, with what is unread", async () => {
    await say(app, ben, anna, "b1");
    await say(app, cleo, group, "g1");
    await say(app, ben, anna, "b2");
    await say(app, ben, group, "g2");
    assert.deepEqual(await listed(app, anna), [[group.groupNo, 2, "g2"], [ben.uid, 2, "b2"]]);
    assert.deepEqual(await listed(app, ben), [[group.groupNo, 0, "g2"], [anna.uid, 0, "b2"]]);
  });

  await t.step("commands make, move and count nothing, whoever causes them", async () => {
    const before = await listed(app, anna);
    await ask(app, ben, `PUT /groups/${group.groupNo}/members/${ben.uid}`, {
      body: { remark: "B" },
    });
    await ask(app, anna, `PUT /users/${ben.uid}/setting`, { body: { top: 1 } });
    await ask(app, anna, `POST /groups/${group.groupNo}/managers`, { body: [ben.uid] });
    await makeFriends(app, anna, cleo);
    await ask(app, cleo, `DELETE /friend/${anna.uid}`);
    const command = { type: 99.0, cmd: "theirs", param: {} };
    await acceptMessage(app.ctx, {
      senderId: ben.userId,
      channel: { type: ChannelType.person, userId: anna.userId },
      clientMsgNo: undefined,
      payload: JSON.stringify(command),
      redDot: true,
    });
    assert.deepEqual(await listed(app, anna), before);
    assert.deepEqual(await listed(app, cleo), [[group.groupNo, 1, "g2"]]);
    const synced = await ask(app, anna, "POST /message/sync", { body: {} });
    const commands = synced.filter((it: { payload: string }) => payloadOf(it).type === 99);
    assert.ok(commands.length >= 5);
    for (const { header } of commands) {
      assert.deepEqual(header, { no_persist: 0, red_dot: 0, sync_once: 1 });
    }
  });

  await t.step("what was taken back stands there as that, and counts no more, once", async () => {
    const [one, two] = [await say(app, ben, anna, "b3"), await say(app, ben, anna, "b4")];
    await revoke(app, ben, one);
    await revoke(app, ben, one);
    assert.deepEqual((await listed(app, anna))[0], [ben.uid, 3, "b4"]);
    await revoke(app, ben, two);
    assert.deepEqual((await listed(app, anna))[0], [ben.uid, 2, "revoked"]);
    await remove(app, anna, { message_id: two });
    await remove(app, anna, { message_id: one });
    assert.deepEqual(await unreadIn(app, anna, ben.uid), 2);
  });

  await t.step(
    "what its owner threw away is neither last nor counted, nor then taken back",
    async () => {
      const last = await say(app, ben, anna, "b5");
      await remove(app, anna, { message_id: last });
      await remove(app, anna, { message_id: last });
      await revoke(app, ben, last);
      const found = (await listed(app, anna)).find(([id]: [string]) => id === ben.uid);
      assert.deepEqual(found, [ben.uid, 2, "b2"]);
      await remove(app, anna, { channel_id: ben.uid, channel_type: "1" });
      assert.deepEqual((await listed(app, anna)).map(([id]: [string]) => id), [group.groupNo]);
      await say(app, ben, anna, "b6");
      assert.deepEqual((await listed(app, anna))[0], [ben.uid, 1, "b6"]);
    },
  );

  await t.step("what is read already and taken back then changes nothing", async () => {
    await read(app, anna, { channel_id: group.groupNo, channel_type: 2 });
    const id = await say(app, cleo, group, "g3");
    await read(app, anna, { channel_id: group.groupNo, channel_type: 2 });
    await say(app, cleo, group, "g4");
    await revoke(app, cleo, id);
    assert.equal(await unreadIn(app, anna, group.groupNo), 1);
  });

  await t.step("needs a token", async () => {
    await assertNeedsToken(app, "GET", "/conversations");
    assert.deepEqual(await listed(app, await makeChatPerson(app, "Nobody")), []);
  });
});

Deno.test("of a group with a log its members are shown what they would be of any other", async () => {
  await using place = await openPlace();
  const { app, anna, ben, cleo, groupOf } = place;
  const group = await groupOf([anna, ben, cleo], { isSuper: true });
  const channel = { channel_id: group.groupNo, channel_type: 2 };
  const devices = devicesOf(app, anna);
  const ids = [];
  for (const word of ["s1", "s2", "s3"]) ids.push(await say(app, ben, group, word));
  await ask(app, ben, `PUT /groups/${group.groupNo}/members/${ben.uid}`, { body: { remark: "B" } });
  assert.deepEqual(await listed(app, anna), [[group.groupNo, 3, "s3"]]);
  await revoke(app, ben, ids[1]!);
  for (const person of [anna, cleo]) {
    assert.deepEqual(await listed(app, person), [[group.groupNo, 2, "s3"]]);
  }
  await remove(app, cleo, { message_id: ids[2]! });
  assert.deepEqual(await listed(app, cleo), [[group.groupNo, 1, "revoked"]]);
  ids.push(await say(app, ben, group, "s4"));
  await remove(app, anna, { message_id: ids[3]! });
  await remove(app, anna, { message_id: ids[2]! });
  assert.deepEqual(await listed(app, anna), [[group.groupNo, 1, "revoked"]]);
  for (const word of ["s5", "s6"]) ids.push(await say(app, ben, group, word));
  await read(app, anna, { ...channel, unread: 1 });
  assert.deepEqual(await listed(app, anna), [[group.groupNo, 1, "s6"]]);
  await revoke(app, ben, ids[4]!);
  assert.deepEqual(await listed(app, anna), [[group.groupNo, 1, "s6"]]);
  await devices();
  await say(app, ben, group, "s7");
  await say(app, anna, group, "mine");
  assert.deepEqual(await listed(app, anna), [[group.groupNo, 0, "mine"]]);
  assert.deepEqual(await devices(), [{ cmd: "unreadClear", param: { ...channel, unread: 0 } }]);
  await say(app, ben, group, "s8");
  await ask(app, anna, "POST /message/sync", { body: channel });
  assert.deepEqual(await devices(), [{ cmd: "unreadClear", param: { ...channel, unread: 0 } }]);
  assert.deepEqual(await listed(app, anna), [[group.groupNo, 0, "s8"]]);
  await say(app, ben, group, "s9");
  await remove(app, anna, { channel_id: group.groupNo, channel_type: "2" });
  assert.deepEqual(await listed(app, anna), []);
  assert.deepEqual(await ask(app, anna, "POST /message/sync", { body: channel }), []);
});

Deno.test("however much a group has logged, all of it is there to be listed, deleted, read and cleared", async () => {
  await using place = await openPlace();
  const { app, anna, ben, cleo, groupOf } = place;
  const group = await groupOf([anna, ben, cleo], { isSuper: true });
  const count = 2_300;
  await app.ctx.db.execute(sql`
    with said as (
      insert into messages (channel_type, sender_id, group_id, payload, content_type, red_dot,
        is_logged, created_at)
      select 2, ${ben.userId}::bigint, ${group.groupId}::bigint,
        '{"type":1,"content":"' || n || '"}', 1, true, true, now()
      from generate_series(1, ${count}) as n returning id
    ), head as (
      insert into group_heads (group_id, last_seq) values (${group.groupId}, ${count})
    )
    insert into group_logs (group_id, seq, message_id)
    select ${group.groupId}::bigint, row_number() over (order by id), id from said`);
  const [conversation] = await ask(app, anna, "GET /conversations");
  const { message_idstr, message_seq } = conversation.last_message;
  assert.deepEqual([conversation.unread, message_seq], [count, count]);
  await remove(app, anna, { message_id: message_idstr });
  assert.deepEqual(await listed(app, anna), [[group.groupNo, count - 1, String(count - 1)]]);
  await remove(app, anna, { channel_id: group.groupNo, channel_type: "2" });
  assert.deepEqual(await listed(app, anna), []);

  const channel = { channel_id: group.groupNo, channel_type: 2 };
  await read(app, cleo, { ...channel, unread: 5 });
  assert.deepEqual(await listed(app, cleo), [[group.groupNo, 5, String(count)]]);
  await remove(app, cleo, { message_id: message_idstr });
  assert.equal(await unreadIn(app, cleo, group.groupNo), 4);

  const late = await makeChatPerson(app, "Late");
  await app.ctx.db.execute(sql`insert into group_members (group_id, user_id, joined_at)
    values (${group.groupId}, ${late.userId}, now())`);
  await remove(app, late, { message_id: message_idstr });
  assert.equal(await unreadIn(app, late, group.groupNo), count - 1);
  await remove(app, late, { channel_id: group.groupNo, channel_type: "2" });
  assert.deepEqual(
    await ask(app, late, "POST /message/sync", { body: { ...channel, limit: 500 } }),
    [],
  );
  await say(app, ben, group, "next");
  assert.deepEqual(await listed(app, late), [[group.groupNo, 1, "next"]]);
});

Deno.test("PUT /coversation/clearUnread", async (t) => {
  await using place = await openPlace();
  const { app, anna, ben } = place;
  const devices = devicesOf(app, anna);
  const channel = { channel_id: ben.uid, channel_type: 1 };

  await t.step("leaves as many unread as it says, and tells the other devices", async () => {
    const ids = [];
    for (const word of ["1", "2", "3", "4", "5"]) ids.push(await say(app, ben, anna, word));
    assert.deepEqual(await read(app, anna, { ...channel, unread: 7 }), { status: 200, msg: "" });
    assert.deepEqual(await devices(), []);
    await read(app, anna, { ...channel, unread: "2", message_seq: 3 });
    assert.deepEqual(await devices(), [{ cmd: "unreadClear", param: { ...channel, unread: 2 } }]);
    await revoke(app, ben, ids[2]!);
    assert.equal(await unreadIn(app, anna, ben.uid), 2, "that one was read");
    await revoke(app, ben, ids[4]!);
    assert.equal(await unreadIn(app, anna, ben.uid), 1);
    await callIm(app, "PUT", "/conversation/clearUnread", { token: anna.token, body: channel });
    assert.equal(await unreadIn(app, anna, ben.uid), 0);
    assert.deepEqual(await devices(), [{ cmd: "unreadClear", param: { ...channel, unread: 0 } }]);
    await read(app, anna, { ...channel, unread: -3 });
    assert.deepEqual(await devices(), [], "nothing was unread");
  });

  await t.step("fetching the inbox reads nothing, a channel to its end does", async () => {
    for (const word of ["6", "7", "8"]) await say(app, ben, anna, word);
    const all = await ask(app, anna, "POST /message/sync", { body: {} });
    await ask(app, anna, `POST /message/syncack/${all.at(-1).message_seq}`);
    assert.equal(await unreadIn(app, anna, ben.uid), 3);
    await syncChannel(app, anna, ben.uid, { limit: 2 });
    assert.equal(await unreadIn(app, anna, ben.uid), 3, "there is more");
    await devices();
    await syncChannel(app, anna, ben.uid, { limit: 2, max_message_seq: all.at(-2).message_seq });
    assert.equal(await unreadIn(app, anna, ben.uid), 0);
    assert.deepEqual(await devices(), [{ cmd: "unreadClear", param: { ...channel, unread: 0 } }]);
    await syncChannel(app, anna, ben.uid);
    assert.deepEqual(await devices(), []);
  });

  await t.step("so does an own message, and a full page that ends with the newest", async () => {
    await say(app, ben, anna, "9");
    await say(app, anna, ben, "mine");
    assert.equal(await unreadIn(app, anna, ben.uid), 0);
    assert.deepEqual(await devices(), [{ cmd: "unreadClear", param: { ...channel, unread: 0 } }]);
    assert.equal(await unreadIn(app, ben, anna.uid), 1);
    await say(app, ben, anna, "10");
    const [last] = (await syncChannel(app, anna, ben.uid)).slice(-1);
    await say(app, ben, anna, "11");
    await syncChannel(app, anna, ben.uid, { limit: 1, max_message_seq: last.message_seq });
    assert.equal(await unreadIn(app, anna, ben.uid), 0);
  });

  await t.step("of a channel one does not have there is nothing to read", async () => {
    for (const channel_type of [1, 2]) {
      await read(app, anna, { channel_id: "0".repeat(32), channel_type });
    }
    const bad = { channel_id: ben.uid, channel_type: 3 };
    assertImFailure(
      await callIm(app, "PUT", "/coversation/clearUnread", { token: anna.token, body: bad }),
    );
    await assertNeedsToken(app, "PUT", "/coversation/clearUnread", { body: channel });
  });
});

Deno.test("one's other devices hear what was thrown away", async () => {
  await using place = await openPlace();
  const { app, anna, ben, groupOf } = place;
  const group = await groupOf([anna, ben], { isSuper: true });
  const devices = devicesOf(app, anna);
  const [one] = [await say(app, ben, anna, "1"), await say(app, ben, anna, "2")];
  const channel = { channel_id: ben.uid, channel_type: 1 };
  await remove(app, anna, { message_id: one });
  await remove(app, anna, { message_id: one });
  assert.deepEqual(await devices(), [
    { cmd: "messageDeleted", param: { ...channel, message_ids: [one] } },
  ]);
  await remove(app, anna, { channel_id: ben.uid, channel_type: "1" });
  assert.deepEqual(await devices(), [
    { cmd: "channelCleared", param: { ...channel, message_seq: 2 } },
  ]);
  const inLog = await say(app, ben, group, "3");
  await remove(app, anna, { message_id: inLog });
  assert.deepEqual(await devices(), [{
    cmd: "messageDeleted",
    param: { channel_id: group.groupNo, channel_type: 2, message_ids: [inLog] },
  }]);
});

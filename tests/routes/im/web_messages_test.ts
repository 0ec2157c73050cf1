import assert from "node:assert/strict";
import { acceptMessage } from "../../../db/domain/messages/accept.ts";
import { sendMessage } from "../../../db/domain/messages/send.ts";
import { ChannelType } from "../../../db/schema/messages.ts";
import { sql } from "drizzle-orm";
import { assertImFailure, assertNeedsToken } from "../../clients/im.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { type Chatter, makeChatter, makeChatters, openGroup } from "../../people/group.ts";

const payloadOf = (content: string) => JSON.stringify({ type: 1, content });

function say(app: TestApp, from: Chatter, to: Chatter | { groupId: number }, content: string) {
  return acceptMessage(app.ctx, {
    senderId: from.userId,
    channel: "groupId" in to
      ? { type: ChannelType.group, groupId: to.groupId }
      : { type: ChannelType.person, userId: to.userId },
    clientMsgNo: `${from.userId}-${content}`,
    payload: payloadOf(content),
    redDot: true,
  });
}

function command(app: TestApp, from: Chatter, to: Chatter) {
  return acceptMessage(app.ctx, {
    senderId: from.userId,
    channel: { type: ChannelType.person, userId: to.userId },
    clientMsgNo: undefined,
    payload: JSON.stringify({ type: 99, cmd: "messageRevoke", param: {} }),
    redDot: false,
  });
}

const groupIdOf = async (app: TestApp, groupNo: string) => {
  const { rows: [row] } = await app.ctx.db.execute<{ id: string }>(
    sql`select id from groups where group_no = ${groupNo}`,
  );
  return Number(row!.id);
};

const syncConversations = (one: Chatter, body: Record<string, unknown> = { msg_count: 1 }) =>
  one.ask("POST", "/api/v1/conversation/sync", { body });
const history = (one: Chatter, channel: Record<string, unknown>, rest = {}) =>
  one.ask("POST", "/api/v1/message/channel/sync", { body: { ...channel, ...rest } });
const withPerson = ({ uid }: Chatter) => ({ channel_id: uid, channel_type: 1 });
// deno-lint-ignore no-explicit-any -- messages as the client reads them
const contents = (messages: any[]) => messages.map(({ payload }) => payload.content);

/** Commands their sockets hear, by person. */
function listen(app: TestApp) {
  // deno-lint-ignore no-explicit-any -- payloads of commands
  const heard: { userIds: number[]; payload: any }[] = [];
  app.bus.subscribe((event) => {
    if (event.kind !== "moment") return;
    heard.push({ userIds: event.userIds, payload: JSON.parse(event.payload) });
  });
  return heard;
}

Deno.test("POST /conversation/sync", async (t) => {
  await using app = await startTestApp();
  const [anna, ben, cleo] = await makeChatters(app, "Anna", "Ben", "Cleo");
  const groupNo = await openGroup(app, [anna!, ben!]);
  await say(app, anna!, ben!, "one");
  await say(app, anna!, ben!, "two");
  await say(app, cleo!, ben!, "three");

  await t.step("needs a token", () => assertNeedsToken(app, "POST", "/conversation/sync"));

  await t.step("shows each with its newest message, and whom it is with", async () => {
    const answer = await syncConversations(ben!);
    assert.equal(answer.uid, ben!.uid);
    assert.deepEqual(answer.channel_status, []);
    const [first, second, third] = answer.conversations;
    assert.deepEqual([first.channel_id, second.channel_id], [cleo!.uid, anna!.uid]);
    assert.deepEqual([third.channel_id, third.channel_type], [groupNo, 2]);
    assert.deepEqual([first.unread, second.unread], [1, 2]);
    const { recents: [recent], timestamp, version, ...rest } = second;
    assert.ok(Math.abs(timestamp - Date.now() / 1000) < 60 && Number.isSafeInteger(version));
    assert.deepEqual(rest, {
      channel_id: anna!.uid,
      channel_type: 1,
      unread: 2,
      mute: 0,
      stick: 0,
      last_msg_seq: recent.message_seq,
      last_client_msg_no: `${anna!.userId}-two`,
      offset_msg_seq: 0,
    });
    assert.equal(second.recents.length, 1);
    const { message_id, message_idstr, message_seq } = recent;
    assert.deepEqual(recent, {
      header: { no_persist: 0, red_dot: 1, sync_once: 0 },
      setting: 0,
      message_id,
      message_idstr: String(message_id),
      message_seq,
      client_msg_no: `${anna!.userId}-two`,
      from_uid: anna!.uid,
      channel_id: anna!.uid,
      channel_type: 1,
      timestamp,
      payload: { type: 1, content: "two" },
      is_deleted: 0,
      revoke: 0,
      revoker: "",
      message_extra: {
        message_id,
        message_id_str: message_idstr,
        message_seq,
        revoke: 0,
        revoker: "",
        readed: 0,
        readed_at: 0,
        readed_count: 0,
        unread_count: 0,
        extra_version: 0,
        edited_at: 0,
      },
    });
    const uids = answer.users.map(({ uid }: { uid: string }) => uid);
    for (const { uid } of [anna!, cleo!]) assert.ok(uids.includes(uid));
    const user = answer.users.find(({ uid }: { uid: string }) => uid === anna!.uid);
    assert.deepEqual(user, await ben!.ask("GET", `/users/${anna!.uid}`));
    assert.deepEqual(answer.groups, [await ben!.ask("GET", `/groups/${groupNo}`)]);
  });

  await t.step("brings as many of the newest as asked for, newest first", async () => {
    const { conversations: [, second] } = await syncConversations(ben!, { msg_count: 5 });
    assert.deepEqual(contents(second.recents), ["two", "one"]);
    assert.equal((await syncConversations(ben!, {})).conversations[1].recents.length, 1);
  });

  await t.step(
    "shows no command, none thrown away, and of one taken back what is left",
    async () => {
      const { messageId } = await say(app, cleo!, ben!, "secret");
      await cleo!.ask("POST", "/message/revoke", {
        query: {
          message_id: String(messageId),
          channel_id: ben!.uid,
          channel_type: "1",
          client_msg_no: `${cleo!.userId}-secret`,
        },
      });
      await command(app, anna!, ben!);
      const { conversations: [first, second] } = await syncConversations(ben!);
      assert.equal(first.channel_id, cleo!.uid);
      assert.deepEqual(first.recents[0].payload, { type: 1006, revoker: cleo!.uid });
      assert.deepEqual([first.recents[0].revoke, first.recents[0].message_extra.revoke], [1, 1]);
      assert.deepEqual(contents(second.recents), ["two"]);
      await ben!.ask("DELETE", "/message", { query: { message_id: String(messageId) } });
      const { conversations: [again] } = await syncConversations(ben!);
      assert.deepEqual(contents(again.recents), ["three"]);
    },
  );

  await t.step("says what is muted and on top", async () => {
    const set = { mute: 1, top: 1 };
    await ben!.ask("PUT", `/users/${anna!.uid}/setting`, { body: set });
    await ben!.ask("PUT", `/groups/${groupNo}/setting`, { body: { top: 1 } });
    const { conversations } = await syncConversations(ben!);
    // deno-lint-ignore no-explicit-any -- as answered
    const of = (id: string) => conversations.find((it: any) => it.channel_id === id);
    assert.deepEqual([of(anna!.uid).mute, of(anna!.uid).stick], [1, 1]);
    assert.deepEqual([of(groupNo).mute, of(groupNo).stick], [0, 1]);
  });

  await t.step(
    "of who has nothing is empty lists, and POST /conversation/syncack is fine",
    async () => {
      const dora = await makeChatter(app, "Dora");
      await app.ctx.db.execute(sql`delete from conversations where user_id = ${dora.userId}`);
      const { conversations, users, groups } = await syncConversations(dora);
      assert.deepEqual([conversations, users, groups], [[], [], []]);
      const body = { cmd_version: 1, device_uuid: "x" };
      const acked = await dora.ask("POST", "/api/v1/conversation/syncack", { body });
      assert.equal(acked.status, 200);
      await assertNeedsToken(app, "POST", "/conversation/syncack");
    },
  );
});

Deno.test("conversations of large groups come as those of small ones", async () => {
  await using app = await startTestApp();
  const [anna, ben] = await makeChatters(app, "Anna", "Ben");
  const groupNo = await openGroup(app, [anna!, ben!]);
  const groupId = await groupIdOf(app, groupNo);
  await app.ctx.db.execute(sql`update groups set is_super = true where id = ${groupId}`);
  for (const content of ["one", "two", "three"]) await say(app, anna!, { groupId }, content);
  const { conversations: [first] } = await syncConversations(ben!, { msg_count: 2 });
  assert.deepEqual([first.channel_id, contents(first.recents)], [groupNo, ["three", "two"]]);
  assert.ok(first.recents[1].message_seq > 0);
  await say(app, anna!, { groupId }, "four");
  const channel = { channel_id: groupNo, channel_type: 2 };
  const { messages } = await history(ben!, channel, { limit: 3 });
  assert.deepEqual(contents(messages), ["two", "three", "four"]);
});

Deno.test("a log of thousands is read to its newest line", async () => {
  await using app = await startTestApp();
  const [anna, ben] = await makeChatters(app, "Anna", "Ben");
  const groupNo = await openGroup(app, [anna!, ben!]);
  const groupId = await groupIdOf(app, groupNo);
  await app.ctx.db.execute(sql`update groups set is_super = true where id = ${groupId}`);
  await say(app, anna!, { groupId }, "first");
  await app.ctx.db.execute(sql`
    with said as (
      insert into messages (channel_type, sender_id, group_id, payload, red_dot, created_at, is_logged)
      select 2, ${anna!.userId}::bigint, ${groupId}::bigint,
        '{"type":1,"content":"' || n || '"}', true, now(), true
      from generate_series(2, 2500) as n returning id
    ), logged as (
      insert into group_logs (group_id, seq, message_id)
      select ${groupId}::bigint, 1 + row_number() over (order by id), id from said
    )
    update group_heads set last_seq = 2500 where group_id = ${groupId}`);
  const channel = { channel_id: groupNo, channel_type: 2 };
  const { messages } = await history(ben!, channel, { limit: 2 });
  assert.deepEqual(contents(messages), ["2499", "2500"]);
});

Deno.test("POST /message/channel/sync", async (t) => {
  await using app = await startTestApp();
  const [anna, ben, cleo] = await makeChatters(app, "Anna", "Ben", "Cleo");
  for (let at = 1; at <= 10; at++) {
    await say(app, at % 2 ? anna! : ben!, at % 2 ? ben! : anna!, String(at));
    if (at === 5) await say(app, cleo!, ben!, "elsewhere");
    if (at === 7) await command(app, anna!, ben!);
  }
  const channel = withPerson(anna!);
  const all = (await history(ben!, channel)).messages;
  const seqOf = (content: string) =>
    all.find(({ payload }: { payload: { content: string } }) => payload.content === content)
      .message_seq as number;

  await t.step("needs a token", () => assertNeedsToken(app, "POST", "/message/channel/sync"));

  await t.step("has all of one channel, ascending, without commands", async () => {
    assert.deepEqual(contents(all), ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]);
    const [first, second] = all;
    assert.deepEqual([first.from_uid, first.channel_id], [anna!.uid, anna!.uid]);
    assert.deepEqual([second.from_uid, second.channel_id], [ben!.uid, anna!.uid]);
    const inbox = await ben!.ask("POST", "/message/sync", { body: channel });
    assert.deepEqual(
      inbox.map((it: { message_idstr: string }) => it.message_idstr).filter((id: string) =>
        all.some((it: { message_idstr: string }) => it.message_idstr === id)
      ),
      all.map((it: { message_idstr: string }) => it.message_idstr),
      "numbered as in the inbox",
    );
  });

  await t.step("down: the newest up to the start, which is included, the end not", async () => {
    const newest = await history(ben!, channel, { limit: 3 });
    assert.deepEqual([contents(newest.messages), newest.more], [["8", "9", "10"], 1]);
    const start_message_seq = seqOf("8");
    const before = await history(ben!, channel, { limit: 3, start_message_seq, pull_mode: 0 });
    assert.deepEqual([contents(before.messages), before.more], [["6", "7", "8"], 1]);
    const bounded = await history(ben!, channel, {
      limit: 10,
      start_message_seq,
      end_message_seq: seqOf("5"),
    });
    assert.deepEqual([contents(bounded.messages), bounded.more], [["6", "7", "8"], 0]);
    assert.equal(bounded.start_message_seq, start_message_seq);
    const last = await history(ben!, channel, { limit: 2, start_message_seq: seqOf("2") });
    assert.deepEqual([contents(last.messages), last.more], [["1", "2"], 0]);
  });

  await t.step("up: the first from the start on, which is included, the end not", async () => {
    const first = await history(ben!, channel, { limit: 3, pull_mode: 1 });
    assert.deepEqual([contents(first.messages), first.more], [["1", "2", "3"], 1]);
    const next = await history(ben!, channel, {
      limit: 3,
      pull_mode: 1,
      start_message_seq: seqOf("7"),
      end_message_seq: seqOf("9"),
    });
    assert.deepEqual([contents(next.messages), next.more], [["7", "8"], 0]);
    const end = await history(ben!, channel, {
      limit: 30,
      pull_mode: 1,
      start_message_seq: seqOf("9"),
    });
    assert.deepEqual([contents(end.messages), end.more], [["9", "10"], 0]);
  });

  await t.step("an empty page ends it", async () => {
    const start_message_seq = seqOf("1") - 1;
    const { messages, more } = await history(ben!, channel, { limit: 3, start_message_seq: 1 });
    assert.ok(start_message_seq >= 0);
    assert.deepEqual([messages, more], [[], 0]);
  });

  await t.step("reads nothing", async () => {
    await say(app, anna!, ben!, "11");
    await history(ben!, channel);
    const { conversations } = await syncConversations(ben!);
    const { unread } = conversations.find(
      ({ channel_id }: { channel_id: string }) => channel_id === anna!.uid,
    );
    assert.equal(unread, 1);
  });

  await t.step("leaves out what was thrown away; of what was taken back it says so", async () => {
    const idOf = (content: string) =>
      all.find(({ payload }: { payload: { content: string } }) => payload.content === content)
        .message_idstr as string;
    await ben!.ask("DELETE", "/message", { query: { message_id: idOf("9") } });
    await anna!.ask("POST", "/message/revoke", { query: { message_id: idOf("7") } });
    const { messages } = await history(ben!, channel, { limit: 5 });
    assert.deepEqual(contents(messages), ["6", undefined, "8", "10", "11"]);
    const [, revoked] = messages;
    assert.deepEqual(revoked.payload, { type: 1006, revoker: anna!.uid });
    assert.deepEqual([revoked.revoke, revoked.revoker], [1, anna!.uid]);
    assert.equal(revoked.message_extra.revoke, 1);
    // Whoever took it back sees no more of it.
    const own = await history(anna!, withPerson(ben!), { limit: 30 });
    assert.equal(JSON.stringify(own).includes(`"content":"7"`), false);
  });

  await t.step("refuses strangers' groups and nobody's channels", async () => {
    const groupNo = await openGroup(app, [anna!, ben!]);
    const ask = (body: Record<string, unknown>) =>
      cleo!.call("POST", "/message/channel/sync", { body });
    assertImFailure(await ask({ channel_id: groupNo, channel_type: 2 }), 400, "你不在该群");
    assertImFailure(await ask({ channel_id: "0".repeat(32), channel_type: 1 }), 400);
    assertImFailure(await ask({ channel_id: groupNo, channel_type: 3 }), 400);
    const groupId = await groupIdOf(app, groupNo);
    await say(app, anna!, { groupId }, "before");
    await ben!.ask("POST", `/groups/${groupNo}/exit`);
    await say(app, anna!, { groupId }, "after");
    const { messages } = await history(ben!, { channel_id: groupNo, channel_type: 2 });
    assert.ok(contents(messages).includes("before"));
    assert.equal(contents(messages).includes("after"), false);
  });
});

Deno.test("DELETE /conversations/{channel_id}/{channel_type}", async (t) => {
  await using app = await startTestApp();
  const [anna, ben] = await makeChatters(app, "Anna", "Ben");
  const groupNo = await openGroup(app, [anna!, ben!]);
  const groupId = await groupIdOf(app, groupNo);
  const listed = async (one: Chatter) => {
    const { conversations } = await syncConversations(one);
    const plain = await one.ask("GET", "/conversations");
    const names = (list: { channel_id: string }[]) => list.map(({ channel_id }) => channel_id);
    assert.deepEqual(names(plain).toSorted(), names(conversations).toSorted());
    return names(conversations);
  };
  await say(app, anna!, ben!, "one");

  await t.step("takes it off the lists, read, and tells one's devices", async () => {
    const heard = listen(app);
    await ben!.ask("DELETE", `/api/v1/conversations/${anna!.uid}/1`);
    assert.equal((await listed(ben!)).includes(anna!.uid), false);
    assert.deepEqual(heard.map(({ userIds, payload }) => [userIds, payload.cmd, payload.param]), [
      [[ben!.userId], "conversationDeleted", { channel_id: anna!.uid, channel_type: 1 }],
    ]);
    assert.ok((await listed(anna!)).includes(ben!.uid), "for the caller alone");
  });

  await t.step("what was said stays, and the next message brings it back", async () => {
    assert.deepEqual(contents((await history(ben!, withPerson(anna!))).messages), ["one"]);
    await say(app, anna!, ben!, "two");
    const { conversations: [first] } = await syncConversations(ben!, { msg_count: 3 });
    assert.deepEqual([first.channel_id, first.unread], [anna!.uid, 1]);
    assert.deepEqual(contents(first.recents), ["two", "one"]);
  });

  await t.step("of a large group, whatever it has logged", async () => {
    await app.ctx.db.execute(sql`update groups set is_super = true where id = ${groupId}`);
    await say(app, anna!, { groupId }, "logged");
    await ben!.ask("DELETE", `/conversations/${groupNo}/2`);
    assert.equal((await listed(ben!)).includes(groupNo), false);
    await say(app, anna!, { groupId }, "news");
    assert.ok((await listed(ben!)).includes(groupNo));
  });

  await t.step("an unknown one is fine", async () => {
    await ben!.ask("DELETE", `/conversations/${"0".repeat(32)}/1`);
    await ben!.ask("DELETE", "/conversations/xyz/2");
    assertImFailure(await ben!.call("DELETE", `/conversations/${anna!.uid}/9`));
    await assertNeedsToken(app, "DELETE", `/conversations/${anna!.uid}/1`);
  });
});

Deno.test("DELETE /message throws a list away at once", async () => {
  await using app = await startTestApp();
  const [anna, ben] = await makeChatters(app, "Anna", "Ben");
  const ids: string[] = [];
  for (const content of ["1", "2", "3", "4"]) {
    ids.push(String((await say(app, anna!, ben!, content)).messageId));
  }
  const unreadOf = async () => {
    const { conversations } = await syncConversations(ben!);
    return conversations.find(({ channel_id }: { channel_id: string }) => channel_id === anna!.uid)
      ?.unread;
  };
  assert.equal(await unreadOf(), 4);
  const of = (id: unknown) => ({
    message_id: id,
    channel_id: anna!.uid,
    channel_type: 1,
    message_seq: 1,
  });
  const body = [of(ids[1]), of(ids[3]), of("999999999"), of("x")];
  await ben!.ask("DELETE", "/api/v1/message", { body });
  assert.deepEqual(contents((await history(ben!, withPerson(anna!))).messages), ["1", "3"]);
  assert.equal(await unreadOf(), 2);
  await ben!.ask("DELETE", "/api/v1/message", { body });
  assert.equal(await unreadOf(), 2, "never twice");
  const { messages } = await history(anna!, withPerson(ben!));
  assert.deepEqual(contents(messages), ["1", "2", "3", "4"], "for the caller alone");
});

Deno.test("POST /message/offset", async (t) => {
  await using app = await startTestApp();
  const [anna, ben] = await makeChatters(app, "Anna", "Ben");
  for (const content of ["1", "2", "3"]) await say(app, anna!, ben!, content);
  const seqs = (await history(ben!, withPerson(anna!))).messages
    .map(({ message_seq }: { message_seq: number }) => message_seq);
  const clear = (message_seq?: number) =>
    ben!.ask("POST", "/api/v1/message/offset", { body: { ...withPerson(anna!), message_seq } });

  await t.step("clears up to a number, and never back", async () => {
    await clear(seqs[1]);
    await clear(seqs[0]);
    assert.deepEqual(contents((await history(ben!, withPerson(anna!))).messages), ["3"]);
    const { conversations } = await syncConversations(ben!);
    const { unread, offset_msg_seq } = conversations.find(
      ({ channel_id }: { channel_id: string }) => channel_id === anna!.uid,
    );
    assert.deepEqual([unread, offset_msg_seq], [1, seqs[1]]);
  });

  await t.step("0 clears all of it", async () => {
    await clear(0);
    assert.deepEqual((await history(ben!, withPerson(anna!))).messages, []);
    await sendMessage(app.ctx, {
      senderId: anna!.userId,
      channel: { type: ChannelType.person, userId: ben!.userId },
      clientMsgNo: undefined,
      payload: payloadOf("4"),
      redDot: true,
    });
    assert.deepEqual(contents((await history(ben!, withPerson(anna!))).messages), ["4"]);
  });

  await t.step("refuses what is no conversation", async () => {
    const body = { channel_id: "0".repeat(32), channel_type: 1, message_seq: 3 };
    assertImFailure(await ben!.call("POST", "/message/offset", { body }));
    await assertNeedsToken(app, "POST", "/message/offset");
  });
});

import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { readInbox } from "../../../db/domain/messages/read_inbox.ts";
import { ensurePeople } from "../../../db/domain/users/ensure_people.ts";
import { Cmd, GobelieveClient, type HeardFrame } from "../../clients/gobelieve.ts";
import { askPartner, grantToken, makeApp, type TestPartner } from "../../clients/partner.ts";
import { RpcClient } from "../../clients/rpc.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { type ChatServer, startChatServer } from "../../servers/chat.ts";
import { waitUntil } from "../../services/binary.ts";

const SELF = 8, SUPER = 32;

/** A super group of three, made by the partner's server: one message, its own news, is in its log. */
async function makeSuperGroup(app: TestApp) {
  const partner = await makeApp(app.ctx);
  const { basic } = partner;
  const tokens: Record<number, string> = {};
  for (const uid of [1, 2, 3, 4]) tokens[uid] = await grantToken(app, partner, { uid });
  const members = [1, 2, 3].map((uid) => ({ uid }));
  const body = { master: 1, name: "读书会", super: true, members };
  const { group_id: groupId } = await askPartner(app, "POST /groups", { basic, body });
  return { partner, tokens, groupId: groupId as number };
}

const saySuper = (app: TestApp, { basic }: TestPartner, receiver: number, content: string) =>
  askPartner(app, "POST /messages/groups", { basic, body: { sender: 2, receiver, content } });

/** What the group's log brings from a key, less what frames it. */
async function pull(
  client: GobelieveClient,
  groupId: number,
  key: number,
): Promise<{ begin: number | undefined; shown: HeardFrame[]; end: number | undefined }> {
  const heard = client.frames.length;
  client.send(Cmd.syncGroup, [[64, groupId], [64, key]]);
  await client.settled();
  // A notice of what has grown comes whenever it comes, also before what was asked for, or behind it.
  const frames = client.frames.slice(heard)
    .filter(({ cmd }) => cmd !== Cmd.syncGroupNotify && cmd !== Cmd.pong);
  const ofGroup = frames.filter((frame) => frame.groupId === groupId);
  assert.ok(ofGroup.length === 0 || frames[0]!.cmd === Cmd.syncGroupBegin);
  return {
    begin: ofGroup.find(({ cmd }) => cmd === Cmd.syncGroupBegin)?.key,
    shown: frames.filter(({ groupId }) => groupId === undefined),
    end: ofGroup.find(({ cmd }) => cmd === Cmd.syncGroupEnd)?.key,
  };
}

const contentsOf = (frames: HeardFrame[]) => frames.map(({ content }) => content);
const open = async (server: ChatServer, token: string) =>
  await new GobelieveClient(server.url).follow({ token });

Deno.test("a super group is announced, and pulled by the keys of its own log", async (t) => {
  await using app = await startTestApp();
  await using server = startChatServer(app);
  const { partner, tokens, groupId } = await makeSuperGroup(app);
  const { basic, appId } = partner;
  await using anna = await open(server, tokens[1]!);
  await using ben = await open(server, tokens[2]!);

  await t.step("who comes finds out what has grown meanwhile", async () => {
    const notify = await anna.next(({ cmd }) => cmd === Cmd.syncGroupNotify);
    assert.deepEqual([notify.groupId, notify.key], [groupId, 1]);
    assert.deepEqual(anna.shown, [], "it is no part of the person's own stream");
    const { begin, shown, end } = await pull(anna, groupId, 0);
    assert.deepEqual([begin, end], [0, 1]);
    assert.deepEqual([shown[0]!.cmd, shown[0]!.flag], [Cmd.groupNotification, SUPER]);
    assert.equal(JSON.parse(shown[0]!.content!).create.group_id, groupId);
  });

  await t.step("what a member says is in the log, marked as their own for them alone", async () => {
    const words = { sender: 2, receiver: groupId, content: "大家好", msgLocalId: 4 };
    const ownKey = ben.key;
    const ack = await ben.tell(Cmd.groupIm, words);
    assert.deepEqual([ack.status, ack.flag], [0, SUPER]);
    // By these two the sender's own key of the group moves on, and nothing is pulled.
    const metadata = ben.frames[ben.frames.indexOf(ack) - 1]!;
    assert.deepEqual(
      [metadata.cmd, metadata.flag, metadata.key, metadata.previousKey],
      [Cmd.metadata, SUPER, 2, 1],
    );
    assert.equal(ben.key, ownKey);
    const notify = await anna.next(({ cmd, key }) => cmd === Cmd.syncGroupNotify && key === 2);
    assert.equal(notify.groupId, groupId);
    const heard = (await pull(anna, groupId, 1)).shown;
    assert.deepEqual(
      heard.map((
        { cmd, flag, sender, receiver, content },
      ) => [cmd, flag, sender, receiver, content]),
      [[Cmd.groupIm, SUPER, 2, groupId, "大家好"]],
    );
    const own = (await pull(ben, groupId, 1)).shown;
    assert.deepEqual(
      own.map(({ flag, msgLocalId }) => [flag, msgLocalId]),
      [[SUPER | SELF, 4]],
    );
    assert.deepEqual([...anna.shown, ...ben.shown], []);
  });

  await t.step("the person's own chain goes on over what is left out of it", async () => {
    const say = (content: string) =>
      askPartner(app, "POST /messages/systems", { basic, body: { receiver: 1, content } });
    await say("before");
    await waitUntil("it", () => anna.shown.length === 1);
    const { key } = anna;
    await saySuper(app, partner, groupId, "in between");
    await anna.next(({ cmd, key }) => cmd === Cmd.syncGroupNotify && key === 3);
    await say("after");
    await waitUntil("it", () => anna.shown.length === 2);
    const last = anna.of(Cmd.metadata).at(-1)!;
    assert.equal(last.previousKey, key);
    assert.ok(last.key! > key + 1);
    assert.deepEqual(contentsOf(anna.shown), ["before", "after"]);
  });

  await t.step("the key a client stores is where the next pull from 0 begins", async () => {
    for (const [sent, kept] of [[2, 2], [1, 2], [1_000, 3]] as const) {
      anna.send(Cmd.groupSyncKey, [[64, groupId], [64, sent]]);
      await anna.settled();
      await using again = await open(server, tokens[1]!);
      assert.equal((await pull(again, groupId, 0)).begin, kept);
    }
  });

  await t.step("what a client has been sent is not sent again until it has stored it", async () => {
    // Two notices, and so two pulls from one key, the second before the answer to the first.
    const both = await Promise.all([pull(anna, groupId, 1), pull(anna, groupId, 1)]);
    assert.deepEqual(contentsOf(both[1].shown), ["大家好", "in between"]);
    const { begin, shown, end } = await pull(anna, groupId, 2);
    assert.deepEqual([begin, shown, end], [3, [], 3]);
    anna.send(Cmd.groupSyncKey, [[64, groupId], [64, 2]]);
    assert.deepEqual((await pull(anna, groupId, 1)).shown, []);
    anna.send(Cmd.groupSyncKey, [[64, groupId], [64, 3]]);
    assert.deepEqual(contentsOf((await pull(anna, groupId, 1)).shown), ["大家好", "in between"]);
    anna.send(Cmd.groupSyncKey, [[64, groupId], [64, 3]]);
    // A key of nobody's stands in the way of nothing.
    await pull(anna, groupId, 1_000);
    assert.deepEqual(contentsOf((await pull(anna, groupId, 2)).shown), ["in between"]);
  });

  await t.step("the chat app's clients have it in the person's inbox as ever", async () => {
    const people = [{ appUid: 1 }];
    const [person] = await ensurePeople(app.ctx, { tenantId: appId, people });
    await using rpc = await new RpcClient(server.url).opened();
    await rpc.connect({ uid: person!.uid, token: tokens[1]! });
    await saySuper(app, partner, groupId, "to both");
    await waitUntil("it", () => rpc.received.length === 1);
    await anna.next(({ cmd, key }) => cmd === Cmd.syncGroupNotify && key === 4);
    const kept = await readInbox(app.ctx, { userId: person!.userId, afterSeq: 0, limit: 99 });
    assert.deepEqual(kept.map(({ seq }) => seq), [1, 2, 3, 4, 5, 6]);
  });
});

Deno.test("a super group's log is for its members, each from where they joined", async (t) => {
  await using app = await startTestApp();
  await using server = startChatServer(app);
  const { partner, tokens, groupId } = await makeSuperGroup(app);
  const { basic, appId } = partner;
  const params = { gid: groupId };
  for (const content of ["one", "two"]) await saySuper(app, partner, groupId, content);
  await using dan = await open(server, tokens[4]!);

  await t.step("who is not in it hears nothing, and stores nothing", async () => {
    for (const key of [0, 1]) {
      assert.deepEqual(await pull(dan, groupId, key), {
        begin: undefined,
        shown: [],
        end: undefined,
      });
    }
    dan.send(Cmd.groupSyncKey, [[64, groupId], [64, 2]]);
    await dan.settled();
  });

  await t.step("who joins reads from there on, by whatever key", async () => {
    const body = { members: [{ uid: 4, name: "Dan" }] };
    await askPartner(app, "POST /groups/{gid}/members", { basic, params, body });
    await saySuper(app, partner, groupId, "three");
    await dan.next(({ cmd, key }) => cmd === Cmd.syncGroupNotify && key === 5);
    for (const key of [0, 1]) {
      await using again = await open(server, tokens[4]!);
      const { begin, shown, end } = await pull(again, groupId, key);
      assert.deepEqual([begin, end], [key === 0 ? 3 : 1, 5]);
      assert.equal(shown.length, 2);
      assert.equal(JSON.parse(shown[0]!.content!).add_member.member_id, 4);
      assert.equal(shown[1]!.content, "three");
    }
  });

  await t.step(
    "who is removed reads up to then, and the news of it in a stream of their own",
    async () => {
      dan.send(Cmd.groupSyncKey, [[64, groupId], [64, 5]]);
      await dan.settled();
      await saySuper(app, partner, groupId, "four");
      const gone = "DELETE /groups/{gid}/members/{mid}";
      await askPartner(app, gone, { basic, params: { ...params, mid: 4 } });
      await dan.next(({ cmd, key }) => cmd === Cmd.syncGroupNotify && key === 7);
      await waitUntil("the news", () => dan.shown.length === 1);
      await dan.settled();
      assert.equal(JSON.parse(dan.shown[0]!.content!).quit_group.member_id, 4);
      await saySuper(app, partner, groupId, "five");
      const { shown, end } = await pull(dan, groupId, 0);
      assert.equal(end, 8);
      assert.deepEqual(contentsOf(shown), ["four"]);
      const words = { sender: 4, receiver: groupId, content: "still?" };
      assert.equal((await dan.tell(Cmd.groupIm, words)).status, 64);
    },
  );

  await t.step("what somebody threw away is gone for them", async () => {
    await using anna = await open(server, tokens[1]!);
    const people = [{ appUid: 1 }];
    const [person] = await ensurePeople(app.ctx, { tenantId: appId, people });
    await app.ctx.db.execute(sql`
      update inbox set deleted_at = now() where user_id = ${person!.userId}
        and message_id = (select id from messages where payload like '%"two"%')`);
    const { shown, end } = await pull(anna, groupId, 1);
    assert.equal(end, 8);
    const said = shown.filter(({ cmd }) => cmd === Cmd.groupIm);
    assert.deepEqual(contentsOf(said), ["one", "three", "four", "five"]);
  });
});

Deno.test("a long log is pulled in steps, to its end", async () => {
  await using app = await startTestApp();
  await using server = startChatServer(app);
  const { tokens, groupId } = await makeSuperGroup(app);
  const count = 5_150;
  await app.ctx.db.execute(sql`
    with said as (
      insert into messages (channel_type, group_id, payload, red_dot, is_logged, created_at)
      select 2, ${groupId}, '{"type":1,"content":"' || place || '"}', true, true, now()
      from generate_series(1, ${count}) as place returning id
    ), logged as (
      insert into group_logs (group_id, seq, message_id)
      select ${groupId}, 1 + row_number() over (order by id), id from said
    )
    update group_heads set last_seq = 1 + ${count} where group_id = ${groupId}`);
  await using anna = await open(server, tokens[1]!);
  const first = await pull(anna, groupId, 1);
  assert.deepEqual([first.shown.length, first.end], [5_000, 5_001]);
  await anna.next(({ cmd, key }) => cmd === Cmd.syncGroupNotify && key === 5_002);
  const second = await pull(anna, groupId, 5_001);
  assert.deepEqual([second.shown.length, second.end], [150, 5_151]);
  assert.equal(second.shown.at(-1)!.content, `${count}`);
});

Deno.test("a large group that is no super group is in everybody's own stream", async () => {
  await using app = await startTestApp();
  await using server = startChatServer(app);
  const { partner, tokens } = await makeSuperGroup(app);
  const { basic } = partner;
  const members = Array.from({ length: 501 }, (_, at) => ({ uid: at + 1 }));
  const body = { master: 1, name: "大群", members };
  const { group_id: groupId } = await askPartner(app, "POST /groups", { basic, body });
  await using anna = await open(server, tokens[1]!);
  await using ben = await open(server, tokens[2]!);
  for (const client of [anna, ben]) {
    assert.deepEqual(client.shown.map(({ cmd, flag }) => [cmd, flag]), [[
      Cmd.groupNotification,
      0,
    ]]);
  }
  const words = { sender: 1, receiver: groupId, content: "大家好", msgLocalId: 3 };
  assert.equal((await anna.tell(Cmd.groupIm, words)).status, 0);
  await waitUntil("it", () => ben.shown.length === 2);
  assert.deepEqual([ben.shown[1]!.content, ben.shown[1]!.flag], ["大家好", 16]);
  // Its number is not known when it is confirmed, so it comes back as the device's own.
  await waitUntil("it", () => anna.shown.length === 2);
  assert.deepEqual([anna.shown[1]!.flag, anna.shown[1]!.msgLocalId], [16 | SELF, 3]);
  assert.deepEqual(await pull(anna, groupId, 0), { begin: undefined, shown: [], end: undefined });
});

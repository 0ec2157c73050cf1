import { and, eq, sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { withTrips } from "../../config/runtime/trips.ts";
import { type Ctx, withTx } from "../../db/client/ctx.ts";
import { acceptMessage } from "../../db/domain/messages/accept.ts";
import { copyLog, PULL_COUNT_MAX } from "../../db/domain/messages/copy_log.ts";
import { clearChannel, deleteMessage } from "../../db/domain/messages/delete_messages.ts";
import { listConversations } from "../../db/domain/messages/list_conversations.ts";
import { type InboxMessage, readInbox } from "../../db/domain/messages/read_inbox.ts";
import { groupMembers } from "../../db/schema/groups.ts";
import { ChannelType, conversations } from "../../db/schema/messages.ts";
import { startTestApp } from "../harness.ts";
import { makeGroup, makeUsers } from "../people/factories.ts";
import { startPostgres } from "../services/postgres.ts";
import { openPlace, race } from "./race_place.ts";

// On a real server: PGlite has one connection, on which nothing ever races.
const postgres = await startPostgres();
Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());

interface Said {
  senderId: number | undefined;
  groupId: number;
  content: string;
  visibleTo?: number[];
  inConversations?: boolean;
}

function say(ctx: Ctx, { senderId, groupId, content, ...over }: Said) {
  return acceptMessage(ctx, {
    senderId,
    channel: { type: ChannelType.group, groupId },
    clientMsgNo: undefined,
    payload: JSON.stringify({ type: 1, content }),
    redDot: true,
    ...over,
  });
}

/** Puts lines into a group's log at once, `1`, `2`…, all said by one person. */
async function fillLog({ db }: Ctx, groupId: number, senderId: number, count: number) {
  await db.execute(sql`
    with said as (
      insert into messages (channel_type, sender_id, group_id, payload, red_dot, is_logged, created_at)
      select ${ChannelType.group}, ${senderId}::bigint, ${groupId}::bigint,
        json_build_object('type', 1, 'content', n::text)::text, true, true, now()
      from generate_series(1, ${count}::int) as n order by n returning id
    ), head as (
      insert into group_heads (group_id, last_seq) values (${groupId}, ${count})
    )
    insert into group_logs (group_id, seq, message_id)
    select ${groupId}::bigint, row_number() over (order by id), id from said`);
}

const words = (messages: InboxMessage[]) =>
  messages.map(({ payload }) => JSON.parse(payload).content as string);
const numbers = (count: number, from = 1) => Array.from({ length: count }, (_, at) => from + at);

/** Everything in somebody's inbox, numbered densely and each message once. */
async function readAll(ctx: Ctx, userId: number): Promise<InboxMessage[]> {
  const all: InboxMessage[] = [];
  for (;;) {
    const page = await readInbox(ctx, { userId, afterSeq: all.at(-1)?.seq ?? 0, limit: 500 });
    if (page.length === 0) break;
    all.push(...page);
  }
  assert.deepEqual(all.map(({ seq }) => seq), numbers(all.length), "dense");
  assert.equal(new Set(all.map(({ messageId }) => messageId)).size, all.length, "each once");
  return all;
}

async function unreadOf({ db }: Ctx, userId: number, groupId: number): Promise<number> {
  const [row] = await db.select().from(conversations).where(
    and(eq(conversations.userId, userId), eq(conversations.channelId, groupId)),
  );
  return row?.unreadCount ?? 0;
}

Deno.test("copyLog", async (t) => {
  await using app = await startTestApp();
  const { ctx } = app;
  const people = await makeUsers(ctx, 8);
  const [anna, ben, cleo] = people;
  const copy = (groupId: number, userIds: number[], hasLog = true) =>
    withTx(ctx, (tx) => copyLog(tx, { groupId, userIds, hasLog }));
  const others = people.slice(1).map(({ id }) => id);

  await t.step("gives everybody everything unread, however much, and once", async () => {
    const group = await makeGroup(ctx, people, { isSuper: true });
    const count = PULL_COUNT_MAX + 205;
    await fillLog(ctx, group.id, anna!.id, count);
    await ctx.db.update(groupMembers).set({ logSeq: count - 3 })
      .where(and(eq(groupMembers.groupId, group.id), eq(groupMembers.userId, ben!.id)));
    const deliveries = await copy(group.id, [...others].reverse());
    assert.deepEqual(
      deliveries,
      others.map((userId) => ({ userId, seq: count }))
        .map((it) => it.userId === ben!.id ? { ...it, seq: 3 } : it),
    );
    assert.deepEqual(await copy(group.id, others), []);
    const expected = numbers(count).map(String);
    assert.deepEqual(words(await readAll(ctx, ben!.id)), expected.slice(-3));
    assert.equal(await unreadOf(ctx, ben!.id, group.id), 3);
    for (const userId of others.slice(1)) {
      assert.deepEqual(words(await readAll(ctx, userId)), expected);
      assert.equal(await unreadOf(ctx, userId, group.id), count);
    }
  });

  await t.step("keeps the log's order against the messages' ids", async () => {
    const group = await makeGroup(ctx, [anna!, ben!], { isSuper: true });
    await fillLog(ctx, group.id, anna!.id, 4);
    await ctx.db.execute(sql`
      update group_logs set seq = case seq when 2 then 30 else 20 end
      where group_id = ${group.id} and seq in (2, 3)`);
    await ctx.db.execute(sql`
      update group_logs set seq = seq / 10 where group_id = ${group.id} and seq >= 20`);
    await copy(group.id, [ben!.id]);
    assert.deepEqual(words(await readAll(ctx, ben!.id)).slice(-4), ["1", "3", "2", "4"]);
  });

  await t.step("asks nothing where there is no log, and counts nobody's own words", async () => {
    const group = await makeGroup(ctx, [cleo!, ben!], { isSuper: true });
    await withTrips(async (trips) => {
      assert.deepEqual(
        await copyLog(ctx, { groupId: group.id, userIds: others, hasLog: false }),
        [],
      );
      assert.equal(trips.sql.count, 0);
    });
    await fillLog(ctx, group.id, cleo!.id, 2);
    await copy(group.id, [cleo!.id, anna!.id]);
    assert.equal(await unreadOf(ctx, cleo!.id, group.id), 0);
    assert.deepEqual(await unreadOf(ctx, anna!.id, group.id), 0, "who is not in it has nothing");
  });
});

Deno.test("what only some see comes after what was logged before it, in one trip", async () => {
  await using app = await startTestApp();
  const { ctx } = app;
  const [anna, ben, cleo] = await makeUsers(ctx, 3);
  const group = await makeGroup(ctx, [anna!, ben!, cleo!], { isSuper: true });
  const groupId = group.id;
  for (const content of ["m0", "m1"]) await say(ctx, { senderId: anna!.id, groupId, content });
  await withTrips(async (trips) => {
    const said = { senderId: undefined, groupId, content: "for Ben", visibleTo: [ben!.id] };
    const accepted = await say(ctx, { ...said, inConversations: false });
    assert.deepEqual(accepted.deliveries, [{ userId: ben!.id, seq: 3 }]);
    assert.equal(trips.sql.count, 1);
  });
  await say(ctx, { senderId: anna!.id, groupId, content: "m2" });
  const [row] = await ctx.db.select().from(conversations).where(eq(conversations.userId, ben!.id));
  assert.deepEqual([row!.lastSeq, row!.unreadCount], [2, 2], "the list stays at the log's line");
  assert.deepEqual(words(await readAll(ctx, ben!.id)), ["m0", "m1", "for Ben", "m2"]);
  assert.deepEqual(words(await readAll(ctx, cleo!.id)), ["m0", "m1", "m2"]);
});

Deno.test("list, deletion and clearing of what a log alone has cost one trip each", async () => {
  await using app = await startTestApp();
  const { ctx } = app;
  const people = await makeUsers(ctx, 4);
  const group = await makeGroup(ctx, people, { isSuper: true });
  await fillLog(ctx, group.id, people[0]!.id, 5);
  const [, lister, deleter, clearer] = people.map(({ id }) => id) as [
    number,
    number,
    number,
    number,
  ];
  const channel = { type: ChannelType.group, no: group.groupNo };
  const last = (await listConversations(ctx, lister))[0]!;
  assert.deepEqual([last.lastMessage.seq, last.unreadCount], [5, 5]);
  const { messageId } = last.lastMessage;
  const acts = [
    () => listConversations(ctx, people[0]!.id),
    () => deleteMessage(ctx, { userId: deleter, messageId }),
    () => clearChannel(ctx, { userId: clearer, channel }),
  ];
  for (const act of acts) {
    await withTrips(async (trips) => {
      await act();
      assert.equal(trips.sql.count, 1);
    });
  }
  const kept = async (userId: number) =>
    words((await readAll(ctx, userId)).filter(({ isDeleted }) => !isDeleted));
  assert.deepEqual(await kept(deleter), ["1", "2", "3", "4"]);
  assert.deepEqual(await kept(clearer), []);
  const stranger = (await makeUsers(ctx, 1))[0]!.id;
  await assert.rejects(deleteMessage(ctx, { userId: stranger, messageId }), {
    kind: "message_missing",
  });
  await assert.rejects(clearChannel(ctx, { userId: stranger, channel }), {
    kind: "channel_missing",
  });
});

async function openRace(isSuper = true) {
  const place = await openPlace(postgres!, { peopleCount: 8 });
  const people = place.people.map(({ userId }) => ({ id: userId }));
  const group = await makeGroup(place.ctx, people, { isSuper });
  const ids = people.map(({ id }) => id);
  return { place, ctx: place.ctx, ids, groupId: group.id, groupNo: group.groupNo };
}

Deno.test({
  name: "devices that read while the log is copied for their owner, and told to them alone, hide " +
    "and repeat nothing",
  ignore: !postgres,
}, async () => {
  const { place, ctx, ids, groupId } = await openRace();
  await using _place = place;
  const [anna, ...readers] = ids as [number, ...number[]];
  /** As a device does: what it has been shown never leaves a hole behind. */
  const read = async (userId: number) => {
    const found = await readInbox(ctx, { userId, afterSeq: 0, limit: 500 });
    assert.deepEqual(found.map(({ seq }) => seq), numbers(found.length));
  };
  const answers = await race(
    ["service_unavailable"],
    numbers(60).flatMap((round) => {
      const userId = readers[round % readers.length]!;
      const someIds = [...readers].sort(() => Math.random() - 0.5).slice(0, 3);
      return [
        () => say(ctx, { senderId: anna, groupId, content: `all ${round}` }),
        () => read(userId),
        () => withTx(ctx, (tx) => copyLog(tx, { groupId, userIds: someIds, hasLog: true })),
        () => read(userId),
        () => say(ctx, { senderId: undefined, groupId, content: "some", visibleTo: someIds }),
        () => listConversations(ctx, userId),
      ];
    }),
  );
  assert.ok(answers.filter((answer) => answer === "done").length > 350);
  for (const userId of readers) {
    const all = words(await readAll(ctx, userId)).filter((word) => word.startsWith("all"));
    assert.equal(new Set(all).size, 60);
    const [row] = await ctx.db.select().from(conversations)
      .where(eq(conversations.userId, userId));
    assert.equal(row!.unreadCount, (await readAll(ctx, userId)).length);
  }
});

Deno.test({
  name:
    "messages deleted while other devices read and copy the log are deleted, each, and no other",
  ignore: !postgres,
}, async () => {
  const { place, ctx, ids, groupId } = await openRace();
  await using _place = place;
  const [anna, ben] = ids as [number, number];
  const deleted = new Set<string>();
  for (let round = 0; round < 15; round++) {
    const lines = [];
    for (const at of numbers(8)) {
      const content = `${round}.${at}`;
      lines.push({ content, ...await say(ctx, { senderId: anna, groupId, content }) });
    }
    const thrown = lines.filter((_, at) => at % 3 === round % 3);
    for (const { content } of thrown) deleted.add(content);
    await race([], [
      ...thrown.map(({ messageId }) => () => deleteMessage(ctx, { userId: ben, messageId })),
      ...numbers(3).map(() => () => readInbox(ctx, { userId: ben, afterSeq: 0, limit: 9 })),
      () => withTx(ctx, (tx) => copyLog(tx, { groupId, userIds: [ben], hasLog: true })),
    ]);
  }
  const all = await readAll(ctx, ben);
  assert.equal(all.length, 15 * 8);
  const gone = words(all.filter(({ isDeleted }) => isDeleted));
  assert.deepEqual(new Set(gone), deleted);
});

Deno.test({
  name: "a channel cleared while others speak and devices read keeps nothing said before",
  ignore: !postgres,
}, async () => {
  const { place, ctx, ids, groupId, groupNo } = await openRace();
  await using _place = place;
  const [anna, ben] = ids as [number, number];
  const channel = { type: ChannelType.group, no: groupNo };
  for (let round = 0; round < 15; round++) {
    for (const at of numbers(4)) {
      await say(ctx, { senderId: anna, groupId, content: `before ${round}.${at}` });
    }
    await race([], [
      () => readInbox(ctx, { userId: ben, afterSeq: 0, limit: 9 }),
      () => clearChannel(ctx, { userId: ben, channel }),
      () => say(ctx, { senderId: anna, groupId, content: "meanwhile" }),
      () => listConversations(ctx, ben),
      () => readInbox(ctx, { userId: ben, limit: 9 }),
    ]);
    const kept = words((await readAll(ctx, ben)).filter(({ isDeleted }) => !isDeleted));
    assert.deepEqual(kept.filter((word) => word.startsWith("before")), []);
    assert.equal(await unreadOf(ctx, ben, groupId), kept.length);
  }
});

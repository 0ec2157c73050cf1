import { and, eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { withTrips } from "../../config/runtime/trips.ts";
import type { Ctx } from "../../db/client/ctx.ts";
import { acceptMessage } from "../../db/domain/messages/accept.ts";
import { acknowledge } from "../../db/domain/messages/acknowledge.ts";
import { readInbox } from "../../db/domain/messages/read_inbox.ts";
import { ChannelType, conversations, inboxHeads } from "../../db/schema/messages.ts";
import { startTestApp } from "../harness.ts";
import { makeGroup, makeUsers } from "../people/factories.ts";
import { openPatiently, startPostgres } from "../services/postgres.ts";

const text = (content: string) => JSON.stringify({ type: 1, content });

async function say(
  ctx: Ctx,
  senderId: number,
  to: { user?: number; group?: number },
  content: string,
) {
  return await acceptMessage(ctx, {
    senderId,
    channel: to.user
      ? { type: ChannelType.person, userId: to.user }
      : { type: ChannelType.group, groupId: to.group! },
    clientMsgNo: undefined,
    payload: text(content),
    redDot: true,
  });
}

const all = (ctx: Ctx, userId: number) => readInbox(ctx, { userId, afterSeq: 0, limit: 500 });

Deno.test("readInbox", async (t) => {
  await using app = await startTestApp();
  const { ctx } = app;
  const [anna, ben, cleo] = await makeUsers(ctx, 3);
  const group = await makeGroup(ctx, [anna!, ben!, cleo!], { isSuper: true });

  await t.step("answers what is new, ascending, as its owner sees it", async () => {
    await say(ctx, anna!.id, { user: ben!.id }, "one");
    await say(ctx, ben!.id, { user: anna!.id }, "two");
    const asAnna = await all(ctx, anna!.id);
    assert.deepEqual(
      asAnna.map(({ seq, channelNo, fromUid, payload }) => [seq, channelNo, fromUid, payload]),
      [[1, ben!.uid, anna!.uid, text("one")], [2, ben!.uid, ben!.uid, text("two")]],
    );
    const rest = await readInbox(ctx, { userId: anna!.id, afterSeq: 1, limit: 500 });
    assert.deepEqual(rest.map(({ seq }) => seq), [2]);
  });

  await t.step("copies a large group's log in, numbered like the rest, once", async () => {
    await say(ctx, ben!.id, { group: group.id }, "g1");
    await say(ctx, cleo!.id, { user: anna!.id }, "between");
    await say(ctx, ben!.id, { group: group.id }, "g2");
    const asAnna = await all(ctx, anna!.id);
    assert.deepEqual(asAnna.map(({ seq }) => seq), [1, 2, 3, 4, 5]);
    assert.deepEqual(
      asAnna.filter(({ channelType }) => channelType === ChannelType.group)
        .map(({ payload, channelNo }) => [payload, channelNo]),
      [[text("g1"), group.groupNo], [text("g2"), group.groupNo]],
    );
    assert.deepEqual(await all(ctx, anna!.id), asAnna);
    assert.equal((await all(ctx, cleo!.id)).length, 3);
  });

  await t.step("answers one channel alone under the same numbers", async () => {
    const channel = { type: ChannelType.person, no: cleo!.uid };
    const found = await readInbox(ctx, { userId: anna!.id, afterSeq: 0, limit: 10, channel });
    assert.deepEqual(found.map(({ seq, payload }) => [seq, payload]), [[3, text("between")]]);
  });

  await t.step("costs one trip, log and all", async () => {
    await say(ctx, ben!.id, { group: group.id }, "g3");
    await withTrips(async (trips) => {
      assert.equal((await all(ctx, cleo!.id)).at(-1)!.payload, text("g3"));
      assert.equal(trips.sql.count, 1);
    });
  });
});

Deno.test("acknowledge moves the mark forward only, and reads nothing", async () => {
  await using app = await startTestApp();
  const { ctx } = app;
  const [anna, ben] = await makeUsers(ctx, 2);
  for (const content of ["1", "2", "3"]) await say(ctx, anna!.id, { user: ben!.id }, content);
  const unread = async () =>
    (await ctx.db.select().from(conversations).where(eq(conversations.userId, ben!.id)))[0]!
      .unreadCount;
  const mark = async () =>
    (await ctx.db.select().from(inboxHeads).where(eq(inboxHeads.userId, ben!.id)))[0]!.ackedSeq;
  assert.deepEqual([await unread(), await mark()], [3, 0]);
  await acknowledge(ctx, { userId: ben!.id, seq: 2 });
  assert.deepEqual([await unread(), await mark()], [3, 2]);
  await acknowledge(ctx, { userId: ben!.id, seq: 1 });
  assert.deepEqual([await unread(), await mark()], [3, 2]);
  await acknowledge(ctx, { userId: ben!.id, seq: 99 });
  assert.deepEqual([await unread(), await mark()], [3, 3]);
});

Deno.test("on a real Postgres many devices reading one log get every message once", async () => {
  await using server = await startPostgres();
  if (!server) return;
  const database = openPatiently(await server.newDatabase());
  const app = await startTestApp({ database });
  try {
    const { ctx } = app;
    const [anna, ben, cleo] = await makeUsers(ctx, 3);
    const group = await makeGroup(ctx, [anna!, ben!, cleo!], { isSuper: true });
    const work: Promise<unknown>[] = [];
    /** As a device does: what it has been shown never leaves a hole behind. */
    const readAndCheck = async () => {
      const found = await all(ctx, ben!.id);
      assert.deepEqual(found.map(({ seq }) => seq), found.map((_, at) => at + 1));
    };
    for (let round = 0; round < 60; round++) {
      work.push(say(ctx, anna!.id, { group: group.id }, `${round}`));
      work.push(say(ctx, cleo!.id, { user: ben!.id }, `p${round}`));
      for (let device = 0; device < 3; device++) work.push(readAndCheck());
    }
    await Promise.all(work);
    const found = await all(ctx, ben!.id);
    assert.equal(found.length, 120);
    assert.deepEqual(found.map(({ seq }) => seq), found.map((_, at) => at + 1));
    assert.equal(new Set(found.map(({ messageId }) => messageId)).size, 120);
    const [list] = await ctx.db.select().from(conversations).where(
      and(eq(conversations.userId, ben!.id), eq(conversations.channelId, group.id)),
    );
    assert.equal(list!.unreadCount, 60);
  } finally {
    await app[Symbol.asyncDispose]();
    await database.close();
  }
});

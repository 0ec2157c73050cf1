import assert from "node:assert/strict";
import { withTrips } from "../../config/runtime/trips.ts";
import type { Ctx } from "../../db/client/ctx.ts";
import { acceptMessage } from "../../db/domain/messages/accept.ts";
import { clearChannel, deleteMessage } from "../../db/domain/messages/delete_messages.ts";
import { type InboxMessage, readInbox } from "../../db/domain/messages/read_inbox.ts";
import { readInboxes } from "../../db/domain/messages/read_inboxes.ts";
import { revokeMessage } from "../../db/domain/messages/revoke_message.ts";
import { ChannelType } from "../../db/schema/messages.ts";
import { startTestApp } from "../harness.ts";
import { makeGroup, makeUsers } from "../people/factories.ts";

const LIMIT = 20;

async function say(ctx: Ctx, senderId: number, to: { userId: number } | { groupId: number }) {
  const channel = "userId" in to
    ? { type: ChannelType.person, ...to }
    : { type: ChannelType.group, ...to };
  return await acceptMessage(ctx, {
    senderId,
    channel,
    clientMsgNo: undefined,
    payload: JSON.stringify({ type: 1, content: "hello" }),
    redDot: true,
  });
}

/** What each reader would be answered alone. */
async function alone(ctx: Ctx, readers: { userId: number; afterSeq: number }[]) {
  const pages: InboxMessage[][] = [];
  for (const reader of readers) pages.push(await readInbox(ctx, { ...reader, limit: LIMIT }));
  return pages;
}

Deno.test("readInboxes", async (t) => {
  await using app = await startTestApp();
  const { ctx } = app;
  const [anna, ben, cleo] = (await makeUsers(ctx, 3)).map(({ id }) => id) as [
    number,
    number,
    number,
  ];
  const group = await makeGroup(ctx, [anna, ben, cleo].map((id) => ({ id })));
  const readers = [
    { userId: ben, afterSeq: 0 },
    { userId: anna, afterSeq: 0 },
    { userId: ben, afterSeq: 3 },
    { userId: cleo, afterSeq: 500 },
  ];

  await t.step("answers each reader what they would be answered alone, in one trip", async () => {
    await say(ctx, anna, { userId: ben });
    await say(ctx, ben, { groupId: group.id });
    await say(ctx, cleo, { userId: ben });
    await say(ctx, anna, { groupId: group.id });
    const expected = await alone(ctx, readers);
    assert.deepEqual(expected.map((page) => page.map(({ seq }) => seq)), [
      [1, 2, 3, 4],
      [1, 2, 3],
      [4],
      [],
    ]);
    await withTrips(async (trips) => {
      assert.deepEqual(await readInboxes(ctx, { readers, limit: LIMIT }), expected);
      assert.equal(trips.sql.count, 1);
    });
  });

  await t.step("of a message some threw away the others have it still", async () => {
    const [{ messageId }] = (await alone(ctx, [readers[2]!]))[0] as [InboxMessage];
    await deleteMessage(ctx, { userId: ben, messageId });
    await revokeMessage(ctx, {
      userId: ben,
      messageId: (await say(ctx, ben, { userId: anna })).messageId,
    });
    await clearChannel(ctx, {
      userId: ben,
      channel: { type: ChannelType.group, no: group.groupNo },
    });
    const pages = await readInboxes(ctx, { readers, limit: LIMIT });
    assert.deepEqual(pages, await alone(ctx, readers));
    assert.equal(pages[0]!.filter(({ isDeleted }) => isDeleted).length, 2);
    assert.ok(pages[1]!.every(({ isDeleted }) => !isDeleted));
  });

  await t.step("answers no more than the limit, the oldest first", async () => {
    const pages = await readInboxes(ctx, { readers, limit: 2 });
    assert.deepEqual(pages.map((page) => page.map(({ seq }) => seq)), [[1, 2], [1, 2], [4, 5], []]);
  });
});

import { and, eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { withTrips } from "../../config/runtime/trips.ts";
import { type AcceptInput, acceptMessage } from "../../db/domain/messages/accept.ts";
import { blocks } from "../../db/schema/blocks.ts";
import { groupMembers, groups } from "../../db/schema/groups.ts";
import {
  ChannelType,
  conversations,
  groupLogs,
  inbox,
  inboxHeads,
  messages,
} from "../../db/schema/messages.ts";
import { startTestApp } from "../harness.ts";
import { makeGroup, makeUser, makeUsers } from "../people/factories.ts";
import { openPatiently, startPostgres } from "../services/postgres.ts";

const text = (content: string) => JSON.stringify({ type: 1, content });

function toPerson(senderId: number, userId: number, over: Partial<AcceptInput> = {}): AcceptInput {
  return {
    senderId,
    channel: { type: ChannelType.person, userId },
    clientMsgNo: undefined,
    payload: text("hi"),
    redDot: true,
    ...over,
  };
}

function toGroup(senderId: number, groupId: number, over: Partial<AcceptInput> = {}): AcceptInput {
  return { ...toPerson(senderId, 0, over), channel: { type: ChannelType.group, groupId } };
}

Deno.test("acceptMessage", async (t) => {
  await using app = await startTestApp();
  const { ctx } = app;
  const [anna, ben, cleo, dan] = await makeUsers(ctx, 4) as [
    Awaited<ReturnType<typeof makeUser>>,
    Awaited<ReturnType<typeof makeUser>>,
    Awaited<ReturnType<typeof makeUser>>,
    Awaited<ReturnType<typeof makeUser>>,
  ];

  await t.step(
    "puts a message to a person into both inboxes, each seeing the other's channel",
    async () => {
      const accepted = await acceptMessage(ctx, toPerson(anna.id, ben.id));
      assert.deepEqual(accepted.deliveries.sort((a, b) => a.userId - b.userId), [
        { userId: anna.id, seq: 1 },
        { userId: ben.id, seq: 1 },
      ]);
      assert.equal(accepted.senderSeq, 1);
      const rows = await ctx.db.select().from(inbox).orderBy(inbox.userId);
      assert.deepEqual(rows.map(({ userId, channelId }) => [userId, channelId]), [
        [anna.id, ben.id],
        [ben.id, anna.id],
      ]);
      const list = await ctx.db.select().from(conversations).orderBy(conversations.userId);
      assert.deepEqual(list.map(({ unreadCount }) => unreadCount), [0, 1]);
    },
  );

  await t.step("numbers each inbox densely, whatever arrives where", async () => {
    await acceptMessage(ctx, toPerson(ben.id, anna.id));
    await acceptMessage(ctx, toPerson(cleo.id, anna.id));
    const accepted = await acceptMessage(ctx, toPerson(anna.id, cleo.id, { redDot: false }));
    assert.deepEqual(accepted.deliveries.sort((a, b) => a.userId - b.userId), [
      { userId: anna.id, seq: 4 },
      { userId: cleo.id, seq: 2 },
    ]);
  });

  await t.step("takes a repeat of the sender's number for the same message", async () => {
    const input = toPerson(anna.id, ben.id, { clientMsgNo: "m-1" });
    const first = await acceptMessage(ctx, input);
    const again = await acceptMessage(ctx, { ...input, payload: text("other") });
    assert.equal(again.messageId, first.messageId);
    assert.equal(again.senderSeq, first.senderSeq);
    assert.equal(again.createdAt.getTime(), first.createdAt.getTime());
    assert.deepEqual([again.repeated, again.deliveries], [true, []]);
    const byOther = await acceptMessage(ctx, toPerson(ben.id, anna.id, { clientMsgNo: "m-1" }));
    assert.notEqual(byOther.messageId, first.messageId);
  });

  await t.step("takes the same number in another channel for another message", async () => {
    const group = await makeGroup(ctx, [anna, ben]);
    const [one, two, three] = [
      await acceptMessage(ctx, toPerson(anna.id, ben.id, { clientMsgNo: "m-2" })),
      await acceptMessage(ctx, toPerson(anna.id, cleo.id, { clientMsgNo: "m-2" })),
      await acceptMessage(ctx, toGroup(anna.id, group.id, { clientMsgNo: "m-2" })),
    ];
    assert.equal(new Set([one, two, three].map(({ messageId }) => messageId)).size, 3);
    const again = await acceptMessage(ctx, toGroup(anna.id, group.id, { clientMsgNo: "m-2" }));
    assert.deepEqual([again.messageId, again.repeated], [three.messageId, true]);
  });

  await t.step("refuses whom the receiver has blocked, and leaves nothing behind", async () => {
    await ctx.db.insert(blocks).values({
      userId: ben.id,
      blockedId: dan.id,
      createdAt: new Date(),
    });
    const before = await ctx.db.$count(messages);
    await assert.rejects(acceptMessage(ctx, toPerson(dan.id, ben.id)), {
      kind: "message_blacklisted",
    });
    assert.equal(await ctx.db.$count(messages), before);
    assert.equal(await ctx.db.$count(inboxHeads, eq(inboxHeads.userId, dan.id)), 0);
    await acceptMessage(ctx, toPerson(ben.id, dan.id));
  });

  await t.step("gives a group message to every member once", async () => {
    const group = await makeGroup(ctx, [anna, ben, cleo]);
    const accepted = await acceptMessage(ctx, toGroup(ben.id, group.id));
    assert.deepEqual(
      accepted.deliveries.map(({ userId }) => userId).sort(),
      [anna.id, ben.id, cleo.id].sort(),
    );
    const system = await acceptMessage(ctx, {
      ...toGroup(0, group.id, { payload: JSON.stringify({ type: 1001 }), redDot: false }),
      senderId: undefined,
    });
    assert.equal(system.deliveries.length, 3);
    assert.equal(system.senderSeq, 0);
  });

  await t.step("shows a message to some only to them and the sender", async () => {
    const group = await makeGroup(ctx, [anna, ben, cleo]);
    const { deliveries } = await acceptMessage(
      ctx,
      toGroup(anna.id, group.id, { visibleTo: [cleo.id] }),
    );
    assert.deepEqual(deliveries.map(({ userId }) => userId).sort(), [anna.id, cleo.id].sort());
  });

  await t.step("knows who may speak in a group", async () => {
    const group = await makeGroup(ctx, [anna, ben, cleo], { forbidden: true });
    await acceptMessage(ctx, toGroup(anna.id, group.id));
    await assert.rejects(acceptMessage(ctx, toGroup(ben.id, group.id)), {
      kind: "group_forbidden",
    });
    await assert.rejects(acceptMessage(ctx, toGroup(dan.id, group.id)), {
      kind: "group_not_member",
    });
    await ctx.db.update(groups).set({ forbidden: false }).where(eq(groups.id, group.id));
    await ctx.db.update(groupMembers).set({ mutedUntil: new Date(Date.now() + 60_000) })
      .where(and(eq(groupMembers.groupId, group.id), eq(groupMembers.userId, ben.id)));
    await assert.rejects(acceptMessage(ctx, toGroup(ben.id, group.id)), { kind: "group_muted" });
    await ctx.db.update(groupMembers).set({ removedAt: new Date() })
      .where(and(eq(groupMembers.groupId, group.id), eq(groupMembers.userId, cleo.id)));
    await assert.rejects(acceptMessage(ctx, toGroup(cleo.id, group.id)), {
      kind: "group_not_member",
    });
    await ctx.db.update(groups).set({ disbandedAt: new Date() }).where(eq(groups.id, group.id));
    await assert.rejects(acceptMessage(ctx, toGroup(anna.id, group.id)), {
      kind: "group_disbanded",
    });
  });

  await t.step("refuses channels that are not there and payloads clients cannot read", async () => {
    await assert.rejects(acceptMessage(ctx, toPerson(anna.id, 1)), { kind: "channel_missing" });
    await assert.rejects(acceptMessage(ctx, toGroup(anna.id, 1)), { kind: "channel_missing" });
    for (const payload of ["", "hi", "[]", "null", "{}", '{"type":"1"}', '{"type":1.5}']) {
      await assert.rejects(acceptMessage(ctx, toPerson(anna.id, ben.id, { payload })), {
        kind: "message_invalid",
      }, payload);
    }
    const large = text("字".repeat(6_000));
    await assert.rejects(acceptMessage(ctx, toPerson(anna.id, ben.id, { payload: large })), {
      kind: "message_invalid",
    });
  });

  await t.step("writes one row for a super group, whatever its size", async () => {
    const group = await makeGroup(ctx, [anna, ben, cleo], { isSuper: true });
    const before = await ctx.db.$count(inbox);
    const accepted = await acceptMessage(ctx, toGroup(anna.id, group.id));
    assert.deepEqual([accepted.loggedInGroup, accepted.deliveries], [group.id, []]);
    assert.equal(await ctx.db.$count(inbox), before);
    await acceptMessage(ctx, toGroup(ben.id, group.id));
    const some = await acceptMessage(ctx, toGroup(ben.id, group.id, { visibleTo: [cleo.id] }));
    assert.deepEqual(
      some.deliveries.map(({ userId }) => userId).sort(),
      [ben.id, cleo.id].sort(),
      "what only some may see is not in the log",
    );
    const log = await ctx.db.select().from(groupLogs).where(eq(groupLogs.groupId, group.id));
    assert.deepEqual(log.map(({ seq }) => seq), [1, 2]);
  });

  await t.step("costs one trip", async () => {
    await withTrips(async (trips) => {
      await acceptMessage(ctx, toPerson(anna.id, ben.id));
      assert.equal(trips.sql.count, 1);
    });
  });
});

Deno.test("many at once on a real Postgres: numbers stay dense, repeats stay one", async () => {
  await using server = await startPostgres();
  if (!server) return;
  const database = openPatiently(await server.newDatabase());
  const app = await startTestApp({ database });
  try {
    const { ctx } = app;
    const people = await makeUsers(ctx, 8);
    const group = await makeGroup(ctx, people);
    const different = new Set<string>();
    const sends = Array.from({ length: 400 }, (_, at) => {
      const sender = people[at % 8]!.id, other = people[(at * 3 + 1) % 8]!.id;
      const clientMsgNo = `${Math.floor(at / 48)}`;
      different.add(`${sender} ${at % 3 === 0 ? "group" : other} ${clientMsgNo}`);
      return at % 3 === 0
        ? acceptMessage(ctx, toGroup(sender, group.id, { clientMsgNo }))
        : acceptMessage(ctx, toPerson(sender, other, { clientMsgNo }));
    });
    const accepted = await Promise.all(sends);
    assert.ok(different.size <= 200);
    assert.equal(new Set(accepted.map(({ messageId }) => messageId)).size, different.size);
    assert.equal(await ctx.db.$count(messages), different.size);
    for (const { id } of people) {
      const rows = await ctx.db.select().from(inbox).where(eq(inbox.userId, id))
        .orderBy(inbox.seq);
      assert.deepEqual(rows.map(({ seq }) => seq), rows.map((_, at) => at + 1));
      const [head] = await ctx.db.select().from(inboxHeads).where(eq(inboxHeads.userId, id));
      assert.equal(head!.lastSeq, rows.length);
    }
  } finally {
    await app[Symbol.asyncDispose]();
    await database.close();
  }
});

import { asc, eq, sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { withTx } from "../../db/client/ctx.ts";
import { ensureChatAccount } from "../../db/domain/chat_accounts/account.ts";
import { lockPair, placeFriendship } from "../../db/domain/friends/pair.ts";
import { markDelivered } from "../../db/domain/messages/heads.ts";
import { sendMessage } from "../../db/domain/messages/send.ts";
import { friends } from "../../db/schema/chat.ts";
import { ChannelType, inboxHeads, messages } from "../../db/schema/messages.ts";
import { startPostgres } from "../services/postgres.ts";
import { openPlace, race } from "./race_place.ts";

// On a real server: PGlite has one connection, on which nothing ever races.
const postgres = await startPostgres();
Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());
const ignore = !postgres;

const times = <T>(count: number, make: (at: number) => T) =>
  Array.from({ length: count }, (_, at) => make(at));

Deno.test("a chat account is made once, with one welcome, while friends are being made", {
  ignore,
}, async () => {
  const at = new Date();
  await using place = await openPlace(postgres!, { peopleCount: 28, now: () => at });
  const { ctx, people } = place;
  const befriend = (one: number, other: number) => () =>
    withTx(ctx, async (tx) => {
      const otherId = sql`${people[other]!.userId}::bigint`;
      const pair = await lockPair(tx, { userId: people[one]!.userId, otherId });
      await placeFriendship(tx, [pair!.own.userId, pair!.other.userId]);
    });
  // Of each newcomer at once: the account, asked for three times, and eight friendships.
  for (const newcomer of times(20, (i) => 8 + i)) {
    await race([], [
      ...times(3, (other) => befriend(newcomer, other)),
      ...times(3, () => () => ensureChatAccount(ctx, people[newcomer]!.userId)),
      ...times(5, (other) => befriend(newcomer, 3 + other)),
    ]);
  }
  for (const { userId } of people.slice(8)) {
    const said = await ctx.db.select().from(messages).where(eq(messages.receiverId, userId));
    assert.equal(said.length, 1);
    const rows = await ctx.db.select().from(friends).where(eq(friends.userId, userId))
      .orderBy(asc(friends.id));
    const builtIn = rows.filter(({ friendId }) =>
      !people.some((person) => person.userId === friendId)
    );
    assert.equal(builtIn.length, 2);
    const updates = rows.map(({ updatedAt }) => updatedAt.getTime());
    assert.equal(new Set(updates).size, updates.length, "every row has a time of its own");
  }
});

Deno.test("marks and messages at once: no message is lost, no mark goes back", {
  ignore,
}, async () => {
  await using place = await openPlace(postgres!, { peopleCount: 10 });
  const { ctx, people } = place;
  const say = (to: number) =>
    sendMessage(ctx, {
      senderId: people[(to + 1) % 10]!.userId,
      channel: { type: ChannelType.person, userId: people[to]!.userId },
      clientMsgNo: undefined,
      payload: '{"type":1}',
      redDot: true,
    });
  await race([], times(10, (to) => () => say(to)));
  const marks = (seq: number) => new Map(people.map(({ userId }) => [userId, seq]));
  await race([], [
    ...times(200, (i) => () => say(i % 10)),
    ...times(40, (i) => () => markDelivered(ctx, marks(1 + (i * 7) % 20))),
  ]);
  for (const { userId } of people) {
    const [head] = await ctx.db.select().from(inboxHeads)
      .where(eq(inboxHeads.userId, userId));
    assert.equal(head!.lastSeq, 42);
    assert.equal(head!.deliveredSeq, 20);
  }
});

import { eq } from "drizzle-orm";
import assert from "node:assert/strict";
import type { Ctx } from "../../../db/client/ctx.ts";
import { markDelivered } from "../../../db/domain/messages/heads.ts";
import { readInbox } from "../../../db/domain/messages/read_inbox.ts";
import { sendMessage } from "../../../db/domain/messages/send.ts";
import { conversations, inboxHeads } from "../../../db/schema/messages.ts";
import { DeliveredMarks } from "../../../routes/realtime/delivered_marks.ts";
import { Suspects } from "../../../routes/realtime/suspects.ts";
import { Unacked } from "../../../routes/realtime/unacked.ts";
import { RpcClient } from "../../clients/rpc.ts";
import { startTestApp } from "../../harness.ts";
import {
  type ChatPerson,
  connectSdk,
  makeChatPerson,
  startChatServer,
} from "../../servers/chat.ts";
import { waitUntil } from "../../services/binary.ts";
import { RawWukong } from "./raw_wukong.ts";

/** Everybody is looked at this often; the time that has passed is the clock's. */
const LOOKS_OFTEN = { pollMs: 20 };
const LOST = { code: 1013, reason: "not acknowledged" };

async function say(ctx: Ctx, to: ChatPerson, content: string, from?: ChatPerson) {
  return await sendMessage(ctx, {
    senderId: from?.id,
    channel: { type: 1, userId: to.id },
    clientMsgNo: undefined,
    payload: JSON.stringify({ type: 1, content }),
    redDot: true,
  });
}

async function headOf({ db }: Ctx, { id }: ChatPerson) {
  const [head] = await db.select().from(inboxHeads).where(eq(inboxHeads.userId, id));
  return head!;
}

/** Long enough for whoever is to be cut off to have been. */
const someLooks = () => new Promise((resolve) => setTimeout(resolve, 10 * LOOKS_OFTEN.pollMs));

Deno.test("what the npm client confirms is delivered, and neither read nor fetched", async () => {
  await using app = await startTestApp();
  const { ctx, clock } = app;
  const server = startChatServer(app, LOOKS_OFTEN);
  const [anna, ben] = [await makeChatPerson(ctx, "Anna"), await makeChatPerson(ctx, "Ben")];
  await using bens = await connectSdk(server, ben, { name: "recvack ben" });
  for (let i = 1; i <= 5; i++) await say(ctx, ben, `${i}`, anna);
  await waitUntil("all of them", () => bens.messages.length === 5);
  await someLooks();
  clock.advance(31_000);
  await someLooks();
  assert.equal(bens.statuses.at(-1)!.status, 1, "everything was confirmed");
  await server[Symbol.asyncDispose]();
  const { deliveredSeq, ackedSeq, lastSeq } = await headOf(ctx, ben);
  assert.deepEqual({ deliveredSeq, ackedSeq, lastSeq }, {
    deliveredSeq: 5,
    ackedSeq: 0,
    lastSeq: 5,
  });
  const [listed] = await ctx.db.select().from(conversations)
    .where(eq(conversations.userId, ben.id));
  assert.equal(listed!.unreadCount, 5);
});

Deno.test("a message that is not confirmed ends the connection, and is not sent again", async () => {
  await using app = await startTestApp();
  const { ctx, clock } = app;
  await using server = startChatServer(app, LOOKS_OFTEN);
  const ben = await makeChatPerson(ctx, "Ben");
  const as = { uid: ben.uid, token: ben.webToken };
  await using first = await new RawWukong(server.url).connected(as);
  for (const content of ["one", "two"]) await say(ctx, ben, content);
  await waitUntil("both", () => first.received.length === 2);
  await first.confirm(first.received[1]!);
  clock.advance(29_000);
  await someLooks();
  assert.equal(first.closed, undefined, "there is still time");
  clock.advance(2_000);
  assert.deepEqual(await first.ended(), LOST);

  await using second = await new RawWukong(server.url).connected(as);
  clock.advance(31_000);
  await say(ctx, ben, "three");
  await waitUntil("the next", () => second.received.length === 1);
  await second.confirm(second.received[0]!);
  clock.advance(31_000);
  await someLooks();
  assert.deepEqual(second.received.map(({ messageSeq }) => messageSeq), [3]);
  assert.equal(second.closed, undefined);
  const kept = await readInbox(ctx, { userId: ben.id, afterSeq: 0, limit: 10 });
  assert.deepEqual(kept.map(({ seq }) => seq), [1, 2, 3]);
});

Deno.test("one that no client of a person confirms ends one connection, not each", async () => {
  await using app = await startTestApp();
  const { ctx, clock } = app;
  await using server = startChatServer(app, LOOKS_OFTEN);
  const ben = await makeChatPerson(ctx, "Ben");
  const as = { uid: ben.uid, token: ben.webToken };
  await using one = await new RawWukong(server.url).connected(as);
  await using other = await new RawWukong(server.url).connected(as);
  const clients = [one, other];
  await say(ctx, ben, "poison");
  await waitUntil("both", () => clients.every(({ received }) => received.length === 1));
  clock.advance(31_000);
  await waitUntil("one end", () => clients.some(({ closed }) => closed));
  await someLooks();
  const left = clients.filter(({ closed }) => !closed);
  assert.equal(left.length, 1);
  await say(ctx, ben, "fine");
  await waitUntil("the next", () => left[0]!.received.length === 2);
  await left[0]!.confirm(left[0]!.received[1]!);
  clock.advance(31_000);
  await someLooks();
  assert.equal(left[0]!.closed, undefined);
});

Deno.test("JSON-RPC clients that never confirm are left alone; who has once is held to it", async (t) => {
  await using app = await startTestApp();
  const { ctx, clock } = app;
  const server = startChatServer(app, LOOKS_OFTEN);
  const ben = await makeChatPerson(ctx, "Ben");
  await using client = await new RpcClient(server.url).opened();
  await client.connect({ uid: ben.uid, token: ben.webToken });
  const next = async (content: string) => {
    const before = client.received.length;
    await say(ctx, ben, content);
    await waitUntil("it", () => client.received.length === before + 1);
    const { messageId, messageSeq } = client.received.at(-1);
    return { messageId, messageSeq };
  };

  await t.step("never", async () => {
    const message = await next("one");
    clock.advance(31_000);
    await someLooks();
    assert.equal(client.closed, undefined);
    // The EasySDK asks and waits for an answer; by the book it is a notification, which has none.
    assert.deepEqual((await client.ask("recvack", message)).result, {});
    const second = await next("two");
    client.socket.send(JSON.stringify({ method: "recvack", params: second }));
    await client.ask("ping");
    assert.deepEqual(client.others, []);
  });

  await t.step("once", async () => {
    await next("three");
    clock.advance(31_000);
    assert.deepEqual(await client.ended(), LOST);
  });

  await server[Symbol.asyncDispose]();
  assert.equal((await headOf(ctx, ben)).deliveredSeq, 2);
});

Deno.test("all that is confirmed in a while is one write, and a mark never goes back", async () => {
  await using app = await startTestApp();
  const people = [await makeChatPerson(app.ctx), await makeChatPerson(app.ctx)];
  for (const person of people) for (let i = 0; i < 9; i++) await say(app.ctx, person, `${i}`);
  let statementCount = 0;
  const db = new Proxy(app.ctx.db, {
    get: (target, name) => {
      if (name === "execute") statementCount++;
      return Reflect.get(target, name, target);
    },
  });
  const marks = new DeliveredMarks({ ...app.ctx, db }, (error) => {
    throw error;
  });
  for (const { id } of people) for (const seq of [1, 2, 7, 5]) marks.move(id, seq);
  await marks.settle();
  assert.equal(statementCount, 1);
  await markDelivered(app.ctx, new Map([[people[0]!.id, 3], [people[1]!.id, 8]]));
  const heads = await Promise.all(people.map((person) => headOf(app.ctx, person)));
  assert.deepEqual(heads.map(({ deliveredSeq }) => deliveredSeq), [7, 8]);
});

Deno.test("the mark stops below what is missing, and goes on when that has come", () => {
  const unacked = new Unacked({ isExpected: true });
  for (const seq of [4, 5, 7]) unacked.sent({ messageId: 100 + seq, seq }, 1_000 * seq);
  assert.equal(unacked.confirm(105), 3);
  assert.equal(unacked.confirm(105), undefined);
  assert.equal(unacked.confirm(999), undefined);
  assert.deepEqual(unacked.sentBefore(3_999), []);
  assert.deepEqual(unacked.sentBefore(7_000), [104, 107]);
  assert.equal(unacked.confirm(104), 6);
  assert.equal(unacked.confirm(107), 7);
  assert.deepEqual(unacked.sentBefore(9_000), []);
});

Deno.test("a suspect is remembered by person and message, ten thousand of them", () => {
  const suspects = new Suspects();
  assert.deepEqual([suspects.add(1, 5), suspects.add(1, 5), suspects.add(2, 5)], [
    ...[true, false, true],
  ]);
  for (let id = 10; id < 10_009; id++) suspects.add(1, id);
  assert.equal(suspects.add(2, 5), false);
  assert.equal(suspects.add(1, 5), true, "the oldest is forgotten");
});

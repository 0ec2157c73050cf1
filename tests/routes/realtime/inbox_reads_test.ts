import assert from "node:assert/strict";
import { withTrips } from "../../../config/runtime/trips.ts";
import { sendMessage } from "../../../db/domain/messages/send.ts";
import { InboxReads } from "../../../routes/realtime/inbox_reads.ts";
import { RpcClient } from "../../clients/rpc.ts";
import { startTestApp } from "../../harness.ts";
import { makeGroup, makeUsers } from "../../people/factories.ts";
import { makeChatPerson, startChatServer } from "../../servers/chat.ts";
import { waitUntil } from "../../services/binary.ts";

const isKnown = { isKnown: true };
const payload = JSON.stringify({ type: 1, content: "hello" });
const said = { clientMsgNo: undefined, payload, redDot: true };

Deno.test("who hears of a message at the same time reads it by one statement", async () => {
  await using app = await startTestApp();
  const { ctx } = app;
  const people = await makeUsers(ctx, 30);
  const group = await makeGroup(ctx, people);
  const channel = { type: 2, groupId: group.id } as const;
  await sendMessage(ctx, { ...said, senderId: people[0]!.id, channel });
  const reads = new InboxReads(ctx);
  await withTrips(async (trips) => {
    const pages = await Promise.all(
      people.map(({ id }) => reads.news({ userId: id, afterSeq: 0 }, isKnown)),
    );
    assert.ok(
      pages.every((page) => page.messages.length === 1 && page.messages[0]!.payload === payload),
    );
    assert.equal(trips.sql.count, 1);
  });
});

Deno.test("a reading that fails fails for all who share it, and the next one is another", async () => {
  await using app = await startTestApp();
  const { ctx } = app;
  const [person] = await makeUsers(ctx, 1);
  const db = Object.create(ctx.db, { execute: { value: () => Promise.reject(new Error("away")) } });
  const broken = { ...ctx, db };
  const reads = new InboxReads(broken);
  const reader = { userId: person!.id, afterSeq: 0 };
  const outcomes = await Promise.allSettled([
    reads.news(reader, isKnown),
    reads.news(reader, isKnown),
  ]);
  assert.deepEqual(outcomes.map(({ status }) => status), ["rejected", "rejected"]);
  broken.db = ctx.db;
  assert.deepEqual((await reads.news(reader, isKnown)).messages, []);
});

Deno.test("what is more than one shared page comes all the same, in order", async () => {
  await using app = await startTestApp();
  const { ctx } = app;
  const server = startChatServer(app);
  const [anna, ben] = [await makeChatPerson(ctx, "Anna"), await makeChatPerson(ctx, "Ben")];
  await using bens = await new RpcClient(server.url).opened();
  await bens.connect(ben);
  const channel = { type: 1, userId: ben.id } as const;
  const sendings = Array.from(
    { length: 70 },
    () => sendMessage(ctx, { ...said, senderId: anna.id, channel }),
  );
  await Promise.all(sendings);
  await waitUntil("all of them", () => bens.received.length === 70, 10_000);
  assert.deepEqual(
    bens.received.map(({ messageSeq }) => messageSeq),
    Array.from({ length: 70 }, (_, at) => at + 1),
  );
  await server[Symbol.asyncDispose]();
});

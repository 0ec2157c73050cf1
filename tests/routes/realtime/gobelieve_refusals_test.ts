import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { readInbox } from "../../../db/domain/messages/read_inbox.ts";
import { REPEAT_MS } from "../../../db/domain/messages/sync_rules.ts";
import { blocks } from "../../../db/schema/blocks.ts";
import { Cmd, GobelieveClient, saidParts } from "../../clients/gobelieve.ts";
import { startTestApp } from "../../harness.ts";
import { makeGroup, makeUsers } from "../../people/factories.ts";
import { makeChatPerson, startChatServer } from "../../servers/chat.ts";
import { waitUntil } from "../../services/binary.ts";
import { follow, makePeople, post } from "./gobelieve_people.ts";

Deno.test("messages that are none of the sender's, or of nobody, go nowhere", async (t) => {
  await using app = await startTestApp({ env: { RATE_FACTOR: "0.5" } });
  await using server = startChatServer(app);
  const { partner, tokens, idOf } = await makePeople(app, 3);
  const { appId } = partner;
  await using anna = await follow(server, tokens[1]!);
  await using ben = await follow(server, tokens[2]!);
  const status = async (seq: number) => (await anna.acked(seq)).status;
  const messageCount = async () =>
    (await app.ctx.db.execute(sql`select from messages`)).rows.length;

  await t.step("in another's name: ignored, without a word", async () => {
    const words = { sender: 2, receiver: 3, content: "not I" };
    const heard = anna.frames.length;
    anna.say(Cmd.im, words);
    anna.say(Cmd.groupIm, words);
    anna.send(Cmd.rt, [[64, 2], [64, 3], "x"]);
    anna.send(Cmd.enterRoom, [[64, 5]]);
    anna.send(Cmd.roomIm, [[64, 2], [64, 5], "x"]);
    anna.send(Cmd.customer, [[64, appId], [64, 2], [64, appId], [64, 3], [32, 1], "x"]);
    anna.send(Cmd.customer, [[64, appId + 1], [64, 1], [64, appId], [64, 3], [32, 1], "x"]);
    await anna.settled();
    assert.deepEqual(anna.frames.slice(heard).map(({ cmd }) => cmd), [Cmd.pong]);
    assert.equal(await messageCount(), 0);
  });

  await t.step("to people who are not there: nobody is made for being named", async () => {
    const before = (await app.ctx.db.execute(sql`select from users`)).rows.length;
    const house = await makeChatPerson(app.ctx, "House");
    for (const receiver of [99, house.id]) {
      const seq = anna.say(Cmd.im, { sender: 1, receiver, content: "anybody?" });
      assert.equal(await status(seq), 1);
    }
    const parts: [64, number][] = [[64, appId], [64, 1], [64, appId + 1], [64, 2]];
    const seq = anna.send(Cmd.customer, [...parts, [32, 1], "anybody?"]);
    assert.equal(await status(seq), 1);
    assert.equal((await app.ctx.db.execute(sql`select from users`)).rows.length, before + 1);
    assert.equal(await messageCount(), 0);
  });

  await t.step("to who does not want them", async () => {
    await app.ctx.db.insert(blocks).values({
      userId: idOf(3),
      blockedId: idOf(1),
      createdAt: new Date(),
    });
    assert.equal(await status(anna.say(Cmd.im, { sender: 1, receiver: 3, content: "hi" })), 3);
  });

  await t.step("too long, or no text", async () => {
    const content = "长".repeat(10_923);
    assert.equal(await status(anna.say(Cmd.im, { sender: 1, receiver: 2, content })), 255);
    const parts = saidParts({ sender: 1, receiver: 2, content: "" });
    assert.equal(await status(anna.send(Cmd.im, [...parts, [8, 0xff]])), 255);
  });

  await t.step("many at once are none: they wait", async () => {
    const seqs = Array.from(
      { length: 80 },
      (_, at) => anna.say(Cmd.im, { sender: 1, receiver: 2, content: `${at}` }),
    );
    for (const seq of seqs) assert.equal(await status(seq), 0);
    assert.equal(await messageCount(), 80);
    await waitUntil("the others", () => ben.shown.length === 80);
    assert.deepEqual(ben.shown.map(({ content }) => content), seqs.map((_, at) => `${at}`));
  });

  await t.step("an old client, which takes any ACK for success, gets none", async () => {
    await using old = new GobelieveClient(server.url, { version: 1 });
    await old.auth({ token: tokens[3]! });
    const refused = old.say(Cmd.im, { sender: 3, receiver: 99, content: "x" });
    const taken = old.say(Cmd.im, { sender: 3, receiver: 2, content: "x" });
    assert.equal((await old.acked(taken)).status, undefined);
    assert.ok(old.of(Cmd.ack).every(({ acknowledged }) => acknowledged !== refused));
  });
});

Deno.test("a message sent again is the same; a number used again later is another", async () => {
  await using app = await startTestApp();
  await using server = startChatServer(app);
  // The repeat falls into the next of the minutes of which numbers are made.
  app.clock.advance(REPEAT_MS - app.clock.now().getTime() % REPEAT_MS + 45_000);
  const { partner, tokens, idOf } = await makePeople(app, 3);
  const group = await makeGroup(app.ctx, [{ id: idOf(1) }, { id: idOf(2) }], {
    appId: partner.appId,
  });
  const kept = async () =>
    (await readInbox(app.ctx, { userId: idOf(2), afterSeq: 0, limit: 100 })).length;
  await using first = await follow(server, tokens[1]!);
  await using second = await follow(server, tokens[1]!, { deviceId: "another device" });
  const say = async (client: GobelieveClient, over = {}, cmd: 4 | 8 = Cmd.im) => {
    const words = { sender: 1, receiver: 2, content: "hi", msgLocalId: 7, ...over };
    assert.equal((await client.tell(cmd, words)).status, 0);
    return await kept();
  };
  assert.equal(await say(first), 1);
  assert.equal(await say(first), 1, "again");
  await using later = await follow(server, tokens[1]!);
  assert.equal(await say(later), 1, "again, on a new connection");
  app.clock.advance(30_000);
  assert.equal(await say(first), 1, "again, within the minute");
  assert.equal(await say(first, { content: "ho" }), 2, "other words");
  assert.equal(await say(first, { msgLocalId: 8 }), 3, "another number");
  assert.equal(await say(second), 4, "another device");
  assert.equal(await say(first, { receiver: group.id }, Cmd.groupIm), 5, "another receiver");
  assert.equal(await say(first, { msgLocalId: 0 }), 6);
  assert.equal(await say(first, { msgLocalId: 0 }), 7, "no number is no repeat");
  app.clock.advance(31_000);
  assert.equal(await say(first), 8, "after a minute");
  assert.equal(await say(first, { receiver: 3 }), 8);
  await waitUntil("hers", () => second.shown.some(({ receiver }) => receiver === 3));
});

Deno.test("apps cannot reach each other, nor the house, by any frame", async () => {
  await using app = await startTestApp();
  await using server = startChatServer(app);
  const [ours, theirs] = [await makePeople(app, 2), await makePeople(app, 2)];
  const house = await makeUsers(app.ctx, 2);
  const groups = [
    await makeGroup(app.ctx, [{ id: theirs.idOf(1) }, { id: theirs.idOf(2) }], {
      appId: theirs.partner.appId,
    }),
    await makeGroup(app.ctx, [{ id: theirs.idOf(1) }, { id: theirs.idOf(2) }], {
      appId: theirs.partner.appId,
      isSuper: true,
    }),
    await makeGroup(app.ctx, house),
  ];
  await using anna = await follow(server, ours.tokens[1]!);
  await using ben = await follow(server, ours.tokens[2]!);
  await using stranger = await follow(server, theirs.tokens[2]!);
  stranger.send(Cmd.enterRoom, [[64, 7]]);
  await post(app, theirs.partner, "/messages/groups", {
    sender: 1,
    receiver: groups[1]!.id,
    content: "secret",
  });
  await stranger.settled();
  const strangers = stranger.frames.length;

  // The same number in another app is another person.
  assert.equal((await anna.tell(Cmd.im, { sender: 1, receiver: 2, content: "hi" })).status, 0);
  await waitUntil("it", () => ben.shown.length === 1);
  for (const { id } of groups) {
    const words = { sender: 1, receiver: id, content: "hi" };
    assert.equal((await anna.tell(Cmd.groupIm, words)).status, 65);
    anna.send(Cmd.syncGroup, [[64, id], [64, 0]]);
    anna.send(Cmd.syncGroup, [[64, id], [64, 1]]);
    anna.send(Cmd.groupSyncKey, [[64, id], [64, 1]]);
  }
  for (const { id } of house) {
    assert.equal((await anna.tell(Cmd.im, { sender: 1, receiver: id, content: "hi" })).status, 1);
  }
  anna.send(Cmd.enterRoom, [[64, 7]]);
  assert.equal((await anna.acked(anna.send(Cmd.roomIm, [[64, 1], [64, 7], "hi"]))).status, 0);
  anna.send(Cmd.rt, [[64, 1], [64, 2], "x"]);
  await ben.next(({ cmd }) => cmd === Cmd.rt);
  await anna.settled();
  await stranger.settled();
  assert.equal(anna.of(Cmd.syncGroupBegin).length, 0);
  assert.deepEqual(stranger.frames.slice(strangers).map(({ cmd }) => cmd), [Cmd.pong]);
});

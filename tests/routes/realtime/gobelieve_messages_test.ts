import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import type { Bus } from "../../../db/bus/bus.ts";
import { readInbox } from "../../../db/domain/messages/read_inbox.ts";
import { inboxHeads } from "../../../db/schema/messages.ts";
import { Cmd, GobelieveClient } from "../../clients/gobelieve.ts";
import { startTestApp } from "../../harness.ts";
import { startChatServer } from "../../servers/chat.ts";
import { waitUntil } from "../../services/binary.ts";
import { contentsOf, follow, makePeople, post } from "./gobelieve_people.ts";

const PUSH = 16, SELF = 8;

Deno.test("messages between two people go both ways, pushed and pulled", async (t) => {
  await using app = await startTestApp();
  await using server = startChatServer(app);
  const { tokens, idOf } = await makePeople(app, 2);
  await using anna = await follow(server, tokens[1]!);
  await using ben = await follow(server, tokens[2]!);

  await t.step("the first is pulled: a client without a key takes no push", async () => {
    const before = Math.floor(Date.now() / 1000);
    const ack = await anna.tell(Cmd.im, { sender: 1, receiver: 2, content: "你好 😀" });
    assert.equal(ack.status, 0);
    await waitUntil("it", () => ben.shown.length === 1);
    const [message] = ben.shown;
    assert.deepEqual(
      [message!.cmd, message!.flag, message!.sender, message!.receiver, message!.msgLocalId],
      [Cmd.im, 0, 1, 2, 0],
    );
    assert.equal(message!.content, "你好 😀");
    assert.ok(message!.timestamp! >= before && message!.timestamp! <= before + 60);
    const begin = ben.frames.filter(({ cmd }) => cmd === Cmd.syncBegin);
    assert.deepEqual(begin.map(({ key }) => key), [0, 0]);
    await waitUntil("the key", () => ben.key === 1);
  });

  await t.step(
    "the next is pushed: its key and the one before, itself, the newest key",
    async () => {
      const heard = ben.frames.length;
      await anna.tell(Cmd.im, { sender: 1, receiver: 2, content: "pushed" });
      await waitUntil("it", () => ben.frames.length >= heard + 3);
      const [metadata, message, notify] = ben.frames.slice(heard);
      assert.deepEqual(
        [metadata!.cmd, metadata!.key, metadata!.previousKey],
        [Cmd.metadata, 2, 1],
      );
      assert.deepEqual(
        [message!.cmd, message!.flag, message!.content, message!.seq],
        [Cmd.im, PUSH, "pushed", metadata!.seq + 1],
      );
      assert.deepEqual([notify!.cmd, notify!.key], [Cmd.syncNotify, 2]);
      await ben.settled();
      assert.equal(ben.key, 2);
      assert.equal(ben.of(Cmd.sync).length, 0);
    },
  );

  await t.step(
    "one's own come back to other devices only, the key moves on by the ACK",
    async () => {
      await anna.sync();
      const { key } = anna;
      await using phone = await follow(server, tokens[1]!, { key, deviceId: "her phone" });
      const ack = await anna.tell(Cmd.im, {
        sender: 1,
        receiver: 2,
        content: "own",
        msgLocalId: 9,
      });
      const metadata = anna.frames[anna.frames.indexOf(ack) - 1]!;
      assert.deepEqual(
        [metadata.cmd, metadata.key, metadata.previousKey],
        [Cmd.metadata, key + 1, key],
      );
      assert.equal(anna.key, key + 1);
      await waitUntil("it", () => phone.shown.length === 1);
      const [copy] = phone.shown;
      assert.deepEqual([copy!.sender, copy!.receiver, copy!.flag], [1, 2, PUSH]);
      await anna.settled();
      assert.ok(anna.shown.every(({ content, flag }) => content !== "own" && !(flag & PUSH)));
    },
  );

  await t.step("a key the client lost brings its own back, marked as such", async () => {
    await using again = await follow(server, tokens[1]!, { key: 1, deviceId: "a device" });
    const own = again.shown.find(({ content }) => content === "own")!;
    assert.deepEqual([own.flag, own.msgLocalId], [SELF, 9]);
    await using other = await follow(server, tokens[1]!, { key: 1, deviceId: "her phone" });
    const theirs = other.shown.find(({ content }) => content === "own")!;
    assert.deepEqual([theirs.flag, theirs.msgLocalId], [0, 0]);
  });

  await t.step("many are pushed in order, each on the one before", async () => {
    await ben.settled();
    const heard = ben.frames.length;
    const before = ben.shown.length;
    const expected = Array.from({ length: 250 }, (_, at) => `${at}`);
    for (const content of expected) anna.say(Cmd.im, { sender: 1, receiver: 2, content });
    await waitUntil("all", () => ben.shown.length >= before + 250, 20_000);
    assert.deepEqual(contentsOf(ben.shown.slice(before)), expected);
    const chain = ben.frames.slice(heard).filter(({ cmd }) => cmd === Cmd.metadata);
    for (const [at, { key, previousKey }] of chain.entries()) {
      assert.equal(key, previousKey! + 1);
      if (at > 0) assert.equal(previousKey, chain[at - 1]!.key);
    }
    assert.equal(chain.length, 250);
    assert.equal(ben.frames.slice(heard).filter(({ cmd }) => cmd === Cmd.syncBegin).length, 0);
  });

  await t.step("what was said is what any other client of theirs would read", async () => {
    const kept = await readInbox(app.ctx, { userId: idOf(2), afterSeq: 0, limit: 3 });
    assert.deepEqual(kept.map(({ payload }) => JSON.parse(payload)), [
      ...[{ type: 1, content: "你好 😀" }, { type: 1, content: "pushed" }],
      ...[{ type: 1, content: "own" }],
    ]);
  });
});

Deno.test("news that nobody told of comes before one's own ACK, once", async () => {
  // With a bus that tells nobody anything only the client's own frames make the server look.
  const bus: Bus = { publish() {}, subscribe: () => () => {}, close: () => Promise.resolve() };
  await using app = await startTestApp({ bus });
  await using server = startChatServer(app);
  const { partner, tokens } = await makePeople(app, 2);
  const told = (content: string) =>
    post(app, partner, "/messages/systems", { receiver: 1, content });
  await told("first");
  await using anna = await follow(server, tokens[1]!);
  const heardAfter = async (work: () => Promise<unknown>) => {
    const heard = anna.frames.length;
    await work();
    await anna.settled();
    return anna.frames.slice(heard, -1).map(({ cmd, key, previousKey, content }) => [
      ...[cmd, content ?? key, ...previousKey === undefined ? [] : [previousKey]],
    ]);
  };
  const say = () => anna.tell(Cmd.im, { sender: 1, receiver: 2, content: "own" });

  for (const content of ["a", "b"]) await told(content);
  assert.deepEqual(await heardAfter(say), [
    ...[[Cmd.metadata, 2, 1], [Cmd.system, "a"], [Cmd.syncNotify, 2]],
    ...[[Cmd.metadata, 3, 2], [Cmd.system, "b"], [Cmd.syncNotify, 3]],
    ...[[Cmd.metadata, 4, 3], [Cmd.ack, undefined]],
  ]);
  await told("c");
  assert.deepEqual(await heardAfter(() => anna.sync()), [
    ...[[Cmd.syncBegin, 4], [Cmd.system, "c"], [Cmd.syncEnd, 5]],
  ]);
  assert.deepEqual(await heardAfter(say), [[Cmd.metadata, 6, 5], [Cmd.ack, undefined]]);
  assert.deepEqual(contentsOf(anna.shown), ["first", "a", "b", "c"]);
  assert.equal(anna.key, 6);
});

Deno.test("what lies before one's own message comes before its ACK, on one chain", async () => {
  await using app = await startTestApp();
  await using server = startChatServer(app);
  const { partner, tokens } = await makePeople(app, 2);
  await post(app, partner, "/messages/systems", { receiver: 1, content: "first" });
  await using anna = await follow(server, tokens[1]!);
  assert.equal(anna.key, 1);
  for (let round = 0; round < 30; round++) {
    const theirs = post(app, partner, "/messages/systems", { receiver: 1, content: `${round}` });
    anna.say(Cmd.im, { sender: 1, receiver: 2, content: `own ${round}` });
    await theirs;
  }
  await waitUntil("all ACKs", () => anna.of(Cmd.ack).length === 30, 10_000);
  await waitUntil("all news", () => anna.shown.length >= 31);
  await anna.settled();
  const keys = anna.of(Cmd.metadata).map(({ key, previousKey }) => [key, previousKey]);
  assert.deepEqual(keys, Array.from({ length: 60 }, (_, at) => [at + 2, at + 1]));
  assert.equal(anna.key, 61);
  assert.deepEqual(
    contentsOf(anna.shown),
    ["first", ...Array.from({ length: 30 }, (_, at) => `${at}`)],
  );
});

Deno.test("who was away pulls exactly what was missed, from a key or from the server's", async (t) => {
  await using app = await startTestApp();
  await using server = startChatServer(app);
  const { partner, tokens, idOf } = await makePeople(app, 2);
  const say = (content: string) =>
    post(app, partner, "/messages/peers", { sender: 2, receiver: 1, content });
  for (let i = 1; i <= 5; i++) await say(`${i}`);

  await t.step("begin, the messages, end", async () => {
    await using client = new GobelieveClient(server.url);
    await client.auth({ token: tokens[1]! });
    client.send(Cmd.sync, [[64, 2]]);
    await client.settled();
    assert.deepEqual(client.frames.slice(1).map(({ cmd, key, content }) => [cmd, key ?? content]), [
      ...[[Cmd.syncBegin, 2], [Cmd.im, "3"], [Cmd.im, "4"], [Cmd.im, "5"], [Cmd.syncEnd, 5]],
      [Cmd.pong, undefined],
    ]);
    assert.ok(client.of(Cmd.im).every(({ flag }) => flag === 0));
  });

  await t.step("the stored key moves by SYNC_KEY, and never back", async () => {
    const storedKey = async () => {
      const rows = await app.ctx.db.select().from(inboxHeads)
        .where(sql`${inboxHeads.userId} = ${idOf(1)}`);
      return rows[0]!.ackedSeq;
    };
    await using client = new GobelieveClient(server.url);
    await client.auth({ token: tokens[1]! });
    for (const [sent, kept] of [[3, 3], [2, 3], [4, 4], [2 ** 53 - 1, 5]] as const) {
      client.send(Cmd.syncKey, [[64, sent]]);
      await client.settled();
      assert.equal(await storedKey(), kept);
    }
    await say("6");
    await using again = await follow(server, tokens[1]!);
    assert.deepEqual(contentsOf(again.shown), ["6"]);
    assert.deepEqual(again.of(Cmd.syncBegin).map(({ key }) => key), [5]);
    await again.settled();
    assert.equal(await storedKey(), 6);
  });

  await t.step("a pull that finds nothing says so, whatever the key", async () => {
    await using client = new GobelieveClient(server.url);
    await client.auth({ token: tokens[1]! });
    for (const key of [6, 1_000_000]) {
      client.send(Cmd.sync, [[64, key]]);
      await client.settled();
      assert.deepEqual(client.frames.slice(-3, -1).map(({ cmd, key }) => [cmd, key]), [
        ...[[Cmd.syncBegin, key], [Cmd.syncEnd, key]],
      ]);
    }
    await say("7");
    await client.next(({ content }) => content === "7");
  });

  await t.step("what was thrown away or taken back is not among it", async () => {
    await app.ctx.db.execute(sql`
      update inbox set deleted_at = now() where user_id = ${idOf(1)} and seq = 2`);
    await app.ctx.db.execute(sql`
      update messages set revoked_at = now() where id = (select message_id from inbox
        where user_id = ${idOf(1)} and seq = 4)`);
    await using client = await follow(server, tokens[1]!, { key: 1 });
    assert.deepEqual(contentsOf(client.shown), ["3", "5", "6", "7"]);
  });
});

Deno.test("a long absence is pulled in steps, to its end", async () => {
  await using app = await startTestApp();
  await using server = startChatServer(app);
  const { tokens, idOf } = await makePeople(app, 1);
  const count = 5_250;
  await app.ctx.db.execute(sql`
    with said as (
      insert into messages (channel_type, receiver_id, payload, red_dot, created_at)
      select 1, ${idOf(1)}, '{"type":1,"content":"' || place || '"}', true, now()
      from generate_series(1, ${count}) as place returning id
    ), boxed as (
      insert into inbox (user_id, seq, message_id, channel_type, channel_id)
      select ${idOf(1)}, row_number() over (order by id), id, 1, 0 from said
    )
    insert into inbox_heads (user_id, last_seq) values (${idOf(1)}, ${count})`);
  await using client = await follow(server, tokens[1]!);
  await waitUntil("all of it", () => client.shown.length >= count, 20_000);
  assert.deepEqual(contentsOf(client.shown), Array.from({ length: count }, (_, at) => `${at + 1}`));
  assert.deepEqual(client.of(Cmd.syncEnd).map(({ key }) => key), [5_000, count]);
});

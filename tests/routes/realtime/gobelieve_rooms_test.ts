import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { Cmd, GobelieveClient } from "../../clients/gobelieve.ts";
import { askPartner, grantToken, makeApp } from "../../clients/partner.ts";
import { startTestApp } from "../../harness.ts";
import { startChatServer } from "../../servers/chat.ts";

const ROOM = 77;

Deno.test("a chat room is whoever is in it now", async (t) => {
  await using app = await startTestApp({ env: { RATE_FACTOR: "0.5" } });
  await using server = startChatServer(app);
  const partner = await makeApp(app.ctx);
  const open = async (uid: number, room?: number) => {
    const client = new GobelieveClient(server.url);
    assert.equal(await client.auth({ token: await grantToken(app, partner, { uid }) }), 0);
    if (room !== undefined) client.send(Cmd.enterRoom, [[64, room]]);
    await client.settled();
    return client;
  };
  await using anna = await open(1, ROOM);
  await using annas = await open(1, ROOM);
  await using ben = await open(2, ROOM);
  await using cleo = await open(3, ROOM + 1);
  const say = async (client: GobelieveClient, sender: number, content: string, room = ROOM) =>
    (await client.acked(client.send(Cmd.roomIm, [[64, sender], [64, room], content]))).status;
  const heardBy = (client: GobelieveClient) =>
    client.of(Cmd.roomIm).map(({ sender, receiver, content }) => [sender, receiver, content]);

  await t.step("all others in it hear it, and nothing is kept", async () => {
    assert.equal(await say(anna, 1, "大家好"), 0);
    await ben.next(({ cmd }) => cmd === Cmd.roomIm);
    await annas.next(({ cmd }) => cmd === Cmd.roomIm);
    assert.deepEqual(heardBy(ben), [[1, ROOM, "大家好"]]);
    assert.deepEqual(heardBy(annas), [[1, ROOM, "大家好"]]);
    for (const client of [anna, cleo]) {
      await client.settled();
      assert.deepEqual(heardBy(client), []);
    }
    assert.equal((await app.ctx.db.execute(sql`select from messages`)).rows.length, 0);
  });

  await t.step("the partner's server is heard like anybody", async () => {
    const body = { sender: 9, receiver: ROOM, content: "公告" };
    await askPartner(app, "POST /messages/rooms", { basic: partner.basic, body });
    for (const client of [anna, annas, ben]) {
      await client.next(({ cmd, content }) => cmd === Cmd.roomIm && content === "公告");
    }
    assert.deepEqual(heardBy(anna), [[9, ROOM, "公告"]]);
  });

  await t.step("another app's room of that number is another", async () => {
    const other = await makeApp(app.ctx);
    const body = { sender: 9, receiver: ROOM, content: "elsewhere" };
    await askPartner(app, "POST /messages/rooms", { basic: other.basic, body });
    await ben.settled();
    assert.equal(heardBy(ben).length, 2);
  });

  await t.step("who is not in it, or says too much, is told so", async () => {
    assert.equal(await say(cleo, 3, "may I?"), 64);
    assert.equal(await say(ben, 2, "长".repeat(10_923)), 255);
    ben.send(Cmd.leaveRoom, [[64, ROOM]]);
    assert.equal(await say(ben, 2, "and now?"), 64);
    assert.equal(await say(anna, 1, "without ben"), 0);
    await annas.next(({ content }) => content === "without ben");
    await ben.settled();
    assert.equal(heardBy(ben).length, 2);
  });

  await t.step("whom the partner's server has muted nobody hears, until it ends that", async () => {
    const set = (uid: number, body: unknown) =>
      askPartner(app, "POST /users/{uid}", { basic: partner.basic, params: { uid }, body });
    ben.send(Cmd.enterRoom, [[64, ROOM]]);
    assert.equal(await say(ben, 2, "before"), 0);
    await set(2, { forbidden: 1, name: "Ben" });
    assert.equal(await say(ben, 2, "not this"), 255);
    assert.equal(await say(anna, 1, "others go on"), 0);
    const body = { sender: 2, receiver: ROOM, content: "in his name" };
    await askPartner(app, "POST /messages/rooms", { basic: partner.basic, body });
    await set(2, { mute: true });
    assert.equal(await say(ben, 2, "nor this"), 255);
    await set(2, { forbidden: "0" });
    assert.equal(await say(ben, 2, "after"), 0);
    await anna.next(({ content }) => content === "after");
    assert.deepEqual(heardBy(anna).slice(-3).map(([, , content]) => content), [
      ...["before", "in his name", "after"],
    ]);
  });

  await t.step("too many in a second wait", async () => {
    const startedAtMs = performance.now();
    const seqs = Array.from(
      { length: 80 },
      () => cleo.send(Cmd.roomIm, [[64, 3], [64, ROOM + 1], "x"]),
    );
    for (const seq of seqs) assert.equal((await cleo.acked(seq)).status, 0);
    assert.ok(performance.now() - startedAtMs > 500);
  });

  await t.step("one more than somebody may be in leaves the first", async () => {
    await using dan = await open(4);
    for (let room = 1; room <= 16; room++) dan.send(Cmd.enterRoom, [[64, room]]);
    dan.send(Cmd.enterRoom, [[64, 1]]);
    dan.send(Cmd.enterRoom, [[64, 17]]);
    await dan.settled();
    const rooms = [1, 2, 3, 17];
    for (const receiver of rooms) {
      const body = { sender: 9, receiver, content: `${receiver}` };
      await askPartner(app, "POST /messages/rooms", { basic: partner.basic, body });
    }
    await dan.next(({ content }) => content === "17");
    assert.deepEqual(heardBy(dan).map(([, room]) => room), [1, 3, 17]);
  });
});

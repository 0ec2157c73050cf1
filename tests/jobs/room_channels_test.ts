import { eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { createRoom } from "../../db/domain/rooms/create_room.ts";
import { joinRoom } from "../../db/domain/rooms/join_room.ts";
import { readSharedRoom } from "../../db/domain/rooms/reads.ts";
import { shareRoom } from "../../db/domain/rooms/share_room.ts";
import { rooms } from "../../db/schema/rooms.ts";
import { runDue } from "../../jobs/run.ts";
import { jobs } from "../../jobs/schedule.ts";
import type { Rtc } from "../../providers/rtc.ts";
import { startTestApp } from "../harness.ts";
import { makeUsers } from "../people/factories.ts";
import { jobDepsOf } from "./kit.ts";

const MINUTE_MS = 60_000;
const buildToken = () => Promise.resolve("token");

Deno.test("the settle job asks who is still talking in rooms whose people are silent", async (t) => {
  await using app = await startTestApp();
  const { ctx, clock } = app;
  let asked: string[] = [];
  let answer: Rtc["countUsers"];
  const rtc: Rtc = {
    buildToken,
    countUsers(channel) {
      asked.push(channel);
      return answer!(channel);
    },
  };
  const settle = async () => {
    asked = [];
    clock.advance(MINUTE_MS);
    const job = jobs.find(({ name }) => name === "settle")!;
    const [state] = await runDue(job, jobDepsOf(app, { providers: { ...app.providers, rtc } }));
    assert.equal(state!.state, "done");
    return asked;
  };
  const people = await makeUsers(ctx, 4);
  const [host, guest, other, late] = people.map(({ id }) => id) as [number, number, number, number];
  const open = async (userId: number) =>
    (await createRoom(ctx, { userId, name: "A", clubId: undefined, inviteOnly: false })).roomId;
  const roomId = await open(host);
  const enter = (userId: number) => joinRoom(ctx, { roomId, userId, buildToken });
  const shareId = await shareRoom(ctx, { roomId, userId: host });
  const inside = async () => (await readSharedRoom(ctx, { shareId })).memberTotal;
  await enter(guest);

  await t.step("not while they were heard of within two minutes", async () => {
    answer = () => Promise.resolve(undefined);
    assert.deepEqual(await settle(), []);
    assert.equal(await inside(), 2);
  });

  await t.step("as many as the room has keep all of them, past half an hour", async () => {
    answer = () => Promise.resolve(2);
    for (let count = 0; count < 4; count++) {
      clock.advance(11 * MINUTE_MS);
      assert.deepEqual(await settle(), [roomId]);
      assert.deepEqual(await settle(), [], "they have just been heard of");
    }
    assert.equal(await inside(), 2);
  });

  await t.step("fewer, or no answer, change nothing, and half an hour is the end", async () => {
    clock.advance(5 * MINUTE_MS);
    answer = () => Promise.resolve(1);
    await settle();
    assert.equal(await inside(), 2);
    for (let count = 0; count < 3; count++) {
      clock.advance(2 * MINUTE_MS);
      answer = () => Promise.reject(new Error("away"));
      assert.deepEqual(await settle(), [roomId]);
      assert.equal(await inside(), 2);
    }
    clock.advance(16 * MINUTE_MS);
    await settle();
    assert.equal(await inside(), 0);
    assert.deepEqual(await settle(), [], "nobody is in it");
  });

  await t.step(
    "a channel that is not there empties the room, but for who has just entered",
    async () => {
      for (const userId of [host, guest, other]) await enter(userId);
      clock.advance(3 * MINUTE_MS);
      await enter(late);
      // Who takes a token again has lost the channel and is on the way back to it.
      await enter(host);
      answer = () => Promise.resolve(undefined);
      await settle();
      assert.equal(await inside(), 2);
      const [room] = await app.database.db.select().from(rooms).where(eq(rooms.id, roomId));
      assert.equal(room!.closedAt, null);
    },
  );

  await t.step("one that does not answer in time keeps nobody waiting for long", async () => {
    clock.advance(3 * MINUTE_MS);
    answer = () => new Promise(() => {});
    assert.deepEqual(await settle(), [roomId]);
    assert.equal(await inside(), 2);
  });
});

import assert from "node:assert/strict";
import { withTrips } from "../../config/runtime/trips.ts";
import { sendMessage } from "../../db/domain/messages/send.ts";
import { sendMoment } from "../../db/domain/messages/send_moment.ts";
import { startTestApp } from "../harness.ts";
import { makeGroup, makeUsers } from "../people/factories.ts";

Deno.test("a channel may be named as clients name it, at no further trip", async () => {
  await using app = await startTestApp();
  const { ctx } = app;
  const [anna, ben] = await makeUsers(ctx, 2);
  const small = await makeGroup(ctx, [anna!, ben!]);
  const large = await makeGroup(ctx, [anna!, ben!], { isSuper: true });
  const channels = [
    { channel: { type: 1, uid: ben!.uid } as const, trips: 1, loggedIn: undefined },
    { channel: { type: 2, groupNo: small.groupNo } as const, trips: 1, loggedIn: undefined },
    { channel: { type: 2, groupNo: large.groupNo } as const, trips: 2, loggedIn: large.id },
  ];
  const said = { payload: '{"type":1}', redDot: true, syncOnce: false };
  for (const { channel, trips: tripCount, loggedIn } of channels) {
    await withTrips(async (trips) => {
      const input = { ...said, senderId: anna!.id, channel, clientMsgNo: undefined };
      const accepted = await sendMessage(ctx, input);
      assert.equal(accepted.loggedInGroup, loggedIn);
      assert.ok(accepted.senderSeq > 0);
      assert.equal(trips.sql.count, tripCount);
    });
    await withTrips(async (trips) => {
      const input = { ...said, senderId: anna!.id, channel, clientMsgNo: "", fromSocket: "" };
      assert.ok((await sendMoment(ctx, input)).messageId > 2 ** 40);
      assert.equal(trips.sql.count, 1);
    });
  }
});

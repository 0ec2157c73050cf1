import assert from "node:assert/strict";
import { deleteFinished } from "../../db/domain/jobs/delete_finished.ts";
import { deleteStale } from "../../db/domain/jobs/delete_stale.ts";
import { pendingWork } from "../../db/schema/jobs.ts";
import { operators, revokedTokens } from "../../db/schema/operators.ts";
import { redPackets, redPacketShares } from "../../db/schema/red_packets.ts";
import { payTokens } from "../../db/schema/wallets.ts";
import { startTestApp } from "../harness.ts";
import { makeUser } from "../people/factories.ts";

const HOUR_MS = 60 * 60 * 1000;

Deno.test("what is over goes, what may still be asked for stays; twice is once", async () => {
  await using app = await startTestApp();
  const { ctx } = app;
  const now = ctx.now();
  const at = (hours: number) => new Date(now.getTime() + hours * HOUR_MS);
  const { id: userId } = await makeUser(ctx);
  const [operator] = await ctx.db.insert(operators)
    .values({ name: "o", role: "admin", createdAt: now }).returning();
  await ctx.db.insert(payTokens).values([-25, -23].map((hours) => ({
    tokenHash: `${hours}`,
    userId,
    item: "transfer" as const,
    amount: 1,
    expiresAt: at(hours),
  })));
  await ctx.db.insert(revokedTokens).values([-1, 1].map((hours) => ({
    jti: `${hours}`,
    operatorId: operator!.id,
    revokedAt: now,
    expiresAt: at(hours),
  })));
  for (const [hours, state] of [[-25, "unpaid"], [-23, "unpaid"], [-25, "finished"]] as const) {
    const isFinished = state === "finished";
    const [packet] = await ctx.db.insert(redPackets).values({
      redpacketNo: `${state}${hours}`,
      senderId: userId,
      receiverId: userId,
      type: 1,
      amount: 1,
      shareCount: 1,
      openedCount: Number(isFinished),
      blessing: "",
      state,
      openedAmount: Number(isFinished),
      createdAt: at(hours),
      expiresAt: at(hours),
    }).returning();
    const opened = isFinished ? { userId, openedAt: at(hours - 1) } : {};
    await ctx.db.insert(redPacketShares)
      .values({ packetId: packet!.id, position: 1, amount: 1, ...opened });
  }

  const { pay_tokens, revoked_tokens, red_packets } = await deleteStale(ctx);
  assert.deepEqual({ pay_tokens, revoked_tokens, red_packets }, {
    pay_tokens: 1,
    revoked_tokens: 1,
    red_packets: 1,
  });
  const left = await ctx.db.select().from(redPackets).orderBy(redPackets.id);
  assert.deepEqual(left.map((packet) => packet.redpacketNo), ["unpaid-23", "finished-25"]);
  assert.deepEqual((await ctx.db.select().from(payTokens)).map((it) => it.tokenHash), ["-23"]);
  assert.deepEqual((await ctx.db.select().from(revokedTokens)).map((it) => it.jti), ["1"]);
  assert.ok(Object.values(await deleteStale(ctx)).every((count) => count === 0));
});

Deno.test("of messages that could not be pushed none is kept longer than a week, notices are", async () => {
  await using app = await startTestApp();
  const { ctx } = app;
  const now = ctx.now();
  const at = (days: number) => new Date(now.getTime() - days * 24 * HOUR_MS);
  const kinds = ["message_push", "message_sent", "push"];
  await ctx.db.insert(pendingWork).values(kinds.flatMap((kind) =>
    [6, 8].map((days) => ({
      kind,
      payload: { messageId: 1, userId: 1 },
      createdAt: at(9),
      dueAt: at(9),
      deadAt: at(days),
    }))
  ));
  assert.equal((await deleteFinished(ctx, 10)).pending_work, 2);
  const left = await ctx.db.select().from(pendingWork).orderBy(pendingWork.id);
  assert.deepEqual(left.map(({ kind }) => kind), ["message_push", "message_sent", "push", "push"]);
});

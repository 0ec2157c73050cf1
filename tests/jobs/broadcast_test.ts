import { and, eq, sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { uuidText } from "../../config/runtime/uuid.ts";
import type { BusEvent } from "../../db/bus/bus.ts";
import type { Ctx } from "../../db/client/ctx.ts";
import { deliverNextBroadcast } from "../../db/domain/broadcasts/deliver_broadcast.ts";
import { readBroadcast } from "../../db/domain/broadcasts/reads.ts";
import { listConversations } from "../../db/domain/messages/list_conversations.ts";
import { readInbox } from "../../db/domain/messages/read_inbox.ts";
import { sendMessage } from "../../db/domain/messages/send.ts";
import { claimDue } from "../../db/domain/outgoing/claims.ts";
import { redriveWork } from "../../db/domain/outgoing/redrive.ts";
import { PENDING_TRY_COUNT_MAX } from "../../db/domain/outgoing/rules.ts";
import { groupMembers, groups } from "../../db/schema/groups.ts";
import { pendingWork } from "../../db/schema/jobs.ts";
import { messages } from "../../db/schema/messages.ts";
import { users } from "../../db/schema/users.ts";
import { broadcastChunk, type BroadcastReport } from "../../jobs/broadcast.ts";
import { runDue } from "../../jobs/run.ts";
import { jobs } from "../../jobs/schedule.ts";
import { openSoon } from "../../jobs/soon.ts";
import { type Mixin, MixinRefusedError } from "../../providers/mixin.ts";
import { startTestApp, type TestApp } from "../harness.ts";
import {
  joinCrowd,
  KEYSTORE,
  makeBroadcast,
  makeCrowd,
  MixinStandIn,
  readReceivers,
  seededRandom,
  unreliableMixin,
} from "../people/crowd.ts";
import { makeUser } from "../people/factories.ts";
import { waitUntil } from "../services/binary.ts";
import { openPatiently, startPostgres } from "../services/postgres.ts";
import { jobDepsOf } from "./kit.ts";

const postgres = await startPostgres();
Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());

function claimOnPostgres(name: string, hold: (app: TestApp) => Promise<void>): void {
  Deno.test({
    name: `pg: ${name}`,
    ignore: !postgres,
    async fn() {
      const database = openPatiently(await postgres!.newDatabase());
      try {
        await using app = await startTestApp({ database });
        await hold(app);
      } finally {
        await database.close();
      }
    },
  });
}

function claim(name: string, hold: (app: TestApp) => Promise<void>): void {
  Deno.test(`pglite: ${name}`, async () => {
    await using app = await startTestApp();
    await hold(app);
  });
  claimOnPostgres(name, hold);
}

const broadcastJob = jobs.find(({ name }) => name === "broadcast")!;
const MINUTE_MS = 60_000;

const runBroadcast = async (app: TestApp, mixin: Mixin = new MixinStandIn()) => {
  const providers = { ...app.providers, mixin };
  app.clock.advance(MINUTE_MS);
  return await runDue(broadcastJob, jobDepsOf(app, { providers }));
};
const stateOf = async (app: TestApp, id: number) => {
  const { id: _id, ...state } = await readBroadcast(app.ctx, id);
  return state;
};
/** The same people as Mixin knows them, sorted. */
const mixinIdsOf = async ({ ctx }: TestApp, userIds: number[]) =>
  (await ctx.db.select({ uid: users.uid }).from(users)
    .where(sql`${users.id} = any(${sql.param(`{${userIds.join(",")}}`)}::bigint[])`))
    .map(({ uid }) => uuidText(uid)).sort();

/** Everybody has the message once, their numbers have no gaps, and one thing is unread. */
async function assertDeliveredOnce(app: TestApp, groupId: number, userIds: number[]) {
  assert.deepEqual(await readReceivers(app.ctx, groupId), userIds);
  const { rows } = await app.ctx.db.execute(sql`
    select conversations.user_id from conversations
    join inbox_heads on inbox_heads.user_id = conversations.user_id
    where channel_id = ${groupId} and (unread_count <> 1 or conversations.last_seq <> 1
      or inbox_heads.last_seq <> 1)`);
  assert.deepEqual(rows, []);
}

claim("everybody in the group reads it, from nobody, and is woken", async (app) => {
  const { groupId, userIds } = await makeCrowd(app.ctx, 600);
  const stranger = await makeUser(app.ctx);
  const events: BusEvent[] = [];
  app.bus.subscribe((event) => events.push(event));
  const id = await makeBroadcast(app.ctx, groupId, { text: '周五"聚会"' });
  assert.deepEqual(await stateOf(app, id), { state: "queued", total: 600, sent: 0, failed: 0 });

  const [run] = await runBroadcast(app);
  assert.deepEqual(run!.report, { delivered: 600, sent: 0, waiting: 0, dead: 0 });
  assert.deepEqual(await stateOf(app, id), { state: "done", total: 600, sent: 600, failed: 0 });
  await assertDeliveredOnce(app, groupId, userIds);
  const [message] = await readInbox(app.ctx, { userId: userIds[7]!, afterSeq: 0, limit: 10 });
  assert.deepEqual(JSON.parse(message!.payload), { type: 1, content: '周五"聚会"' });
  assert.deepEqual([message!.fromUid, message!.redDot, message!.channelType], ["", true, 2]);
  assert.deepEqual(await readInbox(app.ctx, { userId: stranger.id, afterSeq: 0, limit: 10 }), []);
  const [listed, ...others] = await listConversations(app.ctx, userIds[7]!);
  assert.deepEqual([listed!.unreadCount, listed!.lastMessage.seq, others], [1, 1, []]);
  const woken = events.flatMap((event) => event.kind === "inbox" ? [event.heads.length] : []);
  assert.deepEqual(woken, [500, 100]);
  assert.equal(await app.ctx.db.$count(messages), 1);
});

claim("it comes between what people say, in dense numbers", async (app) => {
  const { groupId, userIds } = await makeCrowd(app.ctx, 3);
  const say = () =>
    sendMessage(app.ctx, {
      senderId: userIds[0],
      channel: { type: 2, groupId } as const,
      redDot: true,
      clientMsgNo: undefined,
      payload: '{"type":1,"content":"me"}',
    });
  await say();
  await makeBroadcast(app.ctx, groupId);
  await runBroadcast(app);
  await say();
  const inbox = await readInbox(app.ctx, { userId: userIds[2]!, afterSeq: 0, limit: 10 });
  assert.deepEqual(inbox.map(({ seq }) => seq), [1, 2, 3]);
  assert.deepEqual(inbox.map(({ payload }) => JSON.parse(payload).content), ["me", "hi", "me"]);
});

claim("those named get it and nobody else", async (app) => {
  const { groupId, userIds } = await makeCrowd(app.ctx, 9);
  const named = [userIds[1]!, userIds[5]!];
  const id = await makeBroadcast(app.ctx, groupId, { userIds: named });
  assert.equal((await stateOf(app, id)).total, 2);
  await runBroadcast(app);
  assert.deepEqual(await readReceivers(app.ctx, groupId), named);
  assert.deepEqual(await stateOf(app, id), { state: "done", total: 2, sent: 2, failed: 0 });
});

claim("members are those who are there when their turn comes", async (app) => {
  const { groupId, userIds } = await makeCrowd(app.ctx, 6);
  const [early, late] = [await makeUser(app.ctx), await makeUser(app.ctx)];
  const id = await makeBroadcast(app.ctx, groupId);
  await deliverNextBroadcast(app.ctx, { limit: 3 });
  assert.equal((await stateOf(app, id)).state, "sending");
  const leave = (userId: number) =>
    app.ctx.db.update(groupMembers).set({ removedAt: app.ctx.now() })
      .where(and(eq(groupMembers.groupId, groupId), eq(groupMembers.userId, userId)));
  await leave(userIds[0]!);
  await leave(userIds[4]!);
  await joinCrowd(app.ctx, groupId, early.id);
  await runBroadcast(app);
  await joinCrowd(app.ctx, groupId, late.id);
  await runBroadcast(app);
  const expected = [...userIds.filter((userId) => userId !== userIds[4]), early.id];
  assert.deepEqual(await readReceivers(app.ctx, groupId), expected);
  assert.deepEqual(await stateOf(app, id), { state: "done", total: 6, sent: 6, failed: 0 });
});

claim("a group disbanded on the way hears no more of it", async (app) => {
  const { groupId, userIds } = await makeCrowd(app.ctx, 4);
  const id = await makeBroadcast(app.ctx, groupId);
  await deliverNextBroadcast(app.ctx, { limit: 2 });
  await app.ctx.db.update(groups).set({ disbandedAt: app.ctx.now() }).where(eq(groups.id, groupId));
  await runBroadcast(app);
  assert.deepEqual(await readReceivers(app.ctx, groupId), userIds.slice(0, 2));
  assert.deepEqual(await stateOf(app, id), { state: "done", total: 2, sent: 2, failed: 0 });
});

/** A context whose work ends, as by a kill, at its `dieAt`th statement or transaction's end. */
function dyingContext(ctx: Ctx, dieAt: number): Ctx {
  let count = 0;
  const step = () => {
    if (count++ === dieAt) throw new Error("killed");
  };
  const dying = (db: Ctx["db"]): Ctx["db"] =>
    new Proxy(db, {
      get(target, name) {
        const value = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        return (...given: unknown[]) => {
          step();
          return value.apply(target, given);
        };
      },
    });
  return {
    ...ctx,
    db: dying(ctx.db),
    async transact(work) {
      const result = await ctx.transact(async (db) => {
        const result = await work(dying(db));
        step();
        return result;
      });
      step();
      return result;
    },
  };
}

claim(
  "a worker that dies at any step of any chunk leaves nobody out and tells nobody twice",
  async (app) => {
    for (const hasBot of [false, true]) {
      let diedCount = 0;
      for (let dieAt = 0;; dieAt++) {
        const { groupId, userIds } = await makeCrowd(app.ctx, 7, { hasBot });
        const id = await makeBroadcast(app.ctx, groupId);
        const mixin = new MixinStandIn();
        const dying = dyingContext(app.ctx, dieAt);
        const hasDied = await (async () => {
          while (await deliverNextBroadcast(dying, { limit: 3 }) !== undefined);
          while (!(await broadcastChunk(dying, mixin)).isLast);
        })().then(() => false, (error) => {
          assert.match(String(error.message) + String(error.cause), /killed/);
          return true;
        });
        // Whoever comes after, once the leases of the dead are over.
        app.clock.advance(2 * MINUTE_MS);
        while (await deliverNextBroadcast(app.ctx, { limit: 3 }) !== undefined);
        while (!(await broadcastChunk(app.ctx, mixin)).isLast);
        await assertDeliveredOnce(app, groupId, userIds);
        assert.deepEqual(await stateOf(app, id), { state: "done", total: 7, sent: 7, failed: 0 });
        const told = [...mixin.taken.values()].map(({ to }) => to).sort();
        assert.deepEqual(told, hasBot ? await mixinIdsOf(app, userIds) : []);
        if (!hasDied) break;
        diedCount += 1;
      }
      assert.ok(diedCount >= (hasBot ? 12 : 9), `${diedCount} steps`);
    }
  },
);

claimOnPostgres("of many workers at once each has a chunk of its own", async (app) => {
  const crowds = [await makeCrowd(app.ctx, 300, { hasBot: true }), await makeCrowd(app.ctx, 200)];
  const ids: number[] = [];
  for (const { groupId } of crowds) ids.push(await makeBroadcast(app.ctx, groupId));
  const mixin = unreliableMixin({ random: seededRandom(11), failRate: 0.2 });
  for (let turn = 0; turn < 12; turn++) {
    await Promise.all(Array.from({ length: 6 }, async () => {
      for (let chunk = 0; chunk < 4; chunk++) {
        await deliverNextBroadcast(app.ctx, { limit: 25 });
        await broadcastChunk(app.ctx, mixin);
      }
    }));
    app.clock.advance(20 * MINUTE_MS);
  }
  for (const [at, { groupId, userIds }] of crowds.entries()) {
    await assertDeliveredOnce(app, groupId, userIds);
    const { length } = userIds;
    assert.deepEqual(await stateOf(app, ids[at]!), {
      state: "done",
      total: length,
      sent: length,
      failed: 0,
    });
  }
  const told = [...mixin.taken.values()].map(({ to }) => to).sort();
  assert.deepEqual(told, await mixinIdsOf(app, crowds[0]!.userIds));
});

claim("a group's bot writes to each member over Mixin, a hundred in a call", async (app) => {
  const { groupId, userIds } = await makeCrowd(app.ctx, 250, { hasBot: true });
  const id = await makeBroadcast(app.ctx, groupId, { text: "hello" });
  const sizes: number[] = [];
  const mixin = new MixinStandIn({
    before(messages, bot) {
      sizes.push(messages.length);
      assert.deepEqual(JSON.parse(bot.keystore), KEYSTORE);
      assert.equal(bot.clientId, KEYSTORE.app_id);
    },
  });
  const [run] = await runBroadcast(app, mixin);
  assert.deepEqual(run!.report, { delivered: 250, sent: 250, waiting: 0, dead: 0 });
  assert.deepEqual(sizes.sort((a, b) => b - a), [100, 100, 50]);
  const sent = [...mixin.taken.values()];
  assert.deepEqual(sent.map(({ to }) => to).sort(), await mixinIdsOf(app, userIds));
  assert.deepEqual(new Set(sent.map(({ text }) => text)), new Set(["hello"]));
  for (const { id } of sent) assert.match(id, /^[a-f0-9]{8}-[a-f0-9]{4}-5[a-f0-9]{3}-[89ab]/);
  assert.deepEqual(await stateOf(app, id), { state: "done", total: 250, sent: 250, failed: 0 });
  await assertDeliveredOnce(app, groupId, userIds);
});

claim(
  "while Mixin is away the group reads it, and Mixin gets it later under the same ids",
  async (app) => {
    const { groupId, userIds } = await makeCrowd(app.ctx, 30, { hasBot: true });
    const id = await makeBroadcast(app.ctx, groupId);
    const tried = new Set<string>();
    let isAway = true;
    const mixin = new MixinStandIn({
      before(messages) {
        for (const { id } of messages) tried.add(id);
        if (isAway) throw new Error("away");
      },
    });
    for (let minute = 0; minute < 3; minute++) await runBroadcast(app, mixin);
    await assertDeliveredOnce(app, groupId, userIds);
    assert.deepEqual(await stateOf(app, id), { state: "sending", total: 30, sent: 0, failed: 0 });
    isAway = false;
    for (let minute = 0; minute < 3; minute++) await runBroadcast(app, mixin);
    assert.deepEqual(await stateOf(app, id), { state: "done", total: 30, sent: 30, failed: 0 });
    assert.deepEqual(new Set(mixin.taken.keys()), tried);
  },
);

claim(
  "one whom Mixin refuses costs the others nothing, ends as a dead letter and can be redriven",
  async (app) => {
    const { groupId, userIds } = await makeCrowd(app.ctx, 40, { hasBot: true });
    const id = await makeBroadcast(app.ctx, groupId);
    const [poisoned] = await mixinIdsOf(app, [userIds[17]!]);
    let isRefusing = true;
    const mixin = unreliableMixin({
      random: () => 1,
      failRate: 0,
      isPoisoned: ({ to }) => isRefusing && to === poisoned,
    });
    const reports: BroadcastReport[] = [];
    for (let minute = 0; minute < 3; minute++) {
      reports.push(...(await runBroadcast(app, mixin)).map((run) => run.report as BroadcastReport));
    }
    assert.deepEqual(reports.map(({ sent, dead }) => [sent, dead]), [[0, 0], [30, 0], [9, 1]]);
    assert.deepEqual(await stateOf(app, id), { state: "done", total: 40, sent: 39, failed: 1 });
    const dead = await app.ctx.db.select().from(pendingWork)
      .where(sql`${pendingWork.deadAt} is not null`);
    assert.deepEqual(dead.map(({ payload }) => payload), [{
      broadcastId: id,
      userId: userIds[17],
    }]);
    assert.equal(dead[0]!.lastError, "refused: 10002 bad receiver");

    isRefusing = false;
    assert.equal(await redriveWork(app.ctx, dead[0]!.id), true);
    assert.deepEqual(await stateOf(app, id), { state: "sending", total: 40, sent: 39, failed: 0 });
    await runBroadcast(app, mixin);
    assert.deepEqual(await stateOf(app, id), { state: "done", total: 40, sent: 40, failed: 0 });
    assert.deepEqual([mixin.taken.size, mixin.repeatCount], [40, 0]);
  },
);

claim("what no worker comes back from is counted as failed", async (app) => {
  const { groupId } = await makeCrowd(app.ctx, 3, { hasBot: true });
  const id = await makeBroadcast(app.ctx, groupId);
  await deliverNextBroadcast(app.ctx);
  for (let tries = 0; tries <= PENDING_TRY_COUNT_MAX; tries++) {
    await claimDue(app.ctx, { kinds: ["mixin_message"], limit: 10, leaseMs: 1_000 });
    app.clock.advance(1_001);
  }
  assert.deepEqual(await stateOf(app, id), { state: "done", total: 3, sent: 0, failed: 3 });
});

claim(
  "a bot that is gone, or whose keystore does not open, is a dead letter for each",
  async (app) => {
    const [gone, broken] = [
      await makeCrowd(app.ctx, 3, { hasBot: true }),
      await makeCrowd(app.ctx, 2, { hasBot: true }),
    ];
    const ids = [await makeBroadcast(app.ctx, gone.groupId)];
    ids.push(await makeBroadcast(app.ctx, broken.groupId));
    while (await deliverNextBroadcast(app.ctx) !== undefined);
    await app.ctx.db.update(groups).set({ clientId: null }).where(eq(groups.id, gone.groupId));
    await app.ctx.db.update(groups).set({ keystoreSealed: "1.AAAA" })
      .where(eq(groups.id, broken.groupId));
    const mixin = new MixinStandIn();
    for (let minute = 0; minute < 4; minute++) await runBroadcast(app, mixin);
    assert.equal(mixin.callCount, 0);
    assert.deepEqual(await stateOf(app, ids[0]!), { state: "done", total: 3, sent: 0, failed: 3 });
    assert.deepEqual(await stateOf(app, ids[1]!), { state: "done", total: 2, sent: 0, failed: 2 });
  },
);

Deno.test("a Mixin that never answers costs a try, not the job", async () => {
  await using app = await startTestApp();
  const { groupId } = await makeCrowd(app.ctx, 2, { hasBot: true });
  await makeBroadcast(app.ctx, groupId);
  await deliverNextBroadcast(app.ctx);
  const silent = { sendMessages: () => new Promise<void>(() => {}) } as unknown as Mixin;
  const { report } = await broadcastChunk(app.ctx, silent);
  assert.equal(report.waiting, 2);
  const [work] = await app.ctx.db.select().from(pendingWork)
    .where(eq(pendingWork.kind, "mixin_message"));
  assert.match(work!.lastError!, /Mixin did not answer/);
});

Deno.test("a broadcast goes out soon after the request that asked for it", async () => {
  await using app = await startTestApp();
  const { groupId } = await makeCrowd(app.ctx, 5, { hasBot: true });
  const mixin = new MixinStandIn();
  const soon = openSoon(jobDepsOf(app, { providers: { ...app.providers, mixin } }), { delayMs: 5 });
  const id = await makeBroadcast(app.ctx, groupId);
  soon.ask();
  await waitUntil("the broadcast", async () => (await stateOf(app, id)).state === "done");
  assert.equal(mixin.taken.size, 5);
  await soon.stop();
});

// A hundred thousand of them: `deno task bench broadcast`.
claimOnPostgres(
  "two thousand members have it once each, over a Mixin that fails a tenth of its calls",
  async (app) => {
    const { groupId, userIds } = await makeCrowd(app.ctx, 2_000, { hasBot: true });
    const poisoned = new Set(await mixinIdsOf(app, [userIds[3]!, userIds[1_500]!]));
    const mixin = unreliableMixin({
      random: seededRandom(7),
      failRate: 0.1,
      isPoisoned: ({ to }) => poisoned.has(to),
    });
    const id = await makeBroadcast(app.ctx, groupId);
    for (let minute = 0; minute < 40; minute++) await runBroadcast(app, mixin);
    await assertDeliveredOnce(app, groupId, userIds);
    assert.deepEqual(await stateOf(app, id), {
      state: "done",
      total: 2_000,
      sent: 1_998,
      failed: 2,
    });
    const told = [...mixin.taken.values()].map(({ to }) => to).sort();
    assert.deepEqual(told, (await mixinIdsOf(app, userIds)).filter((to) => !poisoned.has(to)));
    assert.ok(mixin.repeatCount > 0, "some were taken before, and dropped");
  },
);

Deno.test("a refusal of several at once is nobody's end", async () => {
  await using app = await startTestApp();
  const { groupId } = await makeCrowd(app.ctx, 20, { hasBot: true });
  await makeBroadcast(app.ctx, groupId);
  await deliverNextBroadcast(app.ctx);
  const refusing = new MixinStandIn({
    before() {
      throw new MixinRefusedError("refused: 401 no");
    },
  });
  const reports = [];
  for (let tries = 0; tries < 3; tries++) {
    reports.push((await broadcastChunk(app.ctx, refusing)).report);
    app.clock.advance(MINUTE_MS);
  }
  assert.deepEqual(reports.map(({ waiting, dead }) => [waiting, dead]), [[20, 0], [20, 0], [
    0,
    20,
  ]]);
  assert.equal(refusing.callCount, 1 + 2 + 20);
});

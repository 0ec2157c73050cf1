import { eq, sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { type Ctx, withTx } from "../../db/client/ctx.ts";
import { registerPushTarget } from "../../db/domain/notifications/register_push_target.ts";
import { claimDue, failWork, finishWork, LostLeaseError } from "../../db/domain/outgoing/claims.ts";
import { enqueue, enqueueFrom, type PendingItem } from "../../db/domain/outgoing/enqueue.ts";
import { fanOutRoom } from "../../db/domain/outgoing/fan_out_room.ts";
import { redriveWork } from "../../db/domain/outgoing/redrive.ts";
import { PENDING_TRY_COUNT_MAX } from "../../db/domain/outgoing/rules.ts";
import { clubMembers, clubs } from "../../db/schema/clubs.ts";
import { pendingWork } from "../../db/schema/jobs.ts";
import { rooms } from "../../db/schema/rooms.ts";
import { sessions } from "../../db/schema/sessions.ts";
import { users } from "../../db/schema/users.ts";
import { drainPending, type PushReport } from "../../jobs/push.ts";
import { runDue } from "../../jobs/run.ts";
import { jobs } from "../../jobs/schedule.ts";
import { openSoon } from "../../jobs/soon.ts";
import { type Push, type PushMessage, PushRefusedError } from "../../providers/push.ts";
import { startTestApp, type TestApp } from "../harness.ts";
import { makeSession } from "../people/sessions.ts";
import { waitUntil } from "../services/binary.ts";
import { openPatiently, startPostgres } from "../services/postgres.ts";
import { jobDepsOf } from "./kit.ts";

const postgres = await startPostgres();
Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());

function claim(name: string, hold: (app: TestApp) => Promise<void>): void {
  Deno.test(`pglite: ${name}`, async () => {
    await using app = await startTestApp();
    await hold(app);
  });
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

const pushJob = jobs.find(({ name }) => name === "push")!;
const HOUR_MS = 60 * 60_000;

/** People who may be told something, with a device unless said otherwise. */
async function addPeople(
  { ctx }: TestApp,
  count: number,
  { withDevice = true } = {},
): Promise<number[]> {
  const at = ctx.now();
  const rows = await ctx.db.insert(users).values(Array.from({ length: count }, () => {
    const uid = crypto.randomUUID().replaceAll("-", "");
    const appUid = Number.parseInt(uid.slice(0, 12), 16);
    return { uid, appUid, nickname: "Somebody", createdAt: at, updatedAt: at };
  })).returning({ id: users.id });
  for (const { id } of withDevice ? rows : []) {
    const { tokenHash } = await makeSession(ctx, id);
    await registerPushTarget(ctx, { userId: id, jpushId: `device-${id}`, tokenHash });
  }
  return rows.map(({ id }) => id).sort((a, b) => a - b);
}

const pushTo = (userId: number, dedupeKey?: string): PendingItem => ({
  kind: "push",
  payload: { userId, title: "Hello", content: "You there?", url: "plaza://profile/x" },
  ...dedupeKey !== undefined && { dedupeKey },
});

/** A device service that keeps what it took, and drops repeats as JPush does. */
class StandIn implements Push {
  readonly taken = new Map<string, PushMessage>();
  callCount = 0;
  constructor(private readonly answer: (message: PushMessage) => void = () => {}) {}
  send(message: PushMessage): Promise<void> {
    this.callCount++;
    try {
      this.answer(message);
    } catch (error) {
      return Promise.reject(error);
    }
    this.taken.set(message.id, message);
    return Promise.resolve();
  }
}

const runPush = async (app: TestApp, push: Push) => {
  const providers = { ...app.providers, push };
  app.clock.advance(60_000);
  return await runDue(pushJob, jobDepsOf(app, { providers }));
};
const readWork = ({ database }: TestApp) =>
  database.db.select().from(pendingWork).orderBy(pendingWork.id);

claim("a push reaches the person's device, with an id of its own", async (app) => {
  const [person] = await addPeople(app, 1);
  await enqueue(app.ctx, [pushTo(person!), pushTo(person!)]);
  const push = new StandIn();
  const [run] = await runPush(app, push);
  assert.equal((run!.report as PushReport).sent, 2);
  const messages = [...push.taken.values()];
  assert.deepEqual(
    messages.map(({ id: _id, ...rest }) => rest),
    [0, 1].map(() => ({
      deviceType: "JPUSH",
      bundleId: "",
      token: `device-${person}`,
      title: "Hello",
      content: "You there?",
      url: "chaoqer://profile/x",
    })),
  );
  for (const { id } of messages) assert.match(id, /^[a-f0-9]{8}-[a-f0-9]{4}-8[a-f0-9]{3}-[89ab]/);
  assert.ok((await readWork(app)).every(({ doneAt }) => doneAt !== null));
  assert.deepEqual((await runPush(app, push)).map(({ report }) => (report as PushReport).sent), [
    0,
  ]);
});

claim(
  "somebody without a device, logged out of it, or with a deleted account, is passed over in silence",
  async (app) => {
    const [without] = await addPeople(app, 1, { withDevice: false });
    const [deleted] = await addPeople(app, 1);
    const [gone] = await addPeople(app, 1);
    await app.ctx.db.update(users).set({ status: 4 }).where(eq(users.id, deleted!));
    await app.ctx.db.update(sessions).set({ revokedAt: app.ctx.now() })
      .where(eq(sessions.userId, gone!));
    await enqueue(app.ctx, [pushTo(without!), pushTo(deleted!), pushTo(gone!)]);
    const push = new StandIn();
    const [run] = await runPush(app, push);
    assert.equal(push.callCount, 0);
    assert.equal((run!.report as PushReport).unreachable, 3);
    assert.ok((await readWork(app)).every(({ doneAt, deadAt }) => doneAt && !deadAt));
  },
);

claim(
  "work is entered with the change that asks for it, or not at all; equal keys once",
  async (app) => {
    const [person] = await addPeople(app, 1);
    await assert.rejects(withTx(app.ctx, async (ctx) => {
      await enqueue(ctx, [pushTo(person!)]);
      throw new Error("changed our mind");
    }));
    assert.equal((await readWork(app)).length, 0);
    assert.equal(await enqueue(app.ctx, [pushTo(person!, "k1"), pushTo(person!, "k1")]), 1);
    assert.equal(await enqueue(app.ctx, [pushTo(person!, "k1"), pushTo(person!, "k2")]), 1);
    const source = sql`select jsonb_build_object('userId', id) as payload, 'k2' as dedupe_key
    from users`;
    await app.ctx.db.execute(sql`with work as (${enqueueFrom(app.ctx, "push", source)}) select 1`);
    assert.equal((await readWork(app)).length, 2);
  },
);

claim("a service that fails at random gets everything once in the end", async (app) => {
  const people = await addPeople(app, 60);
  await enqueue(app.ctx, people.map((person) => pushTo(person)));
  let seed = 7;
  const random = () => (seed = seed * 16_807 % 2_147_483_647) / 2_147_483_647;
  const push = new StandIn((message) => {
    if (random() < 0.3) throw new Error("no answer, nothing taken");
    if (random() < 0.3) {
      push.taken.set(message.id, message);
      throw new Error("no answer, but taken");
    }
  });
  for (let minute = 0; minute < 60; minute++) await runPush(app, push);
  const work = await readWork(app);
  const dead = work.filter(({ deadAt }) => deadAt !== null);
  assert.ok(work.every(({ doneAt, deadAt }) => doneAt !== null || deadAt !== null));
  for (const { id } of dead) assert.equal(await redriveWork(app.ctx, id), true);
  for (let minute = 0; minute < 30; minute++) await runPush(app, push);
  const devices = [...push.taken.values()].map(({ token }) => token).sort();
  assert.deepEqual(devices, people.map((id) => `device-${id}`).sort(), "each exactly once");
  assert.ok(push.callCount > people.length, "though it was called more often");
});

claim(
  "what the service refuses for good is a dead letter at once, and can be redriven",
  async (app) => {
    const [person] = await addPeople(app, 1);
    await enqueue(app.ctx, [pushTo(person!)]);
    let isRefusing = true;
    const ids: string[] = [];
    const push = new StandIn(({ id }) => {
      ids.push(id);
      if (isRefusing) throw new PushRefusedError("JPush: answered HTTP 400: 1003 bad", false);
    });
    await runPush(app, push);
    const [dead] = await readWork(app);
    assert.ok(dead!.deadAt);
    assert.equal(dead!.attemptCount, 1);
    assert.equal(dead!.lastError, "JPush: answered HTTP 400: 1003 bad");
    for (let minute = 0; minute < 5; minute++) await runPush(app, push);
    assert.equal(push.callCount, 1);

    isRefusing = false;
    assert.equal(await redriveWork(app.ctx, dead!.id), true);
    assert.equal(await redriveWork(app.ctx, dead!.id), false, "no longer dead");
    assert.equal(await redriveWork(app.ctx, dead!.id + 1), false);
    await runPush(app, push);
    const [done] = await readWork(app);
    assert.ok(done!.doneAt);
    assert.equal(done!.lastError, null);
    assert.equal(new Set(ids).size, 1, "the same id at every try");
  },
);

claim("a device that is gone is nobody's failure", async (app) => {
  const [person] = await addPeople(app, 1);
  await enqueue(app.ctx, [pushTo(person!)]);
  const gone = new StandIn(() => {
    throw new PushRefusedError("JPush: answered HTTP 400: 1011", true);
  });
  const [run] = await runPush(app, gone);
  assert.equal((run!.report as PushReport).unreachable, 1);
  assert.equal((await readWork(app))[0]!.deadAt, null);
});

claim("what fails eight times is a dead letter, and the waits between double", async (app) => {
  const [person] = await addPeople(app, 1);
  await enqueue(app.ctx, [pushTo(person!)]);
  const push = new StandIn(() => {
    throw new Error("down");
  });
  const waits: number[] = [];
  for (let tries = 1; tries <= PENDING_TRY_COUNT_MAX; tries++) {
    const report = await drainPending(app.ctx, push);
    assert.equal(report.report.waiting + report.report.dead, 1, `try ${tries}`);
    const [row] = await readWork(app);
    waits.push(Math.round((row!.dueAt.getTime() - app.clock.now().getTime()) / 1000));
    assert.equal((await drainPending(app.ctx, push)).report.waiting, 0, "not before it is due");
    app.clock.advance(HOUR_MS);
  }
  assert.deepEqual(waits.slice(0, 4), [10, 20, 40, 80]);
  const [dead] = await readWork(app);
  assert.ok(dead!.deadAt);
  assert.equal(dead!.lastError, "down");
  assert.equal(push.callCount, PENDING_TRY_COUNT_MAX);
});

claim("work whose workers all die is a dead letter too", async (app) => {
  const [person] = await addPeople(app, 1);
  await enqueue(app.ctx, [pushTo(person!)]);
  let claimedCount = 0;
  for (let at = 0; at < 12; at++) {
    claimedCount += (await claimDue(app.ctx, { kinds: ["push"], limit: 5, leaseMs: 1_000 })).length;
    app.clock.advance(1_001);
  }
  assert.equal(claimedCount, PENDING_TRY_COUNT_MAX);
  const [dead] = await readWork(app);
  assert.deepEqual([dead!.deadAt !== null, dead!.lastError], [true, "no worker came back"]);
});

claim("work has one worker, and one who is late neither finishes nor fails it", async (app) => {
  const people = await addPeople(app, 40);
  await enqueue(app.ctx, people.map((person) => pushTo(person)));
  const grab = () => claimDue(app.ctx, { kinds: ["push"], limit: 10, leaseMs: 30_000 });
  const grabbed = (await Promise.all([grab(), grab(), grab(), grab(), grab()])).flat();
  assert.equal(new Set(grabbed.map(({ id }) => id)).size, grabbed.length);
  while (grabbed.length < 40) grabbed.push(...await grab());
  assert.deepEqual(await grab(), []);

  if (app.database.kind === "pg") {
    app.clock.advance(30_001);
    // Another worker's claim is not committed yet: what it took is passed over without a wait.
    const [mine, theirs] = await withTx(app.ctx, async (ctx) => {
      const options = { kinds: ["push"] as ["push"], limit: 10, leaseMs: 30_000 };
      const theirs = await claimDue(ctx, options);
      return [await grab(), theirs];
    });
    assert.equal(new Set([...mine, ...theirs].map(({ id }) => id)).size, 20);
    grabbed.unshift(...mine, ...theirs);
  }

  app.clock.advance(60_001);
  const [second] = await claimDue(app.ctx, { kinds: ["push"], limit: 1, leaseMs: 30_000 });
  const first = grabbed.find(({ id }) => id === second!.id)!;
  assert.ok(first.fence < second!.fence);
  assert.equal(first.messageId, second!.messageId);
  assert.equal(await finishWork(app.ctx, [first]), 0);
  assert.equal(await failWork(app.ctx, first, { error: "late" }), "lost");
  assert.equal(await finishWork(app.ctx, [second!]), 1);
  assert.equal(await finishWork(app.ctx, [second!]), 0);
});

interface ClubRoom {
  members: number[];
  host: number;
  roomId: string;
}

async function openClubRoom(
  app: TestApp,
  { memberCount = 7, inviteOnly = false, inClub = true } = {},
): Promise<ClubRoom> {
  const { db } = app.ctx;
  const members = await addPeople(app, memberCount);
  // Neither the first nor the last, so that leaving the host out is not leaving an end out.
  const host = members[2]!;
  const [id, roomId] = [0, 1].map(() => crypto.randomUUID().replaceAll("-", ""));
  const createdAt = app.ctx.now();
  await db.insert(clubs).values({ id: id!, ownerId: host, name: "Jazz", cover: "c", createdAt });
  await db.insert(clubMembers).values(
    members.map((userId) => ({ clubId: id!, userId, joinedAt: createdAt })),
  );
  await db.insert(rooms).values({
    id: roomId!,
    hostId: host,
    name: "Late set",
    createdAt,
    inviteOnly,
    clubId: inClub ? id! : null,
  });
  await enqueue(app.ctx, [{ kind: "room_opened", payload: { roomId: roomId! } }]);
  return { members, host, roomId: roomId! };
}

const told = async (app: TestApp) =>
  (await readWork(app)).filter(({ kind }) => kind === "push")
    .map(({ payload }) => (payload as { userId: number }).userId).sort((a, b) => a - b);
const claimRoom = async (ctx: Ctx) =>
  (await claimDue(ctx, { kinds: ["room_opened"], limit: 1, leaseMs: 30_000 }))[0]!;

claim("a room opened in a club is told to its members but its host, in one run", async (app) => {
  const { members, host, roomId } = await openClubRoom(app);
  const push = new StandIn();
  const [run] = await runPush(app, push);
  const others = members.filter((id) => id !== host);
  assert.deepEqual(
    [...push.taken.values()].map(({ token }) => token).sort(),
    others.map((id) => `device-${id}`).sort(),
  );
  const [message] = push.taken.values();
  assert.deepEqual([message!.title, message!.url], ["Jazz", `chaoqer://room/${roomId}`]);
  assert.match(message!.content, /Somebody.*Late set/);
  assert.deepEqual(run!.report, {
    sent: others.length,
    unreachable: 0,
    waiting: 0,
    dead: 0,
    fanned_out: others.length,
  });
});

claim("a public, private, closed or unknown room is told to nobody", async (app) => {
  await openClubRoom(app, { inClub: false });
  await openClubRoom(app, { inviteOnly: true });
  const { roomId } = await openClubRoom(app);
  await app.ctx.db.update(rooms).set({ closedAt: app.ctx.now() }).where(eq(rooms.id, roomId));
  await enqueue(app.ctx, [{ kind: "room_opened", payload: { roomId: "0".repeat(32) } }]);
  const push = new StandIn();
  await runPush(app, push);
  assert.equal(push.callCount, 0);
  assert.ok((await readWork(app)).every(({ doneAt }) => doneAt !== null));
});

claim("a fan-out that dies between any two chunks tells everybody once", async (app) => {
  for (let dieAfter = 0; dieAfter <= 3; dieAfter++) {
    await app.ctx.db.delete(pendingWork);
    const { members, host } = await openClubRoom(app);
    let commitCount = 0;
    const dying: Ctx = {
      ...app.ctx,
      transact: (work) => {
        if (commitCount++ === dieAfter) throw new Error("killed");
        return app.ctx.transact(work);
      },
    };
    await assert.rejects(fanOutRoom(dying, await claimRoom(dying), { chunkCount: 2 }), /killed/);
    app.clock.advance(30_001);
    await fanOutRoom(app.ctx, await claimRoom(app.ctx), { chunkCount: 2 });
    assert.deepEqual(await told(app), members.filter((id) => id !== host), `after ${dieAfter}`);
    assert.equal(await claimRoom(app.ctx), undefined);
  }
});

claim("a fan-out whose lease went to another worker takes its pushes back", async (app) => {
  const { members, host } = await openClubRoom(app);
  const late = await claimRoom(app.ctx);
  app.clock.advance(30_001);
  const current = await claimRoom(app.ctx);
  await assert.rejects(fanOutRoom(app.ctx, late), LostLeaseError);
  assert.deepEqual(await told(app), []);
  await fanOutRoom(app.ctx, current);
  assert.deepEqual(await told(app), members.filter((id) => id !== host));
});

Deno.test("a device service that never answers costs a try, not the job", async () => {
  await using app = await startTestApp();
  const [person] = await addPeople(app, 1);
  await enqueue(app.ctx, [pushTo(person!)]);
  const silent: Push = { send: () => new Promise(() => {}) };
  const startedAt = performance.now();
  const { report } = await drainPending(app.ctx, silent);
  assert.ok(performance.now() - startedAt < 10_000);
  assert.equal(report.waiting, 1);
  assert.match((await readWork(app))[0]!.lastError!, /push did not answer/);
});

Deno.test("a push goes out soon after the request that asked for it, and stops with the process", async () => {
  await using app = await startTestApp();
  const [person] = await addPeople(app, 1);
  const push = new StandIn();
  const soon = openSoon(jobDepsOf(app, { providers: { ...app.providers, push } }), { delayMs: 5 });
  await enqueue(app.ctx, [pushTo(person!)]);
  soon.ask();
  soon.ask();
  await waitUntil("the push", () => push.callCount === 1, 3_000);
  await soon.stop();
  await enqueue(app.ctx, [pushTo(person!)]);
  soon.ask();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(push.callCount, 1);

  await using preview = await startTestApp({ env: { DENO_TIMELINE: "preview/x" } });
  const deps = jobDepsOf(preview, {
    database: app.database,
    providers: { ...app.providers, push },
  });
  const quiet = openSoon(deps, { delayMs: 5 });
  quiet.ask();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(push.callCount, 1);
  await quiet.stop();
});

claim(
  "of a hundred people who swap two devices each has one, and no deadlock is seen",
  async (app) => {
    const people = await addPeople(app, 6, { withDevice: false });
    for (let round = 0; round < 15; round++) {
      await Promise.all(
        people.map((userId, at) =>
          registerPushTarget(app.ctx, {
            userId,
            jpushId: `d${(at + round * (at % 3)) % 4}`,
            tokenHash: "",
          })
        ),
      );
    }
    const { rows } = await app.ctx.db.execute<{ n: string; devices: string }>(
      sql`select count(*) as n, count(distinct jpush_id) as devices from push_targets`,
    );
    assert.equal(rows[0]!.n, rows[0]!.devices);
    assert.ok(Number(rows[0]!.n) >= 1 && Number(rows[0]!.n) <= 4);
  },
);

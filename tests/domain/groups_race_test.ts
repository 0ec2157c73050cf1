import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { localBus } from "../../db/bus/bus.ts";
import type { Ctx } from "../../db/client/ctx.ts";
import { DomainError } from "../../db/domain/errors.ts";
import { addMembers } from "../../db/domain/groups/add_members.ts";
import { leaveGroup } from "../../db/domain/groups/leave_group.ts";
import { syncMembers } from "../../db/domain/groups/member_reads.ts";
import { removeMembers } from "../../db/domain/groups/remove_members.ts";
import { transferGroup } from "../../db/domain/groups/transfer_group.ts";
import { acceptMessage } from "../../db/domain/messages/accept.ts";
import { makeGroup, makeUsers } from "../people/factories.ts";
import { openPatiently, startPostgres } from "../services/postgres.ts";

// On a real server: PGlite has one connection, on which nothing ever races.
const postgres = await startPostgres();
Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());

const EXPECTED = [
  ...["group_members_invalid", "group_not_member", "group_no_right", "self_refused"],
];
const by = (userId: number) => ({ door: "chat", userId }) as const;
const pick = <T>(from: T[]): T => from[Math.floor(Math.random() * from.length)]!;

/** What must hold of every group that still is: counter, rows, and one owner. */
async function wrongGroups({ db }: Ctx): Promise<unknown[]> {
  return (await db.execute(sql`
    select groups.id, member_count, count(user_id) as rows,
      count(*) filter (where role = 1) as owners
    from groups left join group_members on group_id = groups.id and removed_at is null
    where disbanded_at is null
    group by groups.id
    having member_count <> count(user_id) or count(*) filter (where role = 1) <> 1
      or not bool_or(user_id = owner_id and role = 1)`)).rows;
}

Deno.test({
  name: "500 parallel additions, removals, leaves, transfers and messages in two groups of the " +
    "same people leave counters, rows and owners right, and a syncing member knows it all",
  ignore: !postgres,
}, async () => {
  const database = openPatiently(await postgres!.newDatabase());
  await using _closing = { [Symbol.asyncDispose]: () => database.close() };
  const deadlocks = { count: 0 };
  const ctx = {
    db: database.db,
    bus: localBus(),
    now: () => new Date(),
    config: { groupAddFriendsOnly: false } as Ctx["config"],
    transact: (work) =>
      database.transact(async (db) => {
        try {
          return await work(db);
        } catch (error) {
          if (/deadlock/.test(String((error as Error).cause ?? error))) deadlocks.count++;
          throw error;
        }
      }),
  } as Ctx;
  const people = await makeUsers(ctx, 10);
  // One stays through it all and syncs; nobody removes or makes an owner of them.
  const [watcher, ...others] = people;
  const groups = [await makeGroup(ctx, others), await makeGroup(ctx, [...others].reverse())];
  for (const { id, groupNo } of groups) {
    const { rows: [owner] } = await ctx.db.execute<{ owner_id: string }>(sql`
      select owner_id from groups where id = ${id}`);
    const actorId = Number(owner!.owner_id);
    await addMembers(ctx, { groupNo }, { by: by(actorId), people: { uids: [watcher!.uid] } });
  }

  const seen = groups.map(() => ({ version: 0, members: new Map<string, boolean>() }));
  const sync = async (at: number, limit: number) => {
    const known = seen[at]!;
    const page = await syncMembers(ctx, {
      groupNo: groups[at]!.groupNo,
      userId: watcher!.id,
      version: known.version,
      limit,
    });
    for (const { uid, isDeleted, version } of page) {
      known.members.set(uid, isDeleted);
      known.version = Math.max(known.version, version);
    }
    return page.length;
  };

  const answers = new Map<string, number>();
  const run = async (at: number) => {
    const { id: groupId, groupNo } = pick(groups);
    const { rows: [owner] } = await ctx.db.execute<{ owner_id: string }>(sql`
      select owner_id from groups where id = ${groupId}`);
    const ownerId = Number(owner!.owner_id);
    const named = [pick(others), pick(others)];
    const uids = named.map(({ uid }) => uid);
    const acts: (() => Promise<unknown>)[] = [
      () => addMembers(ctx, { groupNo }, { by: by(watcher!.id), people: { uids } }),
      () => removeMembers(ctx, { groupNo }, { by: by(ownerId), people: { uids } }),
      () => transferGroup(ctx, { groupNo }, { by: by(ownerId), toUid: uids[0]! }),
      () => leaveGroup(ctx, { groupNo }, { by: by(named[0]!.id) }),
      () =>
        acceptMessage(ctx, {
          senderId: watcher!.id,
          channel: { type: 2, groupId },
          clientMsgNo: undefined,
          payload: '{"type":1}',
          redDot: true,
        }),
    ];
    try {
      await acts[at % acts.length]!();
      answers.set(`done ${at % acts.length}`, (answers.get(`done ${at % acts.length}`) ?? 0) + 1);
    } catch (error) {
      if (!(error instanceof DomainError) || !EXPECTED.includes(error.kind)) throw error;
    }
  };

  const racing = { done: false };
  const syncing = groups.map(async (_, at) => {
    while (!racing.done) await sync(at, 1 + Math.floor(Math.random() * 3));
  });
  try {
    // A few at a time, so that an act finds the owner it has just read.
    const acts = Array.from({ length: 500 }, (_, at) => at);
    await Promise.all(Array.from({ length: 12 }, async () => {
      for (let at = acts.shift(); at !== undefined; at = acts.shift()) await run(at);
    }));
  } finally {
    racing.done = true;
    await Promise.all(syncing);
  }

  for (const [at, { id }] of groups.entries()) {
    while (await sync(at, 2) > 0);
    const { rows } = await ctx.db.execute<{ uid: string; is_deleted: boolean }>(sql`
      select uid, removed_at is not null as is_deleted
      from group_members join users on users.id = user_id where group_id = ${id}`);
    assert.deepEqual(
      [...seen[at]!.members].sort(),
      rows.map(({ uid, is_deleted }) => [uid, is_deleted] as const).sort(),
    );
  }
  assert.deepEqual(await wrongGroups(ctx), []);
  assert.equal(deadlocks.count, 0);
  for (let act = 0; act < 5; act++) {
    assert.ok(answers.has(`done ${act}`), `act ${act} never worked`);
  }
});

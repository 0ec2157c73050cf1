import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { uuidText } from "../../config/runtime/uuid.ts";
import { MIGRATIONS_FOLDER } from "../../db/client/migrations.ts";
import { openPg } from "../../db/client/pg.ts";
import { readBroadcast } from "../../db/domain/broadcasts/reads.ts";
import { PENDING_TRY_COUNT_MAX } from "../../db/domain/outgoing/rules.ts";
import { broadcastChunk } from "../../jobs/broadcast.ts";
import type { MixinMessage } from "../../providers/mixin.ts";
import { askOps, makeOperator } from "../clients/ops.ts";
import { startTestApp, type TestApp } from "../harness.ts";
import { makeCrowd, type MixinStandIn, seededRandom, unreliableMixin } from "../people/crowd.ts";
import { startPostgres } from "../services/postgres.ts";
import { openBoss } from "./broadcast_boss.ts";
import { cellsOf, printTable, quantile } from "./im_figures.ts";

const MEMBER_COUNT = 100_000;
const SMALL_COUNT = 100;
const ROUND_COUNT = 3;
/** Calls that fail at random, and one person of so many whom Mixin never takes anything for. */
const FAIL_RATE = 0.1;
const POISONED_OF = 1_000;
/** Later than anything that waits to be tried again, ms. */
const WAIT_MS = 16 * 60_000;

/** The same people for everybody: ids are digests, so their digits are as good as random ones. */
const isPoisoned = ({ to }: Pick<MixinMessage, "to">) =>
  Number.parseInt(to.slice(0, 8), 16) % POISONED_OF === 0;
const mixinFor = (round: number) =>
  unreliableMixin({ random: seededRandom(round + 7), failRate: FAIL_RATE, isPoisoned });

interface Crowd {
  groupId: number;
  /** As Mixin knows them. */
  mixinIds: string[];
}

/**
 * A broadcast to a group of 100,000 (`--members`) with a bot: how long the operator waits, and how
 * many members a second have it in their inbox and over a Mixin that fails a tenth of its calls;
 * beside pg-boss, which sends the same messages to the same Mixin and does nothing else. Everybody
 * is checked to have it once.
 */
export async function broadcast(): Promise<void> {
  await using postgres = await startPostgres();
  if (!postgres) return;
  const database = openPg(await postgres.newDatabase(), { statementMs: 60_000 });
  await database.migrate(MIGRATIONS_FOLDER);
  await using app = await startTestApp({ database });
  await using boss = await openBoss(await postgres.newDatabase({ empty: true }));
  const crowd = await openCrowd(app, countAsked());
  const { length: count } = crowd.mixinIds;
  await compareAnswers(app, crowd);

  const rates = { ours: [] as number[], boss: [] as number[], ratio: [] as number[] };
  const inboxParts: number[] = [];
  for (let round = 0; round < ROUND_COUNT; round++) {
    const ways = {
      ours: async () => {
        const { tookMs, inboxMs } = await broadcastOnce(app, crowd, mixinFor(round));
        inboxParts.push(inboxMs / tookMs);
        return count / (tookMs / 1000);
      },
      boss: async () => {
        const mixin = mixinFor(round);
        const tookMs = await boss.sendAll(mixin, crowd.mixinIds);
        assertTaken(mixin, crowd);
        return count / (tookMs / 1000);
      },
    };
    const names = round % 2 === 0 ? ["ours", "boss"] as const : ["boss", "ours"] as const;
    for (const name of names) rates[name].push(await ways[name]());
    rates.ratio.push(rates.ours.at(-1)! / rates.boss.at(-1)!);
    await app.ctx.db.execute(sql`delete from pending_work`);
  }
  printTable([
    [`${count} members, ${ROUND_COUNT} rounds`, "median", "range"],
    ["broadcast, members/s", ...cellsOf(rates.ours, 0)],
    ["  of that time, into inboxes", ...cellsOf(inboxParts, 2)],
    ["pg-boss, sending alone, jobs/s", ...cellsOf(rates.boss, 0)],
    ["ratio", ...cellsOf(rates.ratio, 2)],
  ]);
  await database.close();
}

function countAsked(): number {
  const at = Deno.args.indexOf("--members");
  return at === -1 ? MEMBER_COUNT : Number(Deno.args[at + 1]);
}

async function openCrowd({ ctx }: TestApp, count: number): Promise<Crowd> {
  const { groupId } = await makeCrowd(ctx, count, { hasBot: true });
  const { rows } = await ctx.db.execute<{ uid: string }>(sql`
    select uid from users join group_members on user_id = users.id
    where group_id = ${groupId} order by users.id`);
  await ctx.db.execute(sql`analyze`);
  return { groupId, mixinIds: rows.map(({ uid }) => uuidText(uid)) };
}

const SEND = "POST /v1/groups/{group_id}/send_message";

async function enter(app: TestApp, token: string, groupId: number): Promise<number> {
  const { broadcast_id } = await askOps(app, SEND, {
    token,
    params: { group_id: String(groupId) },
    body: { message: "as long as most of what people write is", broadcast: true },
  });
  return Number(broadcast_id);
}

/** How long an operator waits for the answer, at a large group and at a small one. */
async function compareAnswers(app: TestApp, crowd: Crowd): Promise<void> {
  const { token } = await makeOperator(app.ctx, "operator");
  const small = await makeCrowd(app.ctx, SMALL_COUNT);
  const tookMs: Record<string, number[]> = { large: [], small: [] };
  for (let time = -5; time < 30; time++) {
    for (const [name, { groupId }] of Object.entries({ large: crowd, small })) {
      const startedAt = performance.now();
      await enter(app, token, groupId);
      if (time >= 0) tookMs[name]!.push(performance.now() - startedAt);
    }
  }
  await app.ctx.db.execute(sql`delete from broadcasts`);
  printTable([
    ["send_message, ms", "median", "range"],
    [`a group of ${crowd.mixinIds.length}`, ...cellsOf(tookMs.large!, 2)],
    [`a group of ${SMALL_COUNT}`, ...cellsOf(tookMs.small!, 2)],
    ["ratio", (quantile(tookMs.large!, 0.5) / quantile(tookMs.small!, 0.5)).toFixed(2)],
  ]);
}

async function broadcastOnce(app: TestApp, crowd: Crowd, mixin: MixinStandIn) {
  const { token } = await makeOperator(app.ctx, "operator");
  const startedAt = performance.now();
  const id = await enter(app, token, crowd.groupId);
  let inboxMs = 0;
  // What waits is not waited for: the clock goes on.
  for (let look = 0; look <= 2 * PENDING_TRY_COUNT_MAX; look++, app.clock.advance(WAIT_MS)) {
    for (;;) {
      const chunkAt = performance.now();
      const { report, isLast } = await broadcastChunk(app.ctx, mixin);
      if (report.delivered > 0) inboxMs += performance.now() - chunkAt;
      if (isLast) break;
    }
    if ((await readBroadcast(app.ctx, id)).state === "done") break;
  }
  const tookMs = performance.now() - startedAt;
  await assertReached(app, { id, crowd, mixin });
  return { tookMs, inboxMs };
}

/** Each member has it once in the inbox and once over Mixin, but those it is never taken for. */
async function assertReached(
  app: TestApp,
  { id, crowd, mixin }: { id: number; crowd: Crowd; mixin: MixinStandIn },
): Promise<void> {
  const { length: total } = crowd.mixinIds;
  const failed = crowd.mixinIds.filter((to) => isPoisoned({ to })).length;
  assert.deepEqual(await readBroadcast(app.ctx, id), {
    id,
    state: "done",
    total,
    sent: total - failed,
    failed,
  });
  const { rows: [row] } = await app.ctx.db.execute<Record<string, string>>(sql`
    select count(*) as boxed, count(distinct inbox.user_id) as people,
      (select count(*) from pending_work where dead_at is not null) as dead,
      (select count(*) from pending_work where done_at is not null) as done
    from inbox join broadcasts on broadcasts.message_id = inbox.message_id
    where broadcasts.id = ${id}`);
  const counts = [row!.boxed, row!.people, row!.dead, row!.done].map(Number);
  assert.deepEqual(counts, [total, total, failed, total - failed]);
  assertTaken(mixin, crowd);
}

function assertTaken({ taken }: MixinStandIn, { mixinIds }: Crowd): void {
  const told = new Set([...taken.values()].map(({ to }) => to));
  const expected = mixinIds.filter((to) => !isPoisoned({ to }));
  assert.equal(taken.size, expected.length, "once each");
  assert.ok(expected.every((to) => told.has(to)), "everybody");
}

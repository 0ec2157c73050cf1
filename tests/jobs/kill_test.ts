import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import type { Ctx, Database } from "../../db/client/ctx.ts";
import { placeFriendship } from "../../db/domain/friends/pair.ts";
import { newestDuePeriod } from "../../db/domain/jobs/rules.ts";
import { enqueue } from "../../db/domain/outgoing/enqueue.ts";
import { PROFIT_SCHEDULE } from "../../db/domain/payouts/months.ts";
import { createRedPacket } from "../../db/domain/red_packets/create.ts";
import { payRedPacket } from "../../db/domain/red_packets/pay.ts";
import { sendTransfer } from "../../db/domain/transfers/send.ts";
import { callGuards } from "../../db/schema/guards.ts";
import { jobRuns } from "../../db/schema/jobs.ts";
import { pushTargets } from "../../db/schema/notifications.ts";
import { subscriptionPayments } from "../../db/schema/payouts.ts";
import { jobs } from "../../jobs/schedule.ts";
import { startTestApp } from "../harness.ts";
import { makeBroadcast, makeCrowd } from "../people/crowd.ts";
import { makeGroup, makeUser, makeUsers } from "../people/factories.ts";
import { giveMoney, issuePayToken } from "../people/money.ts";
import { makeSession } from "../people/sessions.ts";
import { giveCard, giveRealName } from "../routes/ops/profit_place.ts";
import { waitUntil } from "../services/binary.ts";
import { openPatiently, startPostgres, type TestPostgres } from "../services/postgres.ts";
import { startArguments } from "../services/start_arguments.ts";

const postgres = await startPostgres();
Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());

const DAY_MS = 24 * 60 * 60_000;
/** Shared by the test, which seals accounts and keystores, and the processes, which open them. */
const SECRET_KEY = "ab".repeat(32);
/** What may be told apart without anything being wrong: how often was tried. */
const COUNTS_OF_TRIES = ["fence", "attempt_count"];

/** Numbers of messages in tables that have no foreign keys to them. */
const MESSAGE_IDS = ["inbox.message_id", "group_logs.message_id"];

interface JobCase {
  /** Leaves work for the job. */
  seed(ctx: Ctx): Promise<void>;
  /** Statements in which the process is killed, one after the other, as triggers name them. */
  holds: string[];
}

/** The end of any chunk: what it did is there, and not committed unless by itself. */
const AT_STEP = "update of progress on job_runs";

/** Somebody else's clock: what is made with it is due by now. */
const ago = (ctx: Ctx, ms: number): Ctx => {
  const now = new Date(Date.now() - ms);
  return { ...ctx, now: () => now };
};

async function seedExpiredMoney(ctx: Ctx): Promise<void> {
  const past = ago(ctx, 3 * DAY_MS);
  const people = await makeUsers(past, 2);
  const { groupNo } = await makeGroup(past, people);
  const [sender, receiver] = [people[0]!, people[1]!];
  const from = { userId: sender.id };
  await giveMoney(past, from, 100_000);
  await placeFriendship(past, [sender.id, receiver.id]);
  for (const amount of [100, 250, 999]) {
    const redpacketNo = await createRedPacket(past, {
      ...from,
      type: 2,
      blessing: "",
      amount,
      shareCount: 2,
      scene: { type: 2, id: groupNo },
    });
    const packetToken = await issuePayToken(past, from, { item: "redpacket", amount });
    await payRedPacket(past, { redpacketNo, ...from, payToken: packetToken });
    const payToken = await issuePayToken(past, from, { item: "transfer", amount });
    await sendTransfer(past, { ...from, payToken, amount, toUid: receiver.uid, remark: "" });
  }
}

async function seedPushes(ctx: Ctx): Promise<void> {
  for (const { id: userId } of await makeUsers(ctx, 5)) {
    const { id: sessionId } = await makeSession(ctx, userId);
    const target = { userId, jpushId: `device-${userId}`, sessionId, updatedAt: ctx.now() };
    await ctx.db.insert(pushTargets).values(target);
    const message = { title: "Hello", content: "You there?", url: "plaza://profile/x" };
    await enqueue(ctx, [{ kind: "push", payload: { userId, ...message } }]);
  }
}

async function seedPayments(ctx: Ctx): Promise<void> {
  const period = newestDuePeriod(PROFIT_SCHEDULE, new Date());
  const paidAt = new Date(`${period.slice(0, 4)}-${period.slice(4)}-15`);
  for (let at = 0; at < 4; at++) {
    const [owner, inviter, payer] = await makeUsers(ctx, 3) as { id: number }[];
    const group = await makeGroup(ctx, [owner!, inviter!, payer!]);
    if (at % 2 === 0) {
      await giveRealName(ctx, owner!.id, "徐辉", `44010019900101000${at}`);
      await giveCard(ctx, owner!.id, `622202000000000000${at}`);
    }
    await ctx.db.insert(subscriptionPayments).values({
      traceId: `t-${at}`,
      groupId: group.id,
      userId: payer!.id,
      inviterId: inviter!.id,
      amount: `10${at}.1234`,
      paidAt,
      period,
      createdAt: paidAt,
    });
  }
}

async function seedBroadcasts(ctx: Ctx): Promise<void> {
  for (const hasBot of [true, false]) {
    const { groupId } = await makeCrowd(ctx, 7, { hasBot });
    await makeBroadcast(ctx, groupId, { text: `with${hasBot ? "" : "out"} a bot` });
  }
}

async function seedStale(ctx: Ctx): Promise<void> {
  const past = ago(ctx, 100 * DAY_MS);
  const expiresAt = past.now();
  const keys = Array.from({ length: 5 }, (_, at) => ({ key: `guard-${at}`, expiresAt }));
  await ctx.db.insert(callGuards).values(keys);
  const { id: userId } = await makeUser(past);
  const payload = { userId, title: "a", content: "b", url: "plaza://profile/x" };
  await enqueue(past, [{ kind: "push", payload }, { kind: "push", payload }]);
  await ctx.db.execute(sql`update pending_work set done_at = created_at where id % 2 = 0`);
  const run = { state: "done" as const, createdAt: expiresAt, finishedAt: expiresAt };
  const periods = ["2026-01-01T00Z", "2026-01-01T01Z", "2026-01-01T02Z"];
  await ctx.db.insert(jobRuns).values(periods.map((period) => ({ job: "old", period, ...run })));
}

const cases: Record<string, JobCase> = {
  settle: { seed: seedExpiredMoney, holds: ["insert on transactions", AT_STEP] },
  push: { seed: seedPushes, holds: ["update of done_at on pending_work", AT_STEP] },
  broadcast: {
    seed: seedBroadcasts,
    holds: ["insert on inbox", "update of done_at on pending_work", AT_STEP],
  },
  profit: { seed: seedPayments, holds: [AT_STEP, "insert on profit_records"] },
  audit: { seed: seedExpiredMoney, holds: [AT_STEP] },
  cleanup: { seed: seedStale, holds: ["delete on call_guards", "delete on pending_work", AT_STEP] },
};

Deno.test("every job there is gets killed here", () => {
  assert.deepEqual(Object.keys(cases).sort(), jobs.map(({ name }) => name).sort());
});

/** `deno task job <name>` in a process of its own. */
function startJob(name: string, { url, dataDir }: { url: string; dataDir: string }) {
  return new Deno.Command(Deno.execPath(), {
    args: [...startArguments(dataDir), "job", name],
    env: {
      APP_ENV: "development",
      DATA_DIR: dataDir,
      DATABASE_URL: url,
      SECRET_KEY,
      NO_COLOR: "1",
    },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function runJob(name: string, place: { url: string; dataDir: string }): Promise<void> {
  const { code, stdout, stderr } = await startJob(name, place).output();
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert.equal(code, 0, said);
}

/** Sleeps below the statements' limit of five seconds. */
async function placeHold({ db }: Database, hold: string): Promise<void> {
  await db.execute(sql`create or replace function hold() returns trigger language plpgsql as
    $$ begin perform pg_sleep(4); return null; end $$`);
  await db.execute(sql`create trigger held after ${sql.raw(hold)}
    for each statement execute function hold()`);
}

const held = sql`from pg_stat_activity
  where datname = current_database() and wait_event = 'PgSleep'`;
const countHeld = async ({ db }: Database) =>
  Number((await db.execute<{ count: string }>(sql`select count(*) ${held}`)).rows[0]!.count);

/** Kills the job's process while the database has it wait in the middle of a statement. */
async function killAt(
  hold: string,
  { name, database, ...place }: { name: string; database: Database; url: string; dataDir: string },
): Promise<void> {
  await placeHold(database, hold);
  const process = startJob(name, place);
  const output = process.output();
  await waitUntil(`${name} in ${hold}`, async () => await countHeld(database) > 0);
  process.kill("SIGKILL");
  assert.equal((await output).success, false);
  // Or the statement would be carried out though nobody is there any more to commit it.
  await database.db.execute(sql`select pg_terminate_backend(pid) ${held}`);
  await waitUntil("its connection's end", async () => await countHeld(database) === 0);
  await database.db.execute(sql.raw(`drop trigger held on ${hold.split(" on ")[1]}`));
  // Instead of a wait until what the dead process had claimed is free again.
  await database.db.execute(sql`update job_runs set lease_until = null where state = 'running'`);
  await database.db.execute(sql`update pending_work set due_at = now()
    where done_at is null and dead_at is null`);
}

type Row = Record<string, unknown>;
/** All rows of every table, times only as there or not. */
type Dump = Map<string, Row[]>;

async function dump({ db }: Database): Promise<Dump> {
  const { rows: columns } = await db.execute<{ name: string; columns: string }>(sql`
    select table_name as name, string_agg(format('%L, %I' || case
        when data_type = 'timestamp with time zone' then ' is not null' else '' end,
        column_name, column_name), ', ') as columns
    from information_schema.columns join information_schema.tables using (table_schema, table_name)
    where table_schema = 'public' and table_type = 'BASE TABLE'
    group by table_name order by table_name`);
  const tables: Dump = new Map();
  for (const { name, columns: pairs } of columns) {
    // Runs are of minutes, and a second start may be in the next one.
    if (name === "job_runs") continue;
    const { rows } = await db.execute<{ row: Row }>(
      sql.raw(`select jsonb_build_object(${pairs}) as row from ${name}`),
    );
    tables.set(name, rows.map(({ row }) => row));
  }
  return tables;
}

/**
 * Columns with numbers the database gave out to rows of these tables: work that was rolled back
 * leaves some out.
 */
async function readIdColumns({ db }: Database, tables: string[]): Promise<Set<string>> {
  const { rows } = await db.execute<{ column: string; table: string; is_identity: boolean }>(sql`
    select format('%s.%s', conrelid::regclass, own.attname) as column,
      confrelid::regclass::text as table, theirs.attidentity <> '' as is_identity
    from pg_constraint
      join pg_attribute as own on own.attrelid = conrelid and own.attnum = conkey[1]
      join pg_attribute as theirs on theirs.attrelid = confrelid and theirs.attnum = confkey[1]
    where contype = 'f'
    union all
    select format('%s.%s', attrelid::regclass, attname), attrelid::regclass::text, true
    from pg_attribute where attidentity <> ''`);
  const given = rows.filter((row) => row.is_identity && tables.includes(row.table));
  return new Set([...given.map(({ column }) => column), ...MESSAGE_IDS]);
}

/** Rows cut to some columns, as sorted lines. */
const linesOf = (rows: Row[], columns: string[]) =>
  rows.map((row) => JSON.stringify(columns.map((column) => row[column]))).sort();

/**
 * Asserts that two dumps say the same wherever two undisturbed runs do: random numbers differ
 * between any two.
 */
function assertSameRows(
  { killed, undisturbed: [one, other], idColumns }: {
    killed: Dump;
    undisturbed: [Dump, Dump];
    idColumns: Set<string>;
  },
): void {
  for (const [table, rows] of one) {
    const columns = Object.keys(rows[0] ?? {}).filter((column) =>
      !idColumns.has(`${table}.${column}`) && !COUNTS_OF_TRIES.includes(column) &&
      String(linesOf(rows, [column])) === String(linesOf(other.get(table)!, [column]))
    );
    assert.deepEqual(linesOf(killed.get(table)!, columns), linesOf(rows, columns), table);
  }
}

/** A copy of a database nobody is connected to. */
async function copyOf(server: TestPostgres, url: string, name: string): Promise<string> {
  const template = new URL(url).pathname.slice(1);
  await server.psql(`create database ${name} template ${template}`);
  return url.replace(/[^/]+$/, name);
}

async function withDatabase<T>(url: string, work: (database: Database) => Promise<T>): Promise<T> {
  const database = openPatiently(url);
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

async function readOutcome(database: Database) {
  const runs = await database.db.select().from(jobRuns).orderBy(jobRuns.id);
  assert.deepEqual(runs.filter(({ state }) => state !== "done"), []);
  return { rows: await dump(database), runs };
}

for (const [name, { seed, holds }] of Object.entries(cases)) {
  Deno.test({
    name: `pg: ${name}, killed in the middle, leaves the same rows as undisturbed`,
    ignore: !postgres,
    async fn() {
      const dataDir = await Deno.makeTempDir();
      const seeded = await postgres!.newDatabase({ name: `seeded_${name}` });
      const before = await withDatabase(seeded, async (database) => {
        await using app = await startTestApp({ database, env: { SECRET_KEY } });
        await seed(app.ctx);
        return await dump(database);
      });
      const runUndisturbed = async (copy: string) => {
        const url = await copyOf(postgres!, seeded, `${name}_${copy}`);
        await runJob(name, { url, dataDir });
        return await withDatabase(url, readOutcome);
      };
      const [one, other] = [await runUndisturbed("one"), await runUndisturbed("other")];
      const url = await copyOf(postgres!, seeded, `${name}_killed`);
      const killed = await withDatabase(url, async (database) => {
        for (const hold of holds) await killAt(hold, { name, database, url, dataDir });
        await runJob(name, { url, dataDir });
        return await readOutcome(database);
      });

      const grown = [...before].filter(([table, rows]) => one.rows.get(table)!.length > rows.length)
        .map(([table]) => table);
      const idColumns = await withDatabase(seeded, (database) => readIdColumns(database, grown));
      assertSameRows({ killed: killed.rows, undisturbed: [one.rows, other.rows], idColumns });
      const isIdle = JSON.stringify([...before]) === JSON.stringify([...one.rows]);
      assert.equal(isIdle, name === "audit", "only the audit changes no rows of others");
      const { callsOut } = jobs.find((job) => job.name === name)!;
      if (!callsOut && killed.runs.length === one.runs.length) {
        assert.deepEqual(killed.runs.at(-1)!.report, one.runs.at(-1)!.report);
      }
    },
  });
}

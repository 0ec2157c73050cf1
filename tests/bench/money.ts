import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { localBus } from "../../db/bus/bus.ts";
import { type Ctx, type Database, withTx } from "../../db/client/ctx.ts";
import { MIGRATIONS_FOLDER } from "../../db/client/migrations.ts";
import { openPg } from "../../db/client/pg.ts";
import { DomainError } from "../../db/domain/errors.ts";
import { auditLedger } from "../../db/domain/ledger/audit.ts";
import { openRedPacket } from "../../db/domain/red_packets/open.ts";
import { receiveTransfer } from "../../db/domain/transfers/receive.ts";
import { sendTransfer } from "../../db/domain/transfers/send.ts";
import { startPostgres, type TestPostgres } from "../services/postgres.ts";
import { startDelayProxy } from "./delays.ts";
import { cellsOf, printTable } from "./im_figures.ts";
import { openInFiveTrips } from "./money_five_trips.ts";
import { type Crowd, issueTokens, makeCrowd, makeHotPacket, type Payer } from "./money_people.ts";

const SHARE_COUNT = 250;
const OPENER_COUNT = 500;
/** The first, whom others pay and whose packets they open, and the members of the group. */
const PEOPLE_COUNT = 4_001;
const IDLE_ACCOUNT_COUNT = 100_000;
const TRANSFER_COUNT = 500;
/** Calls under way at a time; more than there are connections. */
const LANE_COUNT = 40;
const WARM_UP_COUNT = 1;
const ROUND_COUNT = 5;
/** What a round trip takes longer between an edge and its database, ms. */
const DELAY_MS = 2;
/** Of the ratios, in the order of the tables. */
const AIMS = [4, 10, 0.5, 0.5];
/** As a server that keeps what it has answered; tests run without. */
const DURABLE = ["fsync=on", "synchronous_commit=on", "full_page_writes=on"];
const TIMEOUTS = { connectMs: 60_000, statementMs: 60_000 };

/** A way of doing something so many times; the first of a table is what the others are against. */
interface Way {
  name: string;
  /** @returns how many a second */
  measure(): Promise<number>;
}

/**
 * Openings of one hot red packet a second, by the shipped statement against the same effects in
 * five trips, on this machine and with {@link DELAY_MS} more a round trip; and transfers a second
 * against a bare transaction of two UPDATEs. All ways take turns in every round.
 */
export async function money(): Promise<void> {
  await using postgres = await startPostgres(DURABLE);
  if (!postgres) return;
  await tellSettings(postgres);
  const url = await postgres.newDatabase();
  await using proxy = await startDelayProxy(postgres.port, DELAY_MS);
  const near = openPg(url, TIMEOUTS);
  const far = openPg(url.replace(`:${postgres.port}/`, `:${proxy.port}/`), TIMEOUTS);
  try {
    await near.migrate(MIGRATIONS_FOLDER);
    const crowd = await makeCrowd(ctxOf(near), PEOPLE_COUNT, 1_000);
    await makeStock(near);
    const hot = [
      ...openingWays(crowd, near, ""),
      ...openingWays(crowd, far, `, +${DELAY_MS} ms`),
    ];
    const transfers = transferWays(crowd, near);
    const rates = await takeTurns(near, [...hot, ...transfers]);
    report("openings of one packet a second", hot.slice(0, 2), rates.slice(0, 2));
    report(`the same, +${DELAY_MS} ms a round trip`, hot.slice(2), rates.slice(2, 4));
    report("transfers a second, spread", transfers.slice(0, 2), rates.slice(4, 6));
    report("transfers a second, one receiver", transfers.slice(2), rates.slice(6));
    await assertSound(near);
  } finally {
    await near.close();
    await far.close();
  }
  console.log(
    `${ROUND_COUNT} rounds after ${WARM_UP_COUNT} to warm up; ${SHARE_COUNT} shares and ` +
      `${OPENER_COUNT} openers, ${TRANSFER_COUNT} transfers a round, ${LANE_COUNT} at a time over ` +
      `10 connections; ratios aimed at, by table: ${AIMS.join(", ")}`,
  );
}

/** What is said of the server's settings that matter here. */
async function tellSettings(postgres: TestPostgres): Promise<void> {
  const shown = await postgres.psql(
    `select name || ' ' || current_setting(name) as text from pg_settings
     where name in ('fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers')`,
  );
  console.log(`PostgreSQL with ${shown.map(({ text }) => text).join(", ")}\n`);
}

/** Rows for the bare transaction, and accounts of as many people as a service has by and by. */
async function makeStock({ db }: Database): Promise<void> {
  await db.execute(sql`create table bare (id int primary key, balance bigint not null)`);
  await db.execute(sql`
    insert into bare select n, 0 from generate_series(0, ${TRANSFER_COUNT}::int) as n`);
  await db.execute(sql`
    insert into accounts (kind, owner_id)
    select 'wallet', -n from generate_series(1, ${IDLE_ACCOUNT_COUNT}::int) as n`);
}

function ctxOf({ db, transact }: Database): Ctx {
  return { db, transact, bus: localBus(), now: () => new Date() } as Ctx;
}

/** Runs everything, so many at a time; how many a second of `count` that was. */
async function timeInLanes(count: number, runs: (() => Promise<unknown>)[]): Promise<number> {
  const queue = runs.values();
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: LANE_COUNT }, async () => {
    for (const run of queue) await run();
  }));
  return count / ((performance.now() - startedAt) / 1000);
}

function openingWays(crowd: Crowd, database: Database, suffix: string): Way[] {
  const ctx = ctxOf(database);
  const wayOf = (name: string, open: typeof openRedPacket): Way => ({
    name: `${name}${suffix}`,
    async measure() {
      const redpacketNo = await makeHotPacket(ctx, crowd, SHARE_COUNT);
      const channel = { type: 2, id: crowd.group.groupNo };
      let taken = 0;
      const rate = await timeInLanes(
        SHARE_COUNT,
        crowd.people.slice(1, OPENER_COUNT + 1).map(({ userId }) => async () => {
          try {
            const share = await open(ctx, { redpacketNo, userId, channel });
            taken += share;
          } catch (error) {
            const isLate = error instanceof DomainError && error.kind === "redpacket_empty";
            if (!isLate) throw error;
          }
        }),
      );
      assert.equal(taken, SHARE_COUNT, "every share was taken once");
      return rate;
    },
  });
  return [wayOf("locked over five trips", openInFiveTrips), wayOf("shipped", openRedPacket)];
}

function transferWays({ people }: Crowd, database: Database): Way[] {
  const ctx = ctxOf(database);
  const payers = people.slice(1, TRANSFER_COUNT + 1);
  const bare = (name: string, receiverOf: (at: number) => number): Way => ({
    name: `${name}, BEGIN; UPDATE; UPDATE; COMMIT`,
    measure: () =>
      timeInLanes(
        TRANSFER_COUNT,
        payers.map((_, at) => () =>
          withTx(ctx, async ({ db }) => {
            await db.execute(sql`update bare set balance = balance - 1 where id = ${at + 1}`);
            await db.execute(
              sql`update bare set balance = balance + 1 where id = ${receiverOf(at)}`,
            );
          })
        ),
      ),
  });
  const shipped = (name: string, receiverOf: (at: number) => Payer): Way => ({
    name: `${name}, sent and received`,
    async measure() {
      const tokens = await issueTokens(ctx, payers);
      return await timeInLanes(
        TRANSFER_COUNT,
        payers.map(({ userId }, at) => async () => {
          const { userId: receiverId, uid: toUid } = receiverOf(at);
          const sending = { userId, payToken: tokens[at]!, amount: 1, toUid, remark: "" };
          await receiveTransfer(ctx, { no: await sendTransfer(ctx, sending), userId: receiverId });
        }),
      );
    },
  });
  // The next in line, whom the bare one locks in the same order.
  return [
    bare("spread", (at) => (at + 1) % TRANSFER_COUNT + 1),
    shipped("spread", (at) => people[at + 2]!),
    bare("hot", () => 0),
    shipped("hot", () => people[0]!),
  ];
}

/** For each way a figure of every round. */
async function takeTurns({ db }: Database, ways: Way[]): Promise<number[][]> {
  const rates: number[][] = ways.map(() => []);
  for (let round = -WARM_UP_COUNT; round < ROUND_COUNT; round++) {
    // As autovacuum does where a server lives longer than this: plans go by it.
    await db.execute(sql`analyze`);
    for (let turn = 0; turn < ways.length; turn++) {
      const which = (turn + round + WARM_UP_COUNT) % ways.length;
      const rate = await ways[which]!.measure();
      if (round >= 0) rates[which]!.push(rate);
    }
  }
  return rates;
}

function report(title: string, ways: Way[], rates: number[][]): void {
  const rows = ways.map(({ name }, which) => {
    const ratios = rates[which]!.map((rate, round) => rate / rates[0]![round]!);
    return [name, ...cellsOf(rates[which]!, 0), ...cellsOf(ratios, 2)];
  });
  printTable([[title, "median", "range", "ratio", "range"], ...rows]);
  console.log();
}

async function assertSound(database: Database): Promise<void> {
  const broken = (await auditLedger(database)).filter(({ violations }) => violations > 0);
  assert.deepEqual(broken, []);
}

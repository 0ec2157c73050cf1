import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { withTrips } from "../../config/runtime/trips.ts";
import type { Database, DatabaseKind } from "../../db/client/ctx.ts";
import { isDatabaseAway } from "../../db/client/errors.ts";
import { POOL_SIZE_MAX, type Timeouts } from "../../db/client/limits.ts";
import { openNeon } from "../../db/client/neon.ts";
import { openPg } from "../../db/client/pg.ts";
import { freePort, waitUntil } from "../services/binary.ts";
import { startNeonProxy, useNeonProxy } from "../services/neon_proxy.ts";
import { startPostgres } from "../services/postgres.ts";
import { sized } from "../size.ts";

const postgres = (await startPostgres())!;
const proxy = postgres && startNeonProxy(postgres.url);
const forgetProxy = proxy && useNeonProxy(proxy);
Deno.test.afterAll(async () => {
  forgetProxy?.();
  await proxy?.[Symbol.asyncDispose]();
  await postgres?.[Symbol.asyncDispose]();
});

const openers = { pg: openPg, neon: openNeon } as const;
type Kind = keyof typeof openers & DatabaseKind;
const kinds: Kind[] = ["pg", "neon"];
/** Far more than any call may take; reaching it means hanging. */
const HANG_MS = 10_000;
const QUICK: Timeouts = { connectMs: 400, statementMs: 400 };

/** Claims something of both drivers over a real server, each with a ledger of two accounts. */
function claim(
  name: string,
  hold: (database: Database, kind: Kind) => Promise<void>,
  { on = kinds, timeouts = {} }: { on?: Kind[]; timeouts?: Timeouts } = {},
): void {
  for (const kind of on) {
    Deno.test({
      name: `${kind}: ${name}`,
      ignore: !postgres,
      async fn() {
        const database = openers[kind](await postgres.newDatabase({ empty: true }), timeouts);
        await database.db.execute(sql.raw(`
          create table accounts (id int primary key, cents bigint not null);
          insert into accounts select n, 1000 from generate_series(1, ${POOL_SIZE_MAX}) n;
          create table transfers (id int primary key)`));
        await hold(database, kind);
        await inTime(database.close());
      },
    });
  }
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("nothing happened")), HANG_MS);
  return await Promise.race([work, promise]).finally(() => clearTimeout(timer));
}

async function assertAway(work: Promise<unknown>): Promise<void> {
  await assert.rejects(inTime(work), (error) => {
    assert.ok(isDatabaseAway(error), `not taken for an outage: ${Deno.inspect(error)}`);
    return true;
  });
}

/** Answers a function that waits until `count` have come. */
function meeting(count: number): (coming?: number) => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  return (coming = 1) => {
    count -= coming;
    if (count <= 0) resolve();
    return promise;
  };
}

const selectOne = (db: Database["db"]) => db.execute(sql`select 1`);
const add = (db: Database["db"], id: number, cents: number) =>
  db.execute(sql`update accounts set cents = cents + ${cents} where id = ${id}`);
const numbersOf = async ({ db }: Database, query: ReturnType<typeof sql>) =>
  (await db.execute<{ n: string }>(query)).rows.map(({ n }) => Number(n));

/** Every place of the pool is free and good: that many transactions are open at one moment. */
async function assertWholePoolWorks({ transact }: Database): Promise<void> {
  const met = meeting(POOL_SIZE_MAX);
  const work = Array.from({ length: POOL_SIZE_MAX }, () =>
    transact(async (db) => {
      await selectOne(db);
      await met();
      await selectOne(db);
    }).catch((error) => {
      // Otherwise the others would wait for this one with their places taken.
      met(POOL_SIZE_MAX);
      throw error;
    }));
  await inTime(Promise.allSettled(work));
  await Promise.all(work);
}

interface Load {
  acknowledged: number[];
  failureCount: number;
  readCount: number;
}

/** Moves money and reads without a pause while `disturb` runs. */
async function loadDuring(
  database: Database,
  disturb: (load: Load) => Promise<void>,
): Promise<Load> {
  const load: Load = { acknowledged: [], failureCount: 0, readCount: 0 };
  let running = true;
  let transferId = 0;
  const repeat = async (call: () => Promise<unknown>) => {
    while (running) {
      try {
        await inTime(call());
      } catch (error) {
        if (!isDatabaseAway(error)) throw error;
        load.failureCount++;
      }
    }
  };
  const transfer = async () => {
    const id = ++transferId;
    await database.transact(async (db) => {
      await add(db, 1, -1);
      await db.execute(sql`insert into transfers values (${id})`);
      await add(db, 2, 1);
    });
    load.acknowledged.push(id);
  };
  const read = async () => {
    const sum = await numbersOf(database, sql`select sum(cents) as n from accounts`);
    assert.deepEqual(sum, [1000 * POOL_SIZE_MAX]);
    load.readCount++;
  };
  const lanes = [transfer, transfer, transfer, transfer, read, read, read].map(repeat);
  const disturbed = disturb(load).finally(() => running = false);
  await Promise.all([disturbed, ...lanes]);
  return load;
}

const killRounds = {
  pg: sized({ suite: 40, full: 200 }),
  neon: sized({ suite: 15, full: 50 }),
};
claim("killing every connection under load loses no money and no place", async (database, kind) => {
  let killedCount = 0;
  const load = await loadDuring(database, async (load) => {
    for (let round = 1; round <= killRounds[kind]; round++) {
      const { readCount, acknowledged: { length } } = load;
      const recovered = () => load.readCount > readCount && load.acknowledged.length > length;
      await waitUntil("the database after a kill", recovered, HANG_MS);
      const cutProxy = kind === "neon" && round % 2 === 0;
      killedCount += cutProxy ? proxy!.cutAll() : await postgres.killBackends();
    }
  });
  assert.ok(killedCount >= killRounds[kind], `only ${killedCount} connections were killed`);
  assert.ok(load.failureCount > 0);
  await assertWholePoolWorks(database);
  // A transfer that failed may have been kept (the answer to COMMIT was lost), never half of it;
  // one that was acknowledged must have been.
  const kept = await numbersOf(database, sql`select id as n from transfers`);
  const keptIds = new Set(kept);
  assert.deepEqual(load.acknowledged.filter((id) => !keptIds.has(id)), []);
  const cents = await numbersOf(database, sql`select cents as n from accounts order by id limit 2`);
  assert.deepEqual(cents, [1000 - kept.length, 1000 + kept.length]);
});

const LANE_COUNT = POOL_SIZE_MAX / 2;
const ROUND_COUNT = 200 / LANE_COUNT;
claim("200 deadlocks between opposite transactions reach no caller", async (database) => {
  let attemptCount = 0;
  const cross = (first: number, second: number, met: () => Promise<void>) =>
    database.transact(async (db) => {
      attemptCount++;
      await add(db, first, 1);
      await met();
      await add(db, second, 1);
    });
  const runLane = async (lane: number) => {
    const [a, b] = [2 * lane + 1, 2 * lane + 2];
    for (let round = 0; round < ROUND_COUNT; round++) {
      const met = meeting(2);
      await Promise.all([cross(a, b, met), cross(b, a, met)]);
    }
  };
  await Promise.all(Array.from({ length: LANE_COUNT }, (_, lane) => runLane(lane)));
  // Two attempts each round, and one more for the transaction that lost.
  assert.ok(attemptCount >= 3 * LANE_COUNT * ROUND_COUNT, `only ${attemptCount} attempts`);
  const cents = await numbersOf(database, sql`select distinct cents as n from accounts`);
  assert.deepEqual(cents, [1000 + 2 * ROUND_COUNT]);
}, { on: ["pg"] });

claim("a stopped server fails calls as away, and a started one is used again", async (database) => {
  for (const mode of ["fast", "immediate"] as const) {
    await assertWholePoolWorks(database);
    await assertAway(database.transact(async (db) => {
      await selectOne(db);
      await postgres.stop(mode);
      await selectOne(db);
    }));
    await assertAway(selectOne(database.db));
    await assertAway(database.transact(selectOne));
    await postgres.start();
    await assertWholePoolWorks(database);
  }
});

claim("a frozen server hangs no call and keeps no place of the pool", async (database, kind) => {
  const closing = openers[kind](postgres.url, QUICK);
  await assertWholePoolWorks(closing);
  await assertWholePoolWorks(database);
  await postgres.pause();
  try {
    const calls = Array.from({ length: POOL_SIZE_MAX }, () => [
      assertAway(selectOne(database.db).execute()),
      assertAway(database.transact(selectOne)),
    ]);
    await Promise.all(calls.flat());
    // By now nothing of the pool is left: these have to connect.
    await assertAway(selectOne(database.db));
    await assertAway(database.transact(selectOne));
    await inTime(closing.close());
  } finally {
    await postgres.resume();
  }
  await assertWholePoolWorks(database);
}, { timeouts: QUICK });

claim("a statement given up on never leaves its connection to the next", async (database) => {
  // The server's own limit is taken away, so that only the client's can come.
  const sleep = (db: Database["db"]) =>
    db.execute(sql.raw("set statement_timeout = 0; select pg_sleep(2)"));
  await withTrips(async (trips) => {
    await assertAway(sleep(database.db).execute());
    await assertAway(database.transact(sleep));
    // No ROLLBACK: it would have waited for the statement.
    assert.equal(trips.sql.count, 3);
  });
  const busy = await postgres.psql(
    "select pid from pg_stat_activity where state = 'active' and query like '%pg_sleep(2)'",
  );
  assert.ok(busy.length > 0, "the server should still be at it");
  const used = await Promise.all(
    Array.from(
      { length: POOL_SIZE_MAX },
      () => numbersOf(database, sql`select pg_backend_pid() as n`),
    ),
  );
  const busyPids = new Set(busy.map(({ pid }) => Number(pid)));
  assert.deepEqual(used.flat().filter((pid) => busyPids.has(pid)), []);
}, { timeouts: QUICK });

/** Accepts WebSockets and never says another word, not even good-bye. */
function startSilentSockets(): { port: number; stop: () => void } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections: Deno.Conn[] = [];
  const greet = async (connection: Deno.Conn) => {
    connections.push(connection);
    const bytes = new Uint8Array(4096);
    const size = await connection.read(bytes) ?? 0;
    const request = new TextDecoder().decode(bytes.subarray(0, size));
    const key = /sec-websocket-key: (\S+)/i.exec(request)?.[1];
    const proof = new TextEncoder().encode(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
    const accept = new Uint8Array(await crypto.subtle.digest("SHA-1", proof)).toBase64();
    const answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" +
      `Connection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
    await connection.write(new TextEncoder().encode(answer));
  };
  (async () => {
    for await (const connection of listener) greet(connection);
  })();
  const stop = () => [listener, ...connections].forEach((open) => open.close());
  return { port: (listener.addr as Deno.NetAddr).port, stop };
}

claim("a silent or refusing Neon fails calls as away and keeps no place", async (database) => {
  const silent = startSilentSockets();
  for (const port of [silent.port, freePort()]) {
    const restore = useNeonProxy({ port });
    proxy!.cutAll();
    const calls = Array.from({ length: 2 * POOL_SIZE_MAX }, () => database.transact(selectOne));
    await Promise.all(calls.map(assertAway)).finally(restore);
  }
  // Callers may be answered a little before their places are free.
  const works = () => assertWholePoolWorks(database).then(() => true);
  await waitUntil("the whole pool", works, HANG_MS);
  silent.stop();
}, { on: ["neon"], timeouts: QUICK });

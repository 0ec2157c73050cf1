import { parseArgs } from "node:util";
import pg from "pg";
import { startPostgres } from "../services/postgres.ts";
import { startRedis } from "../services/redis.ts";
import { GROWN_CALLS, GrownPlace } from "./growth_calls.ts";
import { fillGrown } from "./growth_data.ts";
import { GROWN_TABLES } from "./growth_tables.ts";
import { cellsOf, printTable, quantile } from "./im_figures.ts";

/** How many times as many people the large database has. */
const FACTOR = 100;
const ROUND_COUNT = 5;
const CALLS_A_ROUND = 100;
/** What growing a hundredfold may cost a call. */
const RATIO_MAX = 1.5;
/** Of disk, for each person of the large database: what they take, and as much again to sort. */
const BYTES_A_PERSON = 20_000;
const MEMORY = [
  "shared_buffers=4GB",
  "max_wal_size=8GB",
  "wal_level=minimal",
  "max_wal_senders=0",
  "checkpoint_timeout=1h",
  // Everything is vacuumed when it is filled; a worker would take one of two processors.
  "autovacuum=off",
];

/**
 * `deno task bench growth [--people 1000000]`: what each list, the hot read, a send and a sync take
 * with so many people, and with a hundredth of them. Both take turns at every call. Then, how large
 * the rows of each table are.
 */
export async function growth(): Promise<void> {
  const { values } = parseArgs({
    args: Deno.args.slice(1),
    options: { people: { type: "string", default: "1000000" } },
  });
  const personCount = Number(values.people);
  if (!await hasRoom(personCount * BYTES_A_PERSON)) return;
  await using postgres = await startPostgres(MEMORY);
  await using smallRedis = await startRedis();
  await using largeRedis = await startRedis();
  if (!postgres || !smallRedis || !largeRedis) return;
  const stores = { databaseUrl: await postgres.newDatabase(), redisUrl: smallRedis.url };
  const largeStores = { databaseUrl: await postgres.newDatabase(), redisUrl: largeRedis.url };
  await fillGrown(stores.databaseUrl, personCount / FACTOR);
  await fillGrown(largeStores.databaseUrl, personCount);
  await using small = await GrownPlace.open(stores, personCount / FACTOR);
  await using large = await GrownPlace.open(largeStores, personCount);
  await compare(small, large);
  await reportSizes(largeStores.databaseUrl);
}

/** Whether the disk has so many bytes left; says so where it has not. */
async function hasRoom(bytes: number): Promise<boolean> {
  const folder = Deno.env.get("TMPDIR") ?? "/tmp";
  const { stdout } = await new Deno.Command("df", {
    args: ["--output=avail", "--block-size=1", folder],
  }).output();
  const left = Number(new TextDecoder().decode(stdout).split("\n")[1]);
  if (left < bytes) console.error(`this benchmark fills ${bytes} bytes of ${folder}: ${left} left`);
  return left >= bytes;
}

/** Calls both in turn, and prints how many times what the small one took the large one takes. */
export async function compare(small: GrownPlace, large: GrownPlace): Promise<void> {
  const places = [small, large];
  const rows: string[][] = [["", "p50 ms, small", "large", "ratio", "min..max"]];
  const above: string[] = [];
  for (const [name, call] of Object.entries(GROWN_CALLS)) {
    const medians: number[][] = [[], []];
    for (let round = -1; round < ROUND_COUNT; round++) {
      const tookMs: number[][] = [[], []];
      for (let turn = 0; turn < CALLS_A_ROUND * 2; turn++) {
        // Whose turn it is first changes, too.
        const which = (turn + (turn >> 1)) % 2;
        const { caller } = places[which]!;
        const startedAt = performance.now();
        await call(places[which]!, caller);
        tookMs[which]!.push(performance.now() - startedAt);
      }
      if (round >= 0) tookMs.forEach((took, which) => medians[which]!.push(quantile(took, 0.5)));
    }
    const ratios = medians[1]!.map((ms, round) => ms / medians[0]![round]!);
    rows.push([name, ...medians.map((ms) => cellsOf(ms, 2)[0]), ...cellsOf(ratios, 2)]);
    if (quantile(ratios, 0.5) > RATIO_MAX) above.push(name);
  }
  printTable(rows);
  console.log(`\nabove ${RATIO_MAX}: ${above.join(", ") || "none"}`);
  for (const complaint of new Set(places.flatMap(({ complaints }) => complaints))) {
    console.log(complaint);
  }
}

/** Bytes of a row of each table, with its part of the indexes. */
export async function reportSizes(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query(
      `select relname as name, reltuples::bigint as count, pg_total_relation_size(oid) as bytes,
         pg_relation_size(oid) as heap
       from pg_class where relkind = 'r' and relname = any($1) and reltuples > 0
       order by bytes desc`,
      [Object.keys(GROWN_TABLES)],
    );
    printTable([
      ["table", "rows", "MiB", "bytes a row", "of these in indexes"],
      ...rows.map(({ name, count, bytes, heap }) => [
        name,
        count,
        (bytes / 2 ** 20).toFixed(0),
        (bytes / count).toFixed(0),
        ((bytes - heap) / count).toFixed(0),
      ]),
    ]);
  } finally {
    await client.end();
  }
}

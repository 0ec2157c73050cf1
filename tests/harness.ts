import assert from "node:assert/strict";
import { readConfig } from "../config/config.ts";
import { type Bus, localBus } from "../db/bus/bus.ts";
import { contextFor, type Ctx, type Database, type Parts } from "../db/client/ctx.ts";
import { MIGRATIONS_FOLDER } from "../db/client/migrations.ts";
import { createPglite, overPglite } from "../db/client/pglite.ts";
import type { JobRunner } from "../db/domain/jobs/runner.ts";
import { auditLedger } from "../db/domain/ledger/audit.ts";
import type { RedisConnection } from "../db/redis/client.ts";
import { openRedis } from "../db/redis/open.ts";
import { openJobRunner } from "../jobs/runner.ts";
import { openProviders, type Providers } from "../providers/providers.ts";
import { createApp } from "../routes/app.ts";
import { keep, keptPath } from "./kept.ts";
import { reusedDatabase } from "./reused_database.ts";

/**
 * A clock that goes on from where a test puts it and never says the same time twice. Code that
 * reads it twice for what is one event always shows, not only when a millisecond ends in between;
 * and two signed calls never share their time, which would make the second a repetition.
 */
export class Clock {
  #aheadMs = 0;
  #lastMs = 0;
  #isStill = false;
  now = () => {
    const ranOnMs = this.#isStill ? 0 : Date.now() + this.#aheadMs;
    this.#lastMs = Math.max(this.#lastMs + 1, ranOnMs);
    return new Date(this.#lastMs);
  };
  /**
   * From the next beginning of `windowMs` on nothing moves it but being read, 1 ms a time: what a
   * test does within a window is within it, however busy the machine is.
   */
  standStill(windowMs: number) {
    this.advance(windowMs - this.now().getTime() % windowMs);
    this.#isStill = true;
  }
  advance(ms: number) {
    this.#aheadMs += ms;
    this.#lastMs += ms;
  }
}

export interface TestApp extends Parts {
  providers: Providers;
  jobs: JobRunner;
  clock: Clock;
  /** Lines the app logged. */
  logs: Record<string, unknown>[];
  /** A context as a request would have it. */
  ctx: Ctx;
  /** A request from somewhere on the internet, or from the peer named. */
  fetch(request: Request, peer?: string): Promise<Response>;
  /** As whoever develops calls it, from the machine itself and by its name: doors open to them. */
  door: { fetch(request: Request): Promise<Response> };
  [Symbol.asyncDispose](): Promise<void>;
}

export interface TestAppOptions {
  /** Environment variables over the defaults; nothing is read from the real environment. */
  env?: Record<string, string>;
  database?: Database;
  redis?: RedisConnection;
  bus?: Bus;
  providers?: Partial<Providers>;
  stopping?: AbortSignal;
}

/**
 * The whole app on parts of its own, nothing shared with any other test file. Disposing of it fails
 * when something unexpected or undeclared happened on the way, which no single answer would show.
 */
export async function startTestApp(options: TestAppOptions = {}): Promise<TestApp> {
  const dataDir = options.env?.DATA_DIR ?? await Deno.makeTempDir();
  const config = readConfig(
    { RATE_FACTOR: "0", ...options.env, DATA_DIR: dataDir },
    () => ({ secretKey: "a secret key that only tests know" }),
  );
  const clock = new Clock();
  const database = options.database ?? await openTestDatabase();
  const redis = options.redis ?? await openRedis(config, clock);
  const providers = { ...openProviders(config), ...options.providers };
  const logs: Record<string, unknown>[] = [];
  const bus = options.bus ?? busBeside(redis);
  const parts = { config, database, redis, bus, now: clock.now };
  const log = (line: Record<string, unknown>) => logs.push(line);
  const jobs = openJobRunner({ ...parts, providers, log });
  const app = createApp({ ...parts, providers, log, jobs, stopping: options.stopping });
  // A server on a developer's machine is asked by that name from there alone.
  const peerOf = ({ url }: Request) =>
    new URL(url).hostname === "localhost" ? "127.0.0.1" : "192.0.2.1";
  const fetch = async (request: Request, peer = peerOf(request)) =>
    await app.fetch(request, { remoteAddr: { hostname: peer } });
  return {
    ...parts,
    providers,
    jobs,
    clock,
    logs,
    ctx: contextFor(parts, "test"),
    fetch,
    door: { fetch: (request) => fetch(fromHere(request)) },
    async [Symbol.asyncDispose]() {
      if (!options.database) {
        await assertBooksHold(parts);
        await database.close();
      }
      if (!options.redis) await redis.close();
      if (!options.env?.DATA_DIR) await Deno.remove(dataDir, { recursive: true });
      const faults = logs.filter((line) => line.level === "error" || line.level === "warn");
      assert.deepEqual(faults, []);
    },
  };
}

const buses = new WeakMap<RedisConnection, Bus>();

/** Processes that share a Redis hear each other. */
function busBeside(redis: RedisConnection): Bus {
  const bus = buses.get(redis) ?? localBus();
  buses.set(redis, bus);
  return bus;
}

/** The same call as whoever develops makes it. */
export function fromHere(request: Request): Request {
  const url = new URL(request.url);
  url.hostname = "localhost";
  return new Request(url, request);
}

/** Whatever a test did with money, the invariants hold afterwards. */
export async function assertBooksHold({ database }: Pick<Parts, "database">): Promise<void> {
  const broken = (await auditLedger(database)).filter(({ violations }) => violations > 0);
  assert.deepEqual(broken, []);
}

let copied: Promise<Blob> | undefined;

/** An empty migrated database in memory, from a copy made once per set of migrations. */
export async function openTestDatabase(): Promise<Database> {
  return await reusedDatabase(async () => {
    copied ??= migratedCopy().then((copy) => new Blob([copy]));
    return await createPglite("memory://", { loadDataDir: await copied });
  });
}

/** Making a cluster takes seconds, loading a copy of one a fraction of that. */
async function migratedCopy(): Promise<Uint8Array<ArrayBuffer>> {
  const path = keptPath("pglite.tar");
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const copy = await makeMigratedCopy();
  const unnamed = await Deno.makeTempFile();
  await Deno.writeFile(unnamed, copy);
  await keep(unnamed, path);
  return copy;
}

/** For many small databases: starting one writes all its WAL segments. */
const SMALL_CLUSTER = ["--wal-segsize=1"]
  .concat(
    ["min_wal_size=2MB", "max_wal_size=2MB"].flatMap((s) => ["-c", s]),
  );

/**
 * Every file of a copy is written anew by each of hundreds of tests, so it holds no more than it
 * must: no template databases, and nothing to be redone from the WAL.
 */
async function makeMigratedCopy(): Promise<Uint8Array<ArrayBuffer>> {
  const pglite = await createPglite("memory://", { initDbStartParams: SMALL_CLUSTER });
  await overPglite(pglite).migrate(MIGRATIONS_FOLDER);
  await pglite.exec("update pg_database set datistemplate = false");
  for (const name of ["template0", "template1"]) await pglite.exec(`drop database ${name}`);
  await pglite.exec("checkpoint");
  const copy = await pglite.dumpDataDir("none");
  await pglite.close();
  return new Uint8Array(await copy.arrayBuffer());
}

import { openDatabase } from "../../db/client/open.ts";
import { openRedis } from "../../db/redis/open.ts";
import { makeOperator } from "../clients/ops.ts";
import { startTestApp } from "../harness.ts";
import { type ChatPerson, makeChatPerson } from "../servers/chat.ts";
import { startPostgres, type TestPostgres } from "../services/postgres.ts";
import { type RedisService, startRedis } from "../services/redis.ts";
import type { Findings } from "./findings.ts";
import { pause } from "./raw_connection.ts";
import { SECRET_KEY, ServerProcess, type ServerStores } from "./server_process.ts";

/** How long things may take to recover by themselves, ms: the patience of a client that retries. */
const RECOVERY_MS_MAX = 15_000;
const LOOK_MS = 100;

/** What came of one fault. */
export interface FaultRow {
  name: string;
  /** What was done, in numbers. */
  done: string;
  /** `/healthz` while it lasted: how often it answered, and the slowest, ms. */
  healthCount: number;
  healthSlowestMs: number;
  /** What somebody with an account was answered meanwhile, by status. */
  statuses: Map<number, number>;
  recoveredMs: number | undefined;
}

/** A server on a PostgreSQL and a Redis of its own, with one person and one operator in it. */
export interface FaultPlace extends AsyncDisposable {
  stores: ServerStores;
  postgres: TestPostgres;
  redis: RedisService;
  server: ServerProcess;
  person: ChatPerson;
  operatorToken: string;
  findings: Findings;
}

/** Undefined where there is no PostgreSQL or Redis. */
export async function openFaultPlace(findings: Findings): Promise<FaultPlace | undefined> {
  await using stack = new AsyncDisposableStack();
  const postgres = await startPostgres();
  if (!postgres) return undefined;
  stack.use(postgres);
  const redis = await startRedis();
  if (!redis) return undefined;
  stack.use(redis);
  const stores = { databaseUrl: await postgres.newDatabase(), redisUrl: redis.url };
  const people = await makePeople(stores);
  // Callers come from as many networks as a case needs.
  const server = stack.use(
    await ServerProcess.start(stores, { env: { TRUSTED_PROXY_COUNT: "1" } }),
  );
  const all = stack.move();
  return {
    ...people,
    stores,
    postgres,
    redis,
    server,
    findings,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

async function makePeople({ databaseUrl, redisUrl }: ServerStores) {
  const database = await openDatabase({ databaseUrl, dataDir: "unused" });
  const redis = await openRedis({ redis: { kind: "tcp", url: redisUrl } });
  try {
    await using app = await startTestApp({ database, redis, env: { SECRET_KEY } });
    const { token: operatorToken } = await makeOperator(app.ctx, "operator");
    return { person: await makeChatPerson(app.ctx), operatorToken };
  } finally {
    await redis.close();
    await database.close();
  }
}

/**
 * Does something to a server, watches it meanwhile, and waits until all is well again. It must
 * answer `/healthz` all the time, answer everybody or say that it cannot, and never end.
 *
 * @param disturb @returns what was done, in numbers; when it is over the fault is
 */
export async function suffer(
  name: string,
  place: Pick<FaultPlace, "server" | "person" | "findings">,
  disturb: () => Promise<string>,
): Promise<FaultRow> {
  const { server, person, findings } = place;
  const row: FaultRow = {
    name,
    done: "",
    healthCount: 0,
    healthSlowestMs: 0,
    statuses: new Map(),
    recoveredMs: undefined,
  };
  // The first call of a kind loads its code, which is no fault's doing.
  await recovered(server, person);
  let isOver = false;
  let missedCount = 0;
  const health = async () => {
    while (!isOver) {
      const { status, tookMs } = await ask(server, "/healthz");
      if (status === undefined) missedCount++;
      else row.healthCount++;
      row.healthSlowestMs = Math.max(row.healthSlowestMs, tookMs);
      await pause(LOOK_MS);
    }
  };
  const calls = async () => {
    while (!isOver) {
      const { status = 0 } = await ask(server, `/users/${person.uid}`, person.token);
      row.statuses.set(status, (row.statuses.get(status) ?? 0) + 1);
      await pause(LOOK_MS);
    }
  };
  const watching = Promise.all([health(), calls()]);
  try {
    row.done = await disturb();
  } catch (error) {
    // The next fault is tried all the same.
    findings.add(`${name}: ${error instanceof Error ? error.message : error}`);
  } finally {
    isOver = true;
    await watching;
  }
  if (missedCount > 0) findings.add(`${name}: /healthz did not answer, ${missedCount} times`);
  const strange = [...row.statuses.keys()].filter((status) => status !== 200 && status !== 503);
  if (strange.length > 0) findings.add(`${name}: somebody was answered ${strange.join(", ")}`);
  row.recoveredMs = await recovered(server, person);
  if (row.recoveredMs === undefined) findings.add(`${name}: not well after ${RECOVERY_MS_MAX} ms`);
  if (server.exitCode !== undefined) findings.add(`${name}: the server ended: ${server.exitCode}`);
  for (const line of server.complaints.splice(0)) findings.add(`${name}: it said ${line}`);
  return row;
}

/** How long it took until all was well, ms; undefined: it is not. */
async function recovered(server: ServerProcess, person: ChatPerson): Promise<number | undefined> {
  const startedAt = performance.now();
  while (performance.now() - startedAt < RECOVERY_MS_MAX) {
    const health = await ask(server, "/healthz");
    const call = await ask(server, `/users/${person.uid}`, person.token);
    if (health.text?.includes('"status":"ok"') && call.status === 200) {
      return performance.now() - startedAt;
    }
    await pause(LOOK_MS);
  }
  return undefined;
}

const CALL_TIMEOUT_MS = 20_000;

async function ask(
  { httpUrl }: ServerProcess,
  path: string,
  token?: string,
): Promise<{ status?: number; text?: string; tookMs: number }> {
  const startedAt = performance.now();
  try {
    const response = await fetch(`${httpUrl}${path}`, {
      headers: token === undefined ? {} : { token },
      signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
    });
    const text = await response.text();
    return { status: response.status, text, tookMs: performance.now() - startedAt };
  } catch {
    return { tookMs: performance.now() - startedAt };
  }
}

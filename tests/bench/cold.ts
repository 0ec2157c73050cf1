import { createHash } from "node:crypto";
import { MIGRATIONS_FOLDER } from "../../db/client/migrations.ts";
import { openDatabase } from "../../db/client/open.ts";
import { openRedis } from "../../db/redis/open.ts";
import {
  callGateway,
  type GatewayLogin,
  gatewayRequest,
  registerPerson,
} from "../clients/gateway.ts";
import { Clock, startTestApp } from "../harness.ts";
import { freePort } from "../services/binary.ts";
import { startPostgres } from "../services/postgres.ts";
import { startRedis } from "../services/redis.ts";
import { startArguments } from "../services/start_arguments.ts";

const WARM_UP_COUNT = 2;
const ROUND_COUNT = 15;
const ANSWER_TIMEOUT_MS = 30_000;
/** Pause between two tries to connect to a server that does not listen yet, ms. */
const POLL_MS = 2;
/** What the built one is to keep to: a ratio of health, of a signed read, on embedded parts. */
const RATIOS_MAX = [5, 6, 12];
const BUILT = "dist/main.js";
const SECRET_KEY = createHash("sha256").update("a key of this benchmark alone").digest("hex");

/** One way of starting a server, and the request whose first 200 ends the measurement. */
interface Start {
  name: string;
  script: string;
  env: Record<string, string>;
  request: (origin: string) => Request;
}

/**
 * From starting the process to its first answer, as a ratio to a bare Hono server under the same
 * flags. One start of each kind per round, in turning order, so that a slow moment of the machine
 * meets all of them alike.
 */
export async function cold(): Promise<void> {
  await using postgres = await startPostgres();
  await using redis = await startRedis();
  if (!postgres || !redis) return;
  await build();
  const dataDir = await Deno.makeTempDir({ prefix: "plaza_cold_" });
  try {
    const hosted = {
      APP_ENV: "development",
      // The one who is measured registers with a code from the outbox.
      DEV_DOORS: "1",
      DATABASE_URL: await postgres.newDatabase(),
      REDIS_URL: redis.url,
      SECRET_KEY,
    };
    const person = await preparePerson(hosted);
    const starts = startsOf(hosted, person);
    const took = await measure(starts, dataDir);
    report(starts, took);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
}

async function build() {
  const args = ["run", "-A", "--no-check", "build.ts"];
  const { success } = await new Deno.Command(Deno.execPath(), { args }).spawn().status;
  if (!success) throw new Error("deno task build fails");
}

/** The first is what the others are compared with. */
function startsOf(hosted: Record<string, string>, person: GatewayLogin): Start[] {
  const health = (origin: string) => new Request(`${origin}/healthz`);
  const clock = new Clock();
  const profile = (origin: string) => {
    const { url, headers } = gatewayRequest({ clock }, "GET", `/user/${person.uid}/profile`, {
      as: person,
    });
    return new Request(url.replace("http://plaza.test", origin), { headers });
  };
  return [
    { name: "bare Hono", script: "tests/bench/bare_server.ts", env: {}, request: health },
    ...[BUILT, "main.ts"].flatMap((script) => [
      { name: `${script}, /healthz`, script, env: hosted, request: health },
      { name: `${script}, signed profile read`, script, env: hosted, request: profile },
      { name: `${script}, embedded parts, /healthz`, script, env: {}, request: health },
    ]),
  ];
}

/** Migrates the database and leaves a person in it whose session every later start accepts. */
async function preparePerson(env: Record<string, string>): Promise<GatewayLogin> {
  const database = await openDatabase({ databaseUrl: env.DATABASE_URL!, dataDir: "unused" });
  const redis = await openRedis({ redis: { kind: "tcp", url: env.REDIS_URL! } });
  try {
    await database.migrate(MIGRATIONS_FOLDER);
    await using app = await startTestApp({ env, database, redis });
    const person = await registerPerson(app);
    await callGateway(app, "GET", `/user/${person.uid}/profile`, { as: person });
    return person;
  } finally {
    await redis.close();
    await database.close();
  }
}

/** Milliseconds per kind of start, one for each round; the rounds that warm caches up left out. */
async function measure(starts: Start[], dataDir: string): Promise<number[][]> {
  const took: number[][] = starts.map(() => []);
  for (let round = -WARM_UP_COUNT; round < ROUND_COUNT; round++) {
    for (let turn = 0; turn < starts.length; turn++) {
      const which = (turn + round + WARM_UP_COUNT) % starts.length;
      const ms = await timeStart(starts[which]!, dataDir);
      if (round >= 0) took[which]!.push(ms);
    }
  }
  return took;
}

async function timeStart({ script, env, request }: Start, dataDir: string): Promise<number> {
  const port = freePort();
  const startedAt = performance.now();
  const process = new Deno.Command(Deno.execPath(), {
    args: [...startFlags(dataDir), script],
    env: { ...env, DATA_DIR: dataDir, PORT: String(port), HOST: "127.0.0.1" },
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  try {
    await firstAnswer(request(`http://127.0.0.1:${port}`));
    return performance.now() - startedAt;
  } finally {
    // The runtime keeps compiled code for the next start only when a process ends by itself.
    process.kill("SIGTERM");
    await process.status;
  }
}

/** The flags of the start task, without its script. */
function startFlags(dataDir: string): string[] {
  return startArguments(dataDir).slice(0, -1);
}

/** Resolves with the first 200; until somebody listens there is nothing to wait for. */
async function firstAnswer(request: Request): Promise<void> {
  const endsAt = performance.now() + ANSWER_TIMEOUT_MS;
  while (performance.now() < endsAt) {
    const response = await fetch(request.clone()).catch(() => undefined);
    const text = await response?.text();
    if (response?.status === 200) return;
    if (response) throw new Error(`${request.url} answered ${response.status}: ${text}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`${request.url} did not answer within ${ANSWER_TIMEOUT_MS} ms`);
}

function report(starts: Start[], took: number[][]): void {
  const bare = took[0]!;
  const rows = starts.map(({ name }, which) => {
    const ms = took[which]!;
    const ratios = ms.map((value, round) => value / bare[round]!);
    return [
      ...[name, quantile(ms, 0.5).toFixed(0), spread(ms, 0)],
      ...[quantile(ratios, 0.5).toFixed(2), spread(ratios, 2)],
    ];
  });
  for (const [name, ...cells] of [["", "median ms", "p10..p90", "ratio", "p10..p90"], ...rows]) {
    console.log(name!.padEnd(36) + cells.map((cell) => cell.padStart(14)).join(""));
  }
  console.log(
    `${ROUND_COUNT} rounds after ${WARM_UP_COUNT} to warm up; the ratios of what is built are to ` +
      `be at most ${RATIOS_MAX.join(", ")}`,
  );
}

function spread(values: number[], digits: number): string {
  return [0.1, 0.9].map((at) => quantile(values, at).toFixed(digits)).join("..");
}

/** The value below which the part `at` (0…1) of the values lies, between neighbours as needed. */
function quantile(values: number[], at: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * at;
  const low = sorted[Math.floor(place)]!;
  return low + (sorted[Math.ceil(place)]! - low) * (place - Math.floor(place));
}

import { MIGRATIONS_FOLDER } from "../../db/client/migrations.ts";
import { openDatabase } from "../../db/client/open.ts";
import { openRedis } from "../../db/redis/open.ts";
import { type GatewayLogin, gatewayRequest, registerPerson } from "../clients/gateway.ts";
import { Clock, startTestApp } from "../harness.ts";
import { freePort, waitUntil } from "../services/binary.ts";
import { startPostgres } from "../services/postgres.ts";
import { startRedis } from "../services/redis.ts";
import { startArguments } from "../services/start_arguments.ts";
import { SECRET_KEY, ServerProcess, type ServerStores } from "../soak/server_process.ts";
import { PROFILE_SQL } from "./hot_sql.ts";
import { cellsOf, printTable } from "./im_figures.ts";
import { type LoadRequest, openLoad } from "./load.ts";

const PERSON_COUNT = 50;
const CONNECTION_COUNT = 32;
/** The runtime compiles for some ten thousand requests before a server is as fast as it gets. */
const WARM_UP_COUNT = 3;
const ROUND_COUNT = 5;
const ROUND_SECONDS = 3;
/** What the peers are, at the versions they had when this was written. */
const PEER_PACKAGES = ["fastify@5", "express@5", "pg@8"];

interface Server extends AsyncDisposable {
  name: string;
  url: string;
}

/**
 * Signed, limited and validated profile reads a second, each by one of some people about another,
 * as ratios to servers that check nothing. All take turns in every round.
 */
export async function hot(): Promise<void> {
  await using postgres = await startPostgres();
  await using redis = await startRedis();
  if (!postgres || !redis) return;
  const stores = { databaseUrl: await postgres.newDatabase(), redisUrl: redis.url };
  await using load = await openLoad(await makeRequests(stores), {
    connectionCount: CONNECTION_COUNT,
  });
  if (!load) return;
  await using servers = new AsyncDisposableStack();
  const plaza = servers.use(
    await ServerProcess.start(stores, {
      // Everything is counted, and nobody is over a limit.
      env: { RATE_FACTOR: "1000000" },
    }),
  );
  const all = [{ name: "Plaza", url: plaza.httpUrl }];
  for (const peer of await startPeers(stores)) all.push(servers.use(peer));

  const rates: number[][] = all.map(() => []);
  for (let round = -WARM_UP_COUNT; round < ROUND_COUNT; round++) {
    for (let turn = 0; turn < all.length; turn++) {
      const which = (turn + round + WARM_UP_COUNT) % all.length;
      const rate = await load.rateOf(all[which]!.url, ROUND_SECONDS);
      if (round >= 0) rates[which]!.push(rate);
    }
  }
  const [own] = rates;
  printTable([
    ["", "reads/s", "min..max", "Plaza ÷ it", "min..max"],
    ...all.map(({ name }, which) => [
      name,
      ...cellsOf(rates[which]!, 0),
      ...cellsOf(own!.map((rate, round) => rate / rates[which]![round]!), 2),
    ]),
  ]);
}

/** Requests, each of which is good for the `ts` window. */
async function makeRequests(stores: ServerStores): Promise<LoadRequest[]> {
  const people = await makePeople(stores);
  const clock = new Clock();
  return people.map((as, at) => {
    const path = `/user/${people[(at + 1) % PERSON_COUNT]!.uid}/profile`;
    const { url, headers } = gatewayRequest({ clock }, "GET", path, { as });
    const { pathname, search } = new URL(url);
    return {
      path: `${pathname}${search}`,
      headers: { Authorization: headers.get("authorization")! },
    };
  });
}

/** Migrates the database, and makes people whose sessions every server here accepts. */
export async function makePeople({ databaseUrl, redisUrl }: ServerStores): Promise<GatewayLogin[]> {
  const database = await openDatabase({ databaseUrl, dataDir: "unused" });
  const redis = await openRedis({ redis: { kind: "tcp", url: redisUrl } });
  try {
    await database.migrate(MIGRATIONS_FOLDER);
    await using app = await startTestApp({ database, redis, env: { SECRET_KEY } });
    const people: GatewayLogin[] = [];
    for (let at = 0; at < PERSON_COUNT; at++) people.push(await registerPerson(app));
    return people;
  } finally {
    await redis.close();
    await database.close();
  }
}

const envOf = ({ databaseUrl, redisUrl }: ServerStores) => ({
  DATABASE_URL: databaseUrl,
  REDIS_URL: redisUrl,
  PROFILE_SQL,
});

/** @param folder goes with it */
export function startBareServer(stores: ServerStores, folder: string): Promise<Server> {
  const script = "tests/bench/hot_bare_server.ts";
  return startServer("Hono, Redis, pg, on Deno", {
    command: [Deno.execPath(), ...startArguments(folder).slice(0, -1), script],
    env: envOf(stores),
    folder,
  });
}

/** The bare servers; those on Node only where it is. */
async function startPeers(stores: ServerStores): Promise<Server[]> {
  const dataDir = await Deno.makeTempDir({ prefix: "plaza_hot_" });
  const bare = await startBareServer(stores, dataDir);
  const peers = [bare];
  const npm = await new Deno.Command("npm", {
    args: ["install", "--silent", "--no-audit", "--no-fund", "--prefix", dataDir, ...PEER_PACKAGES],
  }).output().catch(() => undefined);
  if (!npm?.success) {
    console.log("skipped: Fastify and Express, which need node and npm");
    return peers;
  }
  for (const [name, file] of [["Fastify", "fastify.cjs"], ["Express", "express.cjs"]] as const) {
    await Deno.copyFile(new URL(`./peers/${file}`, import.meta.url), `${dataDir}/${file}`);
    const command = ["node", `${dataDir}/${file}`];
    const env = envOf(stores);
    peers.push(await startServer(`${name}, pg, no checks, on Node`, { command, env }));
  }
  return peers;
}

async function startServer(
  name: string,
  { command: [program, ...args], env, folder }: {
    command: string[];
    env: Record<string, string>;
    folder?: string;
  },
): Promise<Server> {
  const port = freePort();
  const process = new Deno.Command(program!, {
    args,
    env: { ...env, PORT: String(port), HOST: "127.0.0.1", NODE_ENV: "production" },
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  const url = `http://127.0.0.1:${port}`;
  await waitUntil(name, async () => {
    const response = await fetch(`${url}/healthz`);
    await response.body?.cancel();
    return response.ok;
  });
  return {
    name,
    url,
    async [Symbol.asyncDispose]() {
      process.kill("SIGKILL");
      await process.status;
      if (folder) await Deno.remove(folder, { recursive: true });
    },
  };
}

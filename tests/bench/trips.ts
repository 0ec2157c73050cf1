import { type GatewayLogin, signCall } from "../clients/gateway.ts";
import { startPostgres } from "../services/postgres.ts";
import { startRedis } from "../services/redis.ts";
import { ServerProcess } from "../soak/server_process.ts";
import { startDelayProxy } from "./delays.ts";
import { makePeople, startBareServer } from "./hot.ts";
import { cellsOf, printTable } from "./im_figures.ts";
import { type LoadRequest, openLoad } from "./load.ts";

/** What is added to each trip to either store, ms. */
const DELAY_MS = 2;
const ROUND_COUNT = 5;
const ROUND_SECONDS = 2;
/** More than anybody makes in a round, one after the other. */
const REQUESTS_A_ROUND = 1_000;

/** One kind of work, done one after the other; answers the median of what it takes, ms. */
interface Work {
  name: string;
  tripCount: 1 | 2;
  medianMs(round: number): Promise<number>;
}

/**
 * How many trips a caller who has just called waits for, one after the other: the median of their
 * calls as a ratio to those of a server that makes as many trips and does nothing else, over the
 * same delayed ways, times that many. All take turns.
 */
export async function trips(): Promise<void> {
  await using postgres = await startPostgres();
  await using redis = await startRedis();
  if (!postgres || !redis) return;
  const near = { databaseUrl: await postgres.newDatabase(), redisUrl: redis.url };
  const [person] = await makePeople(near);
  await using sqlWay = await startDelayProxy(postgres.port, DELAY_MS);
  await using redisWay = await startDelayProxy(redis.port, DELAY_MS);
  const far = {
    databaseUrl: near.databaseUrl.replace(`:${postgres.port}/`, `:${sqlWay.port}/`),
    redisUrl: near.redisUrl.replace(`:${redis.port}`, `:${redisWay.port}`),
  };
  await using server = await ServerProcess.start(far, { env: { RATE_FACTOR: "1000000" } });
  await using bare = await startBareServer(far, await Deno.makeTempDir({ prefix: "plaza_trips_" }));
  const bareOf = (name: string, tripCount: 1 | 2, path: string): Work => {
    const request = { path, headers: { Authorization: "somebody" } };
    return { name, tripCount, medianMs: () => medianMsOf(bare.url, [request]) };
  };
  const works = [
    bareOf("bare Hono, a SELECT", 1, "/one"),
    bareOf("bare Hono, Redis and a SELECT", 2, `/user/${person!.uid}/profile`),
    readOf(server, person!),
    writeOf(server, person!),
  ];
  report(works, await measure(works));
}

function readOf({ httpUrl }: ServerProcess, as: GatewayLogin): Work {
  const request = requestOf("GET", `/user/${as.uid}/profile`, as);
  return {
    name: "GET /user/{uid}/profile",
    tripCount: 1,
    medianMs: () => medianMsOf(httpUrl, [request]),
  };
}

/** Each is another one: the same twice is refused without a trip to the database. */
function writeOf({ httpUrl }: ServerProcess, as: GatewayLogin): Work {
  return {
    name: "PUT /user/profile",
    tripCount: 2,
    async medianMs(round) {
      const names = Array.from({ length: REQUESTS_A_ROUND }, (_, at) => `Name ${round} ${at}`);
      const medianMs = await medianMsOf(
        httpUrl,
        names.map((nickname) =>
          requestOf("PUT", "/user/profile", as, { nickname, avatar: "a.png" })
        ),
      );
      const { path, headers } = requestOf("GET", `/user/${as.uid}/profile`, as);
      const { result } = await (await fetch(`${httpUrl}${path}`, { headers })).json();
      if (!result.nickname.startsWith(`Name ${round} `)) throw new Error("nothing was written");
      return medianMs;
    },
  };
}

function requestOf(
  method: string,
  path: string,
  as: GatewayLogin,
  body: Record<string, unknown> = {},
): LoadRequest {
  const params = { ...body, ts: Date.now() };
  const sign = signCall(params, as.accessSecret);
  const signed = { ...params, sign };
  const authorization = { Authorization: `Basic ${btoa(`${as.uid}:${as.accessToken}`)}` };
  if (method === "GET") {
    const query = new URLSearchParams({ ts: String(params.ts), sign });
    return { method, path: `${path}?${query}`, headers: authorization };
  }
  const headers = { ...authorization, "Content-Type": "application/json" };
  return { method, path, headers, body: JSON.stringify(signed) };
}

/** One caller, who waits for each answer. */
async function medianMsOf(url: string, requests: LoadRequest[]): Promise<number> {
  await using load = await openLoad(requests, { connectionCount: 1 });
  if (!load) Deno.exit(1);
  return await load.medianMs(url, ROUND_SECONDS);
}

/** Medians by work and round, ms. */
async function measure(works: Work[]): Promise<number[][]> {
  const medians: number[][] = works.map(() => []);
  for (let round = -1; round < ROUND_COUNT; round++) {
    for (const [which, work] of works.entries()) {
      const ms = await work.medianMs(round);
      if (round >= 0) medians[which]!.push(ms);
    }
  }
  return medians;
}

function report(works: Work[], medians: number[][]): void {
  const inTrips = works.map(({ tripCount }, which) => {
    const bare = medians[works.findIndex((work) => work.tripCount === tripCount)]!;
    return medians[which]!.map((ms, round) => ms / bare[round]! * tripCount);
  });
  printTable([
    ["", "p50 ms", "min..max", "in trips", "min..max"],
    ...works.map(({ name }, which) => [
      name,
      ...cellsOf(medians[which]!, 2),
      ...cellsOf(inTrips[which]!, 2),
    ]),
  ]);
}

import pg from "pg";
import { type GatewayLogin, gatewayRequest } from "../clients/gateway.ts";
import { Clock } from "../harness.ts";
import { startPostgres } from "../services/postgres.ts";
import { startRedis } from "../services/redis.ts";
import { ServerProcess } from "../soak/server_process.ts";
import { startDelayProxy } from "./delays.ts";
import { makePeople } from "./hot.ts";
import { cellsOf, printTable, quantile } from "./im_figures.ts";

/** What is added to each trip to either store, ms. */
const DELAY_MS = 2;
const ROUND_COUNT = 5;
const CALLS_A_ROUND = 60;

/** One kind of work, done one after the other; `call` resolves when it is done. */
interface Work {
  name: string;
  call(): Promise<void>;
}

/**
 * How many trips a caller who has just called waits for, one after the other: the median of their
 * calls as a ratio to one bare SELECT over the same delayed way. All take turns.
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
  const bare = new pg.Client({ connectionString: far.databaseUrl });
  await bare.connect();
  try {
    const works = [
      { name: "a bare SELECT: one trip", call: async () => void await bare.query("select 1") },
      ...callsOf(server, person!),
    ];
    report(works, await measure(works));
  } finally {
    await bare.end();
  }
}

function callsOf({ httpUrl }: ServerProcess, as: GatewayLogin): Work[] {
  const clock = new Clock();
  let count = 0;
  const ask = async (method: string, path: string, body?: Record<string, unknown>) => {
    const { url, headers, body: sent } = gatewayRequest({ clock }, method, path, { as, body });
    const text = sent && await new Response(sent).text();
    const response = await fetch(url.replace("http://plaza.test", httpUrl), {
      method,
      headers,
      body: text,
    });
    const answer = await response.json();
    if (answer.status !== 1) throw new Error(JSON.stringify(answer));
  };
  return [
    { name: "GET /user/{uid}/profile", call: () => ask("GET", `/user/${as.uid}/profile`) },
    {
      name: "PUT /user/profile",
      call: () => ask("PUT", "/user/profile", { nickname: `Name ${++count}`, avatar: "a.png" }),
    },
  ];
}

/** Medians by work and round, ms. */
async function measure(works: Work[]): Promise<number[][]> {
  const medians: number[][] = works.map(() => []);
  for (let round = -1; round < ROUND_COUNT; round++) {
    const tookMs: number[][] = works.map(() => []);
    for (let turn = 0; turn < CALLS_A_ROUND * works.length; turn++) {
      const startedAt = performance.now();
      await works[turn % works.length]!.call();
      tookMs[turn % works.length]!.push(performance.now() - startedAt);
    }
    if (round < 0) continue;
    tookMs.forEach((took, which) => medians[which]!.push(quantile(took, 0.5)));
  }
  return medians;
}

function report(works: Work[], medians: number[][]): void {
  printTable([
    ["", "p50 ms", "min..max", "in trips", "min..max"],
    ...works.map(({ name }, which) => [
      name,
      ...cellsOf(medians[which]!, 2),
      ...cellsOf(medians[which]!.map((ms, round) => ms / medians[0]![round]!), 2),
    ]),
  ]);
}

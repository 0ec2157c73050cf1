import { parseArgs } from "node:util";
import { quantile } from "../bench/im_figures.ts";
import { type Load, openLoad } from "../bench/load.ts";
import { startPostgres } from "../services/postgres.ts";
import { startRedis } from "../services/redis.ts";
import { Findings } from "./findings.ts";
import { makeMixedRequests, type MixedRequest } from "./load_requests.ts";
import { type OpenLoopAnswer, runOpenLoop } from "./open_loop.ts";
import { ServerProcess } from "./server_process.ts";

const CONNECTION_COUNT = 32;
/** How many times the median the slowest of a hundred may take. */
const TAIL_MAX = 3;
/** What memory may be of what it was after the first tenth of the requests. */
const MEMORY_GROWTH_MAX = 1.1;
const RATE_SECONDS = 5;
const RATE_COUNT = 3;
/** A piece of the long load, after which its requests are counted. */
const PIECE_SECONDS = 5;
const SETTLE_MS = 5_000;
const KIB_PER_MIB = 1024;

/**
 * `deno task soak load`: a server under a mixed load. Half of what it can do is sent at fixed times
 * for `--seconds` (60), and latencies count from when a request was meant to be sent; then memory
 * after `--requests` (1000000) beside that after a tenth of them. @returns whether both hold
 */
export async function load(args: string[]): Promise<boolean> {
  const { values } = parseArgs({
    args,
    options: {
      seconds: { type: "string", default: "60" },
      requests: { type: "string", default: "1000000" },
    },
  });
  await using postgres = await startPostgres(["shared_buffers=256MB"]);
  await using redis = await startRedis();
  if (!postgres || !redis) return false;
  const stores = { databaseUrl: await postgres.newDatabase(), redisUrl: redis.url };
  const requests = await makeMixedRequests(stores);
  await using wrk = await openLoad(requests, { connectionCount: CONNECTION_COUNT });
  if (!wrk) return false;
  // Everything is counted, and nobody is over a limit.
  const options = { env: { RATE_FACTOR: "1000000" } };
  await using server = await ServerProcess.start(stores, options);
  const findings = new Findings();
  await tryEach(server, requests);
  const rate = await highestRate(server, wrk);
  await checkTail(findings, server, { requests, rate, seconds: Number(values.seconds) });
  await checkMemory(findings, server, { wrk, requestCount: Number(values.requests) });
  for (const complaint of new Set(server.complaints)) findings.add(complaint);
  if (findings.count > 0) console.error(`\n${findings.count} findings:\n${findings}`);
  return findings.count === 0;
}

/** What the load's own clients would not see: that a call of the gateway succeeds. */
async function tryEach({ httpUrl }: ServerProcess, requests: MixedRequest[]): Promise<void> {
  for (const { path, method = "GET", headers, body } of requests) {
    const response = await fetch(`${httpUrl}${path}`, { method, headers, ...body && { body } });
    const text = await response.text();
    if (!response.ok || text.includes('"status":0,')) throw new Error(`${method} ${path}: ${text}`);
  }
}

/** Answers a second, of clients that each wait for theirs. */
async function highestRate({ httpUrl }: ServerProcess, wrk: Load): Promise<number> {
  const rates: number[] = [];
  for (let count = 0; count < RATE_COUNT; count++) {
    rates.push(await wrk.rateOf(httpUrl, RATE_SECONDS));
  }
  // The first warmed everything up.
  const rate = Math.max(...rates.slice(1));
  console.log(
    `${CONNECTION_COUNT} clients: ${rates.map((it) => it.toFixed(0)).join(", ")} a second`,
  );
  return rate;
}

async function checkTail(
  findings: Findings,
  { port, pid }: ServerProcess,
  { requests, rate, seconds }: { requests: MixedRequest[]; rate: number; seconds: number },
): Promise<void> {
  const ratePerSecond = rate / 2;
  const before = await processorTimes(pid);
  const answers = await runOpenLoop(requests, {
    port,
    ratePerSecond,
    seconds,
    connectionCount: CONNECTION_COUNT * 2,
  });
  const [ranS, waitedS] = (await processorTimes(pid)).map((ns, at) => (ns - before[at]!) / 1e9);
  // What it waited is the machine's doing: on one with nothing else to do it is next to nothing.
  console.log(
    `the server ran ${ranS!.toFixed(1)} s, waited ${waitedS!.toFixed(1)} s for a processor`,
  );
  console.log(`${ratePerSecond.toFixed(0)} a second for ${seconds} s, ms from the time meant:`);
  const kinds = Map.groupBy(answers, ({ which }) => requests[which]!.kind);
  for (const [kind, ofKind] of kinds) tell(kind, ofKind);
  const ratio = tell("all", answers);
  if (ratio > TAIL_MAX) findings.add(`p99 is ${ratio.toFixed(2)} times p50, above ${TAIL_MAX}`);
}

/** How long a process' first thread has run, and has waited to, ns; zeros where nobody tells. */
async function processorTimes(pid: number): Promise<number[]> {
  const { stdout } = await new Deno.Command("cat", { args: [`/proc/${pid}/schedstat`] }).output();
  return `${new TextDecoder().decode(stdout)} 0 0`.trim().split(" ").slice(0, 2).map(Number);
}

/** @returns p99 ÷ p50 */
function tell(name: string, answers: OpenLoopAnswer[]): number {
  const tookMs = answers.map((answer) => answer.tookMs);
  const [p50, p99] = [quantile(tookMs, 0.5), quantile(tookMs, 0.99)];
  const largest = quantile(tookMs, 1).toFixed(0);
  const figures = `p50 ${p50.toFixed(2)}, p99 ${p99.toFixed(2)}, at most ${largest}`;
  console.log(`  ${name.padEnd(8)}${figures}, p99 ÷ p50 ${(p99 / p50).toFixed(2)}`);
  return p99 / p50;
}

async function checkMemory(
  findings: Findings,
  server: ServerProcess,
  { wrk, requestCount }: { wrk: Load; requestCount: number },
): Promise<void> {
  const loadUntil = async (count: number, from = 0): Promise<number> => {
    let sent = from;
    while (sent < count) sent += await wrk.rateOf(server.httpUrl, PIECE_SECONDS) * PIECE_SECONDS;
    return sent;
  };
  const firstCount = await loadUntil(requestCount / 10);
  const first = await residentMib(server);
  console.log(`after ${firstCount.toFixed(0)} more requests ${first.toFixed(0)} MiB`);
  const lastCount = await loadUntil(requestCount, firstCount);
  const last = await residentMib(server);
  const ratio = last / first;
  const said = `after ${lastCount.toFixed(0)} ${last.toFixed(0)} MiB, ${ratio.toFixed(2)} times`;
  console.log(said);
  if (ratio > MEMORY_GROWTH_MAX) findings.add(`${said}, above ${MEMORY_GROWTH_MAX}`);
}

/** By `ps`: the runtime lets no one read `/proc` who may not do everything. */
async function residentMib({ pid }: ServerProcess): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const ps = new Deno.Command("ps", { args: ["-o", "rss=", "-p", String(pid)] });
  const { stdout } = await ps.output();
  return Number(new TextDecoder().decode(stdout)) / KIB_PER_MIB;
}

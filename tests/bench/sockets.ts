import { Reason } from "../../routes/realtime/reasons.ts";
import { RpcClientCodec } from "../soak/client_codecs.ts";
import { Connection } from "../soak/connection.ts";
import { ServerProcess } from "../soak/server_process.ts";
import { startPostgres } from "../services/postgres.ts";
import { startRedis } from "../services/redis.ts";
import { cellsOf, printTable } from "./im_figures.ts";
import { type ChatCrowd, makeChatCrowd } from "./im_people.ts";

const IDLE_COUNT = 1_000;
const ACTIVE_COUNT = 100;
/** Sockets opened before anything is measured: what the first of them loads is not theirs. */
const WARM_UP_COUNT = 50;
/** Idle sockets between two looks. */
const BATCH_COUNT = 250;
const OPENED_AT_ONCE = 20;
/** How long the server is left alone before its memory is read, and how often that is, ms. */
const SETTLE_MS = 2_000;
const SAMPLE_COUNT = 5;
const SAMPLE_MS = 500;
/** How long the active ones talk, and how long each waits between two messages, ms. */
const TALK_MS = 15_000;
const TALK_PAUSE_MS = 500;
const KIB_PER_MIB = 1024;

/**
 * Resident memory of a server process per authenticated socket: with idle ones alone, then with
 * active ones that send to each other. The clients live in this process, whose memory is not read.
 */
export async function sockets(): Promise<void> {
  await using postgres = await startPostgres();
  await using redis = await startRedis();
  if (!postgres || !redis) return;
  const stores = { databaseUrl: await postgres.newDatabase(), redisUrl: redis.url };
  const personCount = WARM_UP_COUNT + IDLE_COUNT + ACTIVE_COUNT;
  const crowd = await makeChatCrowd(stores, { personCount, groupMemberCount: 1 });
  await using server = await ServerProcess.start(stores);
  const rows: string[][] = [["", "resident MiB", "range", "KiB per idle"]];
  const open: Connection[] = [];

  open.push(...await connect(crowd, server, { from: 0, count: WARM_UP_COUNT }));
  await talk(crowd, open, { from: 0, forMs: TALK_MS / 5 });
  const before = await sampleKib(server);
  rows.push(rowOf(`after ${WARM_UP_COUNT} to warm up`, before));
  for (let count = BATCH_COUNT; count <= IDLE_COUNT; count += BATCH_COUNT) {
    const from = WARM_UP_COUNT + count - BATCH_COUNT;
    open.push(...await connect(crowd, server, { from, count: BATCH_COUNT }));
    const kib = await sampleKib(server);
    rows.push([...rowOf(`${count} idle`, kib), perSocket(kib, before, count)]);
  }

  const from = WARM_UP_COUNT + IDLE_COUNT;
  const active = await connect(crowd, server, { from, count: ACTIVE_COUNT });
  open.push(...active);
  const talking = talk(crowd, active, { from, forMs: TALK_MS });
  const kib = await sampleKib(server, Math.floor((TALK_MS - SETTLE_MS) / SAMPLE_MS));
  const sentCount = await talking;
  // Traffic makes the heap grow, not sockets: shared among them it would say nothing.
  rows.push([...rowOf(`and ${ACTIVE_COUNT} active, sending`, kib), "-"]);
  rows.push([...rowOf("and after that", await sampleKib(server)), "-"]);
  for (const connection of open) connection.abandon();
  printTable(rows);
  const rate = sentCount / (TALK_MS / 1000);
  console.log(`\nthe active ones sent ${sentCount} messages, ${rate.toFixed(0)} a second`);
}

interface Range {
  /** Place of the first person in the crowd. */
  from: number;
  count: number;
}

async function connect(
  { people }: ChatCrowd,
  { port }: ServerProcess,
  { from, count }: Range,
): Promise<Connection[]> {
  const open: Connection[] = [];
  const wanted = people.slice(from, from + count);
  for (let at = 0; at < wanted.length; at += OPENED_AT_ONCE) {
    const opening = wanted.slice(at, at + OPENED_AT_ONCE).map(async ({ uid, token }) => {
      const login = { uid, token, deviceFlag: 0 };
      const codec = new RpcClientCodec();
      const connection = await Connection.open({ port, codec, login, onPush: () => {} });
      if (!connection) throw new Error("a client was not let in");
      return connection;
    });
    open.push(...await Promise.all(opening));
  }
  return open;
}

/** Each sends to its neighbour now and then. @returns how many messages were accepted */
async function talk(
  { people }: ChatCrowd,
  talkers: Connection[],
  { from, forMs }: { from: number; forMs: number },
): Promise<number> {
  const endsAt = performance.now() + forMs;
  let count = 0;
  await Promise.all(talkers.map(async (connection, at) => {
    const channelId = people[from + (at + 1) % talkers.length]!.uid;
    for (; performance.now() < endsAt; count++) {
      const answer = await connection.send({
        clientMsgNo: crypto.randomUUID(),
        channelId,
        channelType: 1,
        payload: JSON.stringify({ type: 1, content: "how are you?" }),
      });
      if (answer?.reason !== Reason.success) throw new Error(`answered ${JSON.stringify(answer)}`);
      await pause(TALK_PAUSE_MS);
    }
  }));
  return count;
}

/** The server's resident memory, KiB, several times after a while in which it could settle. */
async function sampleKib({ pid }: ServerProcess, count = SAMPLE_COUNT): Promise<number[]> {
  await pause(SETTLE_MS);
  const samples: number[] = [];
  for (let at = 0; at < count; at++) {
    samples.push(await residentKib(pid));
    await pause(SAMPLE_MS);
  }
  return samples;
}

/** By `ps`: the runtime lets no one read `/proc` who may not do everything. */
async function residentKib(pid: number): Promise<number> {
  const ps = new Deno.Command("ps", { args: ["-o", "rss=", "-p", String(pid)] });
  const { code, stdout } = await ps.output();
  if (code !== 0) throw new Error(`there is no process ${pid} any more`);
  return Number(new TextDecoder().decode(stdout));
}

function rowOf(name: string, kib: number[]): string[] {
  return [name, ...cellsOf(kib.map((it) => it / KIB_PER_MIB), 1)];
}

function perSocket(kib: number[], before: number[], count: number): string {
  const [now] = cellsOf(kib, 1);
  const [then] = cellsOf(before, 1);
  return ((Number(now) - Number(then)) / count).toFixed(1);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

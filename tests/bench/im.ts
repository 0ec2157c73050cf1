import { Reason } from "../../routes/realtime/reasons.ts";
import { RpcClientCodec } from "../soak/client_codecs.ts";
import { Connection } from "../soak/connection.ts";
import { ServerProcess } from "../soak/server_process.ts";
import { freePort, waitUntil } from "../services/binary.ts";
import { startPostgres } from "../services/postgres.ts";
import { startRedis } from "../services/redis.ts";
import { startArguments } from "../services/start_arguments.ts";
import { cellsOf, printTable, quantile } from "./im_figures.ts";
import { type ChatCrowd, makeChatCrowd } from "./im_people.ts";

const SENDER_COUNT = 20;
const GROUP_MEMBER_COUNT = 50;
const WARM_UP_COUNT = 1;
const ROUND_COUNT = 7;
const ROUND_MS = 2_000;
/** Between two measurements, so that what is still being pushed does not count for the next, ms. */
const REST_MS = 300;
/** Messages one round times on their way to the other process, one after the other. */
const TIMED_COUNT = 100;
const ARRIVAL_TIMEOUT_MS = 30_000;
const CONTENT = "as long as most of what people write is";
const PAYLOAD = JSON.stringify({ type: 1, content: CONTENT });

/** One way of having a message kept; resolves once it is. `sender` is 0…{@link SENDER_COUNT}-1. */
interface Way {
  name: string;
  send(sender: number): Promise<void>;
}

/**
 * Messages kept per second, each sender waiting for its answer, as a ratio to a bare server that
 * does one INSERT a request; and the time until a receiver at the other process has a message. All
 * ways take turns in every round. Receivers are connected to the other process all the while.
 */
export async function im(): Promise<void> {
  await using postgres = await startPostgres();
  await using redis = await startRedis();
  if (!postgres || !redis) return;
  const stores = { databaseUrl: await postgres.newDatabase(), redisUrl: redis.url };
  const crowd = await makeChatCrowd(stores, {
    personCount: GROUP_MEMBER_COUNT,
    groupMemberCount: GROUP_MEMBER_COUNT,
  });
  await using one = await ServerProcess.start(stores);
  await using two = await ServerProcess.start(stores);
  await using bare = await startBareServer(await postgres.newDatabase({ empty: true }));
  await using chat = await openChat(crowd, one, two);

  // The first is what the others are compared with.
  const ways: Way[] = [
    { name: "bare Hono, one INSERT", send: (sender) => bare.keep(crowd, sender) },
    { name: "socket, to a person", send: (sender) => chat.toPerson(sender) },
    { name: `socket, to a group of ${GROUP_MEMBER_COUNT}`, send: (it) => chat.toGroup(it) },
    { name: "POST /messages/peers", send: (sender) => sendByPartner(crowd, one, sender) },
  ];
  const rates: number[][] = ways.map(() => []);
  const arrivals: number[][] = [];
  for (let round = -WARM_UP_COUNT; round < ROUND_COUNT; round++) {
    for (let turn = 0; turn < ways.length; turn++) {
      const which = (turn + round + WARM_UP_COUNT) % ways.length;
      const rate = await measureRate(ways[which]!);
      if (round >= 0) rates[which]!.push(rate);
    }
    const tookMs = await chat.timeArrivals();
    if (round >= 0) arrivals.push(tookMs);
  }
  report(ways, rates, arrivals);
}

/** Messages per second by all senders at once. */
async function measureRate({ send }: Way): Promise<number> {
  let count = 0;
  const startedAt = performance.now();
  const endsAt = startedAt + ROUND_MS;
  await Promise.all(Array.from({ length: SENDER_COUNT }, async (_, sender) => {
    for (; performance.now() < endsAt; count++) await send(sender);
  }));
  const seconds = (performance.now() - startedAt) / 1000;
  await pause(REST_MS);
  return count / seconds;
}

interface BareServer extends AsyncDisposable {
  keep(crowd: ChatCrowd, sender: number): Promise<void>;
}

async function startBareServer(databaseUrl: string): Promise<BareServer> {
  const [port, dataDir] = [freePort(), await Deno.makeTempDir({ prefix: "plaza_bare_" })];
  const process = new Deno.Command(Deno.execPath(), {
    args: [...startArguments(dataDir).slice(0, -1), "tests/bench/im_bare_server.ts"],
    env: { DATABASE_URL: databaseUrl, PORT: String(port), HOST: "127.0.0.1" },
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  const url = `http://127.0.0.1:${port}`;
  await waitUntil("the bare server", async () => {
    const response = await fetch(`${url}/healthz`);
    await response.body?.cancel();
    return response.ok;
  });
  return {
    async keep({ people }, sender) {
      const message = {
        sender: people[sender]!.uid,
        receiver: people[sender + SENDER_COUNT]!.uid,
        clientMsgNo: crypto.randomUUID(),
        payload: PAYLOAD,
      };
      const response = await fetch(`${url}/messages`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(message),
      });
      if (!response.ok) throw new Error(`the bare server answered ${response.status}`);
      await response.json();
    },
    async [Symbol.asyncDispose]() {
      process.kill("SIGKILL");
      await process.status;
      await Deno.remove(dataDir, { recursive: true });
    },
  };
}

/** What {@link openChat} sends to a person, sent by a partner's server in the person's name. */
async function sendByPartner(
  { people, partnerBasic }: ChatCrowd,
  { httpUrl }: ServerProcess,
  sender: number,
): Promise<void> {
  const response = await fetch(`${httpUrl}/messages/peers`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "Authorization": `Basic ${partnerBasic}` },
    body: JSON.stringify({
      sender: people[sender]!.id,
      receiver: people[sender + SENDER_COUNT]!.id,
      content: CONTENT,
      client_msg_no: crypto.randomUUID(),
    }),
  });
  const answer = await response.text();
  if (!response.ok) throw new Error(`the partner was answered ${answer}`);
}

/** Senders at one process, each with a receiver of their own at the other. */
async function openChat(crowd: ChatCrowd, one: ServerProcess, two: ServerProcess) {
  const arrived = new Map<string, () => void>();
  const connect = async (person: number, { port }: ServerProcess) => {
    const { uid, token } = crowd.people[person]!;
    const connection = await Connection.open({
      port,
      codec: new RpcClientCodec(),
      login: { uid, token, deviceFlag: 0 },
      onPush: ({ clientMsgNo }) => arrived.get(clientMsgNo)?.(),
    });
    if (!connection) throw new Error("a client was not let in");
    return connection;
  };
  const senders: Connection[] = [];
  const receivers: Connection[] = [];
  for (let at = 0; at < SENDER_COUNT; at++) {
    senders.push(await connect(at, one));
    receivers.push(await connect(at + SENDER_COUNT, two));
  }
  const send = async (
    sender: number,
    { clientMsgNo = crypto.randomUUID(), ...channel }: {
      channelId: string;
      channelType: number;
      clientMsgNo?: string;
    },
  ) => {
    const message = { clientMsgNo, ...channel, payload: PAYLOAD };
    const answer = await senders[sender]!.send(message);
    if (answer?.reason !== Reason.success) throw new Error(`answered ${JSON.stringify(answer)}`);
  };
  const toReceiver = (sender: number) => ({
    channelId: crowd.people[sender + SENDER_COUNT]!.uid,
    channelType: 1,
  });
  return {
    toPerson: (sender: number) => send(sender, toReceiver(sender)),
    toGroup: (sender: number) => send(sender, { channelId: crowd.groupNo, channelType: 2 }),
    /** From sending, one message at a time, to its arrival at the other process, ms. */
    async timeArrivals(): Promise<number[]> {
      const tookMs: number[] = [];
      for (let at = 0; at < TIMED_COUNT; at++) {
        const clientMsgNo = crypto.randomUUID();
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        const timer = setTimeout(() => reject(new Error("nothing arrived")), ARRIVAL_TIMEOUT_MS);
        arrived.set(clientMsgNo, resolve);
        const startedAt = performance.now();
        await Promise.all([send(0, { ...toReceiver(0), clientMsgNo }), promise]);
        tookMs.push(performance.now() - startedAt);
        clearTimeout(timer);
        arrived.delete(clientMsgNo);
      }
      return tookMs;
    },
    [Symbol.asyncDispose]() {
      for (const connection of [...senders, ...receivers]) connection.abandon();
      return Promise.resolve();
    },
  };
}

function report(ways: Way[], rates: number[][], arrivals: number[][]): void {
  const bare = rates[0]!;
  const rows = ways.map(({ name }, which) => {
    const perSecond = rates[which]!;
    const ratios = perSecond.map((rate, round) => rate / bare[round]!);
    return [name, ...cellsOf(perSecond, 0), ...cellsOf(ratios, 2)];
  });
  printTable([["messages a second", "median", "range", "ratio", "range"], ...rows]);
  console.log();
  const quantiles = [0.5, 0.95, 0.99].map((at) => [
    `p${at * 100}, ms`,
    ...cellsOf(arrivals.map((tookMs) => quantile(tookMs, at)), 1),
  ]);
  printTable([["send to arrival at the other process", "median", "range"], ...quantiles]);
  console.log(
    `\n${ROUND_COUNT} rounds after ${WARM_UP_COUNT} to warm up; ${SENDER_COUNT} senders at once, ` +
      `${ROUND_MS} ms each; ${TIMED_COUNT} messages timed a round; PostgreSQL without fsync`,
  );
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

import { sql } from "drizzle-orm";
import { parseArgs } from "node:util";
import { MIGRATIONS_FOLDER } from "../../db/client/migrations.ts";
import { openDatabase } from "../../db/client/open.ts";
import { openRedis } from "../../db/redis/open.ts";
import { grantToken, makeApp } from "../clients/partner.ts";
import { startTestApp } from "../harness.ts";
import { makeGroup } from "../people/factories.ts";
import { makeChatPerson } from "../servers/chat.ts";
import { startPostgres } from "../services/postgres.ts";
import { startRedis } from "../services/redis.ts";
import type { Incoming } from "./client_codecs.ts";
import { Device } from "./device.ts";
import { Disturbances } from "./disturbances.ts";
import { Findings } from "./findings.ts";
import { type Cast, Ledger } from "./ledger.ts";
import { drawPlan, type Plan, type PlanSize, type WayName, WAYS } from "./plan.ts";
import { pause } from "./raw_connection.ts";
import { ServerProcess, type ServerStores } from "./server_process.ts";
import { synchronize } from "./synchronize.ts";
import { judge, judgePushes } from "./verdict.ts";

export interface DeliveryOptions extends PlanSize {
  /** Draws the same plan again; when its steps meet what is disturbed differs each time. */
  seed: number;
  secondsBetweenKills: number;
  redisRestartCount: number;
}

export interface DeliveryOutcome {
  findings: Findings;
  figures: Record<string, number>;
}

const SERVER_COUNT = 2;
/** How long everybody may wait for their last message: a lost hint costs a slow poll, 20 s. */
const SETTLE_TIMEOUT_MS = 45_000;
const SETTLE_LOOK_MS = 50;
const FRESH_PAGE_COUNT = 500;

/** `deno task soak delivery`: prints what was done and what was wrong; @returns whether nothing was */
export async function delivery(args: string[]): Promise<boolean> {
  const { values } = parseArgs({
    args,
    options: {
      clients: { type: "string", default: "50" },
      messages: { type: "string", default: "20000" },
      seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
      "seconds-between-kills": { type: "string", default: "0.5" },
      "redis-restarts": { type: "string", default: "3" },
      "per-second": { type: "string" },
    },
  });
  const options = {
    clientCount: Number(values.clients),
    messageCount: Number(values.messages),
    seed: Number(values.seed),
    secondsBetweenKills: Number(values["seconds-between-kills"]),
    redisRestartCount: Number(values["redis-restarts"]),
    perSecond: values["per-second"] === undefined ? undefined : Number(values["per-second"]),
  };
  console.log(`delivery: ${JSON.stringify(options)}`);
  const outcome = await runDelivery(options);
  if (!outcome) return false;
  const { figures, findings } = outcome;
  for (const [name, value] of Object.entries(figures)) {
    console.log(`${name.padEnd(28)}${String(value).padStart(10)}`);
  }
  if (findings.count > 0) console.error(`\n${findings.count} findings:\n${findings}`);
  else console.log("nothing lost, nothing doubled, nothing out of order");
  return findings.count === 0;
}

/**
 * Lets clients exchange messages over two server processes while connections, answers, database
 * connections and Redis go missing, and compares what everybody has in the end with what was
 * accepted (docs/realtime.md#what-holds-in-all-three). Undefined where there is no PostgreSQL or Redis.
 */
export async function runDelivery(options: DeliveryOptions): Promise<DeliveryOutcome | undefined> {
  await using postgres = await startPostgres();
  await using redis = await startRedis();
  if (!postgres || !redis) return undefined;
  const stores = { databaseUrl: await postgres.newDatabase(), redisUrl: redis.url };
  const plan = drawPlan(options.seed, options);
  const findings = new Findings();
  const ledger = new Ledger(plan, await engage(stores, plan), findings);
  await using stack = new AsyncDisposableStack();
  const servers = await Promise.all(
    Array.from({ length: SERVER_COUNT }, () =>
      ServerProcess.start(stores, {
        takesTcp: true,
        // The pace people are held to is among the limits.
        ...options.perSecond && { env: { RATE_FACTOR: "1" } },
      })),
  );
  for (const server of servers) stack.use(server);
  const devices = plan.devices.map((it, number) =>
    new Device({ number, plan: it, servers, ledger, findings, perSecond: options.perSecond })
  );

  const startedAt = performance.now();
  const progress = () => ledger.acceptedCount / options.messageCount;
  const disturbances = new Disturbances({ ...options, ...stores, postgres, redis, progress });
  const work = devices.map((device) => unlessFailing(device.name, findings, () => device.run()));
  const lives = devices.map(async (device, number) => {
    await work[number];
    await unlessFailing(device.name, findings, () => device.rest());
  });
  await Promise.all(work);
  const workedAt = performance.now();
  await disturbances.stop();
  const isSettled = await settle(devices, ledger);
  const settledAt = performance.now();
  for (const device of devices) device.leave();
  await Promise.all(lives);

  await forgetMarks(stores);
  await judgeAll({ plan, devices, servers, ledger, findings });
  await judgeDatabase(stores, ledger, findings);
  if (!isSettled) findings.add(`not everybody had everything after ${SETTLE_TIMEOUT_MS} ms`);
  return {
    findings,
    figures: {
      ...figuresOf(devices, ledger),
      "backend kills": disturbances.backendKills,
      "Redis restarts": disturbances.redisRestarts,
      "jobs postponed": servers.reduce((sum, it) => sum + it.postponedJobCount, 0),
      "seconds of sending": Math.round((workedAt - startedAt) / 100) / 10,
      "accepted a second": Math.round(ledger.acceptedCount * 1_000 / (workedAt - startedAt)),
      "seconds until settled": Math.round((settledAt - workedAt) / 100) / 10,
    },
  };
}

/** Who cannot go on is a finding, and the others go on. */
async function unlessFailing(
  name: string,
  findings: Findings,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    findings.add(`${name} gave up: ${error instanceof Error ? error.message : error}`);
  }
}

/** Makes the people and groups of a plan, straight in the database. */
async function engage({ databaseUrl, redisUrl }: ServerStores, plan: Plan): Promise<Cast> {
  const database = await openDatabase({ databaseUrl, dataDir: "unused" });
  const redis = await openRedis({ redis: { kind: "tcp", url: redisUrl } });
  try {
    await database.migrate(MIGRATIONS_FOLDER);
    await using app = await startTestApp({ database, redis });
    const house = await makeApp(app.ctx, { house: true });
    const people: Cast["people"] = [];
    for (let at = 0; at < plan.personCount; at++) {
      const person = await makeChatPerson(app.ctx, `Person ${at}`);
      people.push({ ...person, partnerToken: await grantToken(app, house, { uid: person.id }) });
    }
    const groups: Cast["groups"] = [];
    for (const { members, isSuper } of plan.groups) {
      groups.push(await makeGroup(app.ctx, members.map((at) => people[at]!), { isSuper }));
    }
    return { people, groups };
  } finally {
    await redis.close();
    await database.close();
  }
}

/** Waits, connected, until everybody has everything: by now nothing but a push can bring it. */
async function settle(devices: Device[], ledger: Ledger): Promise<boolean> {
  const endsAt = performance.now() + SETTLE_TIMEOUT_MS;
  const counts = new Map<number, number>();
  for (const { person } of devices) counts.set(person, ledger.expectedOf(person).size);
  const hasAll = ({ person, client }: Device) => client.inbox.knownCount >= counts.get(person)!;
  while (!devices.every(hasAll)) {
    if (performance.now() > endsAt) return false;
    await pause(SETTLE_LOOK_MS);
  }
  return true;
}

/** A client that is new, of somebody whose clients have confirmed nothing, is sent everything. */
async function forgetMarks({ databaseUrl }: ServerStores): Promise<void> {
  const { db, close } = await openDatabase({ databaseUrl, dataDir: "unused" });
  await db.execute(sql`update inbox_heads set acked_seq = 0`).finally(close);
}

interface Everything {
  plan: Plan;
  devices: Device[];
  servers: ServerProcess[];
  ledger: Ledger;
  findings: Findings;
}

/** What clients learned while it went on, what a new client would fetch, and what servers said. */
async function judgeAll(
  { plan, devices, servers, ledger, findings }: Everything,
): Promise<void> {
  const seqsOf: Map<string, number>[] = [];
  for (let person = 0; person < plan.personCount; person++) {
    const messages = new Map<number, Incoming>();
    const { token } = ledger.cast.people[person]!;
    const { httpUrl } = servers[person % SERVER_COUNT]!;
    const whole = { httpUrl: () => httpUrl, token, afterSeq: 0, pageCount: FRESH_PAGE_COUNT };
    const name = `person ${person} (fresh sync)`;
    await unlessFailing(name, findings, async () => {
      for await (const message of synchronize(whole)) messages.set(message.seq, message);
    });
    judge({ name, person, messages }, ledger, findings);
    seqsOf.push(new Map([...messages.values()].map((it) => [it.clientMsgNo, it.seq])));
  }
  for (const device of devices) {
    const { name, person, client } = device;
    const messages = client.inbox.messagesBy(seqsOf[person]!);
    judge({ name, person, messages, seqs: seqsOf[person]! }, ledger, findings);
    judgePushes(device, messages, { ledger, findings });
  }
  for (const [number, { exitCode, complaints }] of servers.entries()) {
    if (exitCode !== undefined) findings.add(`server ${number} ended with ${exitCode}`);
    for (const line of complaints) findings.add(`server ${number} said: ${line}`);
  }
}

/** The tables themselves: one row per message, and inboxes numbered from 1 without a gap. */
async function judgeDatabase(
  { databaseUrl }: ServerStores,
  ledger: Ledger,
  findings: Findings,
): Promise<void> {
  const { db, close } = await openDatabase({ databaseUrl, dataDir: "unused" });
  try {
    const { rows: repeats } = await db.execute<{ payload: string; apart: string }>(sql`
      select payload, (max(created_at) - min(created_at))::text as apart from messages
      group by sender_id, payload having count(*) > 1`);
    for (const row of repeats) {
      findings.add(`database: ${row.payload} is there twice, ${row.apart} apart`);
    }
    const { rows: [total] } = await db.execute<{ count: string }>(sql`
      select count(*)::text as count from messages`);
    if (Number(total!.count) !== ledger.acceptedCount) {
      findings.add(`database: ${total!.count} messages, ${ledger.acceptedCount} were accepted`);
    }
    const { rows: gaps } = await db.execute<{ user_id: string }>(sql`
      select inbox_heads.user_id::text from inbox_heads
      left join inbox on inbox.user_id = inbox_heads.user_id
      group by inbox_heads.user_id, inbox_heads.last_seq
      having count(inbox.seq) <> last_seq or max(inbox.seq) <> last_seq`);
    for (const row of gaps) findings.add(`database: a gap in the inbox of user ${row.user_id}`);
  } finally {
    await close();
  }
}

function figuresOf(devices: Device[], ledger: Ledger): Record<string, number> {
  const sum = (of: (device: Device) => number) =>
    devices.reduce((total, device) => total + of(device), 0);
  const answerMs = devices.flatMap(({ figures }) => figures.answerMs).sort((a, b) => a - b);
  const countOf = (way: WayName) => devices.filter((it) => it.way === way).length;
  return {
    "messages accepted": ledger.acceptedCount,
    "answers to them": ledger.answerCount,
    "pushed": sum(({ client: { inbox } }) => inbox.counts.push),
    "synced": sum(({ client: { inbox } }) => inbox.counts.sync),
    "first known by push": sum(({ client: { inbox } }) => inbox.firstCounts.push),
    "first known by sync": sum(({ client: { inbox } }) => inbox.firstCounts.sync),
    "first known by an answer": sum(({ client: { inbox } }) => inbox.firstCounts.answer),
    "reconnects": sum(({ figures }) => figures.connects - 1),
    "kicks": sum(({ figures }) => figures.kicks),
    "resends": sum(({ figures }) => figures.resends),
    "refused for now": sum(({ figures }) => figures.refusals),
    "ms to an answer, p50": percentile(answerMs, 0.5),
    "ms to an answer, p99": percentile(answerMs, 0.99),
    ...Object.fromEntries(WAYS.map((way) => [`clients by ${way}`, countOf(way)])),
  };
}

function percentile(sorted: number[], share: number): number {
  return Math.round((sorted[Math.floor(sorted.length * share)] ?? 0) * 10) / 10;
}

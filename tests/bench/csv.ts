import { sql } from "drizzle-orm";
import type { Ctx } from "../../db/client/ctx.ts";
import { MIGRATIONS_FOLDER } from "../../db/client/migrations.ts";
import { openPg } from "../../db/client/pg.ts";
import { openRedis } from "../../db/redis/open.ts";
import { makeOperator } from "../clients/ops.ts";
import { startTestApp } from "../harness.ts";
import { makeGroup } from "../people/factories.ts";
import { makePaidPerson, type PaidPerson } from "../routes/ops/profit_place.ts";
import { startPostgres } from "../services/postgres.ts";
import { startRedis } from "../services/redis.ts";
import { SECRET_KEY, ServerProcess, type ServerStores } from "../soak/server_process.ts";
import { printTable } from "./im_figures.ts";

const RECORD_COUNTS = [100_000, 1_000_000];
const PAYEE_COUNT = 1_000;
/** Records filled in by one statement. */
const FILL_COUNT = 50_000;
/** How long the server is left alone before its memory is read, and how often that is, ms. */
const SETTLE_MS = 2_000;
const SAMPLE_MS = 50;
const KIB_PER_MIB = 1024;
const RATIO_AIM = 1.2;
const ABOVE_IDLE_AIM_MIB = 250;

interface Figures {
  bytes: number;
  idleMib: number;
  out: { mib: number; seconds: number };
  back: { mib: number; seconds: number };
}

/**
 * Peak resident memory of a server process while it writes the payout CSV of so many records, each
 * number of an id and a card opened, and while the same file, all paid, is uploaded to it.
 */
export async function csv(): Promise<void> {
  await using postgres = await startPostgres();
  await using redis = await startRedis();
  if (!postgres || !redis) return;
  const measured: Figures[] = [];
  for (const count of RECORD_COUNTS) {
    const stores = { databaseUrl: await postgres.newDatabase(), redisUrl: redis.url };
    measured.push(await measure(stores, count));
  }
  report(measured);
}

async function measure(stores: ServerStores, count: number): Promise<Figures> {
  const token = await fill(stores, count);
  const folder = await Deno.makeTempDir({ prefix: "plaza_csv_" });
  const path = `${folder}/paid.csv`;
  await using server = await ServerProcess.start(stores);
  const base = `${server.httpUrl}/v1/profits/cny_records`;
  const headers = { Authorization: `Bearer ${token}` };
  try {
    // What the first call loads is not the file's.
    await (await fetch(base, { headers })).body?.cancel();
    await pause(SETTLE_MS);
    const idleMib = await residentMib(server.pid);
    const out = await watch(server.pid, () => download(base, headers, path));
    const { size: bytes } = await Deno.stat(path);
    const back = await watch(server.pid, () => upload(base, headers, path, count));
    return { bytes, idleMib, out, back };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A migrated database with records of people who can all be paid. @returns an operator's token */
async function fill({ databaseUrl, redisUrl }: ServerStores, count: number): Promise<string> {
  const database = openPg(databaseUrl, { statementMs: 600_000 });
  const redis = await openRedis({ redis: { kind: "tcp", url: redisUrl } });
  try {
    await database.migrate(MIGRATIONS_FOLDER);
    await using app = await startTestApp({ database, redis, env: { SECRET_KEY } });
    const payees = await makePayees(app.ctx);
    const { id: groupId } = await makeGroup(app.ctx, payees);
    const first = payees[0]!.id;
    for (let from = 1; from <= count; from += FILL_COUNT) {
      await app.ctx.db.execute(sql`
        insert into profit_records select md5(n::text)::uuid, '202102', ${groupId}::bigint,
          ${first}::bigint + n % ${PAYEE_COUNT}::int, 'Inviter', 1 + n * 0.0001, 'init', '', now(),
          now() from generate_series(${from}::int, ${from + FILL_COUNT - 1}::int) as n`);
    }
    await app.ctx.db.execute(sql`vacuum analyze`);
    return (await makeOperator(app.ctx, "operator")).token;
  } finally {
    await redis.close();
    await database.close();
  }
}

async function makePayees(ctx: Ctx): Promise<PaidPerson[]> {
  const payees: PaidPerson[] = [];
  for (let at = 0; at < PAYEE_COUNT; at++) {
    const digits = String(at).padStart(8, "0");
    const [mobile, idNo] = [`135${digits}`, `3102251990${digits}`];
    payees.push(await makePaidPerson(ctx, { mobile, idNo, card: `62258802${digits}` }));
  }
  return payees;
}

/** Keeps the file, every record marked as paid. */
async function download(base: string, headers: HeadersInit, path: string): Promise<void> {
  const response = await fetch(`${base}/download`, { method: "POST", headers });
  if (!response.ok) throw new Error(`answered ${response.status}`);
  let rest = "";
  const paid = new TransformStream<string, string>({
    transform(text, controller) {
      // A line's last comma and its end may come in two pieces; the file ends with an end.
      const lines = rest + text;
      rest = lines.endsWith(",") ? "," : "";
      const whole = lines.slice(0, lines.length - rest.length);
      controller.enqueue(whole.replaceAll(",\n", ",成功\n"));
    },
  });
  const lines = response.body!.pipeThrough(new TextDecoderStream("utf-8", { ignoreBOM: true }));
  const file = await Deno.open(path, { write: true, create: true });
  await lines.pipeThrough(paid).pipeThrough(new TextEncoderStream()).pipeTo(file.writable);
}

async function upload(base: string, headers: HeadersInit, path: string, count: number) {
  const [before, after] = [
    '--x\r\nContent-Disposition: form-data; name="file"; filename="paid.csv"\r\n' +
    "Content-Type: text/csv\r\n\r\n",
    "\r\n--x--\r\n",
  ].map((text) => new TextEncoder().encode(text));
  const pieces = async function* () {
    yield before!;
    yield* (await Deno.open(path)).readable;
    yield after!;
  };
  const response = await fetch(`${base}/feedback`, {
    method: "POST",
    headers: { ...headers, "Content-Type": "multipart/form-data; boundary=x" },
    body: ReadableStream.from(pieces()),
  });
  const answer = await response.json();
  if (answer.claimed !== count) throw new Error(`answered ${JSON.stringify(answer)}`);
}

/** The most memory the process had while the work went on, and how long that took. */
async function watch(pid: number, work: () => Promise<void>) {
  const startedAt = performance.now();
  let [mib, isDone] = [0, false];
  const working = work().finally(() => isDone = true);
  const looking = (async () => {
    while (!isDone) {
      mib = Math.max(mib, await residentMib(pid));
      await pause(SAMPLE_MS);
    }
  })();
  await Promise.all([working, looking]);
  return { mib, seconds: (performance.now() - startedAt) / 1000 };
}

/** By `ps`: the runtime lets no one read `/proc` who may not do everything. */
async function residentMib(pid: number): Promise<number> {
  const ps = new Deno.Command("ps", { args: ["-o", "rss=", "-p", String(pid)] });
  const { code, stdout } = await ps.output();
  if (code !== 0) throw new Error(`there is no process ${pid} any more`);
  return Number(new TextDecoder().decode(stdout)) / KIB_PER_MIB;
}

function report(measured: Figures[]): void {
  const way = (name: "out" | "back") =>
    measured.map((figures, at) => {
      const { mib, seconds } = figures[name];
      return [
        `${name === "out" ? "written" : "read back"}, ${RECORD_COUNTS[at]} records`,
        (figures.bytes / KIB_PER_MIB ** 2).toFixed(1),
        mib.toFixed(0),
        (mib - figures.idleMib).toFixed(0),
        (mib / measured[0]![name].mib).toFixed(2),
        seconds.toFixed(1),
        (RECORD_COUNTS[at]! / seconds).toFixed(0),
      ];
    });
  const titles = ["", "file MiB", "peak MiB", "above idle", "ratio", "seconds", "records/s"];
  printTable([titles, ...way("out"), ...way("back")]);
  console.log(
    `\nthe aims are a ratio of at most ${RATIO_AIM}, and less than ${ABOVE_IDLE_AIM_MIB} MiB ` +
      "above idle",
  );
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

import PgBoss from "pg-boss";
import type { Mixin, MixinMessage } from "../../providers/mixin.ts";
import { KEYSTORE } from "../people/crowd.ts";

const BOT = { clientId: KEYSTORE.app_id, keystore: JSON.stringify(KEYSTORE) };
/** As the broadcast job has it, so that only the queue differs. */
const BATCH_COUNT = 1_000;
const CALL_SIZES = [100, 10, 1];
const CALL_COUNT = 20;
const RETRY_COUNT_MAX = 7;

export interface Boss extends AsyncDisposable {
  /** Sends a message to each, over pg-boss' queue; how long it took, ms. */
  sendAll(mixin: Mixin, to: string[]): Promise<number>;
}

type Job = PgBoss.JobWithMetadata<MixinMessage>;

/** pg-boss as its documentation has it for batches: insert, fetch, complete or fail by ids. */
export async function openBoss(connectionString: string): Promise<Boss> {
  const boss = new PgBoss({ connectionString, supervise: false, schedule: false });
  await boss.start();
  let queueCount = 0;
  return {
    async sendAll(mixin, to) {
      // A fresh table for each round.
      const queue = `broadcast_${++queueCount}`;
      await boss.createQueue(queue);
      const startedAt = performance.now();
      const jobs = to.map((to) => ({
        name: queue,
        retryLimit: RETRY_COUNT_MAX,
        retryDelay: 0,
        data: { id: crypto.randomUUID(), to, text: "as long as most of what people write is" },
      }));
      for (let from = 0; from < jobs.length; from += BATCH_COUNT) {
        await boss.insert(jobs.slice(from, from + BATCH_COUNT));
      }
      while (await sendBatch(boss, queue, mixin));
      return performance.now() - startedAt;
    },
    [Symbol.asyncDispose]: () => boss.stop({ graceful: false }),
  };
}

async function sendBatch(boss: PgBoss, queue: string, mixin: Mixin): Promise<boolean> {
  const options = { batchSize: BATCH_COUNT, includeMetadata: true } as const;
  const jobs = await boss.fetch<MixinMessage>(queue, options);
  const [done, failed]: [string[], string[]] = [[], []];
  const calls = callsOf(jobs).values();
  await Promise.all(Array.from({ length: CALL_COUNT }, async () => {
    for (const call of calls) {
      const ids = call.map(({ id }) => id);
      await mixin.sendMessages(BOT, call.map(({ data }) => data))
        .then(() => done.push(...ids), () => failed.push(...ids));
    }
  }));
  if (done.length > 0) await boss.complete(queue, done);
  if (failed.length > 0) await boss.fail(queue, failed);
  return jobs.length > 0;
}

function callsOf(jobs: Job[]): Job[][] {
  const sizeOf = ({ retryCount }: Job) => CALL_SIZES[Math.min(retryCount, CALL_SIZES.length - 1)]!;
  return [...Map.groupBy(jobs, sizeOf)].flatMap(([size, alike]) => {
    const calls: Job[][] = [];
    for (let from = 0; from < alike.length; from += size) {
      calls.push(alike.slice(from, from + size));
    }
    return calls;
  });
}

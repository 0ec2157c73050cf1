import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import pg from "pg";
import { openPg } from "../../db/client/pg.ts";
import { auditLedger } from "../../db/domain/ledger/audit.ts";
import { startTestApp, type TestApp } from "../harness.ts";
import type { TestPostgres } from "../services/postgres.ts";
import { asOperator, asPerson, type Said, type Stage } from "./act.ts";
import { engageCast, PAY_PASSWORD } from "./cast.ts";

export interface KillOptions {
  killCount: number;
}

export interface KillFigures {
  kills: number;
  "seconds of it": number;
  stories: number;
  calls: number;
  "refused for now": number;
  "answers lost": number;
  /** Refusals that told of an effect whose answer was lost. */
  "done before": number;
  "wallets locked": number;
  "shares taken": number;
}

/** People who do something at the same time, each with friends of their own. */
const LANE_COUNT = 12;
const PEOPLE_PER_LANE = 5;
/** Of ten connections; each kill is one that was at work, where any was. */
const KILLED_AT_ONCE = 3;
const PAUSE_MS = 25;
/**
 * Part of the answers that never arrive: a backend that is ended has mostly sent its answer before,
 * so nobody but the way back to the client loses any.
 */
const LOST_PART = 0.05;
/** On a slow machine all kills are done before a call whose answer was lost is refused for it. */
const LOSS_TIMEOUT_MS = 60_000;
/** Times one call is made until it is answered. */
const TRY_COUNT_MAX = 500;
const PAY_IN = 5_000;

/**
 * Keeps people paying, taking and sending while connections to the database are cut under them,
 * and on until an answer was lost that mattered. Every call is made until it is answered; in the
 * end everybody has exactly what their answers add up to, and all invariants hold.
 */
export async function runKills(
  postgres: TestPostgres,
  { killCount }: KillOptions,
): Promise<KillFigures> {
  const database = openPg(await postgres.newDatabase());
  try {
    await using app = await startTestApp({ database });
    const lanes: Lane[] = [];
    const figures = noFigures();
    for (let at = 0; at < LANE_COUNT; at++) {
      lanes.push(new Lane(await stageFor(app), figures));
    }
    const startedAt = performance.now();
    const killer = kill(postgres, app, { killCount, figures });
    let isOver = false;
    const work = lanes.map(async (lane) => {
      while (!isOver) await lane.tellStory();
    });
    try {
      // A lane that fails ends it all at once.
      await Promise.race([killer.done, Promise.all(work)]);
    } finally {
      isOver = true;
      killer.stop();
      await Promise.allSettled([killer.done, ...work]);
    }
    await Promise.all(work);
    figures["seconds of it"] = Math.round((performance.now() - startedAt) / 100) / 10;
    const broken = (await auditLedger(app.ctx)).filter(({ violations }) => violations > 0);
    assert.deepEqual(broken, []);
    for (const lane of lanes) await lane.assertExact();
    return figures;
  } finally {
    await database.close();
  }
}

const noFigures = (): KillFigures => ({
  kills: 0,
  "seconds of it": 0,
  stories: 0,
  calls: 0,
  "refused for now": 0,
  "answers lost": 0,
  "done before": 0,
  "wallets locked": 0,
  "shares taken": 0,
});

async function stageFor(app: TestApp): Promise<Stage> {
  const advance = (ms: number) => app.clock.advance(ms);
  return { app, advance, ...await engageCast(app.ctx, PEOPLE_PER_LANE) };
}

function kill(
  postgres: TestPostgres,
  { database }: TestApp,
  { killCount, figures }: KillOptions & { figures: KillFigures },
) {
  let isStopped = false;
  const run = async () => {
    const { rows: [own] } = await database.db.execute<{ name: string }>(
      sql`select current_database() as name`,
    );
    const client = new pg.Client({ connectionString: postgres.url });
    await client.connect();
    try {
      while (!isStopped && figures.kills < killCount) {
        const { rows } = await client.query(
          `select from (
            select pid from pg_stat_activity
            where datname = $1 and backend_type = 'client backend'
            order by state in ('active', 'idle in transaction') desc, random() limit $2
          ) as victims where pg_terminate_backend(pid)`,
          [own!.name, Math.min(KILLED_AT_ONCE, killCount - figures.kills)],
        );
        figures.kills += rows.length;
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 2 * PAUSE_MS));
      }
      const deadline = Date.now() + LOSS_TIMEOUT_MS;
      while (!isStopped && figures["done before"] === 0 && Date.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    } finally {
      await client.end();
    }
  };
  return { done: run(), stop: () => isStopped = true };
}

/** Some people and what they must have. */
class Lane {
  readonly #wallets: number[];
  readonly #members: number;

  constructor(private readonly stage: Stage, private readonly figures: KillFigures) {
    this.#wallets = stage.people.map(() => 0);
    this.#members = stage.people.length - 1;
  }

  async tellStory(): Promise<void> {
    const stories = [this.#payIn, this.#transfer, this.#packet, this.#packet, this.#withdraw];
    await stories[Math.floor(Math.random() * stories.length)]!.call(this);
    this.figures.stories++;
  }

  /** Everybody of the lane has what the answers said, to the 分. */
  async assertExact(): Promise<void> {
    const { app: { ctx }, people } = this.stage;
    const { rows } = await ctx.db.execute<{ owner: string; balance: string }>(sql`
      select owner_id::text as owner, balance::text from accounts where kind = 'wallet'`);
    const held = new Map(rows.map(({ owner, balance }) => [Number(owner), Number(balance)]));
    assert.deepEqual(people.map(({ userId }) => held.get(userId) ?? 0), this.#wallets);
  }

  async #payIn(): Promise<void> {
    const who = this.#anybody();
    const call = {
      body: { amount: PAY_IN, channel_type: 1 },
      headers: { "Idempotency-Key": crypto.randomUUID() },
    };
    const { recharge_no } = await this.#granted(who, "POST /wallet/recharge", call);
    this.#wallets[who]! += PAY_IN;
    const again = await this.#granted(who, "POST /wallet/recharge", call);
    assert.equal(again.recharge_no, recharge_no);
  }

  async #transfer(): Promise<void> {
    const [who, to] = this.#two();
    const amount = this.#someOf(who, 1);
    const pay_token = await this.#token(who, { amount, item: "transfer" });
    if (pay_token === undefined) return;
    const call = { body: { pay_token, amount, to_uid: this.stage.people[to]!.uid } };
    const { no } = await this.#granted(who, "POST /transfers", call);
    this.#wallets[who]! -= amount;
    assert.equal((await this.#granted(who, "POST /transfers", call)).no, no, "once");
    if (Math.random() < 0.2) return;
    const received = await this.#insist(() =>
      asPerson(this.stage, to, `POST /transfers/${no}/receive`)
    );
    if (received.http !== 200) {
      const { status } = await this.#granted(to, `GET /transfers/${no}`);
      assert.equal(status, 2, `not received, but refused: ${received.data.msg}`);
      this.figures["done before"]++;
    }
    this.#wallets[to]! += amount;
  }

  async #packet(): Promise<void> {
    const who = this.#anybody();
    const num = this.#members - 1;
    const amount = this.#someOf(who, num);
    const { groupNo } = this.stage;
    const scene = { scene_id: groupNo, scene_type: 2, amount, type: 2, num };
    const { redpacket_no } = await this.#granted(who, "POST /redpackets", { body: scene });
    const pay_token = await this.#token(who, { amount, item: "redpacket" });
    if (pay_token === undefined) return;
    const path = `/redpackets/${redpacket_no}`;
    const paid = await this.#granted(who, `POST ${path}/pay`, { body: { pay_token } });
    this.#wallets[who]! -= amount;
    const again = await this.#granted(who, `POST ${path}/pay`, { body: { pay_token } });
    assert.deepEqual(again, paid);
    // One more than there are shares.
    const openers = Array.from({ length: this.#members }, (_, at) => at);
    const taken = await Promise.all(openers.map((opener) => this.#open(opener, path)));
    const shares = taken.filter((share) => share > 0);
    assert.equal(shares.length, num);
    assert.equal(shares.reduce((sum, share) => sum + share, 0), amount, "all of it is taken");
    this.figures["shares taken"] += shares.length;
  }

  /** What somebody has of a packet in the end, 分. */
  async #open(who: number, path: string): Promise<number> {
    const body = { channel_id: this.stage.groupNo, channel_type: 2 };
    const { http, data } = await this.#insist(() =>
      asPerson(this.stage, who, `POST ${path}/open`, { body })
    );
    if (http !== 200) assert.match(data.msg, /^(已经领取过此红包|红包已被领完)$/);
    const { my_open_amount: own } = await this.#granted(who, `GET ${path}`);
    if (http === 200) assert.equal(own, data.open_amount);
    else if (own > 0) this.figures["done before"]++;
    this.#wallets[who]! += own;
    return own;
  }

  async #withdraw(): Promise<void> {
    const who = Math.floor(Math.random() * this.#members);
    const amount = this.#someOf(who, 100);
    const pay_token = await this.#token(who, { amount, item: "withdraw" });
    if (pay_token === undefined) return;
    const bankcard_id = this.stage.people[who]!.cardId;
    const body = { pay_token, amount, bankcard_id };
    const { withdrawal_no: no } = await this.#granted(who, "POST /wallet/withdraw", { body });
    this.#wallets[who]! -= amount;
    const how = Math.floor(Math.random() * 3);
    if (how === 2) return;
    const decision = ["confirm", "reject"][how];
    const { http, data } = await this.#insist(() =>
      asOperator(this.stage, `POST /v1/withdrawals/{no}/${decision}`, {
        no,
        ...decision === "reject" && { body: {} },
      })
    );
    assert.equal(http, 200, JSON.stringify(data));
    if (decision === "reject") this.#wallets[who]! += amount;
  }

  /** Undefined when there is not enough money. */
  async #token(
    who: number,
    wanted: { amount: number; item: string },
  ): Promise<string | undefined> {
    const body = { ...wanted, password: PAY_PASSWORD };
    for (;;) {
      const { http, data } = await this.#insist(() =>
        asPerson(this.stage, who, "POST /wallet/pay/token", { body })
      );
      if (http === 200) return data.pay_token;
      if (data.msg === "余额不足") return undefined;
      // Tries are claimed ahead: who is cut off five times in a row waits, or resets the password.
      assert.match(data.msg, /错误次数过多/);
      this.figures["wallets locked"]++;
      const { userId } = this.stage.people[who]!;
      const unlock = sql`update wallets set pay_try_count = 0, pay_locked_until = null
        where user_id = ${userId}`;
      await this.stage.app.ctx.db.execute(unlock).catch(() => {});
    }
  }

  // deno-lint-ignore no-explicit-any -- each call knows its own answer
  async #granted(who: number, call: string, what?: Parameters<typeof asPerson>[3]): Promise<any> {
    const { http, data } = await this.#insist(() => asPerson(this.stage, who, call, what));
    assert.equal(http, 200, `${call}: ${JSON.stringify(data)}`);
    return data;
  }

  /** The same call until it is answered by something else than "not now". */
  async #insist(call: () => Promise<Said>): Promise<Said> {
    for (let time = 1; time <= TRY_COUNT_MAX; time++) {
      this.figures.calls++;
      const said = await call();
      if (said.http === 503) this.figures["refused for now"]++;
      else if (Math.random() < LOST_PART) this.figures["answers lost"]++;
      else return said;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
    }
    throw new Error(`no answer after ${TRY_COUNT_MAX} tries`);
  }

  #anybody(): number {
    return Math.floor(Math.random() * this.#members);
  }

  #two(): [number, number] {
    const who = this.#anybody();
    return [who, (who + 1 + Math.floor(Math.random() * (this.#members - 1))) % this.#members];
  }

  #someOf(who: number, atLeast: number): number {
    return atLeast + Math.floor(Math.random() * Math.max(1, this.#wallets[who]! / 4));
  }
}

import type { TestPostgres } from "../services/postgres.ts";
import type { RedisService } from "../services/redis.ts";

export interface DisturbanceOptions {
  postgres: TestPostgres;
  redis: RedisService;
  /** Whose connections are cut. */
  databaseUrl: string;
  secondsBetweenKills: number;
  redisRestartCount: number;
  /** How much of the work is done, 0…1: restarts are spread over it. */
  progress: () => number;
}

/** How long Redis stays away, and how often is looked whether it is time, ms. */
const REDIS_AWAY_MS = 700;
const LOOK_MS = 100;

/** What happens to the stores while a run goes on: database connections cut, Redis gone and empty. */
export class Disturbances {
  backendKills = 0;
  redisRestarts = 0;
  #isOver = false;
  readonly #all: Promise<unknown>;
  readonly #options: DisturbanceOptions;

  constructor(options: DisturbanceOptions) {
    this.#options = options;
    this.#all = Promise.all([this.#killBackends(), this.#restartRedis()]);
  }

  /** Stops, and leaves both stores running. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#all;
  }

  async #killBackends(): Promise<void> {
    const { postgres, databaseUrl, secondsBetweenKills } = this.#options;
    const database = new URL(databaseUrl).pathname.slice(1);
    while (!this.#isOver) {
      await pause(secondsBetweenKills * 1000);
      // One that is at work where there is one: an idle connection is not missed by anybody.
      const killed = await postgres.psql(`
        select pg_terminate_backend(pid) from (
          select pid from pg_stat_activity
          where datname = '${database}' and backend_type = 'client backend'
          order by state = 'active' desc, random() limit 1) as victim`);
      this.backendKills += killed.length;
    }
  }

  async #restartRedis(): Promise<void> {
    const { redis, redisRestartCount, progress } = this.#options;
    while (!this.#isOver && this.redisRestarts < redisRestartCount) {
      await pause(LOOK_MS);
      if (progress() < (this.redisRestarts + 1) / (redisRestartCount + 1)) continue;
      await redis.stop();
      await pause(REDIS_AWAY_MS);
      await redis.restart();
      this.redisRestarts++;
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

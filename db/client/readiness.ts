import type { Config } from "../../config/config.ts";
import type { Database } from "./ctx.ts";
import { sqlStateOf } from "./errors.ts";
import { readMigrationLevel } from "./migrations.ts";

/** How often a database that is not ready is looked at, and how often that is said, ms. */
const LOOK_AGAIN_MS = 5_000;
const SAY_AGAIN_MS = 60_000;

/** Whether the database answers at the newest schema. */
export interface Readiness {
  /** As it was when last looked at; false before that. */
  isReady(): boolean;
  /** Looks now, and again and again while it is not ready; says so, and when that is over. */
  watch(): void;
  stop(): void;
}

export interface ReadinessOptions {
  database: Pick<Database, "db">;
  config: Pick<Config, "databaseUrl">;
  log(line: Record<string, unknown>): void;
  lookAgainMs?: number;
  sayAgainMs?: number;
}

/** Why the database is not ready, for people who run it; undefined when it is. */
export async function whyNotReady(
  { database, config }: Pick<ReadinessOptions, "database" | "config">,
): Promise<string | undefined> {
  try {
    const { pendingCount } = await readMigrationLevel(database.db);
    if (pendingCount === 0) return undefined;
    const migrations = pendingCount === 1 ? "migration" : "migrations";
    return `${pendingCount} ${migrations} pending: run deno task migrate`;
  } catch (error) {
    return `database away: ${awayTextOf(error, config.databaseUrl)}`;
  }
}

/** What drivers say, by the code or the text it comes with, in words. */
const REASONS: [pattern: RegExp, reason: string][] = [
  [/ECONNREFUSED/, "connection refused"],
  [/ENOTFOUND|EAI_AGAIN|failed to lookup/, "no such host"],
  [/E(HOST|NET)UNREACH/, "no way to the host"],
  [/ETIMEDOUT|timeout|within \d+ ms/i, "no answer"],
  [/^28/, "user or password refused"],
  [/^3D000/, "no such database"],
  [/^53300/, "too many connections"],
  [/^57P0/, "starting or stopping"],
  [/ECONNRESET|EPIPE|terminated/, "connection lost"],
];

/** Why and where, without user and password: they are in the address, and in some texts. */
export function awayTextOf(error: unknown, databaseUrl: string | undefined): string {
  const said = [sqlStateOf(error) ?? "", ...textsOf(error)];
  const reason = REASONS.find(([pattern]) => said.some((text) => pattern.test(text)))?.[1] ??
    (said[0] ? `SQLSTATE ${said[0]}` : "the connection failed");
  if (databaseUrl === undefined) return reason;
  const { hostname, port } = new URL(databaseUrl);
  return `${reason} ${hostname || "at its socket"}:${port || "5432"}`;
}

function textsOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const { code } = error as { code?: unknown };
  const causes = [error.cause].concat(error instanceof AggregateError ? error.errors : []);
  return [String(code), error.message].concat(causes.flatMap(textsOf));
}

/** Opens nothing and looks at nothing before {@link Readiness.watch}. */
export function openReadiness({
  lookAgainMs = LOOK_AGAIN_MS,
  sayAgainMs = SAY_AGAIN_MS,
  ...options
}: ReadinessOptions): Readiness {
  let isReady = false;
  let said: { why: string; atMs: number } | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isLooking = false;
  let isStopped = false;

  const say = (msg: string) => options.log({ level: "notice", msg });
  const look = async () => {
    isLooking = true;
    const why = await whyNotReady(options);
    isLooking = false;
    isReady = why === undefined;
    if (isStopped) return;
    const nowMs = performance.now();
    if (why === undefined) {
      if (said) say("database ready");
      said = undefined;
      return;
    }
    if (said?.why !== why || nowMs - said.atMs >= sayAgainMs) {
      said = { why, atMs: nowMs };
      say(why);
    }
    timer = setTimeout(look, lookAgainMs);
  };
  return {
    isReady: () => isReady,
    watch() {
      if (isStopped || isLooking) return;
      clearTimeout(timer);
      look();
    },
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}

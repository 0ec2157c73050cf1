import pg from "pg";
import type { Database } from "../../db/client/ctx.ts";
import { openPg } from "../../db/client/pg.ts";
import { MIGRATIONS_FOLDER } from "../../db/client/migrations.ts";
import { keep, keptPath } from "../kept.ts";
import { findBinary, freePort, waitUntil } from "./binary.ts";

/** A PostgreSQL server of its own for one test file, thrown away afterwards. */
export interface TestPostgres extends AsyncDisposable {
  /** The database `postgres`, as superuser without a password. */
  url: string;
  port: number;
  /** Creates a database, at the newest schema or empty, and answers its URL. */
  newDatabase(options?: { name?: string; empty?: boolean }): Promise<string>;
  /** Runs one statement in the database `postgres`; all values arrive as text. */
  psql(sql: string): Promise<Record<string, string | null>[]>;
  /** Ends every client's connection but the one that asks; answers how many there were. */
  killBackends(): Promise<number>;
  /** `fast` tells clients good-bye, `immediate` is a crash. */
  stop(mode: "fast" | "immediate"): Promise<void>;
  start(): Promise<void>;
  /** Freezes every process of the server: connections stay open and nothing answers. */
  pause(): Promise<void>;
  resume(): Promise<void>;
}

const SETTINGS = [
  "listen_addresses=127.0.0.1",
  // No socket file: its usual folder is shared with other servers on the machine.
  "unix_socket_directories=",
  "fsync=off",
  "synchronous_commit=off",
  "full_page_writes=off",
  "shared_buffers=16MB",
  "max_connections=60",
  "max_wal_size=128MB",
  // Tests provoke deadlocks; the default of one second each would make them slow.
  "deadlock_timeout=20ms",
];
const STOP_SIGNALS = { fast: "SIGINT", immediate: "SIGQUIT" } as const;
const STOP_TIMEOUT_MS = 10_000;

/**
 * Starts a server from installed binaries; undefined, after saying so, when there are none.
 *
 * @param settings `name=value`, over those tests run with
 */
export async function startPostgres(settings: string[] = []): Promise<TestPostgres | undefined> {
  const binary = findBinary("postgres", serverCandidates());
  if (!binary) return undefined;
  const server = await Server.of(binary, [...SETTINGS, ...settings]);
  try {
    await server.copyFrom(await keptCluster(binary));
    await server.start();
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

/** The migrated database every cluster has for others to be copied from. */
const TEMPLATE = "plaza_template";

/** A cluster that is down. Making one takes a second, migrating another; copying one a blink. */
async function keptCluster(binary: string): Promise<string> {
  const version = (await run([binary, "--version"], "/")).replaceAll(/[^\w.]+/g, "_");
  const path = keptPath(version);
  if (await Deno.stat(path).catch(() => undefined)) return path;
  const server = await Server.of(binary, SETTINGS);
  try {
    await server.initialize();
    await server.start();
    const database = openPg(await server.newDatabase({ name: TEMPLATE, empty: true }));
    await database.migrate(MIGRATIONS_FOLDER);
    await database.close();
    await server.stop("fast");
    await keep(server.data, path);
    return path;
  } finally {
    await server[Symbol.asyncDispose]();
  }
}

/**
 * For many callers at once on a busy machine: hundreds wait for ten connections, so limits are so
 * wide that only what hangs meets them.
 */
export function openPatiently(url: string): Database {
  return openPg(url, { connectMs: 60_000, statementMs: 60_000 });
}

/** Debian keeps servers out of `PATH`, one folder per version: the newest first. */
function serverCandidates(): string[] {
  const versions: string[] = [];
  try {
    for (const { name } of Deno.readDirSync("/usr/lib/postgresql")) versions.push(name);
  } catch {
    // Not Debian.
  }
  const folders = [
    ...versions.sort((a, b) => Number(b) - Number(a)).map((v) => `/usr/lib/postgresql/${v}/bin`),
    "/usr/local/bin",
    "/usr/local/pgsql/bin",
    "/opt/homebrew/bin",
    ...(Deno.env.get("PATH") ?? "").split(":").filter((folder) => folder !== ""),
  ];
  return folders.map((folder) => `${folder}/postgres`);
}

async function run(command: string[], cwd: string): Promise<string> {
  const [program, ...args] = command;
  const { code, stdout, stderr } = await new Deno.Command(program!, { args, cwd }).output();
  const decoder = new TextDecoder();
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout).trim();
}

/** Signals a process, if it is still there: the server ends helpers of its own accord. */
function signal(pid: number, name: Deno.Signal): void {
  try {
    Deno.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

class Server implements TestPostgres {
  readonly port = freePort();
  readonly url = this.#urlOf("postgres");
  #process: Deno.ChildProcess | undefined;
  #databaseCount = 0;
  /** What to do to wake the server up again. */
  #wake: (() => Promise<void>) | undefined;
  /** Words put before a command so that it does not run as root, which PostgreSQL refuses. */
  #asUser: string[] = [];

  private constructor(
    private readonly binary: string,
    private readonly folder: string,
    private readonly settings: string[],
  ) {}

  /** A server to be, in a folder of its own, of a user who may run one. */
  static async of(binary: string, settings: string[]): Promise<Server> {
    const folder = await Deno.makeTempDir({ prefix: "plaza_postgres_" });
    const server = new Server(binary, folder, settings);
    if (Deno.uid() === 0) await server.#useOtherUser();
    return server;
  }

  get data() {
    return `${this.folder}/data`;
  }
  get #log() {
    return `${this.folder}/log`;
  }

  #urlOf(database: string): string {
    return `postgres://postgres@127.0.0.1:${this.port}/${database}`;
  }

  async #useOtherUser(): Promise<void> {
    const user = await run(["id", "-un", "postgres"], "/").catch(() => "nobody");
    const group = await run(["id", "-gn", user], "/");
    this.#asUser = ["setpriv", `--reuid=${user}`, `--regid=${group}`, "--clear-groups"];
    await run(["chown", `${user}:${group}`, this.folder], "/");
  }

  async initialize(): Promise<void> {
    const initdb = this.binary.replace(/postgres$/, "initdb");
    const options = ["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C"]
      // Written whole by each copy, however little is in them; the default is 16 MB.
      .concat("--wal-segsize=1", "--no-sync");
    await run([...this.#asUser, initdb, "-D", this.data, ...options], this.folder);
  }

  async copyFrom(cluster: string): Promise<void> {
    await run(["cp", "-a", cluster, this.data], "/");
  }

  async start(): Promise<void> {
    const settings = this.settings.flatMap((setting) => ["-c", setting]);
    const server = [this.binary, "-D", this.data, "-p", String(this.port), ...settings];
    // `exec` makes the server this process's own child, so that its end can be awaited.
    const toLog = ["sh", "-c", 'exec "$@" >>"$0" 2>&1', this.#log];
    const [program, ...args] = [...this.#asUser, ...toLog, ...server];
    const child = new Deno.Command(program!, { args, cwd: this.folder, stdin: "null" }).spawn();
    this.#process = child;
    let ended = false;
    child.status.then(() => ended = true);
    await waitUntil("postgres", async () => ended || (await this.psql("select 1")).length === 1);
    if (ended) throw new Error(`postgres ended: ${await Deno.readTextFile(this.#log)}`);
  }

  async stop(mode: "fast" | "immediate"): Promise<void> {
    const child = this.#process;
    if (!child) return;
    this.#process = undefined;
    await this.resume();
    child.kill(STOP_SIGNALS[mode]);
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await child.status;
    clearTimeout(timer);
  }

  async newDatabase(
    { name = `test_${++this.#databaseCount}`, empty = false } = {},
  ): Promise<string> {
    await this.psql(`create database ${name} ${empty ? "" : `template ${TEMPLATE}`}`);
    return this.#urlOf(name);
  }

  async psql(sql: string): Promise<Record<string, string | null>[]> {
    const client = await this.#connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  }

  async killBackends(): Promise<number> {
    const [row] = await this.psql(
      `select count(pg_terminate_backend(pid)) as killed from pg_stat_activity
       where backend_type = 'client backend' and pid <> pg_backend_pid()`,
    );
    return Number(row?.killed);
  }

  async pause(): Promise<void> {
    const client = await this.#connect();
    const pids = [this.#process!.pid];
    this.#wake = async () => {
      for (const pid of pids) signal(pid, "SIGCONT");
      await client.end();
    };
    // The postmaster first: then no process can appear that the list does not have.
    signal(pids[0]!, "SIGSTOP");
    const { rows } = await client.query("select pid from pg_stat_activity");
    pids.unshift(...rows.map(({ pid }) => Number(pid)));
    for (const pid of pids) signal(pid, "SIGSTOP");
  }

  async resume(): Promise<void> {
    const wake = this.#wake;
    this.#wake = undefined;
    await wake?.();
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.url,
      connectionTimeoutMillis: 5_000,
      types: { getTypeParser: () => String },
    });
    // Tests stop the server at any moment; unheard, that would end the process.
    client.on("error", () => {});
    await client.connect();
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("immediate");
    await Deno.remove(this.folder, { recursive: true });
  }
}

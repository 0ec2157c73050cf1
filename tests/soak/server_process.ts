import { createHash } from "node:crypto";
import { freePort, waitUntil } from "../services/binary.ts";
import { startArguments } from "../services/start_arguments.ts";

/** How long a server may take until it answers, ms. */
const START_TIMEOUT_MS = 60_000;
/** Lines kept of what a server says is wrong. */
const COMPLAINTS_MAX = 100;
/** What it says when the database went away under its background work, which it does later. */
const POSTPONED_JOB = /"msg":"(pending work was left for the next tick|job tick failed)"/;
/** All of them share it, as the processes of one installation do. */
export const SECRET_KEY = createHash("sha256").update("a key of soak runs and benchmarks").digest(
  "hex",
);

/** What a server process needs to know of its surroundings. */
export interface ServerStores {
  databaseUrl: string;
  redisUrl: string;
}

export interface ServerOptions {
  /** More environment, over what all servers here have. */
  env?: Record<string, string>;
  /** How many files and connections it may have open. */
  descriptorsMax?: number;
  /** Whether chat clients may come over TCP too. */
  takesTcp?: boolean;
}

/** One Plaza as `deno task start` runs it: a process of its own on real services. */
export class ServerProcess implements AsyncDisposable {
  readonly port = freePort();
  /** Where chat clients come over TCP, if they may. */
  readonly tcpPort = freePort();
  readonly httpUrl = `http://127.0.0.1:${this.port}`;
  /** What it said on stderr, and its log lines of level `error` and `warn`. */
  readonly complaints: string[] = [];
  /** How often it had to leave background work for later, which is no complaint. */
  postponedJobCount = 0;
  /** Its exit code, once it has ended. */
  exitCode: number | undefined;
  readonly #process: Deno.ChildProcess;
  readonly #reading: Promise<unknown>;

  private constructor(
    private readonly dataDir: string,
    { databaseUrl, redisUrl }: ServerStores,
    { env = {}, descriptorsMax, takesTcp = false }: ServerOptions,
  ) {
    const [program, ...args] = [Deno.execPath(), ...startArguments(dataDir)];
    // `exec` makes the server this process's own child.
    const limited = ["-c", `ulimit -n ${descriptorsMax}; exec "$0" "$@"`, program!, ...args];
    this.#process = new Deno.Command(descriptorsMax ? "sh" : program!, {
      args: descriptorsMax ? limited : args,
      env: {
        APP_ENV: "development",
        DEV_DOORS: "1",
        DATA_DIR: dataDir,
        DATABASE_URL: databaseUrl,
        REDIS_URL: redisUrl,
        SECRET_KEY,
        PORT: String(this.port),
        HOST: "127.0.0.1",
        // Nothing here is meant to meet a limit.
        RATE_FACTOR: "0",
        NO_COLOR: "1",
        ...takesTcp && { TCP_PORT: String(this.tcpPort) },
        ...env,
      },
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#process.status.then(({ code }) => this.exitCode = code);
    this.#reading = Promise.all([
      this.#read(this.#process.stdout, isComplaint),
      this.#read(this.#process.stderr, (line) => line !== ""),
    ]);
  }

  /** Starts a server on a migrated database, and waits until it answers. */
  static async start(stores: ServerStores, options: ServerOptions = {}): Promise<ServerProcess> {
    const dataDir = await Deno.makeTempDir({ prefix: "plaza_server_" });
    const server = new ServerProcess(dataDir, stores, options);
    try {
      await waitUntil("the server", () => server.#isReady(), START_TIMEOUT_MS);
      if (server.exitCode !== undefined) throw new Error(server.complaints.join("\n"));
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  get pid(): number {
    return this.#process.pid;
  }

  async #isReady(): Promise<boolean> {
    if (this.exitCode !== undefined) return true;
    const response = await fetch(`${this.httpUrl}/healthz`);
    await response.body?.cancel();
    return response.ok;
  }

  async #read(
    stream: ReadableStream<Uint8Array>,
    isMeant: (line: string) => boolean,
  ): Promise<void> {
    let rest = "";
    const take = (line: string) => {
      if (!isMeant(line)) return;
      if (POSTPONED_JOB.test(line)) this.postponedJobCount++;
      else if (this.complaints.length < COMPLAINTS_MAX) this.complaints.push(line);
    };
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      lines.forEach(take);
    }
    take(rest);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.exitCode === undefined) this.#process.kill("SIGKILL");
    await this.#process.status;
    await this.#reading;
    await Deno.remove(this.dataDir, { recursive: true });
  }
}

function isComplaint(line: string): boolean {
  return /"level":"(error|warn)"/.test(line);
}

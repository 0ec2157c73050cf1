import { findBinary, freePort, waitUntil } from "./binary.ts";

/** A redis-server of one test file, empty at first and gone with it. */
export interface RedisService extends AsyncDisposable {
  url: string;
  port: number;
  /** Kills the server; its port stays ours to {@link restart} on. */
  stop(): Promise<void>;
  /** A new, empty server on the same port. */
  restart(): Promise<void>;
  /** The process no longer runs but its connections stay open, like a machine that hangs. */
  pause(): void;
  resume(): void;
}

/** How often another port is tried when somebody was faster. */
const START_TRIES_MAX = 3;

/** Starts redis-server on a free port, or answers undefined where there is none. */
export async function startRedis(): Promise<RedisService | undefined> {
  const binary = findBinary("redis", ["/usr/bin/redis-server", "/usr/local/bin/redis-server"]);
  if (!binary) return undefined;
  const directory = await Deno.makeTempDir({ prefix: "redis-test-" });
  let port = 0;
  let server: Deno.ChildProcess | undefined;
  for (let tries = 1; !server; tries++) {
    port = freePort();
    try {
      server = await launch(binary, { port, directory });
    } catch (error) {
      if (tries === START_TRIES_MAX) throw error;
    }
  }
  const stop = async () => {
    const running = server;
    server = undefined;
    // A paused process obeys no other signal.
    running?.kill("SIGKILL");
    await running?.status;
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    stop,
    async restart() {
      await stop();
      server = await launch(binary, { port, directory });
    },
    pause: () => server?.kill("SIGSTOP"),
    resume: () => server?.kill("SIGCONT"),
    async [Symbol.asyncDispose]() {
      await stop();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

async function launch(
  binary: string,
  { port, directory }: { port: number; directory: string },
): Promise<Deno.ChildProcess> {
  const server = new Deno.Command(binary, {
    args: ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", directory]
      .concat(["--save", "", "--appendonly", "no", "--daemonize", "no"]),
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  let exited = false;
  server.status.then(() => exited = true);
  await waitUntil("redis", async () => exited || await answersPing(port));
  if (exited) throw new Error(`redis-server could not start on port ${port}`);
  return server;
}

async function answersPing(port: number): Promise<boolean> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode("PING\r\n"));
  const answer = new Uint8Array(16);
  const length = await connection.read(answer);
  return new TextDecoder().decode(answer.subarray(0, length ?? 0)).startsWith("+PONG");
}

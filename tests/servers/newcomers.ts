import { freePort, waitUntil } from "../services/binary.ts";
import { startArguments } from "../services/start_arguments.ts";

/** The server as a newcomer starts it: one process, an empty folder, nothing configured. */
export class NewcomersServer implements AsyncDisposable {
  output = "";
  #hasEnded = false;
  readonly url: string;
  readonly #process: Deno.ChildProcess;
  readonly #reading: Promise<unknown>;

  /**
   * @param filesMax how many files and connections the process may have open
   * @param builtIn the folder `deno task build` has left Plaza in; absent: it runs from its source
   */
  constructor(
    readonly dataDir: string,
    env: Record<string, string> = {},
    { filesMax, builtIn }: { filesMax?: number; builtIn?: string } = {},
  ) {
    const port = freePort();
    this.url = `http://127.0.0.1:${port}`;
    const limited = ["sh", "-c", `ulimit -n ${filesMax} && exec "$@"`, "sh"];
    const script = builtIn && "main.js";
    const command = [Deno.execPath(), ...startArguments(dataDir, script)];
    const [program, ...args] = filesMax === undefined ? command : [...limited, ...command];
    this.#process = new Deno.Command(program!, {
      args,
      ...builtIn !== undefined && { cwd: builtIn },
      env: { DATA_DIR: dataDir, PORT: String(port), HOST: "127.0.0.1", NO_COLOR: "1", ...env },
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const read = async (stream: ReadableStream<Uint8Array>) => {
      for await (const text of stream.pipeThrough(new TextDecoderStream())) this.output += text;
    };
    this.#reading = Promise.all([read(this.#process.stdout), read(this.#process.stderr)]);
  }

  ready = () =>
    waitUntil("the server", async () => {
      const response = await fetch(`${this.url}/healthz`);
      await response.body?.cancel();
      return response.ok;
    }, 60_000);

  /** The exit code, once it has ended by itself. */
  async ended(): Promise<number> {
    const { code } = await this.#process.status;
    await this.#reading;
    this.#hasEnded = true;
    return code;
  }

  async stop(signal: Deno.Signal): Promise<number> {
    this.#process.kill(signal);
    return await this.ended();
  }

  async [Symbol.asyncDispose]() {
    if (!this.#hasEnded) await this.stop("SIGKILL");
  }
}

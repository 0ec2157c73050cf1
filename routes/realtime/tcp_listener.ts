import { logTextOf } from "../../config/runtime/log_text.ts";
import { ListenError } from "../listen.ts";
import type { Log } from "../serve.ts";

/** Pause before connections are taken on again, ms. */
const PAUSE_MS = 1_000;
/** It is said once in this time that it goes on, ms. */
const SAY_AGAIN_MS = 60_000;

export interface TcpListenOptions {
  hostname: string;
  port: number;
}

/** Takes TCP connections on until it is told to stop, whatever keeps it from it for a while. */
export class TcpListener {
  readonly address: Deno.NetAddr;
  readonly #listener: Deno.TcpListener;
  readonly #log: Log;
  #isStopped = false;
  #saidAtMs = -Infinity;

  /** @throws {ListenError} */
  constructor(
    options: TcpListenOptions,
    { log, take }: { log: Log; take(connection: Deno.TcpConn): void },
  ) {
    try {
      this.#listener = Deno.listen(options);
    } catch (cause) {
      throw new ListenError({ ...options, setting: "TCP_PORT" }, cause);
    }
    this.address = this.#listener.addr;
    this.#log = log;
    this.#accept(take);
  }

  async #accept(take: (connection: Deno.TcpConn) => void): Promise<void> {
    while (!this.#isStopped) {
      try {
        take(await this.#listener.accept());
      } catch (error) {
        if (!this.#isStopped) await this.#pause(error);
      }
    }
  }

  /** As long as somebody holds all the file descriptors there are, say. */
  async #pause(error: unknown): Promise<void> {
    const now = performance.now();
    if (now - this.#saidAtMs > SAY_AGAIN_MS) {
      this.#saidAtMs = now;
      this.#log({
        level: "notice",
        msg: "no TCP connection can be taken on",
        error: logTextOf(error),
      });
    }
    await new Promise((resolve) => Deno.unrefTimer(setTimeout(resolve, PAUSE_MS)));
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#listener.close();
  }
}

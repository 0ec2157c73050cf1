import { logTextOf } from "../config/runtime/log_text.ts";
import type { Log } from "./serve.ts";

/** Pause before connections are taken on again, ms. */
const PAUSE_MS = 1_000;
/** It is said once in this time that it goes on, ms. */
const SAY_AGAIN_MS = 60_000;
/** Servers of before whose requests are waited for at the end; each has a few at most. */
const SERVERS_KEPT_COUNT = 10;

/** The address is not there for us, for the reason the message gives. */
export class ListenError extends Error {
  override name = "ListenError";
  constructor(
    { hostname, port, setting = "PORT" }: Pick<ListenOptions, "hostname" | "port"> & {
      setting?: string;
    },
    cause: unknown,
  ) {
    super(
      cause instanceof Deno.errors.AddrInUse
        ? `The port ${port} is taken by another program; set ${setting} to a free one.`
        : `HOST and ${setting} (${hostname}:${port}) cannot be listened on: ${logTextOf(cause)}`,
      { cause },
    );
  }
}

export interface ListenOptions {
  hostname: string;
  /** 0: any free one, and the same for good. */
  port: number;
  log: Log;
  onListen(address: Deno.NetAddr): void;
}

export interface Listening {
  /** Takes no more connections on, and waits for the requests under way. */
  stop(): Promise<void>;
}

/**
 * Serves until it is told to stop. `Deno.serve` gives up for good when taking a connection on
 * fails once, as it does when somebody holds all the file descriptors the process may have. What is
 * open then goes on, sockets too; here it listens again until connections can be taken on.
 *
 * @throws {ListenError} when it cannot listen in the first place
 */
export function listen(
  { hostname, port, log, onListen }: ListenOptions,
  handler: Deno.ServeHandler<Deno.NetAddr>,
): Listening {
  let servers: Deno.HttpServer<Deno.NetAddr>[] = [];
  let saidAtMs = -Infinity;
  let again: ReturnType<typeof setTimeout> | undefined;
  let isStopping = false;

  const open = (options: { port: number; onListen(address: Deno.NetAddr): void }) => {
    const server = Deno.serve({ hostname, ...options }, handler);
    servers = [...servers, server].slice(-SERVERS_KEPT_COUNT);
    server.finished.catch(recover);
    return server.addr;
  };
  const address = openFirst();

  function openFirst(): Deno.NetAddr {
    try {
      return open({ port, onListen });
    } catch (cause) {
      throw new ListenError({ hostname, port }, cause);
    }
  }

  function recover(error: unknown) {
    if (isStopping) return;
    const now = performance.now();
    if (now - saidAtMs > SAY_AGAIN_MS) {
      saidAtMs = now;
      log({ level: "notice", msg: "no connection can be taken on", error: logTextOf(error) });
    }
    again = setTimeout(() => {
      try {
        open({ port: address.port, onListen() {} });
      } catch (error) {
        recover(error);
      }
    }, PAUSE_MS);
  }

  return {
    async stop() {
      isStopping = true;
      clearTimeout(again);
      await Promise.all(servers.map((server) => server.shutdown()));
    },
  };
}

import { lazy } from "../../config/runtime/lazy.ts";
import type { Parts } from "../../db/client/ctx.ts";
import type { Log } from "../serve.ts";
import { refuseHandshake } from "./handshake.ts";
import type { SocketOptions } from "./socket_options.ts";
import type { TcpListenOptions } from "./tcp_listener.ts";

const loadServer = lazy(() => import("./server.ts"));

/** The chat socket of one process. */
export interface Chat {
  /** Answers `GET /ws`, asked from this address. */
  upgrade(request: Request, address: string): Promise<Response>;
  /** Takes native clients on over TCP as well. @throws {ListenError} */
  listen(options: TcpListenOptions): Promise<Deno.NetAddr>;
  /** Sends every client elsewhere; none is taken any more. */
  stop(): Promise<void>;
}

/** Opens nothing before the first connection. */
export function openChat(parts: Parts & { log: Log }, options: Partial<SocketOptions> = {}): Chat {
  let opening: ReturnType<typeof open> | undefined;
  let isStopped = false;
  const open = async () => {
    const { Server } = await loadServer();
    return new Server(parts, options);
  };
  return {
    async upgrade(request, address) {
      const refusal = refuseHandshake(request);
      if (refusal) return refusal;
      if (!isStopped) opening ??= open();
      const server = await opening;
      return server?.upgrade(request, address) ?? new Response("stopped\n", { status: 503 });
    },
    async listen(options) {
      opening ??= open();
      return (await opening).listen(options);
    },
    async stop() {
      isStopped = true;
      await (await opening)?.stop();
    },
  };
}

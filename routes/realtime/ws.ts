import type { Parts } from "../../db/client/ctx.ts";
import type { Log } from "../serve.ts";
import type { SocketOptions } from "./socket_options.ts";

/** The chat socket of one process. */
export interface Chat {
  /** Answers `GET /ws`. */
  upgrade(request: Request): Promise<Response>;
  /** Sends every client elsewhere; none is taken any more. */
  stop(): Promise<void>;
}

/** Opens nothing, and loads nothing, before the first connection. */
export function openChat(parts: Parts & { log: Log }, options: Partial<SocketOptions> = {}): Chat {
  let opening: ReturnType<typeof open> | undefined;
  let isStopped = false;
  const open = async () => {
    const { Server } = await import("./server.ts");
    return new Server(parts, options);
  };
  return {
    async upgrade(request) {
      if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
        return new Response("this is a WebSocket\n", {
          status: 426,
          headers: { Upgrade: "websocket", Connection: "Upgrade" },
        });
      }
      if (!isStopped) opening ??= open();
      const server = await opening;
      return server?.upgrade(request) ?? new Response("stopped\n", { status: 503 });
    },
    async stop() {
      isStopped = true;
      await (await opening)?.stop();
    },
  };
}

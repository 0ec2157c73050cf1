import { parseAddress } from "../../config/runtime/address.ts";
import type { Parts } from "../../db/client/ctx.ts";
import type { Log } from "../serve.ts";
import { GobelieveCodec } from "./gobelieve/session.ts";
import { JsonRpcCodec } from "./json_rpc/session.ts";
import { Session } from "./session.ts";
import type { SocketOptions } from "./socket_options.ts";
import { Sockets } from "./sockets.ts";
import { TcpListener, type TcpListenOptions } from "./tcp_listener.ts";
import { TcpSocket } from "./tcp_socket.ts";
import type { Protocol } from "./types.ts";
import { WukongCodec } from "./wukong/session.ts";

/** A peer that does not answer pings for so long is gone; they also keep the platform awake, s. */
const PING_SECONDS = 30;

/** Takes connections and finds out what they speak. */
export class Server {
  readonly #sockets: Sockets;
  readonly #log: Log;
  #tcp: TcpListener | undefined;

  constructor(parts: Parts & { log: Log }, options: Partial<SocketOptions>) {
    this.#sockets = new Sockets(parts, options);
    this.#log = parts.log;
  }

  upgrade(request: Request, address: string): Response {
    if (!this.#sockets.strangers.hasRoom(address)) {
      return new Response("too many connections\n", {
        status: 429,
        headers: { "Retry-After": "5" },
      });
    }
    if (this.#sockets.isFull) {
      return new Response("no room\n", { status: 503, headers: { "Retry-After": "3" } });
    }
    const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: PING_SECONDS });
    socket.binaryType = "arraybuffer";
    this.#sockets.open(new Session(socket, this.#sockets, { address, choose: codecFor }));
    return response;
  }

  /** Takes TCP connections on too. @throws {ListenError} */
  listen(options: TcpListenOptions): Deno.NetAddr {
    this.#tcp = new TcpListener(options, {
      log: this.#log,
      take: (connection) => this.#take(connection),
    });
    return this.#tcp.address;
  }

  #take(connection: Deno.TcpConn): void {
    const { hostname } = connection.remoteAddr;
    const address = parseAddress(hostname) ?? hostname;
    if (this.#sockets.isFull || !this.#sockets.strangers.hasRoom(address)) {
      return connection.close();
    }
    const socket = new TcpSocket(connection);
    const session = new Session(socket, this.#sockets, { address, choose: codecOfStream });
    this.#sockets.open(session);
    socket.read(() => session.settled());
  }

  stop(): Promise<void> {
    this.#tcp?.stop();
    return this.#sockets.stop();
  }
}

/** A stream is WuKong's binary protocol and nothing else. */
function codecOfStream(data: unknown): Protocol | undefined {
  const codec = codecFor(data);
  return codec instanceof WukongCodec ? codec : undefined;
}

/** CONNECT is packet 1; its flags are the low half of the byte. */
const WUKONG_CONNECT = 1;

/** A GoBelieve frame begins with its length, which is far below 16 MiB. */
const GOBELIEVE_LENGTH = 0;

/**
 * Texts are JSON-RPC, bytes that begin with a CONNECT are WuKong, those that begin with a length
 * are GoBelieve, anything else is nothing.
 */
export function codecFor(data: unknown): Protocol | undefined {
  if (typeof data === "string") return /^\s*[{[]/.test(data) ? new JsonRpcCodec() : undefined;
  if (!(data instanceof ArrayBuffer) || data.byteLength === 0) return undefined;
  const first = new Uint8Array(data, 0, 1)[0]!;
  if (first === GOBELIEVE_LENGTH) return new GobelieveCodec();
  return first >> 4 === WUKONG_CONNECT ? new WukongCodec() : undefined;
}

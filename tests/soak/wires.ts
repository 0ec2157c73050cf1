import type { ClientData } from "./client_codecs.ts";

/** What carries a client's bytes or texts to a server of this machine and back. */
export interface Wire {
  /** @returns false when it is not open */
  send(data: ClientData): boolean;
  close(): void;
}

export interface WireEvents {
  onOpen: () => void;
  onData: (data: unknown) => void;
  /** Maybe more than once. */
  onEnd: () => void;
}

const READ_BYTES = 16 * 1024;

export function openWebSocket(port: number, { onOpen, onData, onEnd }: WireEvents): Wire {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`);
  socket.binaryType = "arraybuffer";
  socket.onopen = onOpen;
  socket.onmessage = ({ data }) => onData(data);
  socket.onclose = onEnd;
  socket.onerror = onEnd;
  return {
    send(data) {
      if (socket.readyState !== WebSocket.OPEN) return false;
      socket.send(data);
      return true;
    },
    close: () => socket.close(),
  };
}

/** Opens a TCP connection, on which frames arrive cut and glued as they come. */
export function openTcp(port: number, events: WireEvents): Wire {
  const wire = new TcpWire(events);
  wire.carry(port);
  return wire;
}

class TcpWire implements Wire {
  #connection: Deno.TcpConn | undefined;
  #isClosed = false;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(private readonly events: WireEvents) {}

  async carry(port: number): Promise<void> {
    const { onOpen, onData, onEnd } = this.events;
    try {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port });
      this.#connection = connection;
      if (this.#isClosed) connection.close();
      else onOpen();
      const room = new Uint8Array(READ_BYTES);
      for (let count = await connection.read(room); count !== null;) {
        onData(room.slice(0, count).buffer);
        count = await connection.read(room);
      }
    } catch {
      // Refused, reset, or closed here: as much an end as any.
    }
    this.close();
    onEnd();
  }

  send(data: ClientData): boolean {
    const connection = this.#connection;
    if (!connection || this.#isClosed) return false;
    if (typeof data === "string") throw new TypeError("a stream carries bytes");
    this.#writing = this.#writing.then(async () => {
      for (let at = 0; at < data.length;) at += await connection.write(data.subarray(at));
    }).catch(() => this.close());
    return true;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      this.#connection?.close();
    } catch {
      // It has ended already.
    }
  }
}

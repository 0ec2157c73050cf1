import type { Data, Wire } from "./types.ts";

/** What one read takes: every connection keeps room for it. */
const READ_BYTES = 4 * 1024;
/** What of it is handed on at once: fewer frames than may wait, were each a single byte. */
const CHUNK_BYTES = 512;
/** How long a peer may take to close in turn, ms. */
const GOODBYE_MS_MAX = 500;

/**
 * A TCP connection in the shape of a WebSocket, so that a session need not know which it has. What
 * comes in is cut wherever it is; it is read no faster than it is dealt with.
 */
export class TcpSocket extends EventTarget implements Wire {
  readyState: number = WebSocket.OPEN;
  bufferedAmount = 0;
  readonly #connection: Deno.TcpConn;
  #outgoing: Uint8Array[] = [];
  #writing: Promise<void> | undefined;
  #goodbye: ReturnType<typeof setTimeout> | undefined;

  constructor(connection: Deno.TcpConn) {
    super();
    this.#connection = connection;
    connection.setNoDelay(true);
    // A peer that has vanished is found out by its silence; this only spares proxies the same.
    connection.setKeepAlive(true);
  }

  /** Reads to the end. `settled` resolves when what was handed on has been dealt with. */
  async read(settled: () => Promise<void>): Promise<void> {
    const room = new Uint8Array(READ_BYTES);
    try {
      for (;;) {
        const count = await this.#connection.read(room);
        if (count === null) break;
        for (let at = 0; at < count && this.readyState === WebSocket.OPEN; at += CHUNK_BYTES) {
          const data = room.slice(at, Math.min(at + CHUNK_BYTES, count)).buffer;
          this.dispatchEvent(new MessageEvent("message", { data }));
          await settled();
        }
      }
      // Who says no more may still want to hear.
      await this.#writing;
    } catch {
      // Reset by the peer, or closed here.
    }
    this.#gone();
  }

  send(data: Data): void {
    if (this.readyState !== WebSocket.OPEN) return;
    if (typeof data === "string") throw new TypeError("a stream carries bytes");
    this.#outgoing.push(data);
    this.bufferedAmount += data.length;
    this.#writing ??= this.#write();
  }

  async #write(): Promise<void> {
    // What is said in one turn goes out together.
    await Promise.resolve();
    try {
      while (this.#outgoing.length > 0) {
        const bytes = joined(this.#outgoing);
        this.#outgoing = [];
        for (let at = 0; at < bytes.length;) {
          const count = await this.#connection.write(bytes.subarray(at));
          this.bufferedAmount -= count;
          at += count;
        }
      }
    } catch {
      this.#gone();
    }
    this.#writing = undefined;
  }

  /** There is no code on a stream: the peer gets what it was sent, and the end of it. */
  close(): void {
    if (this.readyState !== WebSocket.OPEN) return;
    this.readyState = WebSocket.CLOSING;
    this.#goodbye = setTimeout(() => this.#gone(), GOODBYE_MS_MAX);
    this.#end();
  }

  async #end(): Promise<void> {
    await this.#writing;
    try {
      // Closed altogether now, bytes it has sent meanwhile would take from it what it has not read.
      await this.#connection.closeWrite();
    } catch {
      this.#gone();
    }
  }

  #gone(): void {
    if (this.readyState === WebSocket.CLOSED) return;
    this.readyState = WebSocket.CLOSED;
    clearTimeout(this.#goodbye);
    this.#outgoing = [];
    try {
      this.#connection.close();
    } catch {
      // It was gone already.
    }
    this.dispatchEvent(new Event("close"));
  }
}

function joined(parts: Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

import { encodeCommands, Refusal, type Reply, ReplyDecoder } from "./replies.ts";

const DEFAULT_PORT = 6379;
const READ_BYTES = 65_536;
/** Callers waiting for a Redis that has stopped answering; beyond it they are refused. */
const WAITING_COUNT_MAX = 10_000;

interface Waiting {
  replies: Reply[];
  count: number;
  resolve(replies: Reply[]): void;
  reject(error: unknown): void;
}

/**
 * One connection to a Redis of `redis://` or `rediss://`, with the URL's user and database. Of our
 * own, because loading the package for it was a third of a cold start
 * (docs/adr/lazy-surfaces.md), and what is needed of it is this.
 */
export class Wire {
  /** Resolves when the connection is gone, whoever ended it. */
  readonly ended: Promise<void>;
  readonly #connection: Deno.Conn;
  readonly #end: () => void;
  readonly #waiting: Waiting[] = [];
  #outgoing = "";
  #isWriting = false;
  #lost: unknown;
  #onUnasked: ((reply: Reply) => void) | undefined;

  private constructor(connection: Deno.Conn) {
    this.#connection = connection;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#end = resolve;
    this.#read();
  }

  /**
   * A connection that has answered: a stopped process still accepts connections.
   * @throws when Redis is not there, or does not let us in; nothing stays open then
   */
  static async open(url: string, signal: AbortSignal): Promise<Wire> {
    const { hostname, port, protocol, username, password, pathname } = new URL(url);
    const host = hostname.replace(/^\[(.*)\]$/, "$1");
    const tcp = await Deno.connect({ hostname: host, port: Number(port) || DEFAULT_PORT, signal });
    tcp.setNoDelay(true);
    tcp.setKeepAlive(true);
    let wire: Wire | undefined;
    const close = () => wire ? wire.close() : closeQuietly(tcp);
    signal.addEventListener("abort", close, { once: true });
    try {
      wire = new Wire(protocol === "rediss:" ? await Deno.startTls(tcp, { hostname: host }) : tcp);
      const greeting = [["PING"]];
      const database = decodeURIComponent(pathname.slice(1));
      if (database) greeting.unshift(["SELECT", database]);
      const names = [username, password].map(decodeURIComponent).filter((it) => it !== "");
      if (names.length > 0) greeting.unshift(["AUTH", ...names]);
      const refusal = (await wire.send(greeting)).find((reply) => reply instanceof Refusal);
      if (refusal) throw new Error(refusal.message);
      return wire;
    } catch (error) {
      close();
      throw error;
    } finally {
      signal.removeEventListener("abort", close);
    }
  }

  get isOpen(): boolean {
    return this.#lost === undefined;
  }

  /** Sends them in one piece; answers with a reply for each. @throws when the connection fails */
  send(commands: string[][]): Promise<Reply[]> {
    if (this.#lost) return Promise.reject(this.#lost);
    if (this.#waiting.length >= WAITING_COUNT_MAX) {
      return Promise.reject(new Error("too many callers are waiting for redis"));
    }
    const { promise, resolve, reject } = Promise.withResolvers<Reply[]>();
    this.#waiting.push({ replies: [], count: commands.length, resolve, reject });
    this.#write(encodeCommands(commands));
    return promise;
  }

  /**
   * Hands over, from the first subscription on, every line as Upstash writes them:
   * `subscribe,<channel>,<count>` and `message,<channel>,<text>`. Nothing else may be sent then.
   *
   * @throws when Redis refuses, or the connection is lost before it has subscribed
   */
  async follow(channels: string[], onLine: (line: string) => void): Promise<void> {
    const { promise: subscribed, resolve, reject } = Promise.withResolvers<void>();
    this.#onUnasked = (reply) => {
      if (reply instanceof Refusal) return reject(new Error(reply.message));
      onLine((reply as Reply[]).join(","));
      resolve();
    };
    this.ended.then(() => reject(this.#lost));
    this.#write(encodeCommands([["SUBSCRIBE", ...channels]]));
    await subscribed;
  }

  close(): void {
    this.#lose(new Error("the connection to redis was closed"));
  }

  async #read(): Promise<void> {
    const decoder = new ReplyDecoder();
    const bytes = new Uint8Array(READ_BYTES);
    try {
      for (let count; (count = await this.#connection.read(bytes)) !== null;) {
        for (const reply of decoder.feed(bytes.subarray(0, count))) this.#take(reply);
      }
      this.#lose(new Error("redis closed the connection"));
    } catch (error) {
      this.#lose(error);
    }
  }

  #take(reply: Reply): void {
    const first = this.#waiting[0];
    if (!first) return this.#onUnasked?.(reply);
    first.replies.push(reply);
    if (first.replies.length < first.count) return;
    this.#waiting.shift();
    first.resolve(first.replies);
  }

  /** What is written while a write is under way goes along with the next. */
  async #write(text: string): Promise<void> {
    this.#outgoing += text;
    if (this.#isWriting) return;
    this.#isWriting = true;
    try {
      while (this.#outgoing !== "") {
        let bytes = new TextEncoder().encode(this.#outgoing);
        this.#outgoing = "";
        while (bytes.length > 0) bytes = bytes.subarray(await this.#connection.write(bytes));
      }
    } catch (error) {
      this.#lose(error);
    }
    this.#isWriting = false;
  }

  #lose(error: unknown): void {
    if (this.#lost) return;
    this.#lost = error;
    closeQuietly(this.#connection);
    for (const { reject } of this.#waiting.splice(0)) reject(error);
    this.#end();
  }
}

/** It may be gone already. */
function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

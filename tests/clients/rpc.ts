import { Buffer } from "node:buffer";
import { waitUntil } from "../services/binary.ts";

// deno-lint-ignore no-explicit-any -- each test knows what it asked for
type Json = any;

/** A client of the socket's JSON-RPC, on a plain WebSocket. */
export class RpcClient implements AsyncDisposable {
  readonly socket: WebSocket;
  /** Messages received, in order. */
  readonly received: Json[] = [];
  /** What came besides answers and messages. */
  readonly others: Json[] = [];
  /** Once it is closed. */
  closed: { code: number; reason: string } | undefined;
  readonly #answers = new Map<unknown, Json>();
  #lastId = 0;

  constructor(url: string) {
    this.socket = new WebSocket(url);
    this.socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.method === "recv") this.received.push(message.params);
      else if (message.id !== undefined) this.#answers.set(message.id, message);
      else this.others.push(message);
    };
    this.socket.onclose = ({ code, reason }) => this.closed = { code, reason };
  }

  async opened(): Promise<this> {
    await waitUntil("the socket", () => this.socket.readyState === WebSocket.OPEN);
    return this;
  }

  /** Asks and waits for the answer. */
  async ask(method: string, params?: unknown, id: number | string = ++this.#lastId): Promise<Json> {
    this.socket.send(JSON.stringify({ method, params, id }));
    await waitUntil(`an answer to ${method}`, () => this.#answers.has(id));
    return this.#answers.get(id);
  }

  connect({ uid, token }: { uid: string; token: string }, deviceFlag = 1): Promise<Json> {
    return this.ask("connect", { uid, token, deviceFlag, clientTimestamp: Date.now() });
  }

  say(
    channelId: string,
    channelType: number,
    payload: unknown,
    over: Record<string, unknown> = {},
  ): Promise<Json> {
    const text = Buffer.from(JSON.stringify(payload)).toString("base64");
    const clientMsgNo = crypto.randomUUID();
    return this.ask("send", { clientMsgNo, channelId, channelType, payload: text, ...over });
  }

  async ended(): Promise<{ code: number; reason: string }> {
    await waitUntil("the end", () => this.closed !== undefined);
    return this.closed!;
  }

  async [Symbol.asyncDispose]() {
    this.socket.close();
    await this.ended();
  }
}

/** The JSON of a received message's payload. */
export function payloadOf({ payload }: { payload: string }): Json {
  const bytes = Uint8Array.from(atob(payload), (letter) => letter.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

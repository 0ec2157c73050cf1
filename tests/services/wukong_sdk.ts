import { buildSync } from "esbuild";
import type { ConnectStatus } from "wukongimjssdk/lib/connect_manager.js";
import type { Channel, Message, MessageContent, MessageText } from "wukongimjssdk/lib/model.js";
import type { WKSDK } from "wukongimjssdk/lib/sdk.js";

/** What a test needs of the package; its main file exports the first alone. */
export interface Sdk {
  WKSDK: typeof WKSDK;
  Channel: typeof Channel;
  MessageContent: typeof MessageContent;
  MessageText: typeof MessageText;
  ConnectStatus: typeof ConnectStatus;
}

const ENTRY = `
  export { default as WKSDK } from "wukongimjssdk";
  export { Channel, MessageContent, MessageText } from "wukongimjssdk/lib/model";
  export { ConnectStatus } from "wukongimjssdk/lib/connect_manager";
`;

/** The package's modules name each other without extensions, which only a bundler resolves. */
function bundle(): Uint8Array {
  const { outputFiles } = buildSync({
    stdin: { contents: ENTRY, resolveDir: new URL("../..", import.meta.url).pathname },
    bundle: true,
    format: "esm",
    platform: "browser",
    write: false,
    // It tells of every step; nothing else is left out.
    drop: ["console"],
  });
  return outputFiles[0]!.contents;
}

let bundled: Uint8Array | undefined;
const loaded = new Map<string, Promise<Sdk>>();

/**
 * The unmodified npm client, bundled. All its state is in singletons, so there is one module
 * instance per name: two names are two independent clients.
 */
export function loadSdk(name: string): Promise<Sdk> {
  const sdk = loaded.get(name) ?? load();
  loaded.set(name, sdk);
  return sdk;
}

async function load(): Promise<Sdk> {
  bundled ??= bundle();
  const file = await Deno.makeTempFile({ prefix: "wukong-sdk-", suffix: ".mjs" });
  try {
    await Deno.writeFile(file, bundled);
    const sdk: Sdk = await import(`file://${file}`);
    // Looks for read receipts to send, which no test makes, and would run for ever.
    clearInterval(sdk.WKSDK.shared().receiptManager["timer"]);
    return sdk;
  } finally {
    await Deno.remove(file);
  }
}

export interface StatusChange {
  /** 0 disconnected, 1 connected, 2 connecting, 3 refused, 4 kicked. */
  status: number;
  /** The server's reason code; 0 where the socket itself was closed. */
  reason: number;
}

/** What the server said about a message of this client. */
export interface Ack {
  messageId: string;
  messageSeq: number;
  reasonCode: number;
  clientMsgNo: string;
}

export interface ConnectOptions {
  uid: string;
  token: string;
  /** 0 app, 1 web, 2 desktop. */
  deviceFlag?: number;
  /** The socket's address, or who to ask for it: asked again at every reconnect. */
  addr: string | (() => string | Promise<string>);
}

const WAIT_MS = 5000;

/** One client, with promises in place of listeners. Disposed of, it leaves nothing running. */
export class SdkClient implements AsyncDisposable {
  /** Messages received, in order; not those sent from here. */
  readonly messages: Message[] = [];
  /** Commands (type 99) received, in order. */
  readonly commands: Message[] = [];
  /** Every change of the connection so far. */
  readonly statuses: StatusChange[] = [];
  readonly sdk: WKSDK;
  readonly #classes: Sdk;
  readonly #received = new Arrivals<Message>();
  readonly #changes = new Arrivals<StatusChange>();
  readonly #acks = new Arrivals<Omit<Ack, "clientMsgNo"> & { clientSeq: number }>();

  private constructor(classes: Sdk) {
    this.#classes = classes;
    this.sdk = classes.WKSDK.shared();
    this.sdk.connectManager.addConnectStatusListener((status, reason = 0) => {
      this.statuses.push({ status, reason });
      this.#changes.add({ status, reason });
    });
    this.sdk.chatManager.addMessageListener((message) => {
      // The client tells its listeners of what it sends, too; that has no id yet.
      if (!message.messageID) return;
      this.messages.push(message);
      this.#received.add(message);
    });
    this.sdk.chatManager.addCMDListener((command) => {
      this.commands.push(command);
      this.#received.add(command);
    });
    this.sdk.chatManager.addMessageStatusListener(({ messageID, ...ack }) => {
      const { clientSeq, messageSeq, reasonCode } = ack;
      this.#acks.add({ messageId: messageID.toString(), clientSeq, messageSeq, reasonCode });
    });
  }

  /** One client per name; take another name for every client of a test file. */
  static async load(name: string): Promise<SdkClient> {
    return new SdkClient(await loadSdk(name));
  }

  /** Connects and waits for the next change of status, good or bad; forgets those before. */
  connect({ uid, token, deviceFlag = 1, addr }: ConnectOptions): Promise<StatusChange> {
    const { config } = this.sdk;
    Object.assign(config, { uid, token, deviceFlag });
    config.provider.connectAddrCallback = async (use) =>
      use(typeof addr === "string" ? addr : await addr());
    this.#changes.clear();
    const change = this.nextStatus();
    this.sdk.connect();
    return change;
  }

  /** The first change not yet returned here, or the first to `status`. */
  nextStatus(status?: number, timeoutMs = WAIT_MS): Promise<StatusChange> {
    const fits = (change: StatusChange) => status === undefined || change.status === status;
    return this.#changes.next("a change of status", fits, timeoutMs);
  }

  /** Sends a text and waits for what the server says to it. */
  sendText(channelId: string, channelType: number, text: string): Promise<Ack> {
    return this.#send(new this.#classes.MessageText(text), channelId, channelType);
  }

  /** Sends any payload: an object as JSON, bytes and texts as they are. */
  sendRaw(
    payload: Record<string, unknown> | Uint8Array | string,
    channelId: string,
    channelType: number,
  ): Promise<Ack> {
    const content = new this.#classes.MessageContent();
    content.encode = () =>
      payload instanceof Uint8Array ? payload : new TextEncoder().encode(
        typeof payload === "string" ? payload : JSON.stringify(payload),
      );
    return this.#send(content, channelId, channelType);
  }

  async #send(content: MessageContent, channelId: string, channelType: number): Promise<Ack> {
    const channel = new this.#classes.Channel(channelId, channelType);
    const { clientSeq, clientMsgNo } = await this.sdk.chatManager.send(content, channel);
    const fits = (ack: { clientSeq: number }) => ack.clientSeq === clientSeq;
    const { messageId, messageSeq, reasonCode } = await this.#acks.next("an ack", fits, WAIT_MS);
    return { messageId, messageSeq, reasonCode, clientMsgNo };
  }

  /** The first message or command that fits and was not yet returned here. */
  next(fits: (message: Message) => boolean = () => true, timeoutMs = WAIT_MS): Promise<Message> {
    return this.#received.next("a message", fits, timeoutMs);
  }

  /** Closes the socket, waits until it is closed, and stays away until {@link connect}. */
  async disconnect(): Promise<void> {
    const { connectManager } = this.sdk;
    const socket = (connectManager.ws as unknown as { ws: WebSocket } | undefined)?.ws;
    this.sdk.disconnect();
    // Still set when a reconnect was on its way; the client would never reconnect again.
    connectManager.lockReconnect = false;
    if (!socket || socket.readyState === WebSocket.CLOSED) return;
    await new Promise((resolve) => socket.addEventListener("close", resolve, { once: true }));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.disconnect();
  }
}

/** Things that arrive whenever they like, taken out one by one by whoever waits for them. */
class Arrivals<T> {
  readonly #here: T[] = [];
  readonly #waiting = new Set<{ fits: (item: T) => boolean; take: (item: T) => void }>();

  add(item: T): void {
    const waiter = [...this.#waiting].find(({ fits }) => fits(item));
    if (waiter) waiter.take(item);
    else this.#here.push(item);
  }

  clear(): void {
    this.#here.length = 0;
  }

  next(what: string, fits: (item: T) => boolean, timeoutMs: number): Promise<T> {
    const at = this.#here.findIndex(fits);
    if (at >= 0) return Promise.resolve(this.#here.splice(at, 1)[0]!);
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const waiter = {
      fits,
      take: (item: T) => {
        clearTimeout(timer);
        this.#waiting.delete(waiter);
        resolve(item);
      },
    };
    const timer = setTimeout(() => {
      this.#waiting.delete(waiter);
      reject(new Error(`waited ${timeoutMs} ms for ${what}`));
    }, timeoutMs);
    this.#waiting.add(waiter);
    return promise;
  }
}

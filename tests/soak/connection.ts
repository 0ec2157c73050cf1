import { Reason } from "../../routes/realtime/reasons.ts";
import type {
  Answer,
  ClientCodec,
  ClientData,
  Heard,
  Incoming,
  Outgoing,
  SocketLogin,
} from "./client_codecs.ts";
import { type CuttableLine, openCuttableLine } from "./cuttable_line.ts";
import { openTcp, openWebSocket, type Wire } from "./wires.ts";

/** How long opening a connection and logging in may take, ms. */
const OPEN_TIMEOUT_MS = 10_000;
/** How long a SEND may go without an answer, ms: longer than all the server waits for itself. */
const ANSWER_TIMEOUT_MS = 12_000;
/**
 * The same of a client that does not wait for one answer before it asks for the next, ms: it is no
 * sign of a loss how long its own line is, and what it said again would only make it longer.
 */
const ANSWER_IN_LINE_TIMEOUT_MS = 180_000;

export interface ConnectionOptions {
  /** Of the server: where it takes WebSockets, or TCP connections. */
  port: number;
  isTcp?: boolean;
  codec: ClientCodec;
  login: SocketLogin;
  /** Gets every message that is pushed, in order. */
  onPush: (message: Incoming) => void;
  /** It says things before what it has said is answered. */
  isInLine?: boolean;
  /** Over a line of its own, so that its end can come without a word. */
  isCuttable?: boolean;
}

/** One connection of a client, in any protocol. */
export class Connection {
  /** Resolves when it is over, whoever ended it. */
  readonly closed: Promise<void>;
  isClosed = false;
  /** The server said that it should stay away. */
  isKicked = false;
  /** Resolves when what its protocol itself pulls at the beginning has come, or it is over. */
  readonly caughtUp: Promise<void>;
  readonly #codec: ClientCodec;
  readonly #answerTimeoutMs: number;
  readonly #onPush: (message: Incoming) => void;
  readonly #wire: Wire;
  readonly #line: CuttableLine | undefined;
  readonly #waiting = new Map<number, (answer: Answer | undefined) => void>();
  readonly #connected = Promise.withResolvers<number | undefined>();
  readonly #end: () => void;
  readonly #catchUp: () => void;
  #lastTurn = 0;

  private constructor(
    { port, isTcp, codec, login, onPush, isInLine }: ConnectionOptions,
    line?: CuttableLine,
  ) {
    this.#codec = codec;
    this.#answerTimeoutMs = isInLine ? ANSWER_IN_LINE_TIMEOUT_MS : ANSWER_TIMEOUT_MS;
    this.#onPush = onPush;
    this.#line = line;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#end = resolve;
    const catching = Promise.withResolvers<void>();
    this.caughtUp = catching.promise;
    this.#catchUp = catching.resolve;
    this.#wire = (isTcp ? openTcp : openWebSocket)(line?.port ?? port, {
      onOpen: () => this.#wire.send(codec.connect(login)),
      onData: (data) => this.#hear(data),
      onEnd: () => this.#over(),
    });
  }

  /** Opens a connection and logs in; undefined when that did not work out. */
  static async open(options: ConnectionOptions): Promise<Connection | undefined> {
    const line = options.isCuttable ? openCuttableLine(options.port) : undefined;
    const connection = new Connection(options, line);
    const timer = setTimeout(() => connection.abandon(), OPEN_TIMEOUT_MS);
    const reason = await connection.#connected.promise;
    clearTimeout(timer);
    if (reason === Reason.success && !connection.isClosed) return connection;
    connection.abandon();
    return undefined;
  }

  /** Sends and waits; undefined when no answer came. */
  async send(message: Outgoing): Promise<Answer | undefined> {
    const turn = ++this.#lastTurn;
    const { promise, resolve } = Promise.withResolvers<Answer | undefined>();
    if (!this.#say(this.#codec.send(message, turn))) return undefined;
    this.#waiting.set(turn, resolve);
    const timer = setTimeout(() => resolve(undefined), this.#answerTimeoutMs);
    const answer = await promise;
    clearTimeout(timer);
    this.#waiting.delete(turn);
    return answer;
  }

  /** From here on the client hears nothing; the server finds out in its own time. */
  abandon(): void {
    this.#over();
    if (this.#line) this.#line.cut();
    else this.#wire.close();
  }

  #say(data: ClientData | undefined): boolean {
    if (data === undefined) return true;
    return !this.isClosed && this.#wire.send(data);
  }

  #hear(data: unknown): void {
    if (this.isClosed) return;
    for (const heard of this.#codec.read(data)) this.#take(heard);
  }

  #take(heard: Heard): void {
    switch (heard.type) {
      case "connected":
        return this.#connected.resolve(heard.reason);
      case "sent":
        return this.#waiting.get(heard.turn)?.(heard.answer);
      case "received":
        this.#onPush(heard.message);
        this.#say(this.#codec.recvack(heard.message));
        return;
      case "reply":
        this.#say(heard.data);
        return;
      case "caught_up":
        return this.#catchUp();
      case "disconnect":
        this.isKicked = heard.reason === Reason.kicked;
    }
  }

  #over(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#connected.resolve(undefined);
    this.#catchUp();
    for (const resolve of this.#waiting.values()) resolve(undefined);
    this.#line?.cut();
    this.#end();
  }
}

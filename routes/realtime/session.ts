import { Buffer } from "node:buffer";
import type { LongInteger } from "../../config/runtime/long_integer.ts";
import { randomHex32 } from "../../config/keys.ts";
import type { Moment } from "../../db/bus/bus.ts";
import { DomainError } from "../../db/domain/errors.ts";
import { hashToken } from "../../db/domain/sessions/access_secret.ts";
import { admit } from "../../middleware/admission.ts";
import { isStoreAway } from "../failures.ts";
import { UNREAD_BYTES_MAX } from "./feed.ts";
import { CloseCode, Reason, type ReasonCode } from "./reasons.ts";
import type { OpenSocket, Sockets } from "./sockets.ts";
import type { Asked, Connection, Data, Dialogue, Login, Protocol, Wire } from "./types.ts";
import { FrameError, TooLargeError } from "./wukong/frames.ts";

/** Frames that wait for those before them; clients ask for all super groups right behind a login. */
const WAITING_FRAMES_MAX = 512;
/** What they came in. */
const WAITING_BYTES_MAX = 16 * 1024 * 1024;
/** Largest message, bytes; and all that somebody says who has not said who they are. */
const MESSAGE_BYTES_MAX = 1024 * 1024;
const STRANGERS_BYTES_MAX = 64 * 1024;
/** Of this kind one socket lives; of the others a person may have several. */
const APP_DEVICE_FLAG = 0;

/** A frame that waits. */
interface Waiting {
  asked: Asked;
  /** Of the message it was the last of. */
  bytes: number;
}

/** Chooses the protocol by the first message. */
export type ProtocolChoice = (data: unknown) => Protocol | undefined;

/**
 * One connection, whatever its protocol. Frames are taken one after the other, and what is new in
 * the person's inbox is sent in between, so the answer to a message always comes before what
 * follows it. A session has no closures of its own per frame: it is its socket's event listener.
 */
export class Session implements Connection, OpenSocket {
  readonly socketId = randomHex32();
  userId = 0;
  uid = "";
  appId = 0;
  appUid: LongInteger = 0;
  tokenHash = "";
  deviceFlag = 0;
  connectedAtMs = 0;
  heardAtMs: number;
  #state: "new" | "pending" | "live" | "closed" = "new";
  #protocol: Protocol | undefined;
  readonly #socket: Wire;
  readonly #sockets: Sockets;
  readonly #choose: ProtocolChoice;
  #dialogue: Dialogue | undefined;
  readonly #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #strangerBytes = 0;
  #working: Promise<void> | undefined;
  /** What was heard last makes no sense, or too much: the code to close with. */
  #brokenBy: number | undefined;
  /** Ends a pause. */
  #goOn: (() => void) | undefined;
  #connectTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #address: string;
  /** There while the connection counts as a stranger's. */
  #becomeKnown: (() => void) | undefined;

  constructor(
    socket: Wire,
    sockets: Sockets,
    { address, choose }: { address: string; choose: ProtocolChoice },
  ) {
    this.#socket = socket;
    this.#address = address;
    this.#becomeKnown = sockets.strangers.add(address);
    this.#sockets = sockets;
    this.#choose = choose;
    this.heardAtMs = sockets.nowMs();
    for (const type of ["message", "close", "error"]) socket.addEventListener(type, this);
    this.#connectTimer = setTimeout(closeUnauthenticated, sockets.options.connectTimeoutMs, this);
  }

  get isAuthenticated(): boolean {
    return this.userId !== 0;
  }

  get isGone(): boolean {
    return this.#socket.readyState === WebSocket.CLOSED;
  }

  get isLive(): boolean {
    return this.#state === "live";
  }

  get idleMs(): number {
    const { idleMs, quietIdleMs } = this.#sockets.options;
    return this.#protocol?.isQuiet ? quietIdleMs : idleMs;
  }

  get unreadBytes(): number {
    return this.#socket.bufferedAmount;
  }

  handleEvent(event: Event): void {
    if (event.type === "message") return this.#hear((event as MessageEvent).data);
    this.#end();
    if (event.type !== "close") return;
    this.#noStranger();
    this.#sockets.gone();
  }

  #noStranger(): void {
    this.#becomeKnown?.();
    this.#becomeKnown = undefined;
  }

  #hear(data: unknown): void {
    if (this.#state === "closed") return;
    const bytes = bytesOf(data);
    if (!this.isAuthenticated) this.#strangerBytes += bytes;
    const isTooLarge = this.isAuthenticated
      ? bytes > MESSAGE_BYTES_MAX
      : this.#strangerBytes > STRANGERS_BYTES_MAX;
    if (isTooLarge) return this.close(CloseCode.message_too_big, "too large");
    this.heardAtMs = this.#sockets.nowMs();
    this.#protocol ??= this.#choose(data);
    if (!this.#protocol) return this.close(CloseCode.protocol_error, "unknown protocol");
    try {
      for (const asked of this.#protocol.read(data)) {
        if (this.#waiting.length >= WAITING_FRAMES_MAX) {
          return this.close(CloseCode.policy_violation, "too many frames");
        }
        this.#waiting.push({ asked, bytes: 0 });
      }
      const last = this.#waiting.at(-1);
      if (last) {
        last.bytes += bytes;
        this.#waitingBytes += bytes;
      }
    } catch (error) {
      // Thrown on from an event listener it would end the process.
      if (!(error instanceof FrameError)) this.#sockets.report(error);
      // The good frames in front of the bad one still count.
      const { message_too_big, protocol_error } = CloseCode;
      this.#brokenBy = error instanceof TooLargeError ? message_too_big : protocol_error;
    }
    if (this.#waitingBytes > WAITING_BYTES_MAX) {
      return this.close(CloseCode.policy_violation, "too many bytes");
    }
    this.#work();
  }

  /** Resolves when all that was heard has been dealt with. */
  async settled(): Promise<void> {
    await this.#working;
  }

  wake(seq: number): void {
    this.#dialogue?.wake(seq);
    this.#work();
  }

  checkConfirmed(nowMs: number): void {
    this.#dialogue?.checkConfirmed(nowMs);
  }

  #work(): void {
    this.#working ??= this.#workOn();
  }

  async #workOn(): Promise<void> {
    // So that it is known to be under way before it may be over.
    await Promise.resolve();
    try {
      while (this.#state !== "closed") {
        const next = this.#waiting.shift();
        if (next) {
          this.#waitingBytes -= next.bytes;
          await this.#take(next.asked);
        } else if (this.#brokenBy !== undefined) this.close(this.#brokenBy, "malformed frame");
        else if (this.isLive && this.#dialogue!.isBehind) await this.#dialogue!.drain();
        else break;
      }
    } catch (error) {
      this.#sockets.report(error);
      const isAway = isStoreAway(error);
      this.close(isAway ? CloseCode.try_again_later : CloseCode.unexpected, "");
    } finally {
      // In the same turn as the last look, so that nothing can come in between.
      this.#working = undefined;
    }
  }

  async #take(asked: Asked): Promise<void> {
    const { frame } = asked;
    if (frame?.type === "connect") return await this.#connect(asked, frame);
    // Nobody who has not said who they are is answered.
    if (this.#state === "live") await this.#dialogue!.take(asked);
  }

  async #connect(asked: Asked, frame: Login): Promise<void> {
    if (this.#state !== "new") return this.close(CloseCode.protocol_error, "connected already");
    const refusal = this.#protocol!.greet(frame) ?? await this.#authenticate(frame);
    if (this.#state !== "new") return;
    if (refusal !== undefined) return this.#refuse(asked, refusal);
    // Known to the others before the head is read: a message after that wakes this session.
    this.#state = "pending";
    this.#dialogue = this.#protocol!.converse(this, this.#sockets);
    this.#sockets.enter(this);
    await this.#dialogue.begin();
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    clearTimeout(this.#connectTimer);
    this.#noStranger();
    this.say(this.#protocol!.connack(asked, Reason.success, this.#sockets.nowMs()));
    this.#state = "live";
    this.#sockets.announce(this, { replacesOlder: this.deviceFlag === APP_DEVICE_FLAG });
  }

  /** @returns why not, or undefined when this is who it says */
  async #authenticate(frame: Login): Promise<ReasonCode | undefined> {
    const tokenHash = hashToken(frame.token);
    try {
      const session = await admit(this.#sockets.ctx, { tokenHash, takesPartners: true });
      if (!session || session.uid !== (frame.uid ?? session.uid)) return Reason.auth_failed;
      const { uid, appId, appUid, userId } = session;
      Object.assign(this, { uid, appId, appUid, userId, tokenHash, deviceFlag: frame.deviceFlag });
      this.connectedAtMs = this.#sockets.nowMs();
      return undefined;
    } catch (error) {
      const isRefused = error instanceof DomainError && error.family === "unauthenticated";
      if (isRefused) return Reason.auth_failed;
      throw error;
    }
  }

  #refuse(asked: Asked, reason: ReasonCode): void {
    this.say(this.#protocol!.connack(asked, reason, this.#sockets.nowMs()));
    this.close(CloseCode.normal, "refused");
  }

  pass(moment: Moment): void {
    if (this.#state !== "live" || moment.exceptSocket === this.socketId) return;
    this.#dialogue!.pass(moment);
  }

  /** One frame, one WebSocket message: a deployed client loses others. */
  say(data: Data | undefined): boolean {
    if (data === undefined) return true;
    if (this.#state === "closed" || this.#socket.readyState !== WebSocket.OPEN) return false;
    if (this.#socket.bufferedAmount > UNREAD_BYTES_MAX) {
      this.close(CloseCode.try_again_later, "too slow");
      return false;
    }
    this.#socket.send(data);
    return true;
  }

  async pause(ms: number): Promise<void> {
    if (this.#state === "closed") return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#goOn = resolve;
    await promise;
    this.#goOn = undefined;
    clearTimeout(timer);
  }

  kick(): void {
    if (this.#state !== "new") this.say(this.#protocol!.disconnect(Reason.kicked));
    this.close(CloseCode.normal, "kicked");
  }

  close(code: number, reason: string): void {
    if (this.#state === "closed") return;
    this.#end();
    this.#becomeKnown ??= this.#sockets.strangers.add(this.#address);
    this.#socket.close(code, reason);
  }

  #end(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    clearTimeout(this.#connectTimer);
    this.#dialogue?.stop();
    this.#goOn?.();
    this.#waiting.length = 0;
    this.#sockets.leave(this);
  }
}

function bytesOf(data: unknown): number {
  return typeof data === "string" ? Buffer.byteLength(data) : (data as ArrayBuffer).byteLength;
}

function closeUnauthenticated(session: Session): void {
  session.close(CloseCode.policy_violation, "no CONNECT");
}

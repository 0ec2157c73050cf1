import { randomHex32 } from "../../db/keys.ts";
import type { Moment } from "../../db/bus.ts";
import { DomainError } from "../../db/domain/errors.ts";
import type { InboxMessage } from "../../db/domain/messages/read_inbox.ts";
import { hashToken } from "../../db/domain/sessions/access_secret.ts";
import { admit } from "../../middleware/admission.ts";
import type { Asked, Codec, ConnectAsked, Data, SendAsked } from "./codec.ts";
import { Feed, type Line, UNREAD_BYTES_MAX } from "./feed.ts";
import { CloseCode, Reason, type ReasonCode } from "./reasons.ts";
import { isStoreAway, takeSend } from "./send.ts";
import type { Sockets } from "./sockets.ts";
import { FrameError } from "./wukong_frames.ts";

/** Frames of one connection that wait for those in front of them; before and after its login. */
const WAITING_FRAMES_MAX = { unknown: 16, known: 512 };
/** Of this kind one socket lives; of the others a person may have several. */
const APP_DEVICE_FLAG = 0;

/** Chooses the protocol by the first message. */
export type CodecChoice = (data: unknown) => Codec | undefined;

/**
 * One connection, whatever its protocol. Frames are taken one after the other, and what is new in
 * the person's inbox is sent in between, so the answer to a message always comes before what
 * follows it. A session has no closures of its own per frame: it is its socket's event listener.
 */
export class Session implements Line {
  readonly socketId = randomHex32();
  userId = 0;
  uid = "";
  tokenHash = "";
  deviceFlag = 0;
  connectedAtMs = 0;
  heardAtMs: number;
  #state: "new" | "pending" | "live" | "closed" = "new";
  #codec: Codec | undefined;
  readonly #socket: WebSocket;
  readonly #sockets: Sockets;
  readonly #choose: CodecChoice;
  #feed: Feed | undefined;
  readonly #waiting: Asked[] = [];
  #isWorking = false;
  #isBroken = false;
  #connectTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(socket: WebSocket, sockets: Sockets, choose: CodecChoice) {
    this.#socket = socket;
    this.#sockets = sockets;
    this.#choose = choose;
    this.heardAtMs = sockets.nowMs();
    socket.binaryType = "arraybuffer";
    for (const type of ["message", "close", "error"]) socket.addEventListener(type, this);
    this.#connectTimer = setTimeout(closeUnauthenticated, sockets.options.connectTimeoutMs, this);
  }

  get isAuthenticated(): boolean {
    return this.userId !== 0;
  }

  /** Whether the client knows that it is closed. */
  get isGone(): boolean {
    return this.#socket.readyState === WebSocket.CLOSED;
  }

  get isLive(): boolean {
    return this.#state === "live";
  }

  get unreadBytes(): number {
    return this.#socket.bufferedAmount;
  }

  handleEvent(event: Event): void {
    if (event.type === "message") this.#hear((event as MessageEvent).data);
    else this.#end();
  }

  #hear(data: unknown): void {
    if (this.#state === "closed") return;
    this.heardAtMs = this.#sockets.nowMs();
    this.#codec ??= this.#choose(data);
    if (!this.#codec) return this.close(CloseCode.protocol_error, "unknown protocol");
    try {
      for (const asked of this.#codec.read(data)) {
        if (this.#waiting.length >= WAITING_FRAMES_MAX[this.userId ? "known" : "unknown"]) {
          return this.close(CloseCode.policy_violation, "too many frames");
        }
        this.#waiting.push(asked);
      }
    } catch (error) {
      // Thrown on from an event listener it would end the process.
      if (!(error instanceof FrameError)) this.#sockets.report(error);
      // The good frames in front of the bad one still count.
      this.#isBroken = true;
    }
    this.#work();
  }

  /** The person's inbox has got this far; Infinity: nobody knows how far. */
  wake(seq: number): void {
    this.#feed?.call(seq);
    this.#work();
  }

  /** Whether what it was sent has been confirmed; if not, it ends. */
  checkConfirmed(nowMs: number): void {
    this.#feed?.checkConfirmed(nowMs);
  }

  async #work(): Promise<void> {
    if (this.#isWorking) return;
    this.#isWorking = true;
    try {
      while (this.#state !== "closed") {
        const asked = this.#waiting.shift();
        if (asked) await this.#take(asked);
        else if (this.#isBroken) this.close(CloseCode.protocol_error, "malformed frame");
        else if (this.isLive && this.#feed!.isBehind) await this.#feed!.drain();
        else break;
      }
    } catch (error) {
      this.#sockets.report(error);
      const isAway = isStoreAway(error);
      this.close(isAway ? CloseCode.try_again_later : CloseCode.unexpected, "");
    } finally {
      this.#isWorking = false;
    }
  }

  async #take(asked: Asked): Promise<void> {
    const { frame } = asked;
    if (frame?.type === "connect") return await this.#connect(asked, frame);
    // Nobody who has not said who they are is answered.
    if (this.#state !== "live") return;
    const codec = this.#codec!;
    switch (frame?.type) {
      case undefined:
        this.#say(asked.complaint);
        return;
      case "send":
        return await this.#send(asked, frame);
      case "recvack":
        this.#feed!.confirm(frame.messageId);
        this.#say(codec.recvacked(asked));
        return;
      case "ping":
        this.#say(codec.pong(asked));
        return;
      case "sub": {
        const isKnown = frame.channelType === 1 || frame.channelType === 2;
        const reason = isKnown ? Reason.success : Reason.channel_type_unsupported;
        this.#say(codec.suback(frame, reason));
        return;
      }
      case "disconnect":
        return this.close(CloseCode.normal, "");
    }
  }

  async #connect(asked: Asked, frame: ConnectAsked): Promise<void> {
    if (this.#state !== "new") return this.close(CloseCode.protocol_error, "connected already");
    const refusal = this.#codec!.greet(frame) ?? await this.#authenticate(frame);
    if (this.#state !== "new") return;
    if (refusal !== undefined) return this.#refuse(asked, refusal);
    // Known to the others before the head is read: a message after that wakes this session.
    this.#state = "pending";
    this.#feed = new Feed(this, this.#sockets, this.#codec!);
    this.#sockets.enter(this);
    this.#feed.begin(await this.#sockets.readHead(this.userId));
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    clearTimeout(this.#connectTimer);
    this.#say(this.#codec!.connack(asked, Reason.success, this.#sockets.nowMs()));
    this.#state = "live";
    this.#sockets.announce(this, { replacesOlder: this.deviceFlag === APP_DEVICE_FLAG });
  }

  /** @returns why not, or undefined when this is who it says */
  async #authenticate(frame: ConnectAsked): Promise<ReasonCode | undefined> {
    const tokenHash = hashToken(frame.token);
    try {
      const admission = {
        ...{ tokenHash, useOnce: [], counters: [] },
        ...{ needsRedis: false, takesPartners: true },
      };
      const session = await admit(this.#sockets.ctx, admission);
      if (session?.uid !== frame.uid) return Reason.auth_failed;
      Object.assign(this, { uid: session.uid, tokenHash, deviceFlag: frame.deviceFlag });
      this.userId = session.userId;
      this.connectedAtMs = this.#sockets.nowMs();
      return undefined;
    } catch (error) {
      const isRefused = error instanceof DomainError && error.family === "unauthenticated";
      if (isRefused) return Reason.auth_failed;
      throw error;
    }
  }

  #refuse(asked: Asked, reason: ReasonCode): void {
    this.#say(this.#codec!.connack(asked, reason, this.#sockets.nowMs()));
    this.close(CloseCode.normal, "refused");
  }

  async #send(asked: Asked, frame: SendAsked): Promise<void> {
    const sender = { ...this.#who(), codec: this.#codec! };
    const sent = await takeSend(this.#sockets.ctx, sender, frame, this.#sockets.report);
    this.#feed!.passOver(sent.seq);
    this.#say(this.#codec!.sendack(asked, sent));
  }

  #who() {
    return { userId: this.userId, uid: this.uid, socketId: this.socketId };
  }

  push({ createdAt, ...message }: InboxMessage): boolean {
    return this.#say(this.#codec!.recv({ ...message, atMs: createdAt.getTime() }));
  }

  /** Sends something that is not kept, if anybody is there to hear it. */
  pass(moment: Moment): void {
    if (this.#state !== "live" || moment.exceptSocket === this.socketId) return;
    this.#say(this.#codec!.recv({ ...moment, seq: 0 }));
  }

  /** One frame, one WebSocket message: a deployed client loses others. */
  #say(data: Data | undefined): boolean {
    if (data === undefined) return true;
    if (this.#state === "closed" || this.#socket.readyState !== WebSocket.OPEN) return false;
    if (this.#socket.bufferedAmount > UNREAD_BYTES_MAX) {
      this.close(CloseCode.try_again_later, "too slow");
      return false;
    }
    this.#socket.send(data);
    return true;
  }

  /** Tells the client to stay away, and closes. */
  kick(): void {
    if (this.#state !== "new") this.#say(this.#codec!.disconnect(Reason.kicked));
    this.close(CloseCode.normal, "kicked");
  }

  close(code: number, reason: string): void {
    if (this.#state === "closed") return;
    this.#end();
    this.#socket.close(code, reason);
  }

  #end(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    clearTimeout(this.#connectTimer);
    this.#feed?.stop();
    this.#waiting.length = 0;
    this.#sockets.leave(this);
  }
}

function closeUnauthenticated(session: Session): void {
  session.close(CloseCode.policy_violation, "no CONNECT");
}

import type { Moment } from "../../db/bus/bus.ts";
import type { InboxMessage } from "../../db/domain/messages/read_inbox.ts";
import { Feed, type Line } from "./feed.ts";
import { CloseCode, Reason } from "./reasons.ts";
import { takeSend } from "./send.ts";
import type { Sockets } from "./sockets.ts";
import type { Asked, Codec, Connection, Dialogue, SendAsked } from "./types.ts";

/** What is said with a client of the chat app, in either of its protocols. */
export class ChatDialogue implements Dialogue, Line {
  readonly connection: Connection;
  readonly #sockets: Sockets;
  readonly #codec: Codec;
  readonly #feed: Feed;

  constructor(connection: Connection, sockets: Sockets, codec: Codec) {
    this.connection = connection;
    this.#sockets = sockets;
    this.#codec = codec;
    this.#feed = new Feed(this, sockets, codec);
  }

  /** What came before is for the client itself to fetch. */
  async begin(): Promise<void> {
    this.#feed.begin(await this.#sockets.reads.head(this.connection.userId));
  }

  async take(asked: Asked): Promise<void> {
    const { frame } = asked;
    const { connection } = this;
    switch (frame?.type) {
      case undefined:
        connection.say(asked.complaint);
        return;
      case "send":
        await this.#sockets.pace.keep(this);
        return await this.#send(asked, frame);
      case "recvack":
        this.#feed.confirm(frame.messageId);
        connection.say(this.#codec.recvacked(asked));
        return;
      case "ping":
        connection.say(this.#codec.pong(asked));
        return;
      case "sub": {
        const isKnown = frame.channelType === 1 || frame.channelType === 2;
        const reason = isKnown ? Reason.success : Reason.channel_type_unsupported;
        connection.say(this.#codec.suback(frame, reason));
        return;
      }
      case "disconnect":
        return connection.close(CloseCode.normal, "");
    }
  }

  async #send(asked: Asked, frame: SendAsked): Promise<void> {
    const { userId, uid, socketId } = this.connection;
    const { ctx, groupSends, report } = this.#sockets;
    const sender = { userId, uid, socketId, codec: this.#codec, groupSends };
    const sent = await takeSend(ctx, sender, frame, report);
    this.#feed.passOver(sent.seq);
    this.connection.say(this.#codec.sendack(asked, sent));
  }

  wake(seq: number): void {
    this.#feed.call(seq);
  }

  get isBehind(): boolean {
    return this.#feed.isBehind;
  }

  drain(): Promise<void> {
    return this.#feed.drain();
  }

  push({ createdAt, ...message }: InboxMessage): boolean {
    return this.connection.say(this.#codec.recv({ ...message, atMs: createdAt.getTime() }));
  }

  pass(moment: Moment): void {
    this.connection.say(this.#codec.recv({ ...moment, seq: 0 }));
  }

  checkConfirmed(nowMs: number): void {
    this.#feed.checkConfirmed(nowMs);
  }

  stop(): void {}
}

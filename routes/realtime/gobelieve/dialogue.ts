import type { LongInteger } from "../../../config/runtime/long_integer.ts";
import type { Moment } from "../../../db/bus/bus.ts";
import { acknowledge } from "../../../db/domain/messages/acknowledge.ts";
import { deviceMark } from "../../../db/domain/messages/client_numbers.ts";
import { readSyncKey } from "../../../db/domain/messages/log_reads.ts";
import type { InboxMessage } from "../../../db/domain/messages/read_inbox.ts";
import { SYNC_COUNT_MAX } from "../../../db/domain/messages/sync_rules.ts";
import { Feed, type Line } from "../feed.ts";
import type { Sockets } from "../sockets.ts";
import type { Asked, Connection, Data, Dialogue } from "../types.ts";
import { GobelieveChatRooms } from "./chat_rooms.ts";
import { GobelieveGroups } from "./groups.ts";
import {
  AckStatus,
  type AckStatusCode,
  passOn,
  type SaidFrame,
  type Speaker,
  takeSaid,
} from "./incoming.ts";
import { Flag, type GobelieveAsked, type GobelieveInput } from "./layouts.ts";
import { framesOf, momentFrameOf } from "./outgoing.ts";

/** The protocol as its client speaks it. */
export interface Encoder {
  /** As the client says. */
  readonly deviceId: string;
  readonly version: number;
  /** The next frame of this side, which must be sent. */
  encode(frame: GobelieveInput): Data;
}

/** What people say at a pace. */
const SPEECH: GobelieveAsked["type"][] = ["im", "group_im", "customer", "rt", "room_im"];

/** ACK tells yes from no in these versions only. */
const ACK_STATUS_VERSION_MIN = 2;

/**
 * What is said with a GoBelieve client. A key is a number of the person's inbox. Everything new is
 * pushed with the key before it, which the client compares with its own, and announced, so that a
 * client that could not take it pulls; SYNC_KEY is all it ever confirms. Super groups' messages are
 * no part of this: each of those groups is announced, and pulled, by the keys of its own log.
 */
export class GobelieveDialogue implements Dialogue, Line {
  readonly connection: Connection;
  readonly #sockets: Sockets;
  readonly #codec: Encoder;
  readonly #feed: Feed;
  readonly #groups: GobelieveGroups;
  readonly #chatRooms: GobelieveChatRooms;
  readonly #speaker: Speaker;
  /** The key of a client that has taken everything it was sent here. */
  #lastKey = 0;
  /** How far the client's SYNC_KEY has been kept. */
  #storedKey = 0;

  constructor(connection: Connection, sockets: Sockets, codec: Encoder) {
    this.connection = connection;
    this.#sockets = sockets;
    this.#codec = codec;
    this.#feed = new Feed(this, sockets, { mustAck: false });
    const { userId, appId, appUid, socketId } = connection;
    const mark = deviceMark({ userId, deviceId: codec.deviceId });
    this.#speaker = { userId, appId, appUid, socketId, mark };
    const say = (frame: GobelieveInput) => this.#say(frame);
    const voice = { say, framesOf: (message: InboxMessage) => framesOf(message, this.#speaker) };
    this.#groups = new GobelieveGroups(userId, sockets, this.#feed, voice);
    this.#chatRooms = new GobelieveChatRooms(connection, sockets, say);
  }

  async begin(): Promise<void> {
    this.#lastKey = await this.#sockets.reads.head(this.connection.userId);
    this.#feed.begin(this.#lastKey);
  }

  async take(asked: Asked): Promise<void> {
    // The codec gives nothing else once somebody has logged in.
    const frame = asked.frame as GobelieveAsked;
    if (SPEECH.includes(frame.type)) await this.#sockets.pace.keep(this);
    switch (frame.type) {
      case "im":
      case "group_im":
        return await this.#send(frame);
      case "customer":
        // Who names another app than their own is somebody else.
        if (frame.senderApp === this.connection.appId) await this.#send(frame);
        return;
      case "rt":
        if (this.#isOwn(frame)) await passOn(this.#sockets.ctx, this.#speaker, this.#with(frame));
        return;
      case "room_im":
        if (this.#isOwn(frame)) {
          this.#acknowledge(frame.seq, await this.#chatRooms.say(frame.receiver, frame.content));
        }
        return;
      case "enter_room":
        return this.#chatRooms.enter(frame.roomId);
      case "leave_room":
        return this.#chatRooms.leave(frame.roomId);
      case "ping":
        this.#say({ type: "pong" });
        return;
      case "sync":
        return await this.#sync(frame.key);
      case "sync_key":
        return await this.#storeKey(frame.key);
      case "sync_group":
        return await this.#groups.sync(frame);
      case "group_sync_key":
        return await this.#groups.storeKey(frame);
      case "ack":
      case "unread_count":
        // What is unread is counted here, from what was said and fetched.
        return;
    }
  }

  #with<F>(frame: F) {
    return { frame, report: this.#sockets.report };
  }

  #isOwn({ sender }: { sender: LongInteger }): boolean {
    return sender === this.connection.appUid;
  }

  async #send(frame: SaidFrame): Promise<void> {
    if (!this.#isOwn(frame)) return;
    const { status, seq, superSeq } = await takeSaid(
      this.#sockets.ctx,
      this.#speaker,
      this.#with(frame),
    );
    const isNext = seq > 0 && await this.#hasCaughtUp(seq);
    // Nothing may come between the two frames: the first is about the second.
    if (isNext) this.#moveTo(seq);
    if (superSeq !== undefined) this.#moveGroupTo(superSeq);
    this.#acknowledge(frame.seq, status, superSeq === undefined ? 0 : Flag.superGroup);
    await this.#groups.tell();
  }

  /** Sends what lies before a message of the client's own. @returns whether that is all out */
  async #hasCaughtUp(ownSeq: number): Promise<boolean> {
    for (let before = -1; before < this.#feed.cursor && this.#feed.cursor < ownSeq - 1;) {
      before = this.#feed.cursor;
      await this.#feed.drain({ beforeSeq: ownSeq });
    }
    return this.#feed.cursor === ownSeq - 1;
  }

  /** Moves the client's key on to a message of its own, which would come back to it otherwise. */
  #moveTo(ownSeq: number): void {
    this.#feed.passOver(ownSeq);
    this.#say({ type: "metadata", key: ownSeq, previousKey: this.#lastKey });
    this.#lastKey = ownSeq;
  }

  /** The same in the group's own stream; which group it is the client knows by the ACK behind it. */
  #moveGroupTo(key: number): void {
    const flags = Flag.superGroup;
    this.#say({ type: "metadata", flags, key, previousKey: key - 1 });
  }

  /** An old client takes every ACK for success, and hears by its absence that it was none. */
  #acknowledge(acknowledged: number, status: AckStatusCode, flags = 0): void {
    if (status !== AckStatus.ok && this.#codec.version < ACK_STATUS_VERSION_MIN) return;
    this.#say({ type: "ack", flags, acknowledged, status });
  }

  async #sync(ownKey: number): Promise<void> {
    const { ctx } = this.#sockets;
    const { userId } = this.connection;
    const afterSeq = ownKey || await readSyncKey(ctx, { userId });
    this.#say({ type: "sync_begin", key: afterSeq });
    const { seq, count, isWhole } = await this.#feed.fetch({
      afterSeq,
      countMax: SYNC_COUNT_MAX,
      read: (afterSeq) => this.#sockets.reads.all({ userId, afterSeq }),
      send: (message) => this.#pass(message, (frames) => frames.every((it) => this.#say(it))),
    });
    if (count > 0) this.#feed.skipTo(seq);
    this.#say({ type: "sync_end", key: seq });
    if (seq >= this.#feed.cursor) this.#lastKey = seq;
    if (!isWhole) this.#say({ type: "sync_notify", key: Math.max(seq + 1, this.#feed.cursor) });
    await this.#groups.tell();
  }

  async #storeKey(key: number): Promise<void> {
    // Nobody has got what was not sent.
    const seq = Math.min(key, this.#feed.cursor);
    if (seq <= this.#storedKey) return;
    const { userId } = this.connection;
    await acknowledge(this.#sockets.ctx, { userId, seq });
    this.#sockets.delivered.move(userId, seq);
    this.#storedKey = seq;
  }

  /** Hands a message of the inbox on, unless it is for another stream or protocol. */
  #pass(message: InboxMessage, send: (frames: GobelieveInput[]) => boolean): boolean {
    if (message.isOfSuperGroup) {
      this.#groups.grow(Number(message.channelId));
      return true;
    }
    const frames = framesOf(message, this.#speaker);
    return frames.length === 0 || send(frames);
  }

  push(message: InboxMessage): boolean {
    return this.#pass(message, (frames) => {
      const key = message.seq;
      const isOut = frames.every((frame) => {
        // The client takes a pushed frame by the key before it: of further ones, the message's own.
        const previousKey = this.#lastKey;
        this.#lastKey = key;
        return this.#say({ type: "metadata", key, previousKey }) &&
          this.#say({ ...frame, flags: (frame.flags ?? 0) | Flag.push });
      });
      return isOut && this.#say({ type: "sync_notify", key });
    });
  }

  wake(seq: number): void {
    this.#feed.call(seq);
  }

  get isBehind(): boolean {
    return this.#feed.isBehind;
  }

  async drain(): Promise<void> {
    await this.#feed.drain();
    await this.#groups.tell();
  }

  pass(moment: Moment): void {
    const frame = momentFrameOf(moment, this.#speaker);
    if (frame) this.#say(frame);
  }

  /** There is no time in which to confirm: a client that missed something pulls it. */
  checkConfirmed(): void {}

  stop(): void {
    this.#chatRooms.leaveAll();
  }

  #say(frame: GobelieveInput): boolean {
    return this.connection.say(this.#codec.encode(frame));
  }
}

import type { LongInteger } from "../../config/runtime/long_integer.ts";
import { encodeFrame, readFrames } from "../../routes/realtime/gobelieve/frames.ts";
import { AckStatus } from "../../routes/realtime/gobelieve/incoming.ts";
import {
  Flag,
  type GobelieveFrame,
  type GobelieveInput,
} from "../../routes/realtime/gobelieve/layouts.ts";
import { Reason } from "../../routes/realtime/reasons.ts";
import {
  type ClientCodec,
  type ClientData,
  type Heard,
  type Incoming,
  nameOf,
  type Outgoing,
  type SocketLogin,
} from "./client_codecs.ts";
import type { GobelieveStream } from "./gobelieve_stream.ts";

const VERSION = 2;
const IOS = 1, WEB = 3;
/** `channel_type` of messages. */
const PERSON = 1, GROUP = 2;

/** What the other protocols call the people and groups that have numbers here. */
export interface Directory {
  uidOf(id: LongInteger): string;
  idOf(uid: string): number;
  groupNoOf(id: LongInteger): string;
  groupIdOf(groupNo: string): number;
}

export interface GobelieveCodecSetting {
  /** Of the person. */
  id: number;
  deviceId: string;
  directory: Directory;
  /** Undefined: a page that is open for one message, and neither pulls nor keeps anything. */
  stream?: GobelieveStream | undefined;
  confirms: boolean;
}

type Said = Extract<GobelieveFrame, { type: "im" | "group_im" }>;
interface Keys {
  key: number;
  previousKey: number;
}

/** A client's side of GoBelieve. The client's number of a message is its step, from 1. */
export class GobelieveClientCodec implements ClientCodec {
  readonly #setting: GobelieveCodecSetting;
  readonly #turns = new Map<number, { turn: number; message: Outgoing }>();
  /** Streams whose first pull has not ended. */
  readonly #awaited = new Set<number>();
  #lastSeq = 0;
  #isConnected = false;
  /** What the frame in front said of this one. */
  #about: Keys | undefined;

  constructor(setting: GobelieveCodecSetting) {
    this.#setting = setting;
  }

  connect({ token, deviceFlag }: SocketLogin): ClientData {
    const platform = deviceFlag === 0 ? IOS : WEB;
    const { deviceId } = this.#setting;
    return this.#encode({ type: "auth_token", platform, token, deviceId });
  }

  send(message: Outgoing, turn: number): ClientData {
    const { id: sender, directory } = this.#setting;
    const isOfGroup = message.channelType === GROUP;
    const { channelId } = message;
    const data = this.#encode({
      type: isOfGroup ? "group_im" : "im",
      sender,
      receiver: isOfGroup ? directory.groupIdOf(channelId) : directory.idOf(channelId),
      timestamp: Math.floor(Date.now() / 1000),
      msgLocalId: 1 + Number(message.clientMsgNo.split("-")[1]),
      content: JSON.parse(message.payload).content,
    });
    this.#turns.set(this.#lastSeq, { turn, message });
    return data;
  }

  recvack(): undefined {}

  *read(data: unknown): Generator<Heard> {
    for (const frame of readFrames(new Uint8Array(data as ArrayBuffer), { from: "server" })) {
      const about = this.#about;
      this.#about = frame.type === "metadata" ? frame : undefined;
      yield* this.#take(frame, about);
    }
  }

  *#take(frame: GobelieveFrame, about: Keys | undefined): Generator<Heard> {
    const { stream } = this.#setting;
    switch (frame.type) {
      case "auth_status":
        return yield* this.#authenticated(frame.status);
      case "ack":
        return yield* this.#acknowledged(frame, about);
      case "im":
      case "group_im": {
        const message = this.#incoming(frame);
        if (frame.flags & Flag.superGroup) return stream?.pulled(message, Number(frame.receiver));
        if (!(frame.flags & Flag.push)) return stream?.pulled(message);
        return about && stream?.push(message, about);
      }
      case "sync_notify":
        if (stream && frame.key > stream.own.key && !stream.own.isPulling) yield this.#pull();
        return;
      case "sync_group_notify": {
        const group = stream?.groups.get(frame.groupId);
        if (group && frame.key > group.key && !group.isPulling) yield this.#pull(frame.groupId);
        return;
      }
      case "sync_end":
        return yield* this.#pulled(frame.key);
      case "sync_group_end":
        return yield* this.#pulled(frame.key, frame.groupId);
    }
  }

  *#authenticated(status: number): Generator<Heard> {
    if (this.#isConnected) return yield { type: "disconnect", reason: Reason.kicked };
    this.#isConnected = status === 0;
    yield { type: "connected", reason: status === 0 ? Reason.success : Reason.auth_failed };
    const { stream } = this.#setting;
    if (!this.#isConnected || !stream) return;
    for (const groupId of [0, ...stream.groups.keys()]) {
      this.#awaited.add(groupId);
      yield this.#pull(groupId);
    }
  }

  *#acknowledged(
    frame: Extract<GobelieveFrame, { type: "ack" }>,
    about: Keys | undefined,
  ): Generator<Heard> {
    const asked = this.#turns.get(frame.acknowledged);
    if (!asked) return;
    const { turn, message } = asked;
    const isOfSuperGroup = (frame.flags & Flag.superGroup) !== 0;
    const { stream, directory } = this.#setting;
    if (about) {
      stream?.moved(about, isOfSuperGroup ? directory.groupIdOf(message.channelId) : 0);
    }
    // Of a super group it is the log's number, not that of the sender's inbox.
    const seq = isOfSuperGroup ? 0 : about?.key ?? 0;
    yield { type: "sent", turn, answer: { reason: reasonOf(frame.status), messageId: 0, seq } };
  }

  *#pulled(key: number, groupId = 0): Generator<Heard> {
    const { stream, confirms } = this.#setting;
    stream?.end(key, groupId);
    if (confirms) {
      yield this.#reply(
        groupId === 0 ? { type: "sync_key", key } : { type: "group_sync_key", groupId, key },
      );
    }
    if (this.#awaited.delete(groupId) && this.#awaited.size === 0) yield { type: "caught_up" };
  }

  #pull(groupId = 0): Heard {
    const stream = this.#setting.stream!;
    stream.begin(groupId);
    return this.#reply(
      groupId === 0
        ? { type: "sync", key: stream.own.key }
        : { type: "sync_group", groupId, key: stream.groups.get(groupId)!.key },
    );
  }

  #reply(frame: GobelieveInput): Heard {
    return { type: "reply", data: this.#encode(frame) };
  }

  #incoming({ type, sender, receiver, content = "" }: Said): Incoming {
    const { id, directory } = this.#setting;
    const payload = JSON.stringify({ type: 1, content });
    const other = sender === id ? receiver : sender;
    return {
      clientMsgNo: nameOf({ clientMsgNo: "gb:", payload }),
      fromUid: directory.uidOf(sender),
      channelType: type === "im" ? PERSON : GROUP,
      channelId: type === "im" ? directory.uidOf(other) : directory.groupNoOf(receiver),
      payload,
      messageId: 0,
      seq: 0,
    };
  }

  #encode(frame: GobelieveInput): ClientData {
    return encodeFrame(frame, { seq: ++this.#lastSeq, version: VERSION });
  }
}

/** What was refused for a while is told like what is refused for good. */
function reasonOf(status: number | undefined): number {
  if (status === AckStatus.ok) return Reason.success;
  return status === AckStatus.refused ? Reason.system_error : Reason.channel_missing;
}

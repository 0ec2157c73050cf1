import assert from "node:assert/strict";
import { waitUntil } from "../services/binary.ts";

/** The protocol's numbers, from its description alone: nothing here is the server's. */
export const Cmd = {
  authStatus: 3,
  im: 4,
  ack: 5,
  groupNotification: 7,
  groupIm: 8,
  ping: 13,
  pong: 14,
  authToken: 15,
  rt: 17,
  enterRoom: 18,
  leaveRoom: 19,
  roomIm: 20,
  system: 21,
  unreadCount: 22,
  sync: 26,
  syncBegin: 27,
  syncEnd: 28,
  syncNotify: 29,
  syncGroup: 30,
  syncGroupBegin: 31,
  syncGroupEnd: 32,
  syncGroupNotify: 33,
  syncKey: 34,
  groupSyncKey: 35,
  notification: 36,
  metadata: 37,
  customer: 64,
} as const;

/** A frame from the server: its header, and the fields its command has. */
export interface HeardFrame {
  cmd: number;
  seq: number;
  version: number;
  flag: number;
  status?: number;
  acknowledged?: number;
  key?: number;
  previousKey?: number;
  groupId?: number;
  senderApp?: number;
  /** A bigint where a double would round it. */
  sender?: number | bigint;
  receiverApp?: number;
  receiver?: number | bigint;
  timestamp?: number;
  msgLocalId?: number;
  content?: string;
}

/** One field of a body: how many bytes, and the value. */
export type Part = [bits: 8 | 32 | 64, value: number | bigint] | string;

const MESSAGES: number[] = [
  ...[Cmd.im, Cmd.groupIm, Cmd.groupNotification, Cmd.system, Cmd.customer],
];
const PUSH = 16, SUPER_GROUP = 32;

/** A frame as bytes, header and all. */
export function frameBytes(
  cmd: number,
  parts: Part[],
  { seq = 1, version = 2, flag = 0 } = {},
): Uint8Array<ArrayBuffer> {
  const body: number[] = [];
  for (const part of parts) {
    if (typeof part === "string") body.push(...new TextEncoder().encode(part));
    else {
      const bytes = new DataView(new ArrayBuffer(8));
      bytes.setBigInt64(0, BigInt(part[1]));
      body.push(...new Uint8Array(bytes.buffer).subarray(8 - part[0] / 8));
    }
  }
  const frame = new Uint8Array(12 + body.length);
  const view = new DataView(frame.buffer);
  view.setInt32(0, body.length);
  view.setInt32(4, seq);
  frame.set([cmd, version, flag, 0], 8);
  frame.set(body, 12);
  return frame;
}

/** A text whose length is one byte in front of it. */
export function shortText(text: string): Part[] {
  return [[8, new TextEncoder().encode(text).length], text];
}

/**
 * A GoBelieve client on a plain WebSocket. By itself it only listens; told to `follow`, it does what
 * the deployed ones do: it takes a push that follows on its key, and pulls when it is behind.
 */
export class GobelieveClient implements AsyncDisposable {
  readonly socket: WebSocket;
  /** Everything that came, in order. */
  readonly frames: HeardFrame[] = [];
  /** Once it is closed. */
  closed: { code: number; reason: string } | undefined;
  /** What a following client shows; of super groups only if it follows them too. */
  readonly shown: HeardFrame[] = [];
  /** The key of a following client. */
  key = 0;
  /** The keys of the super groups it follows. */
  readonly groupKeys = new Map<number, number>();
  #followsGroups = false;
  /** Super groups by the numbers of the frames that speak in them. */
  readonly #spokenIn = new Map<number, number>();
  readonly #version: number;
  #lastSeq = 0;
  #heardSeq = 0;
  #isFollowing = false;
  #isSyncing = false;
  #metadata: HeardFrame | undefined;

  constructor(url: string, { version = 2 } = {}) {
    this.#version = version;
    this.socket = new WebSocket(url);
    this.socket.binaryType = "arraybuffer";
    this.socket.onmessage = ({ data }) => this.#hear(new Uint8Array(data));
    this.socket.onclose = ({ code, reason }) => this.closed = { code, reason };
  }

  async opened(): Promise<this> {
    await waitUntil("the socket", () => this.socket.readyState === WebSocket.OPEN);
    return this;
  }

  /** The next frame as bytes, numbered. */
  bytes(cmd: number, parts: Part[] = [], flag = 0): Uint8Array<ArrayBuffer> {
    return frameBytes(cmd, parts, { seq: ++this.#lastSeq, version: this.#version, flag });
  }

  /** @returns the frame's own number */
  send(cmd: number, parts: Part[] = []): number {
    this.socket.send(this.bytes(cmd, parts));
    return this.#lastSeq;
  }

  sendAuth({ token, platform = 3, deviceId = "a device" }: Login): void {
    this.send(Cmd.authToken, [[8, platform], ...shortText(token), ...shortText(deviceId)]);
  }

  /** Logs in; the status that was answered. */
  async auth(login: Login): Promise<number> {
    await this.opened();
    this.sendAuth(login);
    return (await this.next(({ cmd }) => cmd === Cmd.authStatus)).status!;
  }

  /**
   * Logs in and follows, from a key: 0 for the one the server has. With a list of super groups and
   * their keys it does all that im_js does: it follows those too, and any other that it is told of,
   * and stores every key it has come to.
   */
  async follow(login: Login, key = 0, groupKeys?: [number, number][]): Promise<this> {
    this.#isFollowing = true;
    this.key = key;
    if (groupKeys) {
      this.#followsGroups = true;
      for (const [groupId, groupKey] of groupKeys) this.groupKeys.set(groupId, groupKey);
      await this.#begin(login);
    } else {
      assert.equal(await this.auth(login), 0);
      await this.sync();
    }
    return this;
  }

  /** As im_js begins: all it has to say at once, without waiting for the answer to its login. */
  async #begin(login: Login): Promise<void> {
    await this.opened();
    this.sendAuth(login);
    this.#pull();
    for (const groupId of this.groupKeys.keys()) this.#pullGroup(groupId);
    await this.settled();
    assert.equal(this.frames[0]!.status, 0);
  }

  /** Pulls; resolves when the server has nothing more to say. */
  async sync(): Promise<void> {
    const ends = () => this.frames.filter(({ cmd }) => cmd === Cmd.syncEnd).length;
    const before = ends();
    this.#pull();
    await waitUntil("SYNC_END", () => ends() > before);
  }

  /** Says something; its number. */
  say(cmd: 4 | 8, said: Words): number {
    return this.send(cmd, saidParts(said, this.#version));
  }

  /** Says something, and waits for what became of it. */
  async tell(cmd: 4 | 8, said: Words): Promise<HeardFrame> {
    const seq = this.say(cmd, said);
    if (cmd === Cmd.groupIm) this.#spokenIn.set(seq, Number(said.receiver));
    return await this.acked(seq);
  }

  acked(seq: number): Promise<HeardFrame> {
    return this.next((frame) => frame.cmd === Cmd.ack && frame.acknowledged === seq);
  }

  /** Resolves when everything that was sent so far has been dealt with. */
  async settled(): Promise<void> {
    const pongs = () => this.frames.filter(({ cmd }) => cmd === Cmd.pong).length;
    const before = pongs();
    this.send(Cmd.ping);
    await waitUntil("PONG", () => pongs() > before);
  }

  /** The first frame of a kind, which may be there already. */
  async next(isMeant: (frame: HeardFrame) => boolean): Promise<HeardFrame> {
    await waitUntil("a frame", () => this.frames.some(isMeant));
    return this.frames.find(isMeant)!;
  }

  of(cmd: number): HeardFrame[] {
    return this.frames.filter((frame) => frame.cmd === cmd);
  }

  async ended(): Promise<{ code: number; reason: string }> {
    await waitUntil("the end", () => this.closed !== undefined);
    return this.closed!;
  }

  async [Symbol.asyncDispose]() {
    this.socket.close();
    await this.ended();
  }

  #pull(): void {
    this.#isSyncing = true;
    this.send(Cmd.sync, [[64, this.key]]);
  }

  #pullGroup(groupId: number): void {
    this.send(Cmd.syncGroup, [[64, groupId], [64, this.groupKeys.get(groupId) ?? 0]]);
  }

  #moveTo(key: number): void {
    this.key = key;
    if (this.#followsGroups) this.send(Cmd.syncKey, [[64, key]]);
  }

  #moveGroupTo(groupId: number, key: number): void {
    this.groupKeys.set(groupId, key);
    this.send(Cmd.groupSyncKey, [[64, groupId], [64, key]]);
  }

  #hear(bytes: Uint8Array): void {
    const frame = readFrame(bytes);
    assert.equal(frame.seq, ++this.#heardSeq, "the server numbers its own frames");
    this.frames.push(frame);
    if (this.#isFollowing) this.#take(frame);
    this.#metadata = frame.cmd === Cmd.metadata ? frame : undefined;
  }

  /** What im_js does with it. */
  #take(frame: HeardFrame): void {
    const { cmd, flag, key = 0 } = frame;
    const about = this.#metadata;
    const follows = about !== undefined && about.previousKey === this.key && this.key !== 0;
    if (MESSAGES.includes(cmd)) {
      if (flag & SUPER_GROUP && !this.#followsGroups) return;
      if (!(flag & PUSH)) this.shown.push(frame);
      else if (follows) {
        this.shown.push(frame);
        this.#moveTo(about.key!);
      }
    } else if (cmd === Cmd.ack && flag & SUPER_GROUP) {
      const groupId = this.#spokenIn.get(frame.acknowledged!);
      if (groupId === undefined || about?.previousKey !== this.groupKeys.get(groupId)) return;
      this.#moveGroupTo(groupId, about!.key!);
    } else if (cmd === Cmd.ack && follows) this.#moveTo(about.key!);
    else if (this.#followsGroups && frame.groupId !== undefined) {
      const ownKey = this.groupKeys.get(frame.groupId) ?? 0;
      if (cmd === Cmd.syncGroupNotify && key > ownKey) this.#pullGroup(frame.groupId);
      if (cmd === Cmd.syncGroupEnd && key !== ownKey) this.#moveGroupTo(frame.groupId, key);
    } else if (cmd === Cmd.syncNotify && key > this.key && !this.#isSyncing) this.#pull();
    else if (cmd === Cmd.syncEnd) {
      this.#isSyncing = false;
      if (key > this.key) {
        this.key = key;
        this.send(Cmd.syncKey, [[64, key]]);
      }
    }
  }
}

interface Login {
  token: string;
  /** 1 iOS, 2 Android, 3 web, 4 Windows, 5 macOS. */
  platform?: number;
  deviceId?: string;
}

interface Words {
  sender: number | bigint;
  receiver: number | bigint;
  content: string;
  msgLocalId?: number;
}

/** The body of IM and GROUP_IM. */
export function saidParts(
  { sender, receiver, content, msgLocalId = 0 }: Words,
  version = 2,
): Part[] {
  const timestamp: Part[] = version > 0 ? [[32, 1_700_000_000]] : [];
  return [[64, sender], [64, receiver], ...timestamp, [32, msgLocalId], content];
}

function readFrame(bytes: Uint8Array): HeardFrame {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [cmd, version, flag] = [view.getUint8(8), view.getUint8(9), view.getUint8(10)];
  const header = { cmd, seq: view.getInt32(4), version, flag };
  assert.equal(bytes.length, 12 + view.getInt32(0), "one frame per message, and nothing behind");
  assert.equal(view.getUint8(11), 0);
  let at = 12;
  const i64 = () => Number(view.getBigInt64((at += 8) - 8));
  const long = () => {
    const value = view.getBigInt64((at += 8) - 8);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  };
  const i32 = () => view.getInt32((at += 4) - 4);
  const rest = () =>
    new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(at));
  const said = () => ({ sender: long(), receiver: long() });
  switch (cmd) {
    case Cmd.authStatus:
      return { ...header, status: i32() };
    case Cmd.im:
    case Cmd.groupIm:
      return {
        ...header,
        ...said(),
        ...version > 0 && { timestamp: i32() },
        msgLocalId: i32(),
        content: rest(),
      };
    case Cmd.ack:
      return { ...header, acknowledged: i32(), ...version > 1 && { status: view.getUint8(at) } };
    case Cmd.rt:
    case Cmd.roomIm:
      return { ...header, ...said(), content: rest() };
    case Cmd.system:
    case Cmd.notification:
    case Cmd.groupNotification:
      return { ...header, content: rest() };
    case Cmd.syncBegin:
    case Cmd.syncEnd:
    case Cmd.syncNotify:
      return { ...header, key: i64() };
    case Cmd.syncGroupBegin:
    case Cmd.syncGroupEnd:
    case Cmd.syncGroupNotify:
      return { ...header, groupId: i64(), key: i64() };
    case Cmd.metadata: {
      const keys = { key: i64(), previousKey: i64() };
      assert.deepEqual([...bytes.subarray(at)], new Array(16).fill(0));
      return { ...header, ...keys };
    }
    case Cmd.customer: {
      const [senderApp, sender, receiverApp, receiver] = [i64(), long(), i64(), long()];
      const people = { senderApp, sender, receiverApp, receiver };
      return { ...header, ...people, timestamp: i32(), content: rest() };
    }
    case Cmd.pong:
      assert.equal(bytes.length, 12);
      return header;
    default:
      return assert.fail(`the server has no command ${cmd}`);
  }
}

import type { BusEvent, Moment } from "../../db/bus/bus.ts";
import { contextFor, type Ctx, type Parts } from "../../db/client/ctx.ts";
import { hasFriends } from "../../db/domain/friends/rules.ts";
import { GroupSends } from "../../db/domain/messages/group_sends.ts";
import { membersAmong, readHeads } from "../../db/domain/messages/heads.ts";
import { noteLife } from "../../db/domain/rooms/signs_of_life.ts";
import { readLiveTokens } from "../../db/domain/sessions/live_tokens.ts";
import { PRESENCE_REFRESH_MS, type PresentSocket } from "../../db/redis/presence.ts";
import { isStoreAway } from "../failures.ts";
import type { Log } from "../serve.ts";
import { Attendance } from "./attendance.ts";
import { ChatRooms } from "./chat_rooms.ts";
import { Comings } from "./comings.ts";
import { DeliveredMarks } from "./delivered_marks.ts";
import { InboxReads } from "./inbox_reads.ts";
import { Pace } from "./pace.ts";
import { CloseCode } from "./reasons.ts";
import { SOCKET_OPTIONS, type SocketOptions } from "./socket_options.ts";
import { Strangers } from "./strangers.ts";
import { Suspects } from "./suspects.ts";

/** A connection as the process that holds it sees it, and whose it is once that is known. */
export interface OpenSocket extends PresentSocket {
  readonly isAuthenticated: boolean;
  readonly isLive: boolean;
  readonly appId: number;
  readonly tokenHash: string;
  readonly connectedAtMs: number;
  readonly heardAtMs: number;
  /** How long its client may be silent, ms. */
  readonly idleMs: number;
  /** Whether the client knows that it is closed. */
  readonly isGone: boolean;
  /** The person's inbox has got this far; Infinity: nobody knows how far. */
  wake(seq: number): void;
  /** Sends something that is not kept, if anybody is there to hear it. */
  pass(moment: Moment): void;
  /** Whether what it was sent has been confirmed; if not, it ends. */
  checkConfirmed(nowMs: number): void;
  /** Tells the client to stay away, and closes. */
  kick(): void;
  close(code: number, reason: string): void;
}

/** Connections one process takes. */
const SOCKETS_MAX = 20_000;
/** Connections of one person in one process; one more ends the oldest. */
const SOCKETS_OF_PERSON_MAX = 20;
/** How long stopping waits for clients to take their leave, and how often it looks, ms. */
const GOODBYE_MS_MAX = 1_000;
const GOODBYE_LOOK_MS = 10;

/**
 * All connections of this process. Hears the bus for them and looks at their inboxes now and then
 * in case the bus was silent. With no connection there is no timer and nobody listens.
 */
export class Sockets {
  readonly ctx: Ctx;
  readonly options: SocketOptions;
  readonly delivered: DeliveredMarks;
  readonly reads: InboxReads;
  readonly groupSends: GroupSends;
  readonly strangers = new Strangers();
  readonly suspects = new Suspects();
  readonly chatRooms = new ChatRooms();
  readonly pace: Pace;
  readonly #log: Log;
  readonly #all = new Set<OpenSocket>();
  /** All of these, and those that were closed here and are there still. */
  #openCount = 0;
  readonly #byUser = new Map<number, Set<OpenSocket>>();
  readonly #attendance: Attendance;
  readonly #comings: Comings;
  readonly #calledGroups = new Set<number>();
  #isReadingGroups = false;
  #poll: Promise<void> | undefined;
  #looksAgain = false;
  #refreshedAtMs = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #stopListening: (() => void) | undefined;
  #isStopped = false;

  constructor(parts: Parts & { log: Log }, options: Partial<SocketOptions> = {}) {
    this.ctx = contextFor(parts, "chat");
    this.options = { ...SOCKET_OPTIONS, ...options };
    this.#log = parts.log;
    this.pace = new Pace(parts.config.rateFactor);
    this.#attendance = new Attendance(this.ctx);
    this.#comings = new Comings(this.ctx, {
      isHere: (userId) => this.#byUser.has(userId),
      report: this.report,
    });
    this.reads = new InboxReads(this.ctx);
    this.groupSends = new GroupSends(this.ctx);
    this.delivered = new DeliveredMarks(this.ctx, this.report);
  }

  get isFull(): boolean {
    return this.#isStopped || this.#openCount >= SOCKETS_MAX;
  }

  nowMs(): number {
    return this.ctx.now().getTime();
  }

  /** A connection has been opened; nobody knows whose it is. */
  open(session: OpenSocket): void {
    this.#openCount++;
    this.#all.add(session);
    if (this.#timer !== undefined) return;
    this.#refreshedAtMs = this.nowMs();
    this.#stopListening = this.ctx.bus.subscribe((event) => this.#hear(event));
    this.#timer = setInterval(() => this.#tick(), this.options.pollMs);
  }

  /** A connection has said whose it is. */
  enter(session: OpenSocket): void {
    const own = this.#byUser.get(session.userId) ?? new Set();
    this.#byUser.set(session.userId, own.add(session));
    if (own.size > SOCKETS_OF_PERSON_MAX) [...own][0]!.kick();
  }

  /** A connection has begun: it is there for others to see, and may end older ones. */
  announce(session: OpenSocket, { replacesOlder }: { replacesOlder: boolean }): void {
    this.#attendance.come([session]);
    const own = this.#byUser.get(session.userId);
    if (![...own ?? []].some((other) => other !== session && other.isLive)) this.#note(session);
    if (!replacesOlder) return;
    const { userId, deviceFlag, socketId: exceptSocket, connectedAtMs: atMs } = session;
    this.ctx.bus.publish({ kind: "kick", userId, deviceFlag, exceptSocket, atMs });
  }

  /** A connection is no more. */
  gone(): void {
    this.#openCount--;
  }

  /** A connection is of no more use, whether its peer knows that yet or not. */
  leave(session: OpenSocket): void {
    this.#all.delete(session);
    if (session.isAuthenticated) {
      const own = this.#byUser.get(session.userId);
      own?.delete(session);
      if (own?.size === 0) {
        this.#byUser.delete(session.userId);
        this.#note(session);
      }
      this.#attendance.gone(session);
    }
    if (this.#all.size === 0) this.#rest();
  }

  /** A person's first socket, or last, of this process. */
  #note(session: OpenSocket): void {
    if (hasFriends(session.appId)) this.#comings.note(session);
  }

  #rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#stopListening?.();
    this.#stopListening = undefined;
  }

  #hear(event: BusEvent): void {
    switch (event.kind) {
      case "inbox":
        for (const { userId, seq } of event.heads) this.#wake(userId, seq);
        return;
      case "group":
        this.#calledGroups.add(event.groupId);
        this.#readGroups();
        return;
      case "moment":
        for (const userId of event.userIds) {
          for (const session of this.#byUser.get(userId) ?? []) session.pass(event);
        }
        return;
      case "chat_room":
        return this.chatRooms.pass(event);
      case "kick":
        for (const session of this.#byUser.get(event.userId) ?? []) {
          if (isReplaced(session, event)) session.kick();
        }
        return;
      case "ended":
        this.#kickAll((session) => event.tokenHashes.includes(session.tokenHash));
        return;
      case "resubscribed":
        this.#look();
    }
  }

  #wake(userId: number, seq: number): void {
    for (const session of this.#byUser.get(userId) ?? []) session.wake(seq);
  }

  #kickAll(isMeant: (session: OpenSocket) => boolean): void {
    for (const session of this.#all) {
      if (session.isAuthenticated && isMeant(session)) session.kick();
    }
  }

  /** However often a group calls, its members here are looked up one after the other. */
  async #readGroups(): Promise<void> {
    if (this.#isReadingGroups) return;
    this.#isReadingGroups = true;
    for (const groupId of this.#calledGroups) {
      this.#calledGroups.delete(groupId);
      try {
        const userIds = [...this.#byUser.keys()];
        const members = await membersAmong(this.ctx, { groupId, userIds });
        for (const userId of members) this.#wake(userId, Infinity);
      } catch (error) {
        this.report(error);
      }
    }
    this.#isReadingGroups = false;
  }

  #tick(): void {
    const nowMs = this.nowMs();
    for (const session of this.#all) {
      if (nowMs - session.heardAtMs > session.idleMs) {
        session.close(CloseCode.going_away, "idle");
      } else session.checkConfirmed(nowMs);
    }
    if (nowMs - this.#refreshedAtMs >= PRESENCE_REFRESH_MS) {
      this.#refreshedAtMs = nowMs;
      this.#attendance.come([...this.#all].filter((session) => session.isAuthenticated));
    }
    this.#look();
  }

  #look(): void {
    noteLife(this.ctx, this.#byUser.keys());
    // What has come since a look began is for the next one.
    if (this.#poll) this.#looksAgain = true;
    else if (this.#byUser.size > 0) this.#poll = this.#compare();
  }

  /** What no event told: inboxes that have grown, sessions that are over. Two trips for everybody. */
  async #compare(): Promise<void> {
    try {
      const userIds = [...this.#byUser.keys()];
      for (const [userId, { seq, hasNews }] of await readHeads(this.ctx, userIds)) {
        this.#wake(userId, hasNews ? Infinity : seq);
      }
      const known = [...this.#all].filter((session) => session.isAuthenticated);
      const live = await readLiveTokens(this.ctx, known.map(({ tokenHash }) => tokenHash));
      for (const session of known) {
        if (!live.has(session.tokenHash)) session.kick();
      }
    } catch (error) {
      this.report(error);
    }
    this.#poll = undefined;
    if (!this.#looksAgain) return;
    this.#looksAgain = false;
    this.#look();
  }

  /** Writes down a failure; bound, as it is handed around. */
  readonly report = (error: unknown): void => {
    const text = error instanceof Error ? error.stack : String(error);
    this.#log(
      isStoreAway(error)
        ? { level: "notice", msg: "chat: a store is away", error: String(error) }
        : { level: "error", msg: "chat: unexpected failure", error: text },
    );
  };

  /** Closes every connection so that its client comes back elsewhere, and takes no new one. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    const closing = [...this.#all];
    for (const session of closing) session.close(CloseCode.restarting, "restarting");
    this.#rest();
    await this.#comings.stop();
    await this.#attendance.settle();
    await this.delivered.settle();
    // A server that is shut down at once would say good-bye in its own words first.
    for (let waitedMs = 0; waitedMs < GOODBYE_MS_MAX; waitedMs += GOODBYE_LOOK_MS) {
      if (closing.every(({ isGone }) => isGone)) break;
      await new Promise((resolve) => setTimeout(resolve, GOODBYE_LOOK_MS));
    }
    await this.#poll;
    await this.reads.settle();
  }
}

type Kick = Extract<BusEvent, { kind: "kick" }>;

/** Of two that connect at once exactly one goes. */
function isReplaced(session: OpenSocket, { deviceFlag, exceptSocket, atMs }: Kick): boolean {
  if (session.deviceFlag !== deviceFlag || session.socketId === exceptSocket) return false;
  const aheadMs = atMs - session.connectedAtMs;
  return aheadMs > 0 || (aheadMs === 0 && session.socketId < exceptSocket);
}

import { readLogHeads } from "../../../db/domain/messages/log_reads.ts";
import { readGroupLog } from "../../../db/domain/messages/read_group_log.ts";
import type { InboxMessage } from "../../../db/domain/messages/read_inbox.ts";
import { storeGroupKey } from "../../../db/domain/messages/store_group_key.ts";
import { SYNC_COUNT_MAX } from "../../../db/domain/messages/sync_rules.ts";
import type { Feed } from "../feed.ts";
import { DRAIN_PAGE_COUNT } from "../inbox_reads.ts";
import type { Sockets } from "../sockets.ts";
import type { GobelieveInput } from "./layouts.ts";

/** How frames go out. */
export interface Voice {
  say(frame: GobelieveInput): boolean;
  /** @returns none for what is not for this protocol */
  framesOf(message: InboxMessage): GobelieveInput[];
}

/**
 * The super groups of one GoBelieve client: it is told when the log of one has grown, and pulls it
 * by the log's own keys.
 */
export class GobelieveGroups {
  readonly #userId: number;
  readonly #sockets: Sockets;
  readonly #feed: Feed;
  readonly #voice: Voice;
  /** Of these the client is still to be told. */
  readonly #grown = new Set<number>();
  /** How far each was sent on this connection since the client last stored a key of it. */
  readonly #sentKeys = new Map<number, number>();

  constructor(userId: number, sockets: Sockets, feed: Feed, voice: Voice) {
    this.#userId = userId;
    this.#sockets = sockets;
    this.#feed = feed;
    this.#voice = voice;
  }

  /** A message of the group has been found in the person's inbox. */
  grow(groupId: number): void {
    this.#grown.add(groupId);
  }

  async tell(): Promise<void> {
    if (this.#grown.size === 0) return;
    const groupIds = [...this.#grown];
    this.#grown.clear();
    for (const { groupId, lastSeq } of await readLogHeads(this.#sockets.ctx, { groupIds })) {
      this.#voice.say({ type: "sync_group_notify", groupId, key: lastSeq });
    }
  }

  /**
   * Sends what the log has behind the client's key; of a group of others nothing is said. Deployed
   * clients ask again with every notice, also while an answer is on its way, and show all they get:
   * so nothing is sent a second time before the client has stored what it got.
   */
  async sync({ groupId, key }: { groupId: number; key: number }): Promise<void> {
    const sentKey = this.#sentKeys.get(groupId) ?? 0;
    let first = await this.#read(groupId, Math.max(key, sentKey) || undefined);
    if (!first) return;
    const { afterSeq } = first;
    this.#voice.say({ type: "sync_group_begin", groupId, key: afterSeq });
    const { seq, count, isWhole } = await this.#feed.fetch({
      afterSeq,
      countMax: SYNC_COUNT_MAX,
      read: async (afterSeq) => {
        const page = first ?? await this.#read(groupId, afterSeq);
        first = undefined;
        return page?.messages ?? [];
      },
      send: (message) => this.#voice.framesOf(message).every((frame) => this.#voice.say(frame)),
    });
    if (count > 0) this.#sentKeys.set(groupId, seq);
    this.#voice.say({ type: "sync_group_end", groupId, key: seq });
    if (!isWhole) this.#voice.say({ type: "sync_group_notify", groupId, key: seq + 1 });
  }

  #read(groupId: number, afterSeq: number | undefined) {
    const page = { userId: this.#userId, groupId, afterSeq, limit: DRAIN_PAGE_COUNT };
    return this.#sockets.reads.inTurn(() => readGroupLog(this.#sockets.ctx, page));
  }

  async storeKey({ groupId, key }: { groupId: number; key: number }): Promise<void> {
    if (key >= (this.#sentKeys.get(groupId) ?? 0)) this.#sentKeys.delete(groupId);
    await storeGroupKey(this.#sockets.ctx, { userId: this.#userId, groupId, seq: key });
  }
}

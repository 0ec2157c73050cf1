import type { Incoming } from "./client_codecs.ts";
import type { Findings } from "./findings.ts";
import type { Inbox, Way } from "./seen_inbox.ts";

/** A stream of messages that is pulled by keys: the person's own, or a super group's. */
class Keyed {
  key = 0;
  isPulling = false;
  /** Taken while a pull was under way, which may bring it too. */
  readonly takenMeanwhile = new Set<string>();
  /** What the pull that is under way has brought: one that is cut off brings it again. */
  readonly brought = new Set<string>();
  readonly broughtInVain = new Set<string>();
}

export interface GobelieveStreamSetting {
  owner: string;
  findings: Findings;
  superGroupIds: number[];
  /** Whether a message is this client's own. */
  isOwn: (clientMsgNo: string) => boolean;
}

/**
 * What one GoBelieve client knows, over all its connections. It does what deployed ones do: it takes
 * a push that follows on its key, and pulls when it is behind. No message says its number, so what
 * is known is a list in the order in which it was shown.
 */
export class GobelieveStream implements Inbox {
  readonly counts: Record<Way, number> = { push: 0, sync: 0, answer: 0 };
  readonly firstCounts: Record<Way, number> = { push: 0, sync: 0, answer: 0 };
  readonly own = new Keyed();
  readonly groups: ReadonlyMap<number, Keyed>;
  readonly #setting: GobelieveStreamSetting;
  readonly #known = new Set<string>();
  /** By stream, in the order they were shown in; 0: the person's own. */
  readonly #shown = new Map<number, Incoming[]>();
  readonly #answered: Incoming[] = [];

  constructor(setting: GobelieveStreamSetting) {
    this.#setting = setting;
    this.groups = new Map(setting.superGroupIds.map((id) => [id, new Keyed()]));
  }

  get knownCount(): number {
    return this.#known.size;
  }

  /** A push whose key comes behind `previousKey`; one that does not follow is left for a pull. */
  push(message: Incoming, { key, previousKey }: { key: number; previousKey: number }): void {
    const { own } = this;
    this.counts.push++;
    if (own.key === 0 || previousKey !== own.key) return;
    own.key = key;
    if (own.isPulling) own.takenMeanwhile.add(message.clientMsgNo);
    this.#show("push", message, 0);
  }

  /** What a pull of a stream brings. */
  pulled(message: Incoming, groupId = 0): void {
    this.counts.sync++;
    const stream = this.#streamOf(groupId);
    const { clientMsgNo } = message;
    stream?.brought.add(clientMsgNo);
    if (stream?.takenMeanwhile.delete(clientMsgNo)) return;
    if (stream?.broughtInVain.has(clientMsgNo)) return;
    this.#show("sync", message, groupId);
  }

  /** The client's own message was accepted, with this key if it follows on its own. */
  moved(keys: { key: number; previousKey: number }, groupId = 0): void {
    const stream = this.#streamOf(groupId);
    if (stream && stream.key !== 0 && keys.previousKey === stream.key) stream.key = keys.key;
  }

  answered(message: Incoming): void {
    this.counts.answer++;
    if (this.#known.has(message.clientMsgNo)) return;
    this.firstCounts.answer++;
    this.#known.add(message.clientMsgNo);
    this.#answered.push(message);
  }

  begin(groupId = 0): void {
    const stream = this.#streamOf(groupId);
    if (stream) stream.isPulling = true;
  }

  end(key: number, groupId = 0): void {
    const stream = this.#streamOf(groupId);
    if (!stream) return;
    stream.key = Math.max(stream.key, key);
    stream.isPulling = false;
    for (const names of [stream.takenMeanwhile, stream.brought, stream.broughtInVain]) {
      names.clear();
    }
  }

  /** A connection is over, and every pull with it: the next one asks from the keys there are. */
  cut(): void {
    for (const stream of [this.own, ...this.groups.values()]) {
      stream.isPulling = false;
      for (const name of stream.brought) stream.broughtInVain.add(name);
      stream.brought.clear();
      stream.takenMeanwhile.clear();
    }
  }

  messagesBy(seqs: ReadonlyMap<string, number>): ReadonlyMap<number, Incoming> {
    const messages = new Map<number, Incoming>();
    for (const [groupId, shown] of [...this.#shown, [-1, this.#answered]] as const) {
      let lastSeq = 0;
      for (const message of shown) {
        const seq = seqs.get(message.clientMsgNo) ?? 0;
        if (seq === 0) this.#complain(`${message.clientMsgNo} is in nobody's inbox`);
        const isInOrder = seq > lastSeq || groupId < 0 || this.#isOwn(message);
        if (!isInOrder) this.#complain(`${message.clientMsgNo} (seq ${seq}) after ${lastSeq}`);
        if (!this.#isOwn(message)) lastSeq = seq;
        messages.set(seq, { ...message, seq });
      }
    }
    return messages;
  }

  #show(way: Way, message: Incoming, groupId: number): void {
    const { clientMsgNo } = message;
    if (this.#known.has(clientMsgNo)) {
      if (!this.#isOwn(message)) this.#complain(`${clientMsgNo} was shown TWICE (${way})`);
      return;
    }
    this.firstCounts[way]++;
    this.#known.add(clientMsgNo);
    const shown = this.#shown.get(groupId);
    if (shown) shown.push(message);
    else this.#shown.set(groupId, [message]);
  }

  #streamOf(groupId: number): Keyed | undefined {
    return groupId === 0 ? this.own : this.groups.get(groupId);
  }

  #isOwn({ clientMsgNo }: Incoming): boolean {
    return this.#setting.isOwn(clientMsgNo);
  }

  #complain(text: string): void {
    this.#setting.findings.add(`${this.#setting.owner}: ${text}`);
  }
}

import type { Answer, Incoming, Outgoing } from "./client_codecs.ts";
import type { Findings } from "./findings.ts";
import type { Plan, Target } from "./plan.ts";

/** Names of people and groups on the wire, by their place in the plan. */
export interface Cast {
  people: { id: number; uid: string; token: string; webToken: string; partnerToken: string }[];
  groups: { id: number; groupNo: string }[];
}

/** A message of the plan, and what the servers said about it so far. */
export interface Sent {
  device: number;
  person: number;
  /** Which of its device's messages. */
  step: number;
  to: Target;
  message: Outgoing;
  isAccepted: boolean;
  /** 0: nobody has said it yet. */
  messageId: number;
  /** Said again behind later ones, or to two servers: it has no place among its device's others. */
  isOutOfLine: boolean;
}

/** Every message of a run by its sender's own number: the model the outcome is compared with. */
export class Ledger {
  readonly #sent = new Map<string, Sent>();
  readonly #seqs = new Map<string, number>();
  answerCount = 0;

  constructor(
    private readonly plan: Plan,
    readonly cast: Cast,
    private readonly findings: Findings,
  ) {}

  get acceptedCount(): number {
    return this.#seqs.size;
  }

  add(sent: Omit<Sent, "isAccepted" | "messageId" | "isOutOfLine">): Sent {
    const entry = { ...sent, isAccepted: false, messageId: 0, isOutOfLine: false };
    this.#sent.set(sent.message.clientMsgNo, entry);
    return entry;
  }

  sentAs(clientMsgNo: string): Sent | undefined {
    return this.#sent.get(clientMsgNo);
  }

  superGroupIdsOf(person: number): number[] {
    return this.plan.groups.flatMap(({ members, isSuper }, at) =>
      isSuper && members.includes(person) ? [this.cast.groups[at]!.id] : []
    );
  }

  /** A server said yes, maybe not for the first time: it must have said the same before. */
  accept(sent: Sent, { messageId, seq }: Answer): void {
    const { clientMsgNo } = sent.message;
    this.answerCount++;
    sent.isAccepted = true;
    sent.messageId ||= messageId;
    if (messageId !== 0 && sent.messageId !== messageId) {
      this.findings.add(`${clientMsgNo}: accepted as ${sent.messageId} and as ${messageId}`);
    }
    const known = this.#seqs.get(clientMsgNo) || seq;
    // 0 where the sender's inbox has not copied it from a large group's log yet.
    if (seq !== 0 && known !== seq) {
      this.findings.add(`${clientMsgNo}: numbered ${known} and ${seq} for its sender`);
    }
    this.#seqs.set(clientMsgNo, known);
  }

  /** What a person's own inbox must hold in the end: whatever was accepted and is for them. */
  expectedOf(person: number): Map<string, Omit<Incoming, "seq">> {
    const expected = new Map<string, Omit<Incoming, "seq">>();
    for (const sent of this.#sent.values()) {
      if (!sent.isAccepted || !this.#receiversOf(sent).includes(person)) continue;
      expected.set(sent.message.clientMsgNo, this.asSeenBy(person, sent, sent.messageId));
    }
    return expected;
  }

  /** People receive what is said to them, members what is said in a group; senders their own. */
  #receiversOf({ person, to }: Sent): number[] {
    return "group" in to ? this.plan.groups[to.group]!.members : [to.person, person];
  }

  /** Of two people each sees the other as the channel. */
  asSeenBy(person: number, sent: Sent, messageId: number): Omit<Incoming, "seq"> {
    const fromUid = this.cast.people[sent.person]!.uid;
    const isReceiver = "person" in sent.to && person !== sent.person;
    const channelId = isReceiver ? fromUid : sent.message.channelId;
    return { ...sent.message, channelId, fromUid, messageId };
  }
}

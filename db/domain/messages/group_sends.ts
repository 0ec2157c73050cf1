import type { Ctx } from "../../client/ctx.ts";
import { isDatabaseAway } from "../../client/errors.ts";
import { ChannelType } from "../../schema/messages.ts";
import { DomainError } from "../errors.ts";
import { type Accepted, acceptMessage } from "./accept.ts";
import { type AcceptedSeveral, acceptSeveral, type GroupSaying } from "./accept_several.ts";
import { VERDICTS } from "./channel.ts";
import { checkPayload } from "./rules.ts";
import { senderSeqOf, wake } from "./send.ts";

/** Messages one statement accepts. */
const MESSAGE_COUNT_MAX = 20;

type Sent = Pick<Accepted, "messageId" | "senderSeq">;

interface Waiting extends GroupSaying {
  resolve(sent: Sent): void;
  reject(error: unknown): void;
}

type Input = Omit<GroupSaying, "at"> & { groupNo: string };

/**
 * `sendMessage` for what a process's people say in groups. Messages to one group wait for each other
 * in the database anyway, for every inbox is locked by each; here those that come while one is
 * accepted are accepted together, and a group holds one connection, not all of them.
 */
export class GroupSends {
  readonly #ctx: Ctx;
  /** By group; there is an entry while one of its statements is under way. */
  readonly #waiting = new Map<string, Waiting[]>();

  constructor(ctx: Ctx) {
    this.#ctx = ctx;
  }

  /** @throws {DomainError} as `acceptMessage` */
  async send({ groupNo, ...said }: Input): Promise<Sent> {
    checkPayload(said.payload);
    const { promise, resolve, reject } = Promise.withResolvers<Sent>();
    const waiting = this.#waiting.get(groupNo) ?? [];
    waiting.push({ ...said, at: this.#ctx.now(), resolve, reject });
    if (!this.#waiting.has(groupNo)) {
      this.#waiting.set(groupNo, waiting);
      this.#sendAll(groupNo, waiting);
    }
    return await promise;
  }

  async #sendAll(groupNo: string, waiting: Waiting[]): Promise<void> {
    while (waiting.length > 0) await this.#send(groupNo, nextOf(waiting));
    // In the same turn as the last look, so that nobody can come in between.
    this.#waiting.delete(groupNo);
  }

  async #send(groupNo: string, said: Waiting[]): Promise<void> {
    if (said.length === 1) return await this.#sendAlone(groupNo, said[0]!);
    let accepted: AcceptedSeveral;
    try {
      accepted = await acceptSeveral(this.#ctx, { groupNo, said });
    } catch (error) {
      // Whether it happened nobody knows: each is told so, as it would be alone.
      if (isDatabaseAway(error)) return said.forEach(({ reject }) => reject(error));
      // One of them did not fit: a repeat that came in another way, a text no database takes.
      for (const one of said) await this.#sendAlone(groupNo, one);
      return;
    }
    wake(this.#ctx, accepted);
    accepted.each.forEach((outcome, at) => this.#answer(said[at]!, outcome));
  }

  async #sendAlone(groupNo: string, said: Waiting): Promise<void> {
    const channel = { type: ChannelType.group, groupNo };
    try {
      const accepted = await acceptMessage(this.#ctx, { ...said, channel });
      wake(this.#ctx, accepted);
      const verdict = accepted.loggedInGroup === undefined ? "sent" : "logged";
      this.#answer(said, { ...accepted, verdict });
    } catch (error) {
      said.reject(error);
    }
  }

  /** The next are not kept waiting for the number a log's message gets with its sender. */
  #answer(
    { senderId, resolve, reject }: Waiting,
    { verdict, messageId, senderSeq }: AcceptedSeveral["each"][number],
  ): void {
    if (verdict in VERDICTS) return reject(new DomainError(VERDICTS[verdict]!));
    if (verdict !== "logged") return resolve({ messageId, senderSeq });
    senderSeqOf(this.#ctx, senderId, messageId)
      .then((senderSeq) => resolve({ messageId, senderSeq }), reject);
  }
}

/** Takes the next out of those who wait; of one sender's equal numbers the second is for later. */
function nextOf(waiting: Waiting[]): Waiting[] {
  const seen = new Set<string>();
  let count = 0;
  for (const { senderId, clientMsgNo } of waiting.slice(0, MESSAGE_COUNT_MAX)) {
    if (clientMsgNo !== undefined) {
      const name = `${senderId} ${clientMsgNo}`;
      if (seen.has(name)) break;
      seen.add(name);
    }
    count++;
  }
  return waiting.splice(0, count);
}

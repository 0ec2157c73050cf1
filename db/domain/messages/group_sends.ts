import { Together } from "../../../config/runtime/together.ts";
import type { Ctx } from "../../client/ctx.ts";
import { isDatabaseAway } from "../../client/errors.ts";
import { ChannelType } from "../../schema/messages.ts";
import { DomainError } from "../errors.ts";
import { type Accepted, acceptMessage } from "./accept.ts";
import { type AcceptedSeveral, acceptSeveral, type GroupSaying } from "./accept_several.ts";
import { VERDICTS } from "./channel.ts";
import { mentionOf } from "./mention_rules.ts";
import { checkPayload } from "./rules.ts";
import { senderSeqOf, sendMessage, wake } from "./send.ts";

/** Messages one statement accepts. */
const MESSAGE_COUNT_MAX = 20;

type Sent = Pick<Accepted, "messageId" | "senderSeq">;
type Outcome = AcceptedSeveral["each"][number];
type Input = Omit<GroupSaying, "at"> & { groupNo: string };

/**
 * `sendMessage` for what a process's people say in groups. Messages to one group wait for each other
 * in the database anyway, for every inbox is locked by each; here those that come while one is
 * accepted are accepted together, and a group holds one connection, not all of them.
 */
export class GroupSends {
  readonly #ctx: Ctx;
  /** By group. */
  readonly #together = new Together<GroupSaying, Outcome>({
    countMax: MESSAGE_COUNT_MAX,
    // Of one sender's equal numbers the second is for later.
    nameOf: ({ senderId, clientMsgNo }) =>
      clientMsgNo === undefined ? Symbol() : `${senderId} ${clientMsgNo}`,
    // One of them did not fit: a repeat that came in another way, a text no database takes. With the
    // database away nobody knows whether it happened: each is told so, as it would be alone.
    isOnesOwn: (error) => !isDatabaseAway(error),
  });

  constructor(ctx: Ctx) {
    this.#ctx = ctx;
  }

  /** @throws {DomainError} as `acceptMessage` */
  async send({ groupNo, ...said }: Input): Promise<Sent> {
    checkPayload(said.payload);
    // Whom it names is reminded, which the statement for several does not.
    if (mentionOf(said.payload)) {
      return await sendMessage(this.#ctx, {
        ...said,
        channel: { type: ChannelType.group, groupNo },
      });
    }
    const { verdict, messageId, senderSeq } = await this.#together.take(
      groupNo,
      { ...said, at: this.#ctx.now() },
      (all) => this.#accept(groupNo, all),
    );
    if (verdict in VERDICTS) throw new DomainError(VERDICTS[verdict]!);
    if (verdict !== "logged") return { messageId, senderSeq };
    // The next are not kept waiting for the number a log's message gets with its sender.
    return { messageId, senderSeq: await senderSeqOf(this.#ctx, said.senderId, messageId) };
  }

  async #accept(groupNo: string, said: GroupSaying[]): Promise<Outcome[]> {
    if (said.length > 1) {
      const accepted = await acceptSeveral(this.#ctx, { groupNo, said });
      wake(this.#ctx, accepted);
      return accepted.each;
    }
    const channel = { type: ChannelType.group, groupNo };
    const accepted = await acceptMessage(this.#ctx, { ...said[0]!, channel });
    wake(this.#ctx, accepted);
    const verdict = accepted.loggedInGroup === undefined ? "sent" : "logged";
    return [{ ...accepted, verdict }];
  }
}

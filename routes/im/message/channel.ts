import { z } from "zod";
import { readChannelHistory } from "../../../db/domain/messages/channel_history.ts";
import { INBOX_PAGE_COUNT_MAX } from "../../../db/domain/messages/read_inbox.ts";
import { Flag, flag } from "../../fields.ts";
import { ChannelTypeField } from "../message_fields.ts";
import { endpoint } from "../surface.ts";
import { WebMessage, webMessage } from "../web_message_fields.ts";

const PAGE_COUNT_DEFAULT = 30;
const Seq = z.coerce.number().int().nonnegative().catch(0).default(0);

export const sync = endpoint({
  method: "post",
  path: "/message/channel/sync",
  summary: "同步频道消息",
  description: "Not in the contract. A channel's history as the caller has it, without commands " +
    "and what they threw away; it marks nothing as read.",
  body: z.object({
    channel_id: z.string(),
    channel_type: ChannelTypeField,
    start_message_seq: Seq.describe("Included; 0: from the newest, or the first"),
    end_message_seq: Seq.describe("Excluded; 0: no end"),
    limit: z.coerce.number().int().positive().catch(PAGE_COUNT_DEFAULT).default(PAGE_COUNT_DEFAULT)
      .transform((limit) => Math.min(limit, INBOX_PAGE_COUNT_MAX)),
    pull_mode: z.coerce.number().catch(0).default(0)
      .describe("1: the first from the start on, upward; else the newest up to the start"),
  }),
  data: z.object({
    start_message_seq: z.number().int(),
    end_message_seq: z.number().int(),
    more: Flag.describe("1: the range has more, further on"),
    messages: z.array(WebMessage).describe("Ascending"),
  }),
  errors: ["channel_missing", "group_not_member"],
  async handle({ body, actor, ctx }) {
    const { messages, hasMore } = await readChannelHistory(ctx, {
      userId: actor.userId,
      channel: { type: body.channel_type, no: body.channel_id },
      direction: body.pull_mode === 1 ? "up" : "down",
      startSeq: body.start_message_seq,
      endSeq: body.end_message_seq,
      limit: body.limit,
    });
    return {
      start_message_seq: body.start_message_seq,
      end_message_seq: body.end_message_seq,
      more: flag(hasMore),
      messages: messages.map(webMessage),
    };
  },
});

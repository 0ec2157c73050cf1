import { z } from "zod";
import { keepReceipts, RECEIPT_COUNT_MAX } from "../../../db/domain/messages/keep_receipts.ts";
import { Done, done } from "../fields.ts";
import { ChannelTypeField } from "../message_fields.ts";
import { endpoint } from "../surface.ts";

export const mark = endpoint({
  method: "post",
  path: "/message/readed",
  summary: "消息已读",
  description: "Not in the contract. Counted once for each message of others whose sender asked " +
    "for a receipt; the sender's devices get the command `syncMessageExtra`.",
  body: z.object({
    channel_id: z.string(),
    channel_type: ChannelTypeField,
    message_ids: z.array(z.coerce.number().int().positive()).max(RECEIPT_COUNT_MAX)
      .describe("As text"),
  }),
  data: Done,
  async handle({ body, actor, ctx }) {
    await keepReceipts(ctx, {
      userId: actor.userId,
      uid: actor.uid,
      channel: { type: body.channel_type, no: body.channel_id },
      messageIds: body.message_ids,
    });
    return done;
  },
});

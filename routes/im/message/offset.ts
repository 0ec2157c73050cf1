import { z } from "zod";
import { clearUpTo } from "../../../db/domain/messages/clear_up_to.ts";
import { clearChannel } from "../../../db/domain/messages/delete_messages.ts";
import { Done, done } from "../fields.ts";
import { ChannelTypeField } from "../message_fields.ts";
import { endpoint } from "../surface.ts";

export const clear = endpoint({
  method: "post",
  path: "/message/offset",
  summary: "清除聊天记录",
  description: "Not in the contract. For the caller alone, what was said up to a number of theirs.",
  body: z.object({
    channel_id: z.string(),
    channel_type: ChannelTypeField,
    message_seq: z.coerce.number().int().nonnegative().default(0).describe("0: all of it"),
  }),
  data: Done,
  errors: ["channel_missing"],
  async handle({ body, actor: { userId }, ctx }) {
    const channel = { type: body.channel_type, no: body.channel_id };
    if (body.message_seq === 0) await clearChannel(ctx, { userId, channel });
    else await clearUpTo(ctx, { userId, channel, seq: body.message_seq });
    return done;
  },
});

import { z } from "zod";
import { EXTRA_COUNT_MAX, syncMessageExtras } from "../../../db/domain/messages/message_extras.ts";
import { ChannelTypeField } from "../message_fields.ts";
import { endpoint } from "../surface.ts";
import { MessageExtraResp, messageExtraResp } from "../web_message_fields.ts";

const LIMIT_DEFAULT = 100;

export const sync = endpoint({
  method: "post",
  path: "/message/extra/sync",
  summary: "同步消息扩展",
  description: "Not in the contract. What became of messages of a channel after `extra_version`, " +
    "ascending: receipts, and that they were taken back. Ask again until nothing comes.",
  body: z.object({
    channel_id: z.string(),
    channel_type: ChannelTypeField,
    extra_version: z.coerce.number().int().min(0).catch(0).default(0),
    limit: z.coerce.number().int().positive().catch(LIMIT_DEFAULT).default(LIMIT_DEFAULT)
      .transform((limit) => Math.min(limit, EXTRA_COUNT_MAX)),
  }),
  data: z.array(MessageExtraResp),
  async handle({ body, actor, ctx }) {
    const extras = await syncMessageExtras(ctx, {
      userId: actor.userId,
      channel: { type: body.channel_type, no: body.channel_id },
      version: body.extra_version,
      limit: body.limit,
    });
    return extras.map(messageExtraResp);
  },
});

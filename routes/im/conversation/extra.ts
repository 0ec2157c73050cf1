import { z } from "zod";
import { syncConversationExtras } from "../../../db/domain/messages/conversation_extras.ts";
import { EXTRA_FIELDS, extraFields } from "../conversation_fields.ts";
import { endpoint } from "../surface.ts";

export const sync = endpoint({
  method: "post",
  path: "/conversation/extra/sync",
  summary: "同步最近会话扩展",
  description: "What was kept after `version`, ascending, at most 1000.",
  body: z.object({ version: z.coerce.number().int().min(0).catch(0).default(0) }),
  data: z.array(z.object({
    channel_id: z.string(),
    channel_type: z.number().int(),
    ...EXTRA_FIELDS,
  })),
  async handle({ body, actor, ctx }) {
    const extras = await syncConversationExtras(ctx, {
      userId: actor.userId,
      version: body.version,
    });
    return extras.map((extra) => ({
      channel_id: extra.channelNo,
      channel_type: extra.channelType,
      ...extraFields(extra),
    }));
  },
});

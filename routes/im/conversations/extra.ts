import { z } from "zod";
import { keepConversationExtra } from "../../../db/domain/messages/conversation_extras.ts";
import { ChannelTypeField } from "../message_fields.ts";
import { endpoint } from "../surface.ts";

/** Longest beginning of a message that is kept, characters: more fits into no message. */
const DRAFT_LENGTH_MAX = 5_000;
const OFFSET_MAX = 1_000_000;

const Seq = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).catch(0).default(0);

export const keep = endpoint({
  method: "post",
  path: "/conversations/{channel_id}/{channel_type}/extra",
  summary: "添加或更新最近会话扩展",
  description: "One's other devices get the command `syncConversationExtra`. The last one wins.",
  params: z.object({ channel_id: z.string(), channel_type: ChannelTypeField }),
  body: z.object({
    browse_to: Seq.describe("What has been looked at, a message_seq"),
    keep_message_seq: Seq.describe("What stands on top, a message_seq"),
    keep_offset_y: z.coerce.number().min(-OFFSET_MAX).max(OFFSET_MAX).catch(0).default(0)
      .transform(Math.round).describe("Pixels"),
    draft: z.string().max(DRAFT_LENGTH_MAX).default(""),
  }),
  data: z.object({ version: z.number().int() }),
  errors: ["channel_missing"],
  async handle({ params, body, actor, ctx }) {
    const version = await keepConversationExtra(ctx, {
      userId: actor.userId,
      uid: actor.uid,
      channel: { type: params.channel_type, no: params.channel_id },
      extra: {
        browseTo: body.browse_to,
        keepMessageSeq: body.keep_message_seq,
        keepOffsetY: body.keep_offset_y,
        draft: body.draft,
      },
    });
    return { version };
  },
});

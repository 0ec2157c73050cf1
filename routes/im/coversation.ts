import { z } from "zod";
import { markRead } from "../../db/domain/messages/mark_read.ts";
import { Done, done } from "./fields.ts";
import { ChannelTypeField } from "./message_fields.ts";
import { endpoint } from "./surface.ts";

const UNREAD_COUNT_MAX = 2 ** 31 - 1;

export const clearUnread = endpoint({
  method: "put",
  path: "/coversation/clearUnread",
  aliases: [{ path: "/conversation/clearUnread" }],
  summary: "清除会话未读数",
  description: "Leaves at most `unread` messages of a channel unread; the caller's other devices " +
    "get the command `unreadClear`. A channel the caller does not have has nothing unread. Spelt " +
    "as clients spell it.",
  body: z.object({
    channel_id: z.string(),
    channel_type: ChannelTypeField,
    // Clients reckon it from differences of numbers, which may be anything.
    unread: z.coerce.number().int().default(0)
      .transform((unread) => Math.min(Math.max(unread, 0), UNREAD_COUNT_MAX)),
  }),
  data: Done,
  async handle({ body, actor, ctx }) {
    await markRead(ctx, {
      userId: actor.userId,
      channel: { type: body.channel_type, no: body.channel_id },
      unreadMax: body.unread,
    });
    return done;
  },
});

import { z } from "zod";
import { hideConversation } from "../../db/domain/messages/hide_conversation.ts";
import { listConversations } from "../../db/domain/messages/list_conversations.ts";
import { Done, done } from "./fields.ts";
import { ChannelTypeField, SyncedMessage, syncedMessage } from "./message_fields.ts";
import { endpoint } from "./surface.ts";

export const list = endpoint({
  method: "get",
  path: "/conversations",
  summary: "获取当前用户最近会话",
  description: "At most 200, the one with the newest message first.",
  data: z.array(z.object({
    channel_id: z.string(),
    channel_type: z.number().int(),
    unread: z.number().int(),
    timestamp: z.number().int().describe("Of the last message, seconds"),
    last_message: SyncedMessage,
  })),
  async handle({ actor, ctx }) {
    const conversations = await listConversations(ctx, actor.userId);
    return conversations.map(({ channelType, channelNo, unreadCount, lastMessage }) => ({
      channel_id: channelNo,
      channel_type: channelType,
      unread: unreadCount,
      timestamp: Math.floor(lastMessage.createdAt.getTime() / 1000),
      last_message: syncedMessage(lastMessage, actor.uid),
    }));
  },
});

export const hide = endpoint({
  method: "delete",
  path: "/conversations/{channel_id}/{channel_type}",
  summary: "删除最近会话",
  description: "Not in the contract. Takes it off the lists, read, until the next message in it; " +
    "what was said stays. An unknown one is fine.",
  params: z.object({ channel_id: z.string(), channel_type: ChannelTypeField }),
  data: Done,
  async handle({ params: { channel_id: no, channel_type: type }, actor, ctx }) {
    await hideConversation(ctx, { userId: actor.userId, channel: { type, no } });
    return done;
  },
});

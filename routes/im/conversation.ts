import { z } from "zod";
import { readUserDetails } from "../../db/domain/chat_accounts/reads.ts";
import { readGroupsById } from "../../db/domain/groups/reads.ts";
import { ChannelType } from "../../db/domain/messages/inbox_message.ts";
import {
  RECENT_COUNT_MAX,
  syncConversations,
  type SyncedConversation,
} from "../../db/domain/messages/sync_conversations.ts";
import { Flag, flag, HexId } from "../fields.ts";
import { EXTRA_FIELDS, extraFields } from "./conversation_fields.ts";
import { Done, done } from "./fields.ts";
import { GroupResp, groupResp } from "./group_fields.ts";
import { endpoint } from "./surface.ts";
import { userDetail, UserDetailResp } from "./user_fields.ts";
import { WebMessage, webMessage } from "./web_message_fields.ts";

const WebConversation = z.object({
  channel_id: z.string(),
  channel_type: z.number().int(),
  unread: z.number().int(),
  mute: Flag,
  stick: Flag.describe("1: on top"),
  timestamp: z.number().int().describe("Of the newest message, seconds"),
  last_msg_seq: z.number().int(),
  last_client_msg_no: z.string(),
  offset_msg_seq: z.number().int().describe("Everything up to here was thrown away"),
  version: z.number().int(),
  recents: z.array(WebMessage).describe("Newest first, at least one"),
  extra: z.object(EXTRA_FIELDS).optional().describe("What one's devices keep of it"),
});

function webConversation(found: SyncedConversation): z.input<typeof WebConversation> {
  const newest = found.recents[0]!;
  return {
    channel_id: found.channelNo,
    channel_type: found.channelType,
    unread: found.unreadCount,
    mute: flag(found.mute),
    stick: flag(found.top),
    timestamp: Math.floor(newest.createdAt.getTime() / 1000),
    last_msg_seq: newest.seq,
    last_client_msg_no: newest.clientMsgNo,
    offset_msg_seq: found.clearedSeq,
    version: found.updatedAt.getTime(),
    recents: found.recents.map(webMessage),
    extra: found.kept && extraFields(found.kept),
  };
}

export const sync = endpoint({
  method: "post",
  path: "/conversation/sync",
  summary: "同步最近会话",
  description: "Not in the contract. At most 200 conversations, the one with the newest message " +
    "first, with whoever they are with.",
  body: z.object({
    msg_count: z.coerce.number().int().positive().catch(1).default(1)
      .describe(`Newest messages of each, up to ${RECENT_COUNT_MAX}`),
  }),
  data: z.object({
    uid: HexId,
    conversations: z.array(WebConversation),
    users: z.array(UserDetailResp),
    groups: z.array(GroupResp),
    channel_status: z.array(z.object({})),
  }),
  async handle({ body, actor: { userId, uid }, ctx }) {
    const conversations = await syncConversations(ctx, { userId, recentCount: body.msg_count });
    const idsOf = (type: number) =>
      conversations.filter(({ channelType }) => channelType === type)
        .map(({ channelId }) => channelId);
    const [users, groups] = await Promise.all([
      readUserDetails(ctx, { userIds: idsOf(ChannelType.person), viewerId: userId }),
      readGroupsById(ctx, { groupIds: idsOf(ChannelType.group), userId }),
    ]);
    return {
      uid,
      conversations: conversations.map(webConversation),
      users: users.map((user) => userDetail(user)),
      groups: groups.map(groupResp),
      channel_status: [],
    };
  },
});

export const acknowledge = endpoint({
  method: "post",
  path: "/conversation/syncack",
  summary: "最近会话同步回执",
  description: "Not in the contract. Nothing waits for it.",
  data: Done,
  handle: () => Promise.resolve(done),
});

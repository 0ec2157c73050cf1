import { z } from "zod";
import { ChannelType } from "../../db/domain/messages/inbox_message.ts";
import { type FoundChannel, search } from "../../db/domain/messages/search.ts";
import {
  CANDIDATE_COUNT_MAX,
  KEYWORD_LENGTH_MAX,
  PAGE_COUNT_MAX,
  SEARCHED_COUNT_MAX,
} from "../../db/domain/messages/search_rules.ts";
import { perUser } from "../../middleware/rate_limit.ts";
import { ChannelTypeField } from "./message_fields.ts";
import { endpoint } from "./surface.ts";

const LIMIT_DEFAULT = 20;
const CONTENT_TYPE_COUNT_MAX = 20;

const Channel = z.object({
  channel_id: z.string(),
  channel_type: z.number().int(),
  channel_name: z.string(),
  channel_remark: z.string().describe("Your own name for it; empty: none"),
});

const NOBODY: FoundChannel = { type: ChannelType.person, no: "", name: "", remark: "" };

function channelResp({ type, no, name, remark }: FoundChannel): z.input<typeof Channel> {
  return { channel_id: no, channel_type: type, channel_name: name, channel_remark: remark };
}

export const searchAll = endpoint({
  method: "post",
  path: "/search/global",
  summary: "全局搜索",
  description: "Friends and groups by name and remark, and what stands in one's own inbox by " +
    `its text or file name, newest first, among the newest ${SEARCHED_COUNT_MAX}. Nothing taken ` +
    "back or deleted, no commands, nothing of the system's. Without a word only files are found.",
  body: z.object({
    keyword: z.string().trim().max(KEYWORD_LENGTH_MAX)
      .default(""),
    page: z.coerce.number().int().positive().max(CANDIDATE_COUNT_MAX).catch(1).default(1),
    limit: z.coerce.number().int().positive().catch(LIMIT_DEFAULT).default(LIMIT_DEFAULT)
      .transform((limit) => Math.min(limit, PAGE_COUNT_MAX)),
    content_type: z.array(z.coerce.number().int()).max(CONTENT_TYPE_COUNT_MAX).nullish()
      .describe("Only messages of these types; empty: all"),
    channel_id: z.string().optional().describe("With `channel_type`: messages alone, of this one"),
    channel_type: z.union([z.literal(0).transform(() => undefined), ChannelTypeField]).optional(),
    only_message: z.coerce.number().catch(0).default(0).describe("1: messages alone"),
  }),
  data: z.object({
    friends: z.array(Channel),
    groups: z.array(Channel),
    messages: z.array(z.object({
      message_id: z.number().int(),
      message_idstr: z.string(),
      message_seq: z.number().int(),
      client_msg_no: z.string(),
      from_uid: z.string(),
      timestamp: z.number().int().describe("Seconds"),
      setting: z.number().int(),
      is_deleted: z.literal(0),
      payload: z.record(z.string(), z.unknown()),
      channel: Channel,
      from_channel: Channel.describe("Who said it"),
    })),
  }),
  // Each looks through thousands of messages.
  rate: perUser(60, "1 min"),
  async handle({ body, actor, ctx }) {
    const { channel_id: no, channel_type: type } = body;
    const { friends, groups, messages } = await search(ctx, {
      userId: actor.userId,
      keyword: body.keyword,
      contentTypes: body.content_type ?? [],
      channel: no && type ? { type, no } : undefined,
      isOnlyMessages: body.only_message === 1,
      page: body.page,
      limit: body.limit,
    });
    return {
      friends: friends.map(channelResp),
      groups: groups.map(channelResp),
      messages: messages.map((message) => ({
        message_id: message.messageId,
        message_idstr: String(message.messageId),
        message_seq: message.seq,
        client_msg_no: message.clientMsgNo,
        from_uid: message.sender?.no ?? "",
        timestamp: Math.floor(message.createdAt.getTime() / 1000),
        setting: message.setting,
        is_deleted: 0 as const,
        payload: message.payload,
        channel: channelResp(message.channel),
        from_channel: channelResp(message.sender ?? NOBODY),
      })),
    };
  },
});

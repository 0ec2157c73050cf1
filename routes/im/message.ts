import { z } from "zod";
import { DomainError } from "../../db/domain/errors.ts";
import { acknowledge as moveSyncPosition } from "../../db/domain/messages/acknowledge.ts";
import { clearChannel, deleteMessage } from "../../db/domain/messages/delete_messages.ts";
import { deleteSeveral } from "../../db/domain/messages/delete_several.ts";
import { INBOX_PAGE_COUNT_MAX, readInbox } from "../../db/domain/messages/read_inbox.ts";
import { revokeMessage } from "../../db/domain/messages/revoke_message.ts";
import { Done, done } from "./fields.ts";
import { ChannelTypeField, SyncedMessage, syncedMessage } from "./message_fields.ts";
import { endpoint } from "./surface.ts";

const SYNC_COUNT_DEFAULT = 100;
const MessageId = z.coerce.number().int().positive();

/** Most messages one call throws away. */
const DELETED_COUNT_MAX = 500;
/** What the web client says of messages to throw away; an id that can be none names none. */
const DeletedMessages = z.array(z.object({ message_id: MessageId.optional().catch(undefined) }))
  .max(DELETED_COUNT_MAX);

/** Both parts of a channel's name, or neither. */
function channelOf({ channel_id, channel_type }: {
  channel_id?: string | undefined;
  channel_type?: 1 | 2 | undefined;
}) {
  if (!channel_id && channel_type === undefined) return undefined;
  if (!channel_id || channel_type === undefined) {
    throw new DomainError("params_invalid", { message: "会话和会话类型必须同时提供" });
  }
  return { type: channel_type, no: channel_id };
}

/** As much as is said of where a message was said. */
function saidOf({ channel_id, channel_type }: {
  channel_id?: string | undefined;
  channel_type?: number | undefined;
}) {
  return { no: channel_id || undefined, type: channel_type || undefined };
}

export const sync = endpoint({
  method: "post",
  path: "/message/sync",
  summary: "消息同步",
  description: "What came after `max_message_seq`, ascending; ask again until a page is short. " +
    "Without it (or 0) everything not acknowledged yet, or a channel from its beginning. What the " +
    "caller deleted is left out; a channel's last page reads it.",
  body: z.object({
    max_message_seq: z.coerce.number().int().min(0).default(0).describe("Number or text"),
    limit: z.coerce.number().int().positive().catch(SYNC_COUNT_DEFAULT).default(SYNC_COUNT_DEFAULT)
      .transform((limit) => Math.min(limit, INBOX_PAGE_COUNT_MAX)),
    channel_id: z.string().optional(),
    channel_type: z.union([z.literal(0).transform(() => undefined), ChannelTypeField]).optional(),
  }),
  data: z.array(SyncedMessage),
  errors: ["channel_missing", "group_not_member"],
  async handle({ body, actor, ctx }) {
    const channel = channelOf(body);
    const fromStart = channel ? 0 : undefined;
    const messages = await readInbox(ctx, {
      userId: actor.userId,
      afterSeq: body.max_message_seq || fromStart,
      limit: body.limit,
      channel,
      isShown: true,
    });
    return messages.map((message) => syncedMessage(message, actor.uid));
  },
});

export const remove = endpoint({
  method: "delete",
  path: "/message",
  summary: "删除消息",
  description:
    "One message by `message_id`, everything said so far in a channel, or the messages " +
    "of a list in the body; for the caller alone.",
  query: z.object({
    message_id: MessageId.optional(),
    channel_id: z.string().optional(),
    channel_type: ChannelTypeField.optional(),
  }),
  body: z.union([DeletedMessages, z.object({})]),
  data: Done,
  errors: ["message_missing", "channel_missing"],
  async handle({ query, body, actor, ctx }) {
    const { userId } = actor;
    if (Array.isArray(body)) {
      await deleteSeveral(ctx, {
        userId,
        messageIds: body.flatMap(({ message_id: id }) => id ?? []),
      });
      return done;
    }
    if (query.message_id !== undefined) {
      const { message_id: messageId } = query;
      await deleteMessage(ctx, { userId, messageId, channel: saidOf(query) });
      return done;
    }
    const channel = channelOf(query);
    if (!channel) throw new DomainError("params_invalid", { message: "请指定消息或会话" });
    await clearChannel(ctx, { userId, channel });
    return done;
  },
});

export const revoke = endpoint({
  method: "post",
  path: "/message/revoke",
  summary: "撤回消息",
  description: "One's own message; in a group the owner may take back anybody's, a manager what " +
    "plain members said; nobody money or what the system says. Everybody's clients get the command " +
    "`messageRevoke`.",
  query: z.object({
    message_id: MessageId,
    channel_id: z.string().optional(),
    channel_type: ChannelTypeField.optional(),
  }),
  data: Done,
  errors: ["message_missing", "message_irrevocable", "group_no_right", "group_disbanded"],
  async handle({ query, actor, ctx }) {
    await revokeMessage(ctx, {
      userId: actor.userId,
      messageId: query.message_id,
      channel: saidOf(query),
    });
    return done;
  },
});

export const acknowledge = endpoint({
  method: "post",
  path: "/message/syncack/{last_message_seq}",
  summary: "消息同步回执",
  description:
    "Everything up to here has been fetched; that reads nothing. The mark never goes back.",
  params: z.object({ last_message_seq: z.coerce.number().int().min(0) }),
  data: Done,
  async handle({ params, actor, ctx }) {
    await moveSyncPosition(ctx, { userId: actor.userId, seq: params.last_message_seq });
    return done;
  },
});

import { z } from "zod";
import { appLink } from "../../../db/domain/app_links.ts";
import {
  loadNotifications,
  type Notification,
} from "../../../db/domain/notifications/load_page.ts";
import { readUnreadTotal } from "../../../db/domain/notifications/reads.ts";
import { parseNotificationId } from "../../../db/domain/notifications/rules.ts";
import { Flag, flag, HexId } from "../../fields.ts";
import { Page, pageOf, PageQuery } from "../fields.ts";
import { endpoint } from "../surface.ts";

const MessageId = z.number().int().describe("Rises with time: microseconds when it was made");

const Message = z.object({
  messageId: MessageId,
  sequenceId: z.string(),
  userMessageResult: z.object({
    createTime: z.number().int(),
    messageBody: z.object({
      title: z.string(),
      content: z.string(),
      url: z.string().describe(
        "Where a tap leads: `chaoqer://room/<id>`, `chaoqer://profile/<uid>`",
      ),
    }),
    messageId: MessageId,
    messageType: z.literal(0),
    originPushType: z.number().int().describe("0 system, 1 official, 2 somebody's doing"),
    originUid: HexId.or(z.literal("")).describe("Whose doing; empty when nobody's"),
    uid: HexId.describe("The caller"),
    unread: Flag.describe("1: this is the first time it is loaded"),
  }),
});

function messageOf(notification: Notification, uid: string, url: string): z.input<typeof Message> {
  const { id, title, content } = notification;
  return {
    messageId: id,
    sequenceId: String(id),
    userMessageResult: {
      createTime: notification.createdMs,
      messageBody: { title, content, url },
      messageId: id,
      messageType: 0,
      originPushType: notification.origin,
      originUid: notification.originUid,
      uid,
      unread: flag(notification.unread),
    },
  };
}

export const list = endpoint({
  method: "get",
  path: "/user/message",
  summary: "分页获取消息列表",
  description:
    "Newest first. Fetching any page sets the unread total to 0; single messages count " +
    "as read from the second time they are loaded.",
  query: PageQuery.extend({
    lastId: z.string().optional().transform(parseNotificationId)
      .describe("`sequenceId` of the last item of the page before; absent: the first page"),
  }),
  data: Page(Message),
  async handle({ query, actor, ctx }) {
    const notifications = await loadNotifications(ctx, {
      userId: actor.userId,
      before: query.lastId,
      count: query.count,
    });
    return pageOf(
      query.count,
      notifications.map((it) => messageOf(it, actor.uid, appLink(ctx.config, it.url))),
    );
  },
});

export const countUnread = endpoint({
  method: "get",
  path: "/user/message/unread_total",
  summary: "获取未读消息总数",
  description: "Messages since the list was last fetched.",
  data: z.number().int(),
  beforeProfile: true,
  handle: async ({ actor, ctx }) => await readUnreadTotal(ctx, { userId: actor.userId }),
});

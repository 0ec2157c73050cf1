import { z } from "zod";
import { countOffline } from "../../db/domain/messages/count_offline.ts";
import { readHistory } from "../../db/domain/messages/read_history.ts";
import { CLIENT_MSG_NO_LENGTH_MAX, HISTORY_COUNT_MAX } from "../../db/domain/messages/rules.ts";
import { sayToGroupFor, sayToPersonFor } from "../../db/domain/messages/say_for_person.ts";
import { sayInChatRoomFor } from "../../db/domain/messages/say_in_chat_room.ts";
import { tellGroup } from "../../db/domain/messages/tell_group.ts";
import { tellPerson, tellPersonKept } from "../../db/domain/messages/tell_person.ts";
import { CUSTOMER_ID_LENGTH_MAX } from "../../db/domain/partners/rules.ts";
import { Flag, flag } from "../fields.ts";
import { AnsweredUid, asClient, Id, Nothing, nothing, optionalText, Uid } from "./fields.ts";
import { endpoint } from "./surface.ts";

/** A number a form leaves empty when there is none. */
const MaybeId = z.union([z.literal("").transform(() => undefined), Id]).optional();
const Content = z.string().min(1).describe(
  "消息内容, 32 KiB of UTF-8 at most (for the house 16 KiB as the chat app keeps it); clients get exactly this",
);
const ClientMsgNo = optionalText(CLIENT_MSG_NO_LENGTH_MAX)
  .describe(
    "Ours: the caller's own number of the message. Sent again by the same sender to the same " +
      "receiver it is the same message, which nobody gets twice",
  );

export const sendToPeers = endpoint({
  method: "post",
  path: "/messages/peers",
  summary: "发送点对点消息",
  description: "Kept for both: the sender's own devices get it as well. Whom a partner names " +
    "exists; of the house only people who are there.",
  body: z.object({
    sender: Uid.describe("发送者uid"),
    receiver: Uid.describe("接受者uid"),
    content: Content,
    client_msg_no: ClientMsgNo,
  }),
  data: Nothing,
  errors: ["message_invalid", "user_missing"],
  async handle({ body, actor, ctx }) {
    await sayToPersonFor(ctx, {
      tenantId: actor.tenantId,
      senderUid: body.sender,
      receiverUid: body.receiver,
      content: body.content,
      clientMsgNo: body.client_msg_no,
    });
    return nothing;
  },
});

export const sendToGroup = endpoint({
  method: "post",
  path: "/messages/groups",
  summary: "发送群组消息",
  description: "The sender need not be in the group.",
  body: z.object({
    sender: Uid.describe("发送者uid"),
    receiver: Id.describe("群组id"),
    content: Content,
    client_msg_no: ClientMsgNo,
  }),
  data: Nothing,
  errors: ["message_invalid", "group_missing", "group_disbanded", "user_missing"],
  async handle({ body, actor, ctx }) {
    await sayToGroupFor(ctx, {
      tenantId: actor.tenantId,
      senderUid: body.sender,
      groupId: body.receiver,
      content: body.content,
      clientMsgNo: body.client_msg_no,
    });
    return nothing;
  },
});

export const sendSystem = endpoint({
  method: "post",
  path: "/messages/systems",
  summary: "发送系统消息",
  description: "Kept; nobody said it.",
  body: z.object({ receiver: Uid.describe("接受者id"), content: Content }),
  data: Nothing,
  errors: ["message_invalid", "user_missing"],
  async handle({ body: { receiver, content }, actor: { tenantId }, ctx }) {
    await tellPersonKept(ctx, { tenantId, receiverUid: receiver, content });
    return nothing;
  },
});

export const notify = endpoint({
  method: "post",
  path: "/messages/notifications",
  summary: "发送在线个人通知消息",
  description: "To whoever is connected; not kept.",
  body: z.object({ receiver: Uid.describe("接受者id"), content: Content }),
  data: Nothing,
  errors: ["message_invalid", "user_missing"],
  async handle({ body: { receiver, content }, actor: { tenantId }, ctx }) {
    await tellPerson(ctx, { tenantId, receiverUid: receiver, content });
    return nothing;
  },
});

export const notifyGroup = endpoint({
  method: "post",
  path: "/messages/groups/notifications",
  summary: "发送群通知消息",
  description: "Kept; nobody said it. The chat app shows a tip.",
  body: z.object({ group_id: Id.describe("群id"), content: Content }),
  data: Nothing,
  errors: ["message_invalid", "group_missing", "group_disbanded", "group_members_invalid"],
  async handle({ body: { group_id, content }, actor: { tenantId }, ctx }) {
    await tellGroup(ctx, { tenantId, groupId: group_id, content });
    return nothing;
  },
});

export const sendToChatRoom = endpoint({
  method: "post",
  path: "/messages/rooms",
  summary: "发送聊天室消息",
  description: "To whoever is in the chat room now; not kept. The contract's title and its word " +
    "for `sender` are slips: it is a person.",
  body: z.object({
    sender: Uid.describe("发送者uid"),
    receiver: Uid.describe("聊天室id"),
    content: Content,
  }),
  data: Nothing,
  errors: ["message_invalid", "user_missing"],
  async handle({ body: { sender, receiver, content }, actor: { tenantId }, ctx }) {
    await sayInChatRoomFor(ctx, { tenantId, senderUid: sender, chatRoomId: receiver, content });
    return nothing;
  },
});

export const readOfflineCount = endpoint({
  method: "get",
  path: "/messages/offline",
  by: "either",
  summary: "获取离线消息数目",
  description:
    "What others said and nobody has fetched yet. A server says whom it asks about, by " +
    "`customer_id` or `uid`; a client asks for itself. `platform_id` and `device_id` change " +
    "nothing: a person's devices share one mark.",
  query: z.object({
    customer_id: optionalText(CUSTOMER_ID_LENGTH_MAX).describe(
      "顾客id, as given to /auth/customer",
    ),
    uid: z.union([z.literal("").transform(() => undefined), Uid]).optional(),
    platform_id: z.string().optional(),
    device_id: z.string().optional(),
  }),
  data: z.object({
    new: Flag,
    count: z.number().int().describe(`At most ${HISTORY_COUNT_MAX}`),
  }),
  errors: ["customer_missing"],
  async handle({ query, actor, ctx }) {
    const count = await countOffline(ctx, {
      tenantId: actor.tenantId,
      ...actor.kind === "client" ? { userId: actor.userId } : { appId: actor.appId },
      customerId: query.customer_id,
      appUid: query.uid,
    });
    return { new: flag(count > 0), count };
  },
});

export const list = endpoint({
  method: "get",
  path: "/messages",
  by: "client",
  summary: "获取历史消息",
  description: `The newest ${HISTORY_COUNT_MAX}, newest first; with \`store\` only what ` +
    "customers and those who help there said to each other. `before_id` reads on further back. " +
    "What the newest show is no longer offline.",
  query: z.object({
    store: MaybeId.describe("咨询台id"),
    before_id: MaybeId.describe("Only what came before this message"),
  }),
  data: z.array(z.object({
    id: z.number().int().describe("消息id"),
    content: z.string().describe("消息内容"),
    timestamp: z.number().int().describe("消息时间, seconds"),
    sender: AnsweredUid.describe("0: the system"),
    receiver: AnsweredUid.describe("A person's number, or a group's id"),
    command: z.number().int().describe(
      "4 person, 8 group, 7 group notification, 21 system, 24 by a customer, 25 by a seller",
    ),
  })),
  errors: ["store_missing"],
  async handle({ query, actor, ctx }) {
    const { tenantId, userId } = asClient(actor);
    const messages = await readHistory(ctx, {
      tenantId,
      userId,
      storeId: query.store,
      beforeId: query.before_id,
    });
    return messages.map(({ messageId, content, createdAt, senderUid, receiverId, command }) => ({
      id: messageId,
      content,
      timestamp: Math.floor(createdAt.getTime() / 1000),
      sender: senderUid,
      receiver: receiverId,
      command,
    }));
  },
});

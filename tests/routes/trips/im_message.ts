import { acceptMessage } from "../../../db/domain/messages/accept.ts";
import type { Channel } from "../../../db/domain/messages/channel.ts";
import { ChannelType } from "../../../db/schema/messages.ts";
import { callIm } from "../../clients/im.ts";
import type { TestApp } from "../../harness.ts";
import { makeChatPerson } from "../im/chat_people.ts";
import type { TripsTable } from "../trips_test.ts";

/** Two people of whom the first has said something to the second. */
async function makeChat(app: TestApp) {
  const [from, to] = [await makeChatPerson(app, "From"), await makeChatPerson(app, "To")];
  const channel: Channel = { type: ChannelType.person, userId: to.userId };
  const { messageId } = await acceptMessage(app.ctx, {
    senderId: from.userId,
    channel,
    clientMsgNo: undefined,
    redDot: true,
    payload: JSON.stringify({ type: 1, content: "hi" }),
  });
  // A session is cached by its first call.
  for (const { token } of [from, to]) await callIm(app, "GET", "/conversations", { token });
  return { from, to, messageId: String(messageId) };
}

export const trips: TripsTable = {
  "POST /message/sync": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { to } = await makeChat(app);
      return await callIm(app, "POST", "/message/sync", { token: to.token, body: {} });
    },
  },
  "DELETE /message": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { to, messageId } = await makeChat(app);
      const query = { message_id: messageId };
      return await callIm(app, "DELETE", "/message", { token: to.token, query });
    },
  },
  "POST /message/revoke": {
    sql: 3,
    redis: 0,
    why: "who may is decided on facts read first; the command goes out once it is done",
    async call(app) {
      const { from, messageId } = await makeChat(app);
      const query = { message_id: messageId };
      return await callIm(app, "POST", "/message/revoke", { token: from.token, query });
    },
  },
  "POST /message/syncack/{last_message_seq}": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { to } = await makeChat(app);
      return await callIm(app, "POST", "/message/syncack/1", { token: to.token });
    },
  },
  "PUT /coversation/clearUnread": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { from, to } = await makeChat(app);
      const body = { channel_id: from.uid, channel_type: 1 };
      return await callIm(app, "PUT", "/coversation/clearUnread", { token: to.token, body });
    },
  },
  "GET /conversations": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { to } = await makeChat(app);
      return await callIm(app, "GET", "/conversations", { token: to.token });
    },
  },
};

import { acceptMessage } from "../../../db/domain/messages/accept.ts";
import { KeptSetting } from "../../../db/domain/messages/rules.ts";
import { ChannelType } from "../../../db/schema/messages.ts";
import { askIm, callIm } from "../../clients/im.ts";
import type { TestApp } from "../../harness.ts";
import { makeAccount } from "../../people/chat_accounts.ts";
import { befriend, type Chatter, makeChatters, openGroup } from "../../people/group.ts";
import type { TripsTable } from "../trips_test.ts";
import { warmChatPerson } from "./warm_chat_person.ts";

/** What a call by somebody costs, who needs nothing prepared. */
const asPerson = (method: string, path: string, body?: unknown) => async (app: TestApp) => {
  const { token } = await warmChatPerson(app);
  return await callIm(app, method, path, { token, body });
};

async function sayTo(app: TestApp, from: Chatter, to: Chatter): Promise<void> {
  await acceptMessage(app.ctx, {
    senderId: from.userId,
    channel: { type: ChannelType.person, userId: to.userId },
    clientMsgNo: undefined,
    payload: JSON.stringify({ type: 1, content: "Hi, Bob" }),
    redDot: true,
  });
}

/** A message whose sender wants to know who reads it, and what says so. */
async function askForReceipt(app: TestApp) {
  const [sender, reader] = await makeChatters(app, "Ann", "Bob");
  for (const one of [sender!, reader!]) await one.ask("GET", "/conversations");
  const { messageId } = await acceptMessage(app.ctx, {
    senderId: sender!.userId,
    channel: { type: ChannelType.person, userId: reader!.userId },
    clientMsgNo: undefined,
    payload: JSON.stringify({ type: 1, content: "Hi, Bob" }),
    redDot: true,
    setting: KeptSetting.receipt,
  });
  const ids = [String(messageId)];
  const body = { channel_id: sender!.uid, channel_type: 1, message_ids: ids };
  return { sender: sender!, reader: reader!, body };
}

/** A message in a group that names somebody, whose session is in the cache. */
async function mentionOne(app: TestApp): Promise<{ named: Chatter; groupNo: string }> {
  const [ann, bob] = await makeChatters(app, "Ann", "Bob");
  const groupNo = await openGroup(app, [ann!, bob!]);
  await bob!.ask("GET", "/conversations");
  await acceptMessage(app.ctx, {
    senderId: ann!.userId,
    channel: { type: ChannelType.group, groupNo },
    clientMsgNo: undefined,
    payload: JSON.stringify({ type: 1, content: "@Bob", mention: { uids: [bob!.uid] } }),
    redDot: true,
  });
  return { named: bob!, groupNo };
}

/** The operations of the public web client that no contract has. */
export const trips: TripsTable = {
  "GET /common/appconfig": {
    sql: 0,
    redis: 0,
    call: (app) => callIm(app, "GET", "/common/appconfig"),
  },
  "GET /common/appversion/{os}/{version}": {
    sql: 1,
    redis: 0,
    call: (app) => callIm(app, "GET", "/common/appversion/android/1.0.0"),
  },
  "GET /message/prohibit_words/sync": {
    sql: 0,
    redis: 0,
    call: asPerson("GET", "/message/prohibit_words/sync"),
  },
  "GET /sticker/user/category": {
    sql: 0,
    redis: 0,
    call: asPerson("GET", "/sticker/user/category"),
  },
  "GET /sticker/user/sticker": {
    sql: 0,
    redis: 0,
    call: asPerson("GET", "/sticker/user/sticker"),
  },
  "GET /organization/joined": { sql: 0, redis: 0, call: asPerson("GET", "/organization/joined") },
  "GET /user/devices/{device_id}": {
    sql: 1,
    redis: 0,
    call: asPerson("GET", "/user/devices/d-1"),
  },
  "POST /conversations/{channel_id}/{channel_type}/extra": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { uid } = await makeAccount(app, { name: "Tony" });
      return await asPerson("POST", `/conversations/${uid}/1/extra`, { draft: "hi" })(app);
    },
  },
  "POST /conversation/extra/sync": {
    sql: 1,
    redis: 0,
    async call(app) {
      const person = await warmChatPerson(app);
      const body = { draft: "only for me" };
      await askIm(app, "POST", `/conversations/${person.uid}/1/extra`, { ...person, body });
      const all = { version: 0 };
      return await callIm(app, "POST", "/conversation/extra/sync", { ...person, body: all });
    },
  },
  "POST /search/global": {
    sql: 1,
    redis: 0,
    async call(app) {
      const [ann, bob] = await makeChatters(app, "Ann", "Bob");
      await befriend(app, ann!, [bob!]);
      await sayTo(app, ann!, bob!);
      await ann!.ask("GET", "/conversations");
      return await ann!.call("POST", "/search/global", { body: { keyword: "b" } });
    },
  },
  "POST /message/reminder/sync": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { named } = await mentionOne(app);
      return await named.call("POST", "/message/reminder/sync", { body: { version: 0 } });
    },
  },
  "POST /message/reminder/done": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { named } = await mentionOne(app);
      const [{ id }] = await named.ask("POST", "/message/reminder/sync", { body: {} });
      return await named.call("POST", "/message/reminder/done", { body: [id] });
    },
  },
  "POST /message/readed": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { reader, body } = await askForReceipt(app);
      return await reader.call("POST", "/message/readed", { body });
    },
  },
  "POST /message/extra/sync": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { sender, reader, body } = await askForReceipt(app);
      await reader.ask("POST", "/message/readed", { body });
      const channel = { channel_id: reader.uid, channel_type: 1 };
      return await sender.call("POST", "/message/extra/sync", { body: channel });
    },
  },
  "GET /messages/{message_id}/receipt": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { sender, reader, body } = await askForReceipt(app);
      await reader.ask("POST", "/message/readed", { body });
      return await sender.call("GET", `/messages/${body.message_ids[0]}/receipt`);
    },
  },
  "GET /user/qrcode": { sql: 0, redis: 0, call: asPerson("GET", "/user/qrcode") },
};

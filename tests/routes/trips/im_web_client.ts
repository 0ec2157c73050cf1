import { acceptMessage } from "../../../db/domain/messages/accept.ts";
import { ChannelType } from "../../../db/schema/messages.ts";
import { askIm, callIm } from "../../clients/im.ts";
import type { TestApp } from "../../harness.ts";
import { makeAccount } from "../../people/chat_accounts.ts";
import { makeGroup } from "../../people/factories.ts";
import { makeChatPerson, makeFriends } from "../im/chat_people.ts";
import type { TripsTable } from "../trips_test.ts";

/** A warm person to whom a friend has said something. */
async function makeChat(app: TestApp) {
  const [person, friend] = [await makeChatPerson(app), await makeChatPerson(app, "Tony")];
  await makeFriends(app, person, friend);
  await acceptMessage(app.ctx, {
    senderId: friend.userId,
    channel: { type: ChannelType.person, userId: person.userId },
    clientMsgNo: undefined,
    redDot: true,
    payload: JSON.stringify({ type: 1, content: "hi" }),
  });
  await askIm(app, "GET", "/label", { token: person.token });
  return { friend, token: person.token };
}

/** A warm person with an account who was asked to be a friend. */
async function makeAsked(app: TestApp) {
  const [person, applicant] = [await makeAccount(app), await makeChatPerson(app, "Tony")];
  const body = { to_uid: person.uid };
  await askIm(app, "POST", "/friend/apply", { token: applicant.token, body });
  await askIm(app, "GET", "/label", { token: person.token });
  return { applicant, token: person.token };
}

async function makeGroupOf(app: TestApp) {
  const [person, other] = [await makeChatPerson(app, "Anna"), await makeChatPerson(app, "Tony")];
  const people = [person, other].map((it) => ({ ...it, id: it.userId }));
  const { groupNo } = await makeGroup(app.ctx, people);
  const { token } = person;
  await askIm(app, "PUT", `/groups/${groupNo}/setting`, { token, body: { save: 1 } });
  return { groupNo, token };
}

const PNG = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1, 2, 3, 4, 5, 6, 7, 8);

async function sendFile(app: TestApp, path: string, token: string) {
  const body = new FormData();
  body.append("file", new Blob([PNG]), "a.png");
  const request = new Request(`http://plaza.test${path}`, {
    method: "POST",
    body,
    headers: { token },
  });
  const response = await app.fetch(request);
  return { http: response.status, headers: response.headers, data: await response.json() };
}

async function readFile(app: TestApp, path: string) {
  const response = await app.fetch(new Request(`http://plaza.test${path}`));
  return { http: response.status, headers: response.headers, data: await response.text() };
}

const inChannel = (uid: string) => ({ channel_id: uid, channel_type: ChannelType.person });

export const trips: TripsTable = {
  "POST /conversation/sync": {
    sql: 2,
    redis: 1,
    why:
      "whom the conversations are with is known once they are; who of them is there, to Redis alone",
    async call(app) {
      const { token } = await makeChat(app);
      return await callIm(app, "POST", "/conversation/sync", { token, body: { msg_count: 1 } });
    },
  },
  "POST /conversation/syncack": {
    sql: 0,
    redis: 0,
    async call(app) {
      const { token } = await makeChat(app);
      return await callIm(app, "POST", "/conversation/syncack", { token, body: {} });
    },
  },
  "POST /message/channel/sync": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { token, friend } = await makeChat(app);
      const body = inChannel(friend.uid);
      return await callIm(app, "POST", "/message/channel/sync", { token, body });
    },
  },
  "POST /message/offset": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { token, friend } = await makeChat(app);
      const body = { ...inChannel(friend.uid), message_seq: 1 };
      return await callIm(app, "POST", "/message/offset", { token, body });
    },
  },
  "GET /channels/{channel_id}/{channel_type}": {
    sql: 1,
    redis: 1,
    why: "whether a friend is there is known to Redis alone, once it is known that they are one",
    async call(app) {
      const { token, friend } = await makeChat(app);
      return await callIm(app, "GET", `/channels/${friend.uid}/1`, { token });
    },
  },
  "DELETE /conversations/{channel_id}/{channel_type}": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { token, friend } = await makeChat(app);
      return await callIm(app, "DELETE", `/conversations/${friend.uid}/1`, { token });
    },
  },
  "GET /friend/sync": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { token } = await makeChat(app);
      const query = { api_version: "1", keyword: "Tony" };
      return await callIm(app, "GET", "/friend/sync", { token, query });
    },
  },
  "GET /friend/apply": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { token } = await makeAsked(app);
      const query = { page_index: "1", page_size: "999" };
      return await callIm(app, "GET", "/friend/apply", { token, query });
    },
  },
  "DELETE /friend/apply/{uid}": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { token, applicant } = await makeAsked(app);
      return await callIm(app, "DELETE", `/friend/apply/${applicant.uid}`, { token });
    },
  },
  "PUT /friend/refuse/{uid}": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { token, applicant } = await makeAsked(app);
      return await callIm(app, "PUT", `/friend/refuse/${applicant.uid}`, { token });
    },
  },
  "PUT /friend/remark": {
    sql: 3,
    redis: 0,
    why: "the person, the setting, then the message that tells one's own devices",
    async call(app) {
      const { token, friend } = await makeChat(app);
      const body = { uid: friend.uid, remark: "Mr T" };
      return await callIm(app, "PUT", "/friend/remark", { token, body });
    },
  },
  "GET /user/reddot/friendApply": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { token } = await makeAsked(app);
      return await callIm(app, "GET", "/user/reddot/friendApply", { token });
    },
  },
  "DELETE /user/reddot/friendApply": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { token } = await makeAsked(app);
      return await callIm(app, "DELETE", "/user/reddot/friendApply", { token });
    },
  },
  "GET /user/online": {
    sql: 1,
    redis: 1,
    why: "whether somebody is online is known to Redis alone, once the friends are known",
    async call(app) {
      const { token } = await makeChat(app);
      return await callIm(app, "GET", "/user/online", { token });
    },
  },
  "GET /group/my": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { token } = await makeGroupOf(app);
      return await callIm(app, "GET", "/group/my", { token });
    },
  },
  "GET /groups/{group_no}/members": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { token, groupNo } = await makeGroupOf(app);
      const query = { page: "1", limit: "50" };
      return await callIm(app, "GET", `/groups/${groupNo}/members`, { token, query });
    },
  },
  "GET /users/{uid}/avatar": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { friend } = await makeChat(app);
      return await readFile(app, `/users/${friend.uid}/avatar`);
    },
  },
  "POST /users/{uid}/avatar": {
    sql: 2,
    redis: 0,
    async call(app) {
      const person = await makeChatPerson(app);
      await askIm(app, "GET", "/label", { token: person.token });
      return await sendFile(app, `/users/${person.uid}/avatar`, person.token);
    },
  },
  "GET /groups/{group_no}/avatar": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { groupNo } = await makeGroupOf(app);
      return await readFile(app, `/groups/${groupNo}/avatar`);
    },
  },
  "POST /groups/{group_no}/avatar": {
    sql: 7,
    redis: 0,
    why:
      "nothing is kept of who may not; then a transaction that locks the group, and whom to tell",
    async call(app) {
      const { groupNo, token } = await makeGroupOf(app);
      return await sendFile(app, `/groups/${groupNo}/avatar`, token);
    },
  },
  "GET /file/upload": {
    sql: 0,
    redis: 0,
    async call(app) {
      const { token } = await makeChat(app);
      const query = { path: "/1/x/a.png", type: "chat" };
      return await callIm(app, "GET", "/file/upload", { token, query });
    },
  },
  "POST /file/upload": {
    sql: 0,
    redis: 0,
    async call(app) {
      const { token } = await makeChat(app);
      return await sendFile(app, "/file/upload?type=chat&path=/1/x/a.png", token);
    },
  },
  "GET /file/preview/{type}/{name}": {
    sql: 0,
    redis: 0,
    async call(app) {
      const { token } = await makeChat(app);
      const sent = await sendFile(app, "/file/upload?type=chat&path=/1/x/a.png", token);
      return await readFile(app, `/${sent.data.path}`);
    },
  },
};

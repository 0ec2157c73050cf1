import { askIm, callIm } from "../../clients/im.ts";
import type { TestApp } from "../../harness.ts";
import { type ChatPerson, makeChatPerson, makeFriends, readTold } from "../im/chat_people.ts";
import type { TripsTable } from "../trips_test.ts";

/** A person whose session Redis already knows. */
async function makeWarmPerson(app: TestApp): Promise<ChatPerson> {
  const person = await makeChatPerson(app);
  await askIm(app, "GET", "/label", { token: person.token });
  return person;
}

/** A warm person who has just been asked, with the token. */
async function askedPerson(app: TestApp) {
  const [person, applicant] = [await makeWarmPerson(app), await makeChatPerson(app, "Tony")];
  const body = { to_uid: person.uid };
  await askIm(app, "POST", "/friend/apply", { token: applicant.token, body });
  const token: string = (await readTold(app, person)).at(-1)!.payload.param.token;
  return { person, applicant, token };
}

async function labelled(app: TestApp) {
  const [person, friend] = [await makeWarmPerson(app), await makeChatPerson(app, "Tony")];
  await makeFriends(app, person, friend);
  const body = { name: "家人", member_uids: [friend.uid] };
  const { id } = await askIm(app, "POST", "/label", { token: person.token, body });
  return { person, body, path: `/label/${id}` };
}

const favorite = {
  type: 1,
  unique_key: "1000001",
  author_uid: "a".repeat(32),
  author_name: "Anna",
  payload: { type: 1, content: "你好" },
};

export const trips: TripsTable = {
  "POST /friend/apply": {
    sql: 2,
    redis: 0,
    async call(app) {
      const [person, other] = [await makeWarmPerson(app), await makeChatPerson(app, "Tony")];
      const body = { to_uid: other.uid, remark: "你好" };
      return await callIm(app, "POST", "/friend/apply", { token: person.token, body });
    },
  },
  "POST /friend/sure": {
    sql: 8,
    redis: 0,
    why: "a transaction that locks both people first, then three messages",
    async call(app) {
      const { person, token } = await askedPerson(app);
      return await callIm(app, "POST", "/friend/sure", { token: person.token, body: { token } });
    },
  },
  "POST /friend/sync": {
    sql: 1,
    redis: 0,
    async call(app) {
      const [person, friend] = [await makeWarmPerson(app), await makeChatPerson(app, "Tony")];
      await makeFriends(app, person, friend);
      return await callIm(app, "POST", "/friend/sync", { token: person.token });
    },
  },
  "POST /friend/online": {
    sql: 1,
    redis: 1,
    why: "whether somebody is online is known to Redis alone, once the friends are known",
    async call(app) {
      const { person, token } = await askedPerson(app);
      await askIm(app, "POST", "/friend/sure", { token: person.token, body: { token } });
      return await callIm(app, "POST", "/friend/online", { token: person.token });
    },
  },
  "DELETE /friend/{uid}": {
    sql: 5,
    redis: 0,
    why: "a transaction that locks both people first, then the message that tells them",
    async call(app) {
      const [person, friend] = [await makeWarmPerson(app), await makeChatPerson(app, "Tony")];
      await makeFriends(app, person, friend);
      return await callIm(app, "DELETE", `/friend/${friend.uid}`, { token: person.token });
    },
  },
  "POST /label": {
    sql: 1,
    redis: 0,
    async call(app) {
      const body = { name: "家人" };
      return await callIm(app, "POST", "/label", {
        token: (await makeWarmPerson(app)).token,
        body,
      });
    },
  },
  "GET /label": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { person } = await labelled(app);
      return await callIm(app, "GET", "/label", { token: person.token });
    },
  },
  "PUT /label/{id}": {
    sql: 4,
    redis: 0,
    why: "a transaction that locks the label before its members are looked at",
    async call(app) {
      const { person, path, body } = await labelled(app);
      return await callIm(app, "PUT", path, { token: person.token, body });
    },
  },
  "DELETE /label/{id}": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { person, path } = await labelled(app);
      return await callIm(app, "DELETE", path, { token: person.token });
    },
  },
  "GET /label/{id}": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { person, path } = await labelled(app);
      return await callIm(app, "GET", path, { token: person.token });
    },
  },
  "GET /favorite/my": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { token } = await makeWarmPerson(app);
      await askIm(app, "POST", "/favorites", { token, body: favorite });
      return await callIm(app, "GET", "/favorite/my", { token });
    },
  },
  "POST /favorites": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { token } = await makeWarmPerson(app);
      return await callIm(app, "POST", "/favorites", { token, body: favorite });
    },
  },
  "DELETE /favorites/{no}": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { token } = await makeWarmPerson(app);
      await askIm(app, "POST", "/favorites", { token, body: favorite });
      const [{ no }] = await askIm(app, "GET", "/favorite/my", { token });
      return await callIm(app, "DELETE", `/favorites/${no}`, { token });
    },
  },
};

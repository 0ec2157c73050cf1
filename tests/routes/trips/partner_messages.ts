import { ensurePeople } from "../../../db/domain/users/ensure_people.ts";
import { askPartner, callPartner, grantToken, makeApp } from "../../clients/partner.ts";
import type { TestApp } from "../../harness.ts";
import { makeGroup } from "../../people/factories.ts";
import type { TripsTable } from "../trips_test.ts";

/** An app whose credentials, and one client's, are in the cache, with a group of two people. */
async function makeChat(app: TestApp) {
  const partner = await makeApp(app.ctx);
  const { appId, basic } = partner;
  const named = [{ appUid: 1 }, { appUid: 2 }];
  const people = await ensurePeople(app.ctx, { tenantId: appId, people: named });
  const members = people.map(({ userId }) => ({ id: userId }));
  const group = await makeGroup(app.ctx, members, { appId });
  const bearer = await grantToken(app, partner, { uid: 1 });
  await askPartner(app, "GET /messages", { bearer });
  return { basic, bearer, groupId: group.id };
}

export const trips: TripsTable = {
  "POST /messages/peers": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { basic } = await makeChat(app);
      const body = { sender: 1, receiver: 2, content: "hi" };
      return await callPartner(app, "POST /messages/peers", { basic, body });
    },
  },
  "POST /messages/groups": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { basic, groupId } = await makeChat(app);
      const body = { sender: 1, receiver: groupId, content: "hi" };
      return await callPartner(app, "POST /messages/groups", { basic, body });
    },
  },
  "POST /messages/systems": {
    sql: 2,
    redis: 0,
    async call(app) {
      const { basic } = await makeChat(app);
      const body = { receiver: 1, content: "hi" };
      return await callPartner(app, "POST /messages/systems", { basic, body });
    },
  },
  "POST /messages/notifications": {
    sql: 2,
    redis: 0,
    async call(app) {
      const { basic } = await makeChat(app);
      const body = { receiver: 1, content: "hi" };
      return await callPartner(app, "POST /messages/notifications", { basic, body });
    },
  },
  "POST /messages/groups/notifications": {
    sql: 2,
    redis: 0,
    async call(app) {
      const { basic, groupId } = await makeChat(app);
      const body = { group_id: groupId, content: "hi" };
      return await callPartner(app, "POST /messages/groups/notifications", { basic, body });
    },
  },
  "POST /messages/rooms": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { basic } = await makeChat(app);
      const body = { sender: 1, receiver: 1, content: "hi" };
      return await callPartner(app, "POST /messages/rooms", { basic, body });
    },
  },
  "GET /messages/offline": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { basic } = await makeChat(app);
      return await callPartner(app, "GET /messages/offline", { basic, query: { uid: "1" } });
    },
  },
  "GET /messages": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { bearer } = await makeChat(app);
      return await callPartner(app, "GET /messages", { bearer });
    },
  },
};

import { callPartner, grantToken, type PartnerCall } from "../../clients/partner.ts";
import type { TestApp } from "../../harness.ts";
import { openPartnerGroup, openServer, type PartnerServer } from "../partner/group_place.ts";
import type { TripsTable } from "../trips_test.ts";

const commit = (what: string) =>
  `begin, lock and version, ${what}, commit: behind the group's lock`;
const created = "begin, people, group, members, message, commit, together or not at all";

interface Place {
  server: PartnerServer;
  gid: number;
  /** The token of the group's master, 1. */
  bearer: string;
}

/** A group of 1, 2 and 3; its server and its master have called before. */
async function openPlace(app: TestApp): Promise<Place> {
  const server = await openServer(app);
  const gid = await openPartnerGroup(server, [1, 2, 3]);
  const bearer = await grantToken(app, server, { uid: 1 });
  await callPartner(app, "GET /client/groups", { bearer });
  return { server, gid, bearer };
}

const asServer =
  (operation: string, { params, body }: PartnerCall = {}) => async (app: TestApp) => {
    const { server, gid } = await openPlace(app);
    return await server.call(operation, { params: { gid, ...params }, body });
  };

const asClient =
  (operation: string, { params, body }: PartnerCall = {}) => async (app: TestApp) => {
    const { gid, bearer } = await openPlace(app);
    return await callPartner(app, operation, { bearer, params: { gid, ...params }, body });
  };

const NEW_GROUP = { master: 1, name: "Group", members: [1, 2, { uid: 3, name: "Cid" }] };

export const trips: TripsTable = {
  "POST /groups": {
    sql: 6,
    redis: 0,
    why: created,
    call: asServer("POST /groups", { body: NEW_GROUP }),
  },
  "PATCH /groups/{gid}": {
    sql: 5,
    redis: 0,
    why: commit("name, message"),
    call: asServer("PATCH /groups/{gid}", { body: { name: "x" } }),
  },
  "DELETE /groups/{gid}": {
    sql: 6,
    redis: 0,
    why: commit("message, members, end"),
    call: asServer("DELETE /groups/{gid}"),
  },
  "POST /groups/{gid}/members": {
    sql: 6,
    redis: 0,
    why: commit("people, members, message"),
    call: asServer("POST /groups/{gid}/members", { body: [4, 5] }),
  },
  "DELETE /groups/{gid}/members/{mid}": {
    sql: 6,
    redis: 0,
    why: commit("member and inboxes' locks, message to them, to the others"),
    call: asServer("DELETE /groups/{gid}/members/{mid}", { params: { mid: 2 } }),
  },
  "DELETE /groups/{gid}/members": {
    sql: 8,
    redis: 0,
    why: commit("members, what they had not read of the log: a lock and a copy, two messages"),
    async call(app) {
      const { server } = await openPlace(app);
      const gid = await openPartnerGroup(server, [1, 2, 3], { super: true });
      return await server.call("DELETE /groups/{gid}/members", { params: { gid }, body: [2, 3] });
    },
  },
  "POST /groups/{gid}/upgrade": {
    sql: 5,
    redis: 0,
    why: commit("message, kind"),
    call: asServer("POST /groups/{gid}/upgrade"),
  },
  "PATCH /groups/{gid}/members/{memberid}": {
    sql: 5,
    redis: 0,
    why: commit("nickname, message"),
    call: asServer("PATCH /groups/{gid}/members/{memberid}", {
      params: { memberid: 2 },
      body: { nickname: "x" },
    }),
  },
  "POST /client/groups": {
    sql: 6,
    redis: 0,
    why: created,
    call: asClient("POST /client/groups", { body: NEW_GROUP }),
  },
  "GET /client/groups": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { bearer } = await openPlace(app);
      const query = { fields: "members,quiet" };
      return await callPartner(app, "GET /client/groups", { bearer, query });
    },
  },
  "GET /client/groups/{gid}/members": {
    sql: 1,
    redis: 0,
    call: asClient("GET /client/groups/{gid}/members"),
  },
  "PATCH /client/groups/{gid}": {
    sql: 6,
    redis: 0,
    why: commit("who asks, notice, message"),
    call: asClient("PATCH /client/groups/{gid}", { body: { notice: "x" } }),
  },
  "DELETE /client/groups/{gid}": {
    sql: 6,
    redis: 0,
    why: commit("message, members, end"),
    call: asClient("DELETE /client/groups/{gid}"),
  },
  "POST /client/groups/{gid}/members": {
    sql: 7,
    redis: 0,
    why: commit("who asks, people, members, message"),
    call: asClient("POST /client/groups/{gid}/members", { body: { members: [{ uid: 4 }] } }),
  },
  "DELETE /client/groups/{gid}/members/{mid}": {
    sql: 6,
    redis: 0,
    why: commit("member and inboxes' locks, message to them, to the others"),
    call: asClient("DELETE /client/groups/{gid}/members/{mid}", { params: { mid: 1 } }),
  },
  "DELETE /client/groups/{gid}/members": {
    sql: 6,
    redis: 0,
    why: commit("members and inboxes' locks, message to them, to the others"),
    call: asClient("DELETE /client/groups/{gid}/members", { body: [{ uid: 2 }] }),
  },
  "PATCH /client/groups/{gid}/members/{memberid}": {
    sql: 5,
    redis: 0,
    why: commit("switch, command"),
    call: asClient("PATCH /client/groups/{gid}/members/{memberid}", {
      params: { memberid: 1 },
      body: { do_not_disturb: true },
    }),
  },
};

import { callIm } from "../../clients/im.ts";
import type { TestApp } from "../../harness.ts";
import { befriend, type Chatter, makeChatters, openGroup } from "../../people/group.ts";
import type { TripsTable } from "../trips_test.ts";

const CHANGE = "begin, lock and version, who asks, ";
const commit = (what: string) => `${CHANGE}${what}, commit: each behind the group's lock`;

interface Place {
  groupNo: string;
  path: string;
  owner: Chatter;
  member: Chatter;
  outsider: Chatter;
}

/** A group of an owner and a member, whose sessions are in the cache, and somebody who is in none. */
async function openPlace(app: TestApp): Promise<Place> {
  const [owner, member, outsider] = await makeChatters(app, "Ann", "Bob", "Cid");
  const groupNo = await openGroup(app, [owner!, member!]);
  const path = `/groups/${groupNo}`;
  for (const person of [owner!, member!, outsider!]) await person.ask("GET", path);
  return { groupNo, path, owner: owner!, member: member!, outsider: outsider! };
}

/** What the owner's call of an operation on the group costs. */
const asOwner = (
  method: string,
  tail: string | ((place: Place) => string),
  body?: (place: Place) => unknown,
) =>
async (app: TestApp) => {
  const place = await openPlace(app);
  const path = place.path + (typeof tail === "string" ? tail : tail(place));
  return await place.owner.call(method, path, body && { body: body(place) });
};

async function invite({ member, outsider, path }: Place): Promise<string> {
  const body = { uids: [outsider.uid] };
  return (await member.ask("POST", `${path}/member/invite`, { body })).invite_no;
}

/** The code in the address of the page an invitation is confirmed on. */
async function confirmCode(place: Place): Promise<string> {
  const query = { invite_no: await invite(place) };
  const { url } = await place.owner.ask("GET", `${place.path}/member/h5confirm`, { query });
  return new URL(url).searchParams.get("auth_code")!;
}

async function qrcode({ owner, path }: Place): Promise<string> {
  return new URL((await owner.ask("GET", `${path}/qrcode`)).qrcode).pathname;
}

export const trips: TripsTable = {
  "POST /group/create": {
    sql: 9,
    redis: 0,
    why: "begin, creator's lock, groups today, friends, group, members, message, commit, answer",
    async call(app) {
      const { owner, outsider } = await openPlace(app);
      await befriend(app, owner, [outsider]);
      const body = { name: "a", members: [outsider.uid] };
      return await owner.call("POST", "/group/create", { body });
    },
  },
  "GET /group/invites/{no}": {
    sql: 1,
    redis: 0,
    async call(app) {
      const place = await openPlace(app);
      return await place.owner.call("GET", `/group/invites/${await invite(place)}`);
    },
  },
  "POST /group/invite/sure": {
    sql: 8,
    redis: 0,
    why: commit("invitation, people, members, message"),
    async call(app) {
      const auth_code = await confirmCode(await openPlace(app));
      return await callIm(app, "POST", "/group/invite/sure", { query: { auth_code } });
    },
  },
  "GET /groups/{group_no}": { sql: 1, redis: 0, call: asOwner("GET", "") },
  "PUT /groups/{group_no}": {
    sql: 6,
    redis: 0,
    why: commit("columns, message"),
    call: asOwner("PUT", "", () => ({ name: "新名" })),
  },
  "PUT /groups/{group_no}/setting": {
    sql: 4,
    redis: 0,
    why: "begin, switches, command, commit: devices hear of what is kept alone",
    call: asOwner("PUT", "/setting", () => ({ mute: 1 })),
  },
  "POST /groups/{group_no}/members": {
    sql: 7,
    redis: 0,
    why: commit("people, members, message"),
    call: asOwner("POST", "/members", ({ outsider }) => ({ members: [outsider.uid] })),
  },
  "DELETE /groups/{group_no}/members": {
    sql: 7,
    redis: 0,
    why: commit("members and inboxes' locks, message to them, message to the others"),
    call: asOwner("DELETE", "/members", ({ member }) => ({ members: [member.uid] })),
  },
  "POST /groups/{group_no}/blacklist/add": {
    sql: 6,
    redis: 0,
    why: commit("members, command"),
    call: asOwner("POST", "/blacklist/add", ({ member }) => ({ uids: [member.uid] })),
  },
  "POST /groups/{group_no}/blacklist/remove": {
    sql: 6,
    redis: 0,
    why: commit("members, command"),
    async call(app) {
      const { owner, member, path } = await openPlace(app);
      const body = { uids: [member.uid] };
      await owner.ask("POST", `${path}/blacklist/add`, { body });
      return await owner.call("POST", `${path}/blacklist/remove`, { body });
    },
  },
  "PUT /groups/{group_no}/members/{uid}": {
    sql: 6,
    redis: 0,
    why: commit("remark, command"),
    call: asOwner("PUT", ({ member }) => `/members/${member.uid}`, () => ({ remark: "小鲍" })),
  },
  "GET /groups/{group_no}/membersync": { sql: 1, redis: 0, call: asOwner("GET", "/membersync") },
  "POST /groups/{group_no}/managers": {
    sql: 7,
    redis: 0,
    why: commit("members, roles, command"),
    call: asOwner("POST", "/managers", ({ member }) => [member.uid]),
  },
  "DELETE /groups/{group_no}/managers": {
    sql: 7,
    redis: 0,
    why: commit("members, roles, command"),
    async call(app) {
      const { owner, member, path } = await openPlace(app);
      await owner.ask("POST", `${path}/managers`, { body: [member.uid] });
      return await owner.call("DELETE", `${path}/managers`, { body: [member.uid] });
    },
  },
  "POST /groups/{group_no}/forbidden/{on}": {
    sql: 6,
    redis: 0,
    why: commit("columns, message"),
    call: asOwner("POST", "/forbidden/1"),
  },
  "GET /groups/{group_no}/qrcode": { sql: 1, redis: 0, call: asOwner("GET", "/qrcode") },
  "POST /groups/{group_no}/transfer/{to_uid}": {
    sql: 7,
    redis: 0,
    why: commit("heir, roles, message"),
    call: asOwner("POST", ({ member }) => `/transfer/${member.uid}`),
  },
  "POST /groups/{group_no}/member/invite": {
    sql: 8,
    redis: 0,
    why: commit("people, invitation, who decides, message"),
    call: asOwner("POST", "/member/invite", ({ outsider }) => ({ uids: [outsider.uid] })),
  },
  "GET /groups/{group_no}/member/h5confirm": {
    sql: 2,
    redis: 0,
    why: "the caller's role first: others shall not learn of invitations",
    async call(app) {
      const place = await openPlace(app);
      const query = { invite_no: await invite(place) };
      return await place.owner.call("GET", `${place.path}/member/h5confirm`, { query });
    },
  },
  "POST /groups/{group_no}/exit": {
    sql: 6,
    redis: 0,
    why:
      "begin, lock and version, member and inboxes' locks, message to them, to the others, commit",
    async call(app) {
      const { member, path } = await openPlace(app);
      return await member.call("POST", `${path}/exit`);
    },
  },
  "GET /groups/{group_no}/scanjoin": {
    sql: 7,
    redis: 0,
    why: "begin, lock and version, who showed it, who joins, members, message, commit",
    async call(app) {
      const place = await openPlace(app);
      const { data } = await place.outsider.ask("GET", await qrcode(place));
      const query = { auth_code: new URL(data.url).searchParams.get("auth_code")! };
      return await callIm(app, "GET", `${place.path}/scanjoin`, { query });
    },
  },
  "GET /qrcode/{code}": {
    sql: 1,
    redis: 0,
    async call(app) {
      const place = await openPlace(app);
      return await place.outsider.call("GET", await qrcode(place));
    },
  },
};

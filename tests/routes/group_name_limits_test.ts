import assert from "node:assert/strict";
import { callIm } from "../clients/im.ts";
import { askOps, callOps, makeOperator } from "../clients/ops.ts";
import { callPartner, grantToken } from "../clients/partner.ts";
import { startTestApp, type TestApp } from "../harness.ts";
import { Cases } from "../known_failures.ts";
import { type HousePerson, makeHousePeople, openHouseGroup } from "./house_people.ts";
import { openServer, type PartnerServer } from "./partner/group_place.ts";

/** What does not hold yet, as `door: what`; see {@link Cases}. */
const KNOWN: string[] = [];

const cases = new Cases(KNOWN);

interface Place {
  app: TestApp;
  server: PartnerServer;
  operatorToken: string;
  ann: HousePerson;
  bob: HousePerson;
  bearer: string;
  gid: number;
  groupNo: string;
}

/** What a surface answered: `ok`, or the HTTP status, its own code and its text. */
type Answer = "ok" | { http: number; code: number; text: string };

const ofIm = async (place: Place, method: string, path: string, body: unknown): Promise<Answer> => {
  const { http, data } = await callIm(place.app, method, path, {
    token: place.ann.login.token,
    body,
  });
  return http === 200 ? "ok" : { http, code: data.status, text: data.msg };
};

const ofPartner = async (
  { app, server, ann, bearer, gid }: Place,
  operation: string,
  body: unknown,
): Promise<Answer> => {
  const { http, envelope } = await callPartner(app, operation, {
    ...operation.includes("/client/") ? { bearer } : { basic: server.basic },
    params: { gid, memberid: ann.number },
    body,
  });
  const { code, message } = envelope.meta;
  return http === 200 ? "ok" : { http, code, text: message };
};

const ofOps = async ({ app, operatorToken, gid }: Place, body: unknown): Promise<Answer> => {
  const call = { token: operatorToken, params: { id: String(gid) }, body };
  const { http, data } = await callOps(app, "PATCH /v1/groups/{id}", call);
  return http === 200 ? "ok" : { http, code: data.code, text: data.msg };
};

interface Door {
  door: string;
  /** The code of a refusal, in the surface's form. */
  code: number;
  lengthMax: number;
  set(place: Place, text: string): Promise<Answer>;
  /** The text as every surface that shows it has it. */
  read(place: Place): Promise<string[]>;
}

/** Of the group that was made or renamed last: as the chat app, a client and an operator show it. */
async function namesOf({ app, operatorToken, ann }: Place): Promise<string[]> {
  const groups: { id: number; name: string }[] = await ann.client("GET /client/groups");
  const byOperator = await askOps(app, "GET /v1/groups/{id}", {
    token: operatorToken,
    params: { id: String(groups[0]!.id) },
  });
  const [newest] = await ann.im("GET", "/conversations");
  const byChat = await ann.im("GET", `/groups/${newest.channel_id}`);
  return [groups[0]!.name, byOperator.name, byChat.name];
}

async function noticesOf({ ann, groupNo }: Place): Promise<string[]> {
  const [group] = await ann.client("GET /client/groups");
  return [group.notice, (await ann.im("GET", `/groups/${groupNo}`)).notice];
}

async function nicknamesOf({ ann, bob, groupNo }: Place): Promise<string[]> {
  const synced: { uid: string; remark: string }[] = await bob.im(
    "GET",
    `/groups/${groupNo}/membersync`,
  );
  const [group] = await ann.client("GET /client/groups", { query: { fields: "members" } });
  const listed: { uid: number; nickname: string }[] = group.members;
  return [
    synced.find(({ uid }) => uid === ann.uid)!.remark,
    listed.find(({ uid }) => uid === ann.number)!.nickname,
  ];
}

const NAME = { lengthMax: 255, read: namesOf };
const NOTICE = { lengthMax: 1_000, read: noticesOf };
const NICKNAME = { lengthMax: 255, read: nicknamesOf };
const partnerDoor = (door: string, key: string): Pick<Door, "door" | "code" | "set"> => ({
  door,
  code: 400,
  set: (place, text) => ofPartner(place, door, { [key]: text }),
});
const creatingDoor = (door: string): Pick<Door, "door" | "code" | "set"> => ({
  door,
  code: 400,
  set(place, name) {
    const members = [place.ann.number, place.bob.number];
    return ofPartner(place, door, { master: place.ann.number, name, members });
  },
});
const imDoor = (door: string, key: string): Pick<Door, "door" | "code" | "set"> => ({
  door,
  code: 400,
  set({ ann, groupNo, ...place }, text) {
    const [method, path] = door.replace("{group_no}", groupNo).replace("{uid}", ann.uid).split(" ");
    return ofIm({ ann, groupNo, ...place }, method!, path!, { [key]: text });
  },
});

const DOORS: (Door & { what: string })[] = [
  {
    what: "name",
    door: "POST /group/create",
    code: 400,
    ...NAME,
    set: (place, name) => ofIm(place, "POST", "/group/create", { name, members: [place.bob.uid] }),
  },
  { what: "name", ...NAME, ...imDoor("PUT /groups/{group_no}", "name") },
  { what: "name", ...NAME, ...creatingDoor("POST /groups") },
  { what: "name", ...NAME, ...creatingDoor("POST /client/groups") },
  { what: "name", ...NAME, ...partnerDoor("PATCH /groups/{gid}", "name") },
  { what: "name", ...NAME, ...partnerDoor("PATCH /client/groups/{gid}", "name") },
  {
    what: "name",
    door: "PATCH /v1/groups/{id}",
    code: 4001,
    ...NAME,
    set: (place, name) => ofOps(place, { name }),
  },
  { what: "notice", ...NOTICE, ...imDoor("PUT /groups/{group_no}", "notice") },
  { what: "notice", ...NOTICE, ...partnerDoor("PATCH /client/groups/{gid}", "notice") },
  { what: "nickname", ...NICKNAME, ...imDoor("PUT /groups/{group_no}/members/{uid}", "remark") },
  {
    what: "nickname",
    ...NICKNAME,
    ...partnerDoor("PATCH /groups/{gid}/members/{memberid}", "nickname"),
  },
  {
    what: "nickname",
    ...NICKNAME,
    ...partnerDoor("PATCH /client/groups/{gid}/members/{memberid}", "nickname"),
  },
];

async function openPlace(app: TestApp, server: PartnerServer, operatorToken: string) {
  const [ann, bob] = await makeHousePeople(app, server, ["Ann", "Bob"]);
  const group = await openHouseGroup([ann!, bob!], "读书会");
  const bearer = await grantToken(app, server, { uid: ann!.number });
  return { app, server, operatorToken, ann: ann!, bob: bob!, bearer, ...group };
}

Deno.test("a group's texts are as long by every door: all shown or refused, none cut", async (t) => {
  await using app = await startTestApp();
  const server = await openServer(app, { house: true });
  const { token } = await makeOperator(app.ctx, "admin");
  for (const { what, door, code, lengthMax, set, read } of DOORS) {
    // Letters of two UTF-16 units and four bytes, where they fit a message.
    for (const letter of lengthMax > 255 ? ["长"] : ["长", "𠮷"]) {
      const place = await openPlace(app, server, token);
      const longest = letter.repeat(lengthMax);
      const answer = await set(place, longest);
      const shown = await read(place);
      await cases.step(t, `${what}, ${door}: ${lengthMax} of ${letter} are shown whole`, () => {
        assert.deepEqual([answer, ...new Set(shown)], ["ok", longest]);
      });
      const refused = await set(place, letter.repeat(lengthMax + 1));
      const after = await read(place);
      await cases.step(t, `${what}, ${door}: ${lengthMax + 1} of ${letter} are refused`, () => {
        assert.ok(refused !== "ok", "taken, and cut");
        assert.deepEqual([refused.http, refused.code], [400, code]);
        assert.ok(refused.text.includes(`不能超过${lengthMax}个字`), refused.text);
        assert.deepEqual(after, shown, "nothing has changed");
      });
    }
  }
});

Deno.test("a group nobody named is called after its people, as far as a name reaches", async () => {
  await using app = await startTestApp();
  const server = await openServer(app, { house: true });
  const names = Array.from({ length: 20 }, (_, at) => `${at}`.padStart(20, "名"));
  const people = await makeHousePeople(app, server, names);
  const [owner, ...others] = people;
  const members = others.map(({ uid }) => uid);
  const { name } = await owner!.im("POST", "/group/create", { name: "", members });
  assert.ok(names.join("、").startsWith(name), name);
  assert.ok(name.length > 0 && [...name].length <= 255);
});

Deno.test("every known failure is a case of this file", () => cases.assertListed());

import { askIm } from "../clients/im.ts";
import { askOps } from "../clients/ops.ts";
import type { TestApp } from "../harness.ts";
import type { HouseGroup, HousePerson } from "./house_people.ts";
import type { PartnerServer } from "./partner/group_place.ts";

/**
 * A group of the house and people around it: Ann owns it, Bob is a manager, Cid and Dan are members,
 * Eve and Fay are outside.
 */
export interface Place {
  app: TestApp;
  server: PartnerServer;
  operatorToken: string;
  group: HouseGroup;
  ann: HousePerson;
  bob: HousePerson;
  cid: HousePerson;
  dan: HousePerson;
  eve: HousePerson;
  fay: HousePerson;
}

export type Who = "ann" | "bob" | "cid" | "dan" | "eve" | "fay";

/** What the chat app shows: `content` as it is, with `{0}`… for the names in `extra`. */
export interface ChatLine {
  type: number;
  content: string | RegExp;
  /** Absent: not looked at. */
  extra?: string[];
  data?: Record<string, unknown>;
}

export interface Door {
  door: string;
  /** Who acts; absent: the partner's server or an operator, who are nobody in the group. */
  by?: Who;
  act(place: Place): Promise<unknown>;
}

/** What can happen to a group, by which doors, and what people read of it, whichever it was. */
export interface Fact {
  fact: string;
  doors: Door[];
  /** Of groups that keep one log as well; a super group cannot be upgraded. */
  smallOnly?: boolean;
  /** By person; commands as `99 cmd {param}`. */
  chat(place: Place, by: HousePerson | undefined): Partial<Record<Who, (ChatLine | string)[]>>;
  /** What a partner's client reads, by person: `key` and its fields, each person by themselves. */
  news(place: Place, by: HousePerson | undefined): Partial<Record<Who, string[]>>;
  /** Lines of these facts, which happen on the way, are not looked at here. */
  besides?: { types: number[]; keys: string[] };
  /** Whose list of conversations stays as it was, without a red dot. */
  unmoved?: Who[];
}

const im = (path: string, { group }: Place) => `/groups/${group.groupNo}${path}`;
const at = ({ group: { gid } }: Place, params: Record<string, number> = {}) => ({
  params: { gid, ...params },
});
const everybody = (lines: string[]) => ({ ann: lines, bob: lines, cid: lines, dan: lines });
const numbers = (people: HousePerson[]) => people.map(({ number }) => number);
const uids = (people: HousePerson[]) => people.map(({ uid }) => uid);
const who = ({ number, name }: HousePerson) => `${number} ${name}`;
/** With a person it is their sentence, without one the administration's. */
const sentence = (by: HousePerson | undefined, words: string) => `${by ? "{0}" : "管理员"}${words}`;
const namesOf = (by: HousePerson | undefined) => by ? [by.name] : [];

const renamed: Fact = {
  fact: "renamed",
  doors: [
    {
      door: "PUT /groups/{group_no}",
      by: "ann",
      act: (p) => p.ann.im("PUT", im("", p), { name: "新名" }),
    },
    {
      door: "PATCH /groups/{gid}",
      act: (p) => p.server.ask("PATCH /groups/{gid}", { ...at(p), body: { name: "新名" } }),
    },
    {
      door: "PATCH /client/groups/{gid}",
      by: "bob",
      act: (p) => p.bob.client("PATCH /client/groups/{gid}", { ...at(p), body: { name: "新名" } }),
    },
    {
      door: "PATCH /v1/groups/{id}",
      act: (p) =>
        askOps(p.app, "PATCH /v1/groups/{id}", {
          token: p.operatorToken,
          params: { id: String(p.group.gid) },
          body: { name: "新名" },
        }),
    },
  ],
  chat: (_, by) => ({
    cid: [{
      type: 1005,
      content: sentence(by, "修改群名为“新名”"),
      extra: namesOf(by),
      data: { name: "新名" },
    }],
  }),
  news: () => everybody(['update_name {"name":"新名"}']),
};

const noticed: Fact = {
  fact: "notice",
  doors: [
    {
      door: "PUT /groups/{group_no}",
      by: "ann",
      act: (p) => p.ann.im("PUT", im("", p), { notice: "周五见" }),
    },
    {
      door: "PATCH /client/groups/{gid}",
      by: "bob",
      act: (p) =>
        p.bob.client("PATCH /client/groups/{gid}", { ...at(p), body: { notice: "周五见" } }),
    },
  ],
  chat: (_, by) => ({
    cid: [{
      type: 1005,
      content: sentence(by, "修改群公告为“周五见”"),
      extra: namesOf(by),
      data: { notice: "周五见" },
    }],
  }),
  news: () => everybody(['update_notice {"notice":"周五见"}']),
};

async function inviteAndConfirm(place: Place): Promise<void> {
  const { app, ann, cid, eve, fay } = place;
  const { invite_no } = await cid.im("POST", im("/member/invite", place), {
    uids: uids([eve, fay]),
  });
  const { url } = await ann.im("GET", im("/member/h5confirm", place), undefined, { invite_no });
  const query = { auth_code: new URL(url).searchParams.get("auth_code")! };
  await askIm(app, "POST", "/group/invite/sure", { query });
}

const added: Fact = {
  fact: "members added",
  doors: [
    {
      door: "POST /groups/{group_no}/members",
      by: "ann",
      act: (p) => p.ann.im("POST", im("/members", p), { members: uids([p.eve, p.fay]) }),
    },
    { door: "POST /group/invite/sure", by: "cid", act: inviteAndConfirm },
    {
      door: "POST /groups/{gid}/members",
      act: (p) =>
        p.server.ask("POST /groups/{gid}/members", { ...at(p), body: numbers([p.eve, p.fay]) }),
    },
    {
      door: "POST /groups/{gid}/members with an inviter",
      by: "cid",
      act: (p) => {
        const members = numbers([p.eve, p.fay]);
        const body = { members, inviter: { uid: p.cid.number } };
        return p.server.ask("POST /groups/{gid}/members", { ...at(p), body });
      },
    },
    {
      door: "POST /client/groups/{gid}/members",
      by: "cid",
      act: (p) =>
        p.cid.client("POST /client/groups/{gid}/members", {
          ...at(p),
          body: { members: numbers([p.eve, p.fay]) },
        }),
    },
  ],
  chat({ eve, fay }, by) {
    const content = by ? `${by.name}邀请{0}、{1}加入群聊` : /^(管理员\S+)?\{0\}、\{1\}加入群聊$/;
    const line = { type: 1002, content, extra: [eve.name, fay.name] };
    return { bob: [line], dan: [line], eve: [line] };
  },
  news({ eve, fay }, by) {
    const inviter = by ? ` by ${who(by)}` : "";
    const lines = [eve, fay].map((person) => `add_member ${who(person)}${inviter}`);
    return { ...everybody(lines), eve: lines, fay: lines };
  },
  // The request of the invitation.
  besides: { types: [1009], keys: [] },
};

async function scanAndJoin(place: Place): Promise<void> {
  const { app, bob, eve } = place;
  const { qrcode } = await bob.im("GET", im("/qrcode", place));
  const { data } = await eve.im("GET", new URL(qrcode).pathname);
  const query = { auth_code: new URL(data.url).searchParams.get("auth_code")! };
  await askIm(app, "GET", im("/scanjoin", place), { query });
}

const scanned: Fact = {
  fact: "joined by scan",
  doors: [{ door: "GET /groups/{group_no}/scanjoin", by: "bob", act: scanAndJoin }],
  chat({ eve, bob }) {
    const content = "{0}通过{1}的二维码加入群聊";
    const line = { type: 1007, content, extra: [eve.name, bob.name] };
    return { cid: [line], eve: [line] };
  },
  news({ eve, bob }) {
    const lines = [`add_member ${who(eve)} by ${who(bob)}`];
    return { ...everybody(lines), eve: lines };
  },
};

const nicknamed: Fact = {
  fact: "nickname",
  doors: [
    {
      door: "PUT /groups/{group_no}/members/{uid}",
      by: "dan",
      act: (p) => p.dan.im("PUT", im(`/members/${p.dan.uid}`, p), { remark: "小丹" }),
    },
    {
      door: "PATCH /groups/{gid}/members/{memberid}",
      act: (p) =>
        p.server.ask("PATCH /groups/{gid}/members/{memberid}", {
          ...at(p, { memberid: p.dan.number }),
          body: { nickname: "小丹" },
        }),
    },
    {
      door: "PATCH /client/groups/{gid}/members/{memberid}",
      by: "dan",
      act: (p) =>
        p.dan.client("PATCH /client/groups/{gid}/members/{memberid}", {
          ...at(p, { memberid: p.dan.number }),
          body: { nickname: "小丹" },
        }),
    },
  ],
  chat: ({ group, dan }) => ({
    cid: [`99 memberUpdate ${JSON.stringify({ group_no: group.groupNo, uid: dan.uid })}`],
  }),
  news: ({ dan }) =>
    everybody([`update_member_nickname {"member_id":${dan.number},"nickname":"小丹"}`]),
};

export const tools = { im, at, everybody, numbers, uids, who, sentence, namesOf };
export const EDITS: Fact[] = [renamed, noticed, added, scanned, nicknamed];

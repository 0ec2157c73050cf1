import { type Fact, type Place, tools } from "./group_facts.ts";
import type { HousePerson } from "./house_people.ts";

const { im, at, everybody, numbers, uids, who, sentence, namesOf } = tools;

const created: Fact = {
  fact: "created",
  smallOnly: true,
  doors: [
    {
      door: "POST /group/create",
      by: "ann",
      act: (p) =>
        p.ann.im("POST", "/group/create", { name: "新群", members: uids([p.bob, p.cid, p.dan]) }),
    },
    ...["POST /groups", "POST /client/groups"].map((operation) => ({
      door: operation,
      by: "ann" as const,
      act({ server, ann, bob, cid, dan }: Place) {
        const members = numbers([ann, bob, cid, dan]);
        const body = { master: ann.number, name: "新群", members };
        return operation === "POST /groups"
          ? server.ask(operation, { body })
          : ann.client(operation, { body });
      },
    })),
  ],
  chat: ({ ann }) => ({
    cid: [{
      type: 1001,
      content: new RegExp(`^(${ann.name}|\\{0\\}).+`),
      data: { creator: ann.uid, creator_name: ann.name, version: 1 },
    }],
  }),
  news({ ann, bob, cid, dan }) {
    const members = numbers([ann, bob, cid, dan]);
    const said = { master: ann.number, name: "新群", super: 0, members, member_count: 4 };
    return everybody([`create ${JSON.stringify(said)}`]);
  },
};

const allMuted: Fact = {
  fact: "all muted, and not any more",
  doors: [{
    door: "POST /groups/{group_no}/forbidden/{on}",
    by: "bob",
    async act(p) {
      await p.bob.im("POST", im("/forbidden/1", p));
      await p.bob.im("POST", im("/forbidden/0", p));
    },
  }],
  chat: (_, by) => ({
    cid: [["1", "开启"], ["0", "关闭"]].map(([on, word]) => ({
      type: 1005,
      content: sentence(by, `${word}了全员禁言`),
      extra: namesOf(by),
      data: { forbidden: on },
    })),
  }),
  news: () => everybody(['update_setting {"forbidden":1}', 'update_setting {"forbidden":0}']),
};

const confirmed: Fact = {
  fact: "invitations confirmed, and not any more",
  doors: [{
    door: "PUT /groups/{group_no}",
    by: "ann",
    async act(p) {
      await p.ann.im("PUT", im("", p), { invite: 1 });
      await p.ann.im("PUT", im("", p), { invite: 0 });
    },
  }],
  chat: (_, by) => ({
    cid: [
      { type: 1005, content: /^\{0\}已启用/, extra: namesOf(by), data: { invite: "1" } },
      { type: 1005, content: /^\{0\}已恢复/, extra: namesOf(by), data: { invite: "0" } },
    ],
  }),
  news: () => everybody(['update_setting {"invite":1}', 'update_setting {"invite":0}']),
};

const managers: Fact = {
  fact: "managers",
  doors: [{
    door: "POST and DELETE /groups/{group_no}/managers",
    by: "ann",
    async act(p) {
      await p.ann.im("POST", im("/managers", p), [p.cid.uid]);
      await p.ann.im("DELETE", im("/managers", p), [p.cid.uid]);
    },
  }],
  chat({ group }) {
    const command = `99 memberUpdate ${JSON.stringify({ group_no: group.groupNo })}`;
    return { dan: [command, command] };
  },
  news: () => everybody([]),
};

const oneMuted: Fact = {
  fact: "one member muted",
  doors: [{
    door: "PATCH /groups/{gid}/members/{memberid}",
    act: (p) =>
      p.server.ask("PATCH /groups/{gid}/members/{memberid}", {
        ...at(p, { memberid: p.dan.number }),
        body: { mute: true },
      }),
  }],
  chat: ({ group, dan }) => ({
    cid: [`99 memberUpdate ${JSON.stringify({ group_no: group.groupNo, uid: dan.uid })}`],
  }),
  news: () => everybody([]),
};

const ownSwitches: Fact = {
  fact: "own switches",
  doors: [
    {
      door: "PUT /groups/{group_no}/setting",
      by: "dan",
      act: (p) => p.dan.im("PUT", im("/setting", p), { mute: 1 }),
    },
    {
      door: "PATCH /groups/{gid}/members/{memberid}",
      act: (p) =>
        p.server.ask("PATCH /groups/{gid}/members/{memberid}", {
          ...at(p, { memberid: p.dan.number }),
          body: { do_not_disturb: true },
        }),
    },
    {
      door: "PATCH /client/groups/{gid}/members/{memberid}",
      by: "dan",
      act: (p) =>
        p.dan.client("PATCH /client/groups/{gid}/members/{memberid}", {
          ...at(p, { memberid: p.dan.number }),
          body: { do_not_disturb: true },
        }),
    },
  ],
  chat: ({ group }) => ({
    dan: [`99 channelUpdate ${JSON.stringify({ channel_id: group.groupNo, channel_type: 2 })}`],
    cid: [],
    ann: [],
  }),
  news: () => everybody([]),
};

const asked: Fact = {
  fact: "asked to let people in",
  doors: [{
    door: "POST /groups/{group_no}/member/invite",
    by: "cid",
    act: (p) => p.cid.im("POST", im("/member/invite", p), { uids: uids([p.eve, p.fay]) }),
  }],
  chat({ cid }) {
    const line = { type: 1009, content: "{0}想邀请2位朋友加入群聊", extra: [cid.name] };
    return { ann: [line], bob: [line], cid: [], dan: [], eve: [] };
  },
  news: () => everybody([]),
};

const upgraded: Fact = {
  fact: "upgraded",
  smallOnly: true,
  doors: [{
    door: "POST /groups/{gid}/upgrade",
    act: (p) => p.server.ask("POST /groups/{gid}/upgrade", at(p)),
  }],
  chat: ({ group }) => ({
    cid: [`99 channelUpdate ${JSON.stringify({ channel_id: group.groupNo, channel_type: 2 })}`],
  }),
  news: () => everybody(['upgrade {"super":1}']),
};

const disbanded: Fact = {
  fact: "disbanded",
  doors: [
    { door: "DELETE /groups/{gid}", act: (p) => p.server.ask("DELETE /groups/{gid}", at(p)) },
    {
      door: "DELETE /client/groups/{gid}",
      by: "ann",
      act: (p) => p.ann.client("DELETE /client/groups/{gid}", at(p)),
    },
  ],
  chat: () => ({ cid: [{ type: 2000, content: /解散/ }], dan: [{ type: 2000, content: /解散/ }] }),
  news: () => everybody(["disband {}"]),
};

const goneLines = (people: HousePerson[]) => people.map((person) => `quit_group ${who(person)}`);

const removed: Fact = {
  fact: "removed",
  doors: [
    {
      door: "DELETE /groups/{group_no}/members",
      by: "ann",
      act: (p) => p.ann.im("DELETE", im("/members", p), { members: uids([p.bob, p.dan]) }),
    },
    {
      door: "DELETE /groups/{gid}/members",
      act: (p) =>
        p.server.ask("DELETE /groups/{gid}/members", { ...at(p), body: numbers([p.bob, p.dan]) }),
    },
    {
      door: "DELETE /client/groups/{gid}/members",
      by: "ann",
      act(p) {
        const body = numbers([p.bob, p.dan]).map((uid) => ({ uid }));
        return p.ann.client("DELETE /client/groups/{gid}/members", { ...at(p), body });
      },
    },
  ],
  chat({ bob, dan }, by) {
    const others = {
      type: 1003,
      content: by ? `${by.name}将{0}、{1}移出群聊` : /^(管理员\S+|\{0\}、\{1\}被移出群聊)$/,
      extra: [bob.name, dan.name],
    };
    const content = by ? "你被{0}移出群聊" : "你被移出群聊";
    const self = { type: 1020, content, extra: namesOf(by) };
    return { ann: [others], cid: [others], bob: [self], dan: [self] };
  },
  news: ({ bob, dan }) => everybody(goneLines([bob, dan])),
  unmoved: ["bob", "dan"],
};

const left: Fact = {
  fact: "left",
  doors: [
    {
      door: "POST /groups/{group_no}/exit",
      by: "dan",
      act: (p) => p.dan.im("POST", im("/exit", p)),
    },
    {
      door: "DELETE /groups/{gid}/members/{mid}",
      by: "dan",
      act: (p) => p.server.ask("DELETE /groups/{gid}/members/{mid}", at(p, { mid: p.dan.number })),
    },
    {
      door: "DELETE /client/groups/{gid}/members/{mid}",
      by: "dan",
      act: (p) =>
        p.dan.client("DELETE /client/groups/{gid}/members/{mid}", at(p, { mid: p.dan.number })),
    },
  ],
  chat({ dan }) {
    const line = { type: 1021, content: "{0}退出群聊", extra: [dan.name] };
    return { ann: [line], cid: [line] };
  },
  news: ({ dan }) => everybody(goneLines([dan])),
  unmoved: ["dan"],
};

const ownerChanged: Fact = {
  fact: "owner changed",
  doors: [
    {
      door: "POST /groups/{group_no}/transfer/{to_uid}",
      by: "ann",
      act: (p) => p.ann.im("POST", im(`/transfer/${p.bob.uid}`, p)),
    },
    {
      door: "POST /groups/{group_no}/exit",
      by: "ann",
      act: (p) => p.ann.im("POST", im("/exit", p)),
    },
    {
      door: "DELETE /groups/{gid}/members",
      act: (p) => p.server.ask("DELETE /groups/{gid}/members", { ...at(p), body: [p.ann.number] }),
    },
    {
      door: "DELETE /groups/{gid}/members/{mid}",
      by: "ann",
      act: (p) => p.server.ask("DELETE /groups/{gid}/members/{mid}", at(p, { mid: p.ann.number })),
    },
    {
      door: "DELETE /client/groups/{gid}/members/{mid}",
      by: "ann",
      act: (p) =>
        p.ann.client("DELETE /client/groups/{gid}/members/{mid}", at(p, { mid: p.ann.number })),
    },
  ],
  chat: ({ bob }) => ({
    cid: [{ type: 1008, content: "{0}已成为新群主", extra: [bob.name] }],
  }),
  news({ bob }) {
    const lines = [`update_master {"master":${bob.number}}`];
    return { bob: lines, cid: lines, dan: lines };
  },
  // The owner's leaving itself.
  besides: { types: [1003, 1020, 1021], keys: ["quit_group"] },
};

export const STATES: Fact[] = [
  ...[created, allMuted, confirmed, managers, oneMuted, ownSwitches, asked, upgraded],
];
/** Of these, who goes hears of it as well. */
export const FAREWELLS: Fact[] = [removed, left, ownerChanged, disbanded];

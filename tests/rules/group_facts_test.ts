import fc from "fast-check";
import assert from "node:assert/strict";
import type { Fact, FactOf, Person } from "../../db/domain/groups/facts.ts";
import { sayBoth } from "../../db/domain/groups/say_both.ts";
import { contentsOf } from "../../db/domain/messages/content.ts";
import { PAYLOAD_BYTES_MAX } from "../../db/domain/messages/rules.ts";

const of: FactOf = {
  groupId: 7_000_100_001,
  groupNo: "0f".repeat(16),
  name: "读书会",
  at: new Date(1_620_732_258_900),
};
const person = (appUid: number, name: string): Person => ({
  userId: 100 + appUid,
  uid: String(appUid).padStart(32, "0"),
  appUid,
  name,
});
const [ann, bob, cid] = [person(1, "Ann"), person(2, "Bob"), person(3, "")];
const stamp = { group_id: of.groupId, timestamp: 1_620_732_258 };
const named = { ...stamp, group_name: of.name };

const paramOfGroup = { channel_id: of.groupNo, channel_type: 2 };
const command = (cmd: string, param: object) => `99 ${cmd} ${JSON.stringify(param)}`;
const memberUpdate = (param: object = {}) =>
  command("memberUpdate", { group_no: of.groupNo, ...param });

/** A message of the chat app: `type content [names] besides`, and who gets it. */
function chatOf({ payload, to }: { payload: string; to?: { userId: number }[] }): string {
  const { type, cmd, param, content, extra, data } = JSON.parse(payload);
  const said = type === 99
    ? command(cmd, param)
    : `${type} ${content} [${extra.map(({ name }: Person) => name)}]`;
  const besides = data ? ` ${JSON.stringify(data)}` : "";
  return `${said}${besides}${to ? ` to ${to.map(({ userId }) => userId)}` : ""}`;
}

/** Written a second time, as docs/facts.md has it: what the chat app reads, and partners' clients. */
const TABLE: [Fact, string[], object[]][] = [
  [
    { kind: "created", owner: ann, name: "新群", isSuper: true, members: [ann, bob, cid] },
    ["1001 Ann邀请{0}、{1}加入群聊 [Bob,]"],
    [{
      create: { ...stamp, master: 1, name: "新群", super: 1, members: [1, 2, 3], member_count: 3 },
    }],
  ],
  [
    { kind: "created", owner: cid, name: "空", isSuper: false, members: [] },
    ["1001 群主创建了群聊 []"],
    [{ create: { ...stamp, master: 3, name: "空", super: 0, members: [], member_count: 0 } }],
  ],
  [
    { kind: "renamed", by: ann, name: "a{0}" },
    ['1005 {0}修改群名为“a｛0｝” [Ann] {"name":"a{0}"}'],
    [{ update_name: { ...stamp, name: "a{0}" } }],
  ],
  [
    { kind: "renamed", by: undefined, name: "b" },
    ['1005 管理员修改群名为“b” [] {"name":"b"}'],
    [{ update_name: { ...stamp, name: "b" } }],
  ],
  [
    { kind: "noticed", by: ann, notice: "" },
    ['1005 {0}清空了群公告 [Ann] {"notice":""}'],
    [{ update_notice: { ...stamp, notice: "" } }],
  ],
  [
    { kind: "members_added", inviter: ann, people: [bob, { ...cid, avatar: "http://a/c.png" }] },
    ["1002 Ann邀请{0}、{1}加入群聊 [Bob,]"],
    [
      { add_member: { ...named, member_id: 2, name: "Bob", inviter: { uid: 1, name: "Ann" } } },
      {
        add_member: {
          ...named,
          member_id: 3,
          inviter: { uid: 1, name: "Ann" },
        },
      },
    ],
  ],
  [
    { kind: "members_added", inviter: undefined, people: [{ ...bob, avatar: "http://a/b.png" }] },
    ["1002 管理员邀请{0}加入群聊 [Bob]"],
    [{ add_member: { ...named, member_id: 2, name: "Bob", avatar: "http://a/b.png" } }],
  ],
  [
    { kind: "joined_by_scan", person: bob, inviter: cid },
    ["1007 {0}通过{1}的二维码加入群聊 [Bob,]"],
    [{ add_member: { ...named, member_id: 2, name: "Bob", inviter: { uid: 3 } } }],
  ],
  [
    { kind: "members_removed", by: ann, people: [bob, cid], isEmpty: false },
    ["1020 你被{0}移出群聊 [Ann] to 102,103", "1003 Ann将{0}、{1}移出群聊 [Bob,]"],
    [
      { quit_group: { ...named, member_id: 2, name: "Bob" } },
      { quit_group: { ...named, member_id: 3 } },
    ],
  ],
  [
    { kind: "members_removed", by: undefined, people: [bob], isEmpty: true },
    ["1020 你被移出群聊 [] to 102"],
    [{ quit_group: { ...named, member_id: 2, name: "Bob" } }],
  ],
  [
    { kind: "left", person: bob, isEmpty: false },
    ["1021 {0}退出群聊 [Bob] to 102", "1021 {0}退出群聊 [Bob]"],
    [{ quit_group: { ...named, member_id: 2, name: "Bob" } }],
  ],
  [
    { kind: "left", person: bob, isEmpty: true },
    ["1021 {0}退出群聊 [Bob] to 102"],
    [{ quit_group: { ...named, member_id: 2, name: "Bob" } }],
  ],
  [
    { kind: "owner_changed", by: ann, owner: bob },
    ["1008 {0}已成为新群主 [Bob]"],
    [{ update_master: { ...stamp, master: 2 } }],
  ],
  [
    { kind: "nicknamed", person: bob, nickname: "小鲍" },
    [memberUpdate({ uid: bob.uid })],
    [{ update_member_nickname: { ...named, member_id: 2, nickname: "小鲍" } }],
  ],
  [
    { kind: "all_muted", by: ann, on: true },
    ['1005 {0}开启了全员禁言 [Ann] {"forbidden":"1"}'],
    [{ update_setting: { ...stamp, forbidden: 1 } }],
  ],
  [
    { kind: "invite_switched", by: ann, on: false },
    ['1005 {0}已恢复默认进群方式 [Ann] {"invite":"0"}'],
    [{ update_setting: { ...stamp, invite: 0 } }],
  ],
  [{ kind: "managers_changed" }, [memberUpdate()], []],
  [{ kind: "blacklist_changed" }, [memberUpdate()], []],
  [{ kind: "member_muted", person: bob }, [memberUpdate({ uid: bob.uid })], []],
  [
    { kind: "own_switched", userId: 102 },
    [`${command("channelUpdate", paramOfGroup)} to 102`],
    [],
  ],
  [
    { kind: "let_in_asked", by: bob, inviteNo: "no", count: 2, deciders: [ann] },
    ["1009 {0}想邀请2位朋友加入群聊 [Bob] to 101"],
    [],
  ],
  [
    { kind: "upgraded" },
    [command("channelUpdate", paramOfGroup)],
    [{ upgrade: { ...named, super: 1 } }],
  ],
  [{ kind: "disbanded", by: undefined }, ["2000 群聊已解散 []"], [{ disband: named }]],
  [{ kind: "disbanded", by: ann }, ["2000 {0}解散了群聊 [Ann]"], [{ disband: named }]],
];

Deno.test("each fact reads as the table says, in both dialects and in each of its messages", () => {
  for (const [fact, chat, news] of TABLE) {
    const said = sayBoth(fact, of);
    assert.deepEqual(said.map(chatOf), chat);
    for (const { payload } of said) {
      const { notification } = JSON.parse(payload);
      const heard = notification === undefined ? [] : contentsOf(payload);
      assert.deepEqual(heard.map((text) => JSON.parse(text)), news, payload);
    }
  }
});

Deno.test("a group without a name is named to nobody", () => {
  const [said] = sayBoth({ kind: "disbanded", by: undefined }, { ...of, name: "" });
  assert.deepEqual(JSON.parse(contentsOf(said!.payload)[0]!), { disband: stamp });
});

Deno.test("the last that people hear has no red dot and moves nothing; what screens hear is no reading", () => {
  for (const [fact] of TABLE) {
    for (const { payload, isFarewell, redDot, inConversations, syncOnce } of sayBoth(fact, of)) {
      const { type } = JSON.parse(payload);
      assert.equal(redDot, !isFarewell && type !== 99, payload);
      assert.equal(inConversations, !isFarewell, payload);
      assert.equal(syncOnce, type === 99, payload);
    }
  }
});

const people = fc.array(fc.string({ unit: "binary", maxLength: 255 }), {
  minLength: 1,
  maxLength: 300,
  size: "max",
}).map((names) => names.map((name, at) => person(at + 1, name)));

Deno.test("however many and however long, as many are named as fit, and the others counted", () => {
  fc.assert(
    fc.property(people, fc.boolean(), fc.string({ maxLength: 255 }), (people, isAdded, name) => {
      const by = people[0]!;
      const fact: Fact = isAdded
        ? { kind: "members_added", inviter: by, people }
        : { kind: "members_removed", by, people, isEmpty: false };
      for (const { payload } of sayBoth(fact, { ...of, name })) {
        assert.ok(new TextEncoder().encode(payload).length <= PAYLOAD_BYTES_MAX);
        const { type, content, extra, visibles } = JSON.parse(payload);
        const places = [...content.matchAll(/\{(\d+)\}/g)].map(([, at]) => Number(at));
        assert.ok(places.every((at) => at < extra.length), content);
        if (type !== 1020) {
          const isCut = extra.length < people.length;
          assert.equal(content.includes(`等${people.length}人`), isCut, content);
        }
        const heard = contentsOf(payload).map((text) => Object.values(JSON.parse(text))[0]);
        const ids = (heard as { member_id: number }[]).map(({ member_id }) => member_id);
        assert.deepEqual(ids, people.slice(0, ids.length).map(({ appUid }) => appUid));
        const isWhole = ids.length === people.length;
        for (const { member_count } of heard as { member_count?: number }[]) {
          assert.equal(member_count, isWhole ? undefined : people.length);
        }
        if (visibles) assert.deepEqual(visibles, people.map(({ uid }) => uid));
        else assert.ok(type !== 1020 || !isWhole);
      }
    }),
    { numRuns: 100 },
  );
});

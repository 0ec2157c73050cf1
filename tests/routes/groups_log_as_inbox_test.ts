import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { callIm } from "../clients/im.ts";
import { startTestApp } from "../harness.ts";
import { Cases } from "../known_failures.ts";
import { type CrowdedHouse, CrowdGroup, openCrowdedHouse } from "./house_crowd.ts";
import type { HousePerson } from "./house_people.ts";
import { openPartnerGroup, openServer } from "./partner/group_place.ts";

/** What does not hold yet, as `group: what`; see {@link Cases}. */
const KNOWN: string[] = [];

const cases = new Cases(KNOWN);

const KINDS = [
  { kind: "a small group", size: 5, isSuper: false },
  { kind: "a group of 505", size: 505, isSuper: false },
  { kind: "a super group", size: 5, isSuper: true },
];

/** What is new to somebody who has never synced: that the group was made, and three words. */
const SAID = ["m0", "m1", "m2"];
/** More than one read copies from a log. */
const LONG_COUNT = 1_205;

async function open(house: CrowdedHouse, { size, isSuper }: { size: number; isSuper: boolean }) {
  const group = await CrowdGroup.open(house, { size, isSuper });
  await group.say(...SAID);
  return group;
}

/** A call that may fail, so that a case that is known to can go on to what it asserts. */
async function remove(house: CrowdedHouse, person: HousePerson, query: Record<string, string>) {
  const { token } = person.login;
  return (await callIm(house.app, "DELETE", "/message", { token, query })).http;
}

/** Words of the group as their owner still has them, and what the list of conversations says. */
async function kept(person: HousePerson, groupNo: string) {
  const ofGroup = (await person.sync())
    .filter(({ channel, payload }) => channel === groupNo && payload.type === 1);
  const conversation = await person.conversation(groupNo);
  const words = ofGroup.filter(({ isDeleted }) => !isDeleted)
    .map(({ payload }) => payload.content);
  return { words, unread: conversation?.unread ?? 0 };
}

Deno.test("a group that keeps one log is listed, deleted from and cleared as a small one", async (t) => {
  await using house = await openCrowdedHouse();
  for (const kind of KINDS) {
    const listed = await open(house, kind);
    const shown = await listed.bob.conversation(listed.groupNo);
    const synced = (await listed.bob.sync()).at(-1)!;
    await cases.step(t, `${kind.kind}: the list shows the newest by the number it has`, () => {
      assert.equal(shown!.last.payload.content, "m2");
      assert.equal(shown!.last.seq, synced.seq);
      assert.deepEqual([synced.seq, shown!.unread], [4, 4]);
    });

    const thinned = await open(house, kind);
    const newest = await thinned.bob.conversation(thinned.groupNo);
    const query = { message_id: String(newest!.last.id) };
    const http = await remove(house, thinned.bob, query);
    const without = await kept(thinned.bob, thinned.groupNo);
    await cases.step(t, `${kind.kind}: the message the list shows can be deleted unsynced`, () => {
      assert.deepEqual([http, without.words], [200, ["m0", "m1"]]);
    });

    const cleared = await open(house, kind);
    const channel = { channel_id: cleared.groupNo, channel_type: "2" };
    const answer = await remove(house, cleared.bob, channel);
    const none = await kept(cleared.bob, cleared.groupNo);
    await cleared.say("after");
    const one = await kept(cleared.bob, cleared.groupNo);
    await cases.step(t, `${kind.kind}: what was cleared unsynced does not come back`, () => {
      assert.equal(answer, 200);
      assert.deepEqual(none, { words: [], unread: 0 });
      assert.deepEqual(one, { words: ["after"], unread: 1 });
    });

    const half = await open(house, kind);
    await half.bob.sync();
    await half.say("m3", "m4");
    const second = await remove(house, half.bob, { channel_id: half.groupNo, channel_type: "2" });
    const nothing = await kept(half.bob, half.groupNo);
    await cases.step(t, `${kind.kind}: what was cleared half synced does not come back`, () => {
      assert.equal(second, 200);
      assert.deepEqual(nothing, { words: [], unread: 0 });
    });
  }
});

Deno.test("a log longer than one read copies is listed, deleted from and cleared whole", async (t) => {
  await using house = await openCrowdedHouse(0);
  const openLong = async () => {
    const group = await CrowdGroup.open(house, { size: 3, isSuper: true });
    return { group, words: await group.log(LONG_COUNT) };
  };

  const { group: listed, words } = await openLong();
  const shown = await listed.bob.conversation(listed.groupNo);
  const all = await kept(listed.bob, listed.groupNo);
  await cases.step(t, "long log: the list shows its newest, and counts all", () => {
    assert.deepEqual([shown!.last.payload.content, shown!.unread], [
      words.at(-1),
      LONG_COUNT + 1,
    ]);
    assert.deepEqual(all.words, words);
  });

  const { group: thinned } = await openLong();
  const newest = await thinned.bob.conversation(thinned.groupNo);
  const http = await remove(house, thinned.bob, { message_id: String(newest!.last.id) });
  const synced = await thinned.bob.sync();
  await cases.step(t, "long log: its newest can be deleted, and all before it is in order", () => {
    assert.equal(http, 200);
    assert.deepEqual(synced.map(({ seq }) => seq), synced.map((_, at) => at + 1));
    const left = synced.filter(({ isDeleted, payload }) => !isDeleted && payload.type === 1);
    assert.deepEqual(left.map(({ payload }) => payload.content), words.slice(0, -1));
  });

  const { group: cleared } = await openLong();
  const channel = { channel_id: cleared.groupNo, channel_type: "2" };
  const answer = await remove(house, cleared.bob, channel);
  const none = await kept(cleared.bob, cleared.groupNo);
  await cleared.say("after");
  const one = await kept(cleared.bob, cleared.groupNo);
  await cases.step(t, "long log: what was cleared does not come back", () => {
    assert.equal(answer, 200);
    assert.deepEqual(none, { words: [], unread: 0 });
    assert.deepEqual(one, { words: ["after"], unread: 1 });
  });
});

Deno.test("what only some may see comes after what was said before it", async (t) => {
  // One of them is in none of the groups.
  await using house = await openCrowdedHouse(503);
  const { server } = house;
  const { rows: [stranger] } = await house.app.ctx.db.execute<{ uid: string }>(sql`
    select uid from users where id = ${house.crowd.at(-1)!}`);
  const uids = [stranger!.uid];
  const ACTS = [
    {
      what: "an invitation to confirm",
      reader: "ann" as const,
      line: "1009",
      act: ({ bob, groupNo }: CrowdGroup) =>
        bob.im("POST", `/groups/${groupNo}/member/invite`, { uids }),
    },
    {
      what: "one's own switches, by the chat app",
      reader: "bob" as const,
      line: "99",
      act: ({ bob, groupNo }: CrowdGroup) =>
        bob.im("PUT", `/groups/${groupNo}/setting`, { mute: 1 }),
    },
    {
      what: "one's own switches, by the partner's server",
      reader: "bob" as const,
      line: "99",
      act: ({ bob, gid }: CrowdGroup) =>
        server.ask("PATCH /groups/{gid}/members/{memberid}", {
          params: { gid, memberid: bob.number },
          body: { do_not_disturb: true },
        }),
    },
  ];
  for (const kind of KINDS) {
    for (const { what, reader, line, act } of ACTS) {
      const group = await open(house, kind);
      await act(group);
      await group.say("after");
      const lines = (await group.people[reader].sync())
        .map(({ payload }) => payload.type === 1 ? payload.content : String(payload.type));
      await cases.step(t, `${kind.kind}: ${what}`, () => {
        assert.deepEqual(lines, ["1001", ...SAID, line, "after"]);
      });
    }
  }
});

Deno.test("the client of a partner's own group reads every kind of news by GET /messages", async (t) => {
  await using app = await startTestApp();
  const server = await openServer(app);
  const gid = await openPartnerGroup(server, [1, 2, 3]);
  const params = { gid, memberid: 2 };
  const set = (body: unknown) =>
    server.ask("PATCH /groups/{gid}/members/{memberid}", { params, body });
  await set({ nickname: "小二" });
  await set({ mute: true });
  await set({ do_not_disturb: true });
  await server.ask("PATCH /groups/{gid}", { params, body: { name: "新名" } });
  await server.ask("POST /groups/{gid}/upgrade", { params });
  await server.ask("POST /groups/{gid}/members", { params, body: [4] });
  await server.ask("DELETE /groups/{gid}/members", { params, body: [4] });
  await server.ask("DELETE /groups/{gid}", { params });
  const { token: bearer } = await server.ask("POST /auth/grant", { body: { uid: 3 } });
  const listed: { content: string }[] = await server.ask("GET /messages", {
    basic: undefined,
    bearer,
  });
  await cases.step(t, "a partner's own group: all its news", () => {
    assert.deepEqual(listed.reverse().flatMap(({ content }) => Object.keys(JSON.parse(content))), [
      ...["create", "update_member_nickname", "update_name", "upgrade"],
      ...["add_member", "quit_group", "disband"],
    ]);
  });
});

Deno.test("every known failure is a case of this file", () => cases.assertListed());

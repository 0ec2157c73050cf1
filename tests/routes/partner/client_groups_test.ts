import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import {
  askPartner,
  assertNeedsPartner,
  assertPartnerFailure,
  callPartner,
  grantToken,
  type PartnerCall,
} from "../../clients/partner.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { makeChatters, openGroup } from "../../people/group.ts";
import {
  groupRow,
  heardBy,
  membersOf,
  openPartnerGroup,
  openServer,
  type PartnerServer,
  userIdOf,
} from "./group_place.ts";

const MISSING = "群不存在";
const NOT_MEMBER = "你不在该群";
const NO_RIGHT = "没有权限";
const NOBODY_THERE = "群成员不正确";
const NOWHERE = 7_999_999_999;

/** Somebody of a partner, with their own token. */
async function openClient(app: TestApp, server: PartnerServer, uid: number) {
  const bearer = await grantToken(app, server, { uid, name: `Person ${uid}` });
  return {
    uid,
    bearer,
    call: (operation: string, call: PartnerCall = {}) =>
      callPartner(app, operation, { bearer, ...call }),
    // deno-lint-ignore no-explicit-any -- each test knows what it asked for
    ask: (operation: string, call: PartnerCall = {}): Promise<any> =>
      askPartner(app, operation, { bearer, ...call }),
  };
}

/** A partner with a group of 1, 2 and 3, whose master is 1, and 4 outside of it. */
async function openPlace(app: TestApp) {
  const server = await openServer(app);
  const gid = await openPartnerGroup(server, [1, 2, 3]);
  const [ann, bob, dan] = [
    await openClient(app, server, 1),
    await openClient(app, server, 2),
    await openClient(app, server, 4),
  ];
  const stranger = await openClient(app, await openServer(app), 1);
  return { server, gid, ann, bob, dan, stranger };
}

Deno.test("POST /client/groups", async (t) => {
  await using app = await startTestApp();
  const { server, ann } = await openPlace(app);
  const operation = "POST /client/groups";
  const members = [{ uid: 1, name: "Me" }, { uid: 2, name: "Bobby" }, { uid: 50, name: "New" }];

  await t.step("makes a group of the caller's own, and renames nobody", async () => {
    const { group_id: gid } = await ann.ask(operation, {
      body: { master: "1", name: "群主题名", super: true, members },
    });
    assert.deepEqual(await membersOf(app, gid), [[1, 1], [2, 0], [50, 0]]);
    assert.equal((await groupRow(app, gid)).is_super, true);
    const { rows } = await app.ctx.db.execute<{ nickname: string }>(sql`
      select nickname from users where app_id = ${server.tenantId} and app_uid in (1, 2, 50)
      order by app_uid`);
    assert.deepEqual(rows.map(({ nickname }) => nickname), ["Person 1", "Person 2", ""]);
    const { create } = (await heardBy(app, server.tenantId, 2)).at(-1);
    assert.deepEqual([create.master, create.members], [1, [1, 2, 50]]);
  });

  await t.step("a server names any master", async () => {
    const body = { master: 9, name: "x", members };
    const { group_id: gid } = await server.ask(operation, { body });
    assert.equal((await groupRow(app, gid)).owner_uid, "9");
  });

  await t.step("refuses another master, and what is no group", async () => {
    const make = (body: unknown) => ann.call(operation, { body });
    assertPartnerFailure(await make({ master: 2, name: "x", members }), NO_RIGHT);
    for (const over of [{ name: "" }, { master: undefined }, { members: [0] }]) {
      assertPartnerFailure(await make({ master: 1, name: "x", members, ...over }));
    }
    const crowd = Array.from({ length: 501 }, (_, at) => at + 1);
    assertPartnerFailure(await make({ master: 1, name: "x", members: crowd }));
    const body = { master: 1, name: "x", members: [] };
    await assertNeedsPartner(app, operation, { by: "either", body });
  });

  await t.step("of the house only people there are", async () => {
    const house = await openServer(app, { house: true });
    const call = { body: { master: 99_999, name: "x", members: [] } };
    assertPartnerFailure(await house.call(operation, call), "用户不存在");
  });
});

Deno.test("GET /client/groups", async (t) => {
  await using app = await startTestApp();
  const { server, gid, ann, bob, dan } = await openPlace(app);
  const operation = "GET /client/groups";
  const base = { id: gid, master: 1, super: 0, name: "Group", notice: "" };

  await t.step(
    "lists the caller's groups, the newest first, and only what was asked for",
    async () => {
      assert.deepEqual(await bob.ask(operation), [base]);
      assert.deepEqual(await dan.ask(operation), []);
      const large = await openPartnerGroup(server, [2, 1], { super: true });
      const groups = await bob.ask(operation, { query: { fields: "" } });
      assert.deepEqual(groups.map((it: { id: number; super: number }) => [it.id, it.super]), [
        [large, 1],
        [gid, 0],
      ]);
      await server.ask("DELETE /groups/{gid}", { params: { gid: large } });
      assert.deepEqual(await bob.ask(operation), [base]);
    },
  );

  await t.step("with members and quiet when asked", async () => {
    const params = { gid, memberid: 2 };
    const set = (body: unknown) =>
      server.ask("PATCH /groups/{gid}/members/{memberid}", { params, body });
    await set({ nickname: "群内昵称" });
    await set({ do_not_disturb: true });
    const members = [1, 2, 3].map((uid) => ({
      uid,
      name: `Person ${uid}`,
      nickname: uid === 2 ? "群内昵称" : "",
    }));
    const query = { fields: "members,quiet" };
    assert.deepEqual(await bob.ask(operation, { query }), [{
      ...base,
      members,
      do_not_disturb: true,
    }]);
    assert.deepEqual((await ann.ask(operation, { query }))[0].do_not_disturb, false);
    const quiet = await bob.ask(operation, { query: { fields: "quiet" } });
    assert.deepEqual(quiet, [{ ...base, do_not_disturb: true }]);
  });

  await t.step("shows all members of a group that is not beyond 5,000", async () => {
    const members = Array.from({ length: 600 }, (_, at) => at + 1000);
    await openPartnerGroup(server, [4], { members: [4, ...members] });
    const [large] = await dan.ask(operation, { query: { fields: "members" } });
    assert.equal(large.members.length, 601);
  });

  await t.step("without a master, and for nobody without a token", async () => {
    await app.ctx.db.execute(sql`update groups set owner_id = null where id = ${gid}`);
    assert.equal((await bob.ask(operation))[0].master, 0);
    await assertNeedsPartner(app, operation, { by: "client" });
  });
});

Deno.test("PATCH /client/groups/{gid}", async (t) => {
  await using app = await startTestApp();
  const { server, gid, ann, bob, dan, stranger } = await openPlace(app);
  const operation = "PATCH /client/groups/{gid}";
  const params = { gid };

  await t.step("any member changes name or notice, and all hear", async () => {
    assert.deepEqual(await bob.ask(operation, { params, body: { name: "群主题名" } }), {});
    await ann.ask(operation, { params, body: { notice: "群公告" } });
    const row = await groupRow(app, gid);
    assert.deepEqual([row.name, row.notice], ["群主题名", "群公告"]);
    const [renamed, noticed] = (await heardBy(app, server.tenantId, 3)).slice(-2);
    assert.equal(renamed.update_name.name, "群主题名");
    const { update_notice: said } = noticed;
    assert.deepEqual(said, { group_id: gid, timestamp: said.timestamp, notice: "群公告" });
    await ann.ask(operation, { params, body: { notice: "" } });
    assert.equal((await groupRow(app, gid)).notice, "");
  });

  await t.step("refuses both, none, who is outside, what is too long", async () => {
    const wrong = [undefined, {}, { name: "a", notice: "b" }, { name: "" }, { name: null }];
    for (const body of [...wrong, { notice: "长".repeat(1001) }]) {
      assertPartnerFailure(await bob.call(operation, { params, body }));
    }
    const body = { name: "x" };
    assertPartnerFailure(await dan.call(operation, { params, body }), NOT_MEMBER);
    assertPartnerFailure(await stranger.call(operation, { params, body }), MISSING);
    assertPartnerFailure(await bob.call(operation, { params: { gid: NOWHERE }, body }), MISSING);
    const row = await groupRow(app, gid);
    assert.deepEqual([row.name, row.notice], ["群主题名", ""]);
    await assertNeedsPartner(app, operation, { by: "client", params, body });
  });
});

Deno.test("DELETE /client/groups/{gid}", async (t) => {
  await using app = await startTestApp();
  const { server, gid, ann, bob, dan, stranger } = await openPlace(app);
  const operation = "DELETE /client/groups/{gid}";
  const params = { gid };

  await t.step("refuses all but the master", async () => {
    for (const person of [bob, dan]) {
      assertPartnerFailure(await person.call(operation, { params }), NO_RIGHT);
    }
    assertPartnerFailure(await stranger.call(operation, { params }), MISSING);
    assertPartnerFailure(await ann.call(operation, { params: { gid: NOWHERE } }), MISSING);
    assert.equal((await groupRow(app, gid)).is_disbanded, false);
    await assertNeedsPartner(app, operation, { by: "client", params });
  });

  await t.step("ends the group for its members", async () => {
    assert.deepEqual(await ann.ask(operation, { params }), {});
    assert.equal((await groupRow(app, gid)).is_disbanded, true);
    assert.equal((await heardBy(app, server.tenantId, 3)).at(-1).disband.group_id, gid);
  });
});

Deno.test("POST /client/groups/{gid}/members", async (t) => {
  await using app = await startTestApp();
  const { server, gid, ann, bob, dan, stranger } = await openPlace(app);
  const operation = "POST /client/groups/{gid}/members";
  const params = { gid };

  await t.step("any member adds people, in their own name; names given rename nobody", async () => {
    const body = { members: [{ uid: 4, name: "群组成员名", avatar: "http://a/x.png" }] };
    assert.deepEqual(await bob.ask(operation, { params, body }), {});
    const { add_member: said } = (await heardBy(app, server.tenantId, 1)).at(-1);
    assert.deepEqual([said.member_id, said.name], [4, "Person 4"]);
    assert.deepEqual(said.inviter, { uid: 2, name: "Person 2" });
    await ann.ask(operation, { params, body: [{ uid: 5, name: "Five" }, 6] });
    const each = (await heardBy(app, server.tenantId, 1)).slice(-2)
      .map(({ add_member: { member_id, name } }) => [member_id, name]);
    assert.deepEqual(each, [[5, "Five"], [6, undefined]]);
    await ann.ask(operation, { params, body: { uid: 7 } });
    await ann.ask(operation, { params, body: [] });
    assert.deepEqual((await membersOf(app, gid)).map(([uid]) => uid), [1, 2, 3, 4, 5, 6, 7]);
    const { rows } = await app.ctx.db.execute<{ inviter_id: string }>(sql`
      select inviter_id from group_members where group_id = ${gid} and inviter_id is not null
      order by user_id limit 1`);
    assert.equal(Number(rows[0]!.inviter_id), await userIdOf(app, server.tenantId, 2));
  });

  await t.step("refuses who is outside, too many, what are no members", async () => {
    const body = { members: [{ uid: 60 }] };
    await dan.ask("DELETE /client/groups/{gid}/members/{mid}", { params: { gid, mid: 4 } });
    assertPartnerFailure(await dan.call(operation, { params, body }), NOT_MEMBER);
    assertPartnerFailure(await stranger.call(operation, { params, body }), MISSING);
    assertPartnerFailure(await bob.call(operation, { params: { gid: NOWHERE }, body }), MISSING);
    const crowd = Array.from({ length: 501 }, (_, at) => at + 1);
    for (const wrong of [undefined, {}, [0], crowd]) {
      assertPartnerFailure(await bob.call(operation, { params, body: wrong }));
    }
    await assertNeedsPartner(app, operation, { by: "client", params, body });
  });
});

Deno.test("DELETE /client/groups/{gid}/members/{mid}", async (t) => {
  await using app = await startTestApp();
  const { server, gid, ann, bob, dan, stranger } = await openPlace(app);
  const operation = "DELETE /client/groups/{gid}/members/{mid}";
  const of = (mid: number, at = gid) => ({ params: { gid: at, mid } });

  await t.step("lets oneself go; not being there is no error", async () => {
    assert.deepEqual(await bob.ask(operation, of(2)), {});
    await dan.ask(operation, of(4));
    assert.deepEqual((await membersOf(app, gid)).map(([uid]) => uid), [1, 3]);
    const { quit_group: said } = (await heardBy(app, server.tenantId, 2)).at(-1);
    assert.deepEqual([said.member_id, said.name], [2, "Person 2"]);
  });

  await t.step("refuses others, the master among them, and others' groups", async () => {
    for (const person of [ann, bob]) {
      assertPartnerFailure(await person.call(operation, of(3)), NO_RIGHT);
    }
    assertPartnerFailure(await stranger.call(operation, of(1)), MISSING);
    assertPartnerFailure(await ann.call(operation, of(1, NOWHERE)), MISSING);
    assertPartnerFailure(await ann.call(operation, of(0)));
    await assertNeedsPartner(app, operation, { by: "client", ...of(3) });
  });
});

Deno.test("DELETE /client/groups/{gid}/members", async (t) => {
  await using app = await startTestApp();
  const { server, gid, ann, bob, dan, stranger } = await openPlace(app);
  const operation = "DELETE /client/groups/{gid}/members";
  const params = { gid };

  await t.step("refuses all but the master, an empty list, others' groups", async () => {
    const body = [{ uid: 3, name: "x", avatar: "y" }];
    for (const person of [bob, dan]) {
      assertPartnerFailure(await person.call(operation, { params, body }), NO_RIGHT);
    }
    assertPartnerFailure(await stranger.call(operation, { params, body }), MISSING);
    assertPartnerFailure(await ann.call(operation, { params: { gid: NOWHERE }, body }), MISSING);
    for (const wrong of [undefined, [], {}, [0]]) {
      assertPartnerFailure(await ann.call(operation, { params, body: wrong }));
    }
    assert.equal((await membersOf(app, gid)).length, 3);
    await assertNeedsPartner(app, operation, { by: "either", params, body });
  });

  await t.step("takes people out for the master, and for the server", async () => {
    assert.deepEqual(await ann.ask(operation, { params, body: [{ uid: 3 }] }), {});
    await server.ask(operation, { params, body: ["1"] });
    assert.deepEqual((await membersOf(app, gid)).map(([uid]) => uid), [2]);
    await ann.ask(operation, { params, body: [2] });
    assert.deepEqual(await membersOf(app, gid), [], "a master need not be a member");
    assert.equal((await heardBy(app, server.tenantId, 3)).at(-1).quit_group.member_id, 3);
  });
});

Deno.test("PATCH /client/groups/{gid}/members/{memberid}", async (t) => {
  await using app = await startTestApp();
  const { server, gid, ann, bob, dan, stranger } = await openPlace(app);
  const operation = "PATCH /client/groups/{gid}/members/{memberid}";
  const of = (memberid: number, at = gid) => ({ params: { gid: at, memberid } });

  await t.step("sets one's own nickname or quiet; a server anybody's", async () => {
    assert.deepEqual(await bob.ask(operation, { ...of(2), body: { nickname: "群内昵称" } }), {});
    const { update_member_nickname: said } = (await heardBy(app, server.tenantId, 3)).at(-1);
    assert.deepEqual([said.member_id, said.nickname], [2, "群内昵称"]);
    await bob.ask(operation, { ...of(2), body: { do_not_disturb: true } });
    await server.ask(operation, { ...of(3), body: { do_not_disturb: true } });
    const { rows } = await app.ctx.db.execute(sql`select mute from group_settings`);
    assert.deepEqual(rows, [{ mute: true }, { mute: true }]);
  });

  await t.step("refuses others, two at once, nothing, muting, who is outside", async () => {
    const body = { nickname: "x" };
    for (const person of [ann, dan]) {
      assertPartnerFailure(await person.call(operation, { ...of(2), body }), NO_RIGHT);
    }
    for (const wrong of [undefined, {}, { nickname: "x", do_not_disturb: true }, { mute: true }]) {
      assertPartnerFailure(await bob.call(operation, { ...of(2), body: wrong }));
    }
    assertPartnerFailure(await dan.call(operation, { ...of(4), body }), NOBODY_THERE);
    assertPartnerFailure(await stranger.call(operation, { ...of(1), body }), MISSING);
    assertPartnerFailure(await bob.call(operation, { ...of(2, NOWHERE), body }), MISSING);
    await assertNeedsPartner(app, operation, { by: "either", ...of(2), body });
  });
});

Deno.test("in the house's groups a client may do no more than in the chat app", async () => {
  await using app = await startTestApp();
  const house = await openServer(app, { house: true });
  const [ann, bob, cid] = await makeChatters(app, "Ann", "Bob", "Cid");
  const groupNo = await openGroup(app, [ann!, bob!]);
  const { rows: [row] } = await app.ctx.db.execute<{ id: string }>(sql`
    select id from groups where group_no = ${groupNo}`);
  const params = { gid: Number(row!.id) };
  const [owner, member] = [
    await openClient(app, house, ann!.userId),
    await openClient(app, house, bob!.userId),
  ];
  const rename = { params, body: { name: "x" } };
  const add = { params, body: { members: [{ uid: cid!.userId }] } };
  assertPartnerFailure(await member.call("PATCH /client/groups/{gid}", rename), NO_RIGHT);
  await owner.ask("PATCH /client/groups/{gid}", rename);
  await ann!.ask("PUT", `/groups/${groupNo}`, { body: { invite: 1 } });
  assertPartnerFailure(await member.call("POST /client/groups/{gid}/members", add), NO_RIGHT);
  await ann!.ask("PUT", `/groups/${groupNo}`, { body: { invite: 0 } });
  await member.ask("POST /client/groups/{gid}/members", add);
  assert.equal((await cid!.received(1002))[0].content, "Bob邀请{0}加入群聊");
});

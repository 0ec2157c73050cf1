import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { assertImFailure } from "../../clients/im.ts";
import { assertNeedsPartner, assertPartnerFailure } from "../../clients/partner.ts";
import { startTestApp } from "../../harness.ts";
import { makeChatters, openGroup } from "../../people/group.ts";
import { groupRow, heardBy, membersOf, openPartnerGroup, openServer } from "./group_place.ts";

const MISSING = "群不存在";
const NOWHERE = 7_999_999_999;
const stamp = (gid: number, at: number) => ({ group_id: gid, timestamp: at });

Deno.test("POST /groups", async (t) => {
  await using app = await startTestApp();
  const server = await openServer(app);
  const { tenantId } = server;
  const members = [{ uid: 2, name: "Bob", avatar: "http://a/b.png" }, { uid: "3", name: "Cid" }];

  await t.step("makes a group of the people listed, and tells them in one message", async () => {
    const { group_id: gid } = await server.ask("POST /groups", {
      body: { master: 1, name: "群主题名", super: false, members },
    });
    assert.ok(gid >= 7_000_100_001, "a number beyond those of other things");
    assert.deepEqual(await membersOf(app, gid), [[2, 0], [3, 0]]);
    const row = await groupRow(app, gid);
    assert.deepEqual([row.name, row.is_super, row.owner_uid], ["群主题名", false, "1"]);
    const [said, ...more] = await heardBy(app, tenantId, 2);
    assert.deepEqual(more, []);
    const { create } = said;
    assert.deepEqual(create, {
      ...stamp(gid, create.timestamp),
      master: 1,
      name: "群主题名",
      super: 0,
      members: [2, 3],
      member_count: 2,
    });
    assert.ok(Math.abs(create.timestamp * 1000 - Date.now()) < 60_000, "seconds");
    assert.deepEqual(await heardBy(app, tenantId, 1), []);
  });

  await t.step("keeps names and pictures, and leaves what is not given", async () => {
    await openPartnerGroup(server, [1], { members: [2, { uid: 3, name: "Sid", avatar: null }] });
    const { rows } = await app.ctx.db.execute(sql`
      select nickname, avatar from users where app_id = ${tenantId} and app_uid in (2, 3)
      order by app_uid`);
    assert.deepEqual(rows, [
      { nickname: "Bob", avatar: "http://a/b.png" },
      { nickname: "Sid", avatar: "" },
    ]);
  });

  await t.step(
    "makes the master its owner when listed; bare ids, digits, nobody at all",
    async () => {
      const gid = await openPartnerGroup(server, [1], { members: ["1", 2, 2], super: 1 });
      assert.deepEqual(await membersOf(app, gid), [[1, 1], [2, 0]]);
      assert.equal((await groupRow(app, gid)).is_super, true);
      assert.equal((await heardBy(app, tenantId, 1)).at(-1).create.super, 1);
      assert.deepEqual(
        await membersOf(app, await openPartnerGroup(server, [1], { members: [] })),
        [],
      );
    },
  );

  await t.step("the same numbers are other people in another app", async () => {
    const other = await openServer(app);
    await openPartnerGroup(other, [2], { members: [2] });
    assert.equal((await heardBy(app, other.tenantId, 2)).length, 1);
    assert.equal((await heardBy(app, tenantId, 2)).length, 3);
  });

  await t.step("refuses what is no group, and keeps nothing of it", async () => {
    const count = async () =>
      (await app.ctx.db.execute(sql`
        select (select count(*) from groups) as groups, (select count(*) from users) as users`))
        .rows[0];
    const before = await count();
    const wrong = [
      ...[{ master: 0 }, { master: "x" }, { master: -1 }, { master: 1.5 }, { master: 2 ** 63 }],
      ...[{ master: undefined }, { name: "" }, { name: "  " }, { name: undefined }],
      ...[{ name: "长".repeat(256) }, { super: "perhaps" }, { members: undefined }],
      ...[{ members: [100, 0] }, { members: [{ name: "x" }] }, { members: ["a"] }],
      { members: [{ uid: 101, name: "x".repeat(256) }] },
      { members: Array.from({ length: 10_001 }, (_, at) => at + 1) },
    ];
    for (const over of wrong) {
      const body = { master: 90, name: "x", members: [91], ...over };
      assertPartnerFailure(await server.call("POST /groups", { body }));
    }
    assertPartnerFailure(await server.call("POST /groups"));
    assert.deepEqual(await count(), before);
    await assertNeedsPartner(app, "POST /groups", { body: { master: 1, name: "x", members: [] } });
  });
});

Deno.test("PATCH /groups/{gid}", async (t) => {
  await using app = await startTestApp();
  const server = await openServer(app);
  const gid = await openPartnerGroup(server, [1, 2]);
  const patch = (body: unknown, params = { gid }) =>
    server.call("PATCH /groups/{gid}", { params, body });

  await t.step("changes the name and tells the members", async () => {
    assert.deepEqual((await patch({ name: "群主题名" })).data, {});
    assert.equal((await groupRow(app, gid)).name, "群主题名");
    const { update_name: said } = (await heardBy(app, server.tenantId, 2)).at(-1);
    assert.deepEqual(said, { ...stamp(gid, said.timestamp), name: "群主题名" });
  });

  await t.step("refuses no name, unknown groups, and another app's", async () => {
    for (const body of [undefined, {}, { name: "" }, { notice: "x" }, { name: "x".repeat(256) }]) {
      assertPartnerFailure(await patch(body));
    }
    assertPartnerFailure(await patch({ name: "x" }, { gid: NOWHERE }), MISSING);
    const other = await openServer(app), house = await openServer(app, { house: true });
    for (const stranger of [other, house]) {
      const call = { params: { gid }, body: { name: "x" } };
      assertPartnerFailure(await stranger.call("PATCH /groups/{gid}", call), MISSING);
    }
    const noId = { params: { gid: "x" }, body: { name: "x" } };
    assertPartnerFailure(await server.call("PATCH /groups/{gid}", noId));
    assert.equal((await groupRow(app, gid)).name, "群主题名");
    await assertNeedsPartner(app, "PATCH /groups/{gid}", { params: { gid }, body: { name: "x" } });
  });
});

Deno.test("DELETE /groups/{gid}", async (t) => {
  await using app = await startTestApp();
  const server = await openServer(app);
  const { tenantId } = server;

  for (const isSuper of [false, true]) {
    await t.step(
      `ends a ${isSuper ? "super" : "normal"} group, and all who were in it hear`,
      async () => {
        const gid = await openPartnerGroup(server, [1, 2, 3], { super: isSuper });
        await server.ask("PATCH /groups/{gid}", { params: { gid }, body: { name: "last" } });
        assert.deepEqual(await server.ask("DELETE /groups/{gid}", { params: { gid } }), {});
        const row = await groupRow(app, gid);
        assert.deepEqual([row.is_disbanded, row.member_count], [true, 0]);
        assert.deepEqual(await membersOf(app, gid), []);
        for (const uid of [1, 2, 3]) {
          const heard = (await heardBy(app, tenantId, uid)).slice(-3);
          assert.deepEqual(heard.map((it) => Object.keys(it)[0]), [
            "create",
            "update_name",
            "disband",
          ]);
          const said = { ...stamp(gid, heard[2].disband.timestamp), group_name: "last" };
          assert.deepEqual(heard[2].disband, said);
        }
        assertPartnerFailure(
          await server.call("DELETE /groups/{gid}", { params: { gid } }),
          MISSING,
        );
      },
    );
  }

  await t.step("refuses unknown groups and another app's", async () => {
    const gid = await openPartnerGroup(server, [1]);
    for (const wrong of [NOWHERE, "x", 0]) {
      assertPartnerFailure(await server.call("DELETE /groups/{gid}", { params: { gid: wrong } }));
    }
    const other = await openServer(app);
    assertPartnerFailure(await other.call("DELETE /groups/{gid}", { params: { gid } }), MISSING);
    assert.equal((await groupRow(app, gid)).is_disbanded, false);
    await assertNeedsPartner(app, "DELETE /groups/{gid}", { params: { gid } });
  });
});

Deno.test("POST /groups/{gid}/upgrade", async (t) => {
  await using app = await startTestApp();
  const server = await openServer(app);
  const gid = await openPartnerGroup(server, [1, 2]);
  const upgrade = { params: { gid } };
  const logged = async () =>
    Number(
      (await app.ctx.db.execute<{ count: string }>(sql`
      select count(*) as count from group_logs where group_id = ${gid}`)).rows[0]!.count,
    );

  await t.step("keeps a log from then on, and says so once", async () => {
    assert.deepEqual(await server.ask("POST /groups/{gid}/upgrade", upgrade), {});
    assert.equal((await groupRow(app, gid)).is_super, true);
    assert.equal(await logged(), 0, "the news lies where the group has been read until now");
    await server.ask("POST /groups/{gid}/upgrade", { ...upgrade, body: {} });
    await server.ask("PATCH /groups/{gid}", { params: { gid }, body: { name: "x" } });
    assert.equal(await logged(), 1);
    const heard = await heardBy(app, server.tenantId, 2);
    assert.deepEqual(heard.map((it) => Object.keys(it)[0]), ["create", "upgrade", "update_name"]);
    const said = { ...stamp(gid, heard[1].upgrade.timestamp), group_name: "Group", super: 1 };
    assert.deepEqual(heard[1].upgrade, said);
  });

  await t.step("refuses unknown groups and another app's", async () => {
    const operation = "POST /groups/{gid}/upgrade";
    assertPartnerFailure(await server.call(operation, { params: { gid: NOWHERE } }), MISSING);
    assertPartnerFailure(await (await openServer(app)).call(operation, upgrade), MISSING);
    await assertNeedsPartner(app, operation, upgrade);
  });
});

Deno.test("an app of the house drives the chat app's groups", async (t) => {
  await using app = await startTestApp();
  const house = await openServer(app, { house: true });
  const [ann, bob, cid] = await makeChatters(app, "Ann", "Bob", "Cid");
  const groupNo = await openGroup(app, [ann!, bob!]);
  const { rows: [row] } = await app.ctx.db.execute<{ id: string }>(sql`
    select id from groups where group_no = ${groupNo}`);
  const params = { gid: Number(row!.id) };

  await t.step("and its people read the news in their own form", async () => {
    const body = { members: [cid!.userId], inviter: { uid: ann!.userId } };
    await house.ask("POST /groups/{gid}/members", { params, body });
    const [added] = await bob!.received(1002);
    assert.deepEqual(
      [added.from_uid, added.from_name, added.content, added.extra],
      [ann!.uid, "Ann", "Ann邀请{0}加入群聊", [{ uid: cid!.uid, name: "Cid" }]],
    );
    const [news] = (await heardBy(app, house.tenantId, bob!.userId)).slice(-1);
    assert.equal(news.add_member.member_id, cid!.userId);
    await house.ask("PATCH /groups/{gid}", { params, body: { name: "新名" } });
    const [renamed] = await cid!.received(1005);
    assert.deepEqual(
      [renamed.from_uid, renamed.content, renamed.data],
      ["", "管理员修改群名为“新名”", { name: "新名" }],
    );
    assert.equal((await ann!.ask("GET", `/groups/${groupNo}`)).name, "新名");
    await house.ask("DELETE /groups/{gid}/members", { params, body: [bob!.userId] });
    const [removed] = await ann!.received(1003);
    assert.deepEqual(
      [removed.from_uid, removed.content, removed.extra],
      ["", "管理员将{0}移出群聊", [{ uid: bob!.uid, name: "Bob" }]],
    );
    const [self] = await bob!.received(1020);
    assert.deepEqual([self.content, self.extra], ["你被移出群聊", []]);
    assert.deepEqual(await bob!.received(1003), []);
    assert.equal((await bob!.ask("GET", `/groups/${groupNo}`)).quit, 1);
  });

  await t.step("mutes, quiets and names their people", async () => {
    const patch = (body: unknown) =>
      house.ask("PATCH /groups/{gid}/members/{memberid}", {
        params: { ...params, memberid: cid!.userId },
        body,
      });
    await patch({ mute: true });
    const members = await ann!.ask("GET", `/groups/${groupNo}/membersync`);
    const its = members.find(({ uid }: { uid: string }) => uid === cid!.uid);
    assert.ok(its.forbidden_expir_time > 4_000_000_000, "for good");
    await patch({ do_not_disturb: true, mute: false });
    assert.equal((await cid!.ask("GET", `/groups/${groupNo}`)).mute, 1);
    await patch({ nickname: "小西" });
    const commands = (await ann!.received(99)).filter(({ cmd }) => cmd === "memberUpdate");
    assert.deepEqual(commands.at(-1).param, { group_no: groupNo, uid: cid!.uid });
  });

  await t.step("but makes no people, and sees no partner's groups", async () => {
    const body = { members: [ann!.userId, 999_999] };
    const answer = await house.call("POST /groups/{gid}/members", { params, body });
    assertPartnerFailure(answer, "用户不存在");
    const create = { body: { master: 999_999, name: "x", members: [] } };
    assertPartnerFailure(await house.call("POST /groups", create), "用户不存在");
    const gid = await openPartnerGroup(await openServer(app), [1]);
    const theirs = await house.call("DELETE /groups/{gid}", { params: { gid } });
    assertPartnerFailure(theirs, MISSING);
  });

  await t.step("ends a group for its people", async () => {
    await house.ask("DELETE /groups/{gid}", { params });
    assert.equal((await ann!.received(2000)).at(-1).content, "群聊已解散");
    assertImFailure(await ann!.call("PUT", `/groups/${groupNo}`, { body: { name: "x" } }), 400);
  });
});

Deno.test("to the chat app a partner's groups are not there", async () => {
  await using app = await startTestApp();
  const gid = await openPartnerGroup(await openServer(app), [1, 2]);
  const [ann] = await makeChatters(app, "Ann");
  const { rows: [row] } = await app.ctx.db.execute<{ group_no: string }>(sql`
    select group_no from groups where id = ${gid}`);
  const path = `/groups/${row!.group_no}`;
  const calls: [string, string, object?][] = [
    ["GET", path],
    ["GET", `${path}/membersync`],
    ["GET", `${path}/qrcode`],
    ["POST", `${path}/exit`],
    ["POST", `${path}/forbidden/1`],
    ["PUT", path, { name: "x" }],
    ["PUT", `${path}/setting`, { mute: 1 }],
    ["POST", `${path}/members`, { members: [ann!.uid] }],
    ["DELETE", `${path}/members`, { members: [ann!.uid] }],
    ["POST", `${path}/member/invite`, { uids: [ann!.uid] }],
    ["POST", `${path}/managers`, [ann!.uid]],
    ["POST", `${path}/transfer/${ann!.uid}`],
  ];
  for (const [method, at, body] of calls) {
    assertImFailure(await ann!.call(method, at, body && { body }), 400, MISSING);
  }
});

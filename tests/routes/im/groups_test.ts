import assert from "node:assert/strict";
import { groupMembers, groups } from "../../../db/schema/groups.ts";
import { vercodeOf } from "../../../routes/im/vercode.ts";
import { assertImFailure, assertNeedsToken } from "../../clients/im.ts";
import { startTestApp } from "../../harness.ts";
import { makeChatters, openGroup, syncAll } from "../../people/group.ts";

const NOBODY = "0".repeat(32);
const NOT_MEMBER = "你不在该群";

Deno.test("GET /groups/{group_no}", async (t) => {
  await using app = await startTestApp();
  const [ann, bob, eve] = await makeChatters(app, "Ann", "Bob", "Eve");
  const groupNo = await openGroup(app, [ann!, bob!]);
  const path = `/groups/${groupNo}`;

  await t.step("shows the group and the caller's place in it", async () => {
    const group = await bob!.ask("GET", path);
    assert.deepEqual([group.group_no, group.name, group.role, group.quit], [
      groupNo,
      "读书会",
      0,
      0,
    ]);
    const outside = await eve!.ask("GET", path);
    assert.deepEqual([outside.member_count, outside.role, outside.quit], [2, 0, 0]);
    await bob!.ask("POST", `${path}/exit`);
    assert.equal((await bob!.ask("GET", path)).quit, 1);
  });

  await t.step("says what deployed clients read besides", async () => {
    const more = {
      group_type: 0,
      online_count: 0,
      receipt: 1,
      chat_pwd_on: 0,
      screenshot: 1,
      revoke_remind: 1,
      forbidden_add_friend: 0,
      allow_view_history_msg: 0,
      forbidden_expir_time: 0,
    };
    const shown = async () => {
      const group = await ann!.ask("GET", path);
      return Object.fromEntries(Object.keys(more).map((key) => [key, group[key]]));
    };
    assert.deepEqual(await shown(), more);
    const until = new Date(Math.ceil(app.clock.now().getTime() / 1000) * 1000 + 60_000);
    await app.ctx.db.update(groupMembers).set({ mutedUntil: until });
    await app.ctx.db.update(groups).set({ isSuper: true });
    const seconds = until.getTime() / 1000;
    assert.deepEqual(await shown(), { ...more, group_type: 1, forbidden_expir_time: seconds });
    app.clock.advance(62_000);
    assert.deepEqual(await shown(), { ...more, group_type: 1 });
  });

  await t.step("refuses numbers nobody has, and needs a token", async () => {
    assertImFailure(await ann!.call("GET", `/groups/${NOBODY}`), 400, "群不存在");
    assertImFailure(await ann!.call("GET", "/groups/x"), 400, "群不存在");
    await assertNeedsToken(app, "GET", path);
  });
});

Deno.test("PUT /groups/{group_no}", async (t) => {
  await using app = await startTestApp();
  const [ann, bob, eve] = await makeChatters(app, "Ann", "Bob", "Eve");
  const groupNo = await openGroup(app, [ann!, bob!]);
  const path = `/groups/${groupNo}`;

  await t.step("stores every key, with a message each, as one version", async () => {
    const body = { name: "新{0}名", notice: "周五见", invite: "1" };
    assert.deepEqual(await ann!.ask("PUT", path, { body }), { status: 200, msg: "" });
    const group = await ann!.ask("GET", path);
    assert.deepEqual(
      [group.name, group.notice, group.invite, group.version],
      ["新{0}名", "周五见", 1, 2],
    );
    const said = await bob!.received(1005);
    assert.deepEqual(said.map(({ data }) => data), [
      { name: "新{0}名" },
      { notice: "周五见" },
      { invite: "1" },
    ]);
    assert.equal(said[0].content, "{0}修改群名为“新｛0｝名”");
    assert.deepEqual(said[0].extra, [{ uid: ann!.uid, name: "Ann" }]);
    await ann!.ask("PUT", path, { body: { notice: "", invite: 0 } });
    assert.equal((await ann!.ask("GET", path)).invite, 0);
    assert.equal((await bob!.received(1005))[3].content, "{0}清空了群公告");
  });

  await t.step("refuses nothing, blanks, what is too long, members, strangers", async () => {
    for (
      const body of [undefined, {}, { name: " " }, { invite: 2 }, { notice: "x".repeat(1001) }]
    ) {
      assertImFailure(await ann!.call("PUT", path, { body }));
    }
    assertImFailure(await bob!.call("PUT", path, { body: { name: "a" } }), 400, "没有权限");
    assertImFailure(await eve!.call("PUT", path, { body: { name: "a" } }), 400, NOT_MEMBER);
    const nowhere = await ann!.call("PUT", `/groups/${NOBODY}`, { body: { name: "a" } });
    assertImFailure(nowhere, 400, "群不存在");
    await assertNeedsToken(app, "PUT", path);
  });
});

Deno.test("PUT /groups/{group_no}/setting", async (t) => {
  await using app = await startTestApp();
  const [ann, bob, eve] = await makeChatters(app, "Ann", "Bob", "Eve");
  const groupNo = await openGroup(app, [ann!, bob!]);
  const path = `/groups/${groupNo}/setting`;

  await t.step("keeps one's own switches and tells one's devices alone", async () => {
    await bob!.ask("PUT", path, { body: { mute: 1, show_nick: "0", forbidden: 1 } });
    await bob!.ask("PUT", path, { body: { top: 1, mute: 0 } });
    await bob!.ask("PUT", path, { body: {} });
    const group = await bob!.ask("GET", `/groups/${groupNo}`);
    assert.deepEqual(
      [group.mute, group.top, group.save, group.show_nick, group.forbidden, group.version],
      [0, 1, 0, 0, 0, 1],
    );
    const [told] = await bob!.received(99);
    assert.deepEqual(told, {
      type: 99,
      cmd: "channelUpdate",
      param: { channel_id: groupNo, channel_type: 2 },
    });
    assert.deepEqual(await ann!.received(99), []);
    assert.equal((await ann!.ask("GET", `/groups/${groupNo}`)).top, 0);
  });

  await t.step("keeps what one calls the group, for oneself", async () => {
    const group = async (who = bob) => await who!.ask("GET", `/groups/${groupNo}`);
    assert.equal((await group()).remark, "");
    const remark = "周五".repeat(127);
    await bob!.ask("PUT", path, { body: { remark: ` ${remark} ` } });
    await bob!.ask("PUT", path, { body: { mute: 0 } });
    assert.deepEqual([(await group()).remark, (await group(ann)).remark], [remark, ""]);
    assert.equal((await group()).name, (await group(ann)).name);
    const longer = { remark: "x".repeat(256), mute: 1 };
    assertImFailure(await bob!.call("PUT", path, { body: longer }));
    assert.deepEqual([(await group()).remark, (await group()).mute], [remark, 0]);
    await bob!.ask("PUT", path, { body: { remark: "" } });
    assert.equal((await group()).remark, "");
  });

  await t.step("refuses other values, strangers, unknown groups", async () => {
    assertImFailure(await bob!.call("PUT", path, { body: { mute: 2 } }));
    assertImFailure(await eve!.call("PUT", path, { body: { mute: 1 } }), 400, NOT_MEMBER);
    assertImFailure(await bob!.call("PUT", `/groups/${NOBODY}/setting`), 400, "群不存在");
    await assertNeedsToken(app, "PUT", path);
  });
});

Deno.test("GET /groups/{group_no}/membersync", async (t) => {
  await using app = await startTestApp();
  const [ann, bob, cid, eve] = await makeChatters(app, "Ann", "Bob", "Cid", "Eve");
  const groupNo = await openGroup(app, [ann!, bob!, cid!]);
  const path = `/groups/${groupNo}/membersync`;

  await t.step("answers what changed after a version, removed members too", async () => {
    const all = await syncAll(ann!, groupNo);
    assert.deepEqual(all.map(({ uid }) => uid), [ann!.uid, bob!.uid, cid!.uid]);
    const { id, created_at, updated_at, ...rest } = all[1];
    assert.ok(Number.isInteger(id));
    assert.equal(created_at, updated_at);
    assert.deepEqual(rest, {
      uid: bob!.uid,
      name: "Bob",
      remark: "",
      role: 0,
      is_deleted: 0,
      version: 1,
      group_no: groupNo,
      status: 1,
      invite_uid: ann!.uid,
      robot: 0,
      vercode: vercodeOf(bob!.uid),
      forbidden_expir_time: 0,
    });
    await ann!.ask("DELETE", `/groups/${groupNo}/members`, { body: { members: [cid!.uid] } });
    const fresh = await ann!.ask("GET", path, { query: { version: "1" } });
    assert.deepEqual(
      fresh.map((
        { uid, is_deleted, version }: Record<string, unknown>,
      ) => [uid, is_deleted, version]),
      [[cid!.uid, 1, 2]],
    );
    assert.deepEqual(await ann!.ask("GET", path, { query: { version: "2" } }), []);
  });

  await t.step("never cuts a change in two; garbage is the start", async () => {
    const page = await ann!.ask("GET", path, { query: { version: "x", limit: "1" } });
    assert.deepEqual(page.map(({ uid }: { uid: string }) => uid), [ann!.uid, bob!.uid]);
  });

  await t.step("tells former members of themselves alone, as deleted", async () => {
    const [own, ...others] = await cid!.ask("GET", path);
    assert.deepEqual([own.uid, own.is_deleted, others], [cid!.uid, 1, []]);
    assert.deepEqual(await cid!.ask("GET", path, { query: { version: "2" } }), []);
  });

  await t.step("refuses strangers, unknown groups", async () => {
    assertImFailure(await eve!.call("GET", path), 400, NOT_MEMBER);
    assertImFailure(await ann!.call("GET", `/groups/${NOBODY}/membersync`), 400, "群不存在");
    await assertNeedsToken(app, "GET", path);
  });
});

Deno.test("POST /groups/{group_no}/forbidden/{on}", async (t) => {
  await using app = await startTestApp();
  const [ann, bob, eve] = await makeChatters(app, "Ann", "Bob", "Eve");
  const groupNo = await openGroup(app, [ann!, bob!]);
  const path = `/groups/${groupNo}/forbidden`;

  await t.step("is stored, said, and a new version", async () => {
    await ann!.ask("POST", `${path}/1`);
    const group = await bob!.ask("GET", `/groups/${groupNo}`);
    assert.deepEqual([group.forbidden, group.version], [1, 2]);
    assert.deepEqual((await bob!.received(1005))[0].data, { forbidden: "1" });
    await ann!.ask("POST", `${path}/0`);
    assert.equal((await bob!.ask("GET", `/groups/${groupNo}`)).forbidden, 0);
  });

  await t.step("refuses other values, members, strangers, unknown groups", async () => {
    assertImFailure(await ann!.call("POST", `${path}/2`));
    assertImFailure(await bob!.call("POST", `${path}/1`), 400, "没有权限");
    assertImFailure(await eve!.call("POST", `${path}/1`), 400, NOT_MEMBER);
    assertImFailure(await ann!.call("POST", `/groups/${NOBODY}/forbidden/1`), 400, "群不存在");
    await assertNeedsToken(app, "POST", `${path}/1`);
  });
});

Deno.test("POST /groups/{group_no}/transfer/{to_uid}", async (t) => {
  await using app = await startTestApp();
  const [ann, bob, eve] = await makeChatters(app, "Ann", "Bob", "Eve");
  const groupNo = await openGroup(app, [ann!, bob!]);
  const path = `/groups/${groupNo}/transfer`;

  await t.step("refuses oneself, strangers, and everybody but the owner", async () => {
    assertImFailure(await ann!.call("POST", `${path}/${ann!.uid}`), 400, "不能对自己进行此操作");
    for (const uid of [eve!.uid, NOBODY, "x"]) {
      assertImFailure(await ann!.call("POST", `${path}/${uid}`), 400, "群成员不正确");
    }
    assertImFailure(await bob!.call("POST", `${path}/${bob!.uid}`), 400, "没有权限");
    assertImFailure(await eve!.call("POST", `${path}/${eve!.uid}`), 400, NOT_MEMBER);
    const nowhere = await ann!.call("POST", `/groups/${NOBODY}/transfer/${bob!.uid}`);
    assertImFailure(nowhere, 400, "群不存在");
    await assertNeedsToken(app, "POST", `${path}/${bob!.uid}`);
  });

  await t.step("changes both roles at once and says so", async () => {
    await ann!.ask("POST", `${path}/${bob!.uid}`);
    const members = await syncAll(ann!, groupNo);
    assert.deepEqual(
      members.map(({ uid, role, version }) => [uid, role, version]),
      [[ann!.uid, 0, 2], [bob!.uid, 1, 2]],
    );
    const [said] = await ann!.received(1008);
    assert.deepEqual([said.from_uid, said.extra], [ann!.uid, [{ uid: bob!.uid, name: "Bob" }]]);
  });
});

Deno.test("POST /groups/{group_no}/exit", async (t) => {
  await using app = await startTestApp();
  const [ann, bob, cid] = await makeChatters(app, "Ann", "Bob", "Cid");
  const groupNo = await openGroup(app, [ann!, bob!, cid!]);
  const path = `/groups/${groupNo}/exit`;

  await t.step("an owner who leaves is followed by a manager before a member", async () => {
    await ann!.ask("POST", `/groups/${groupNo}/managers`, { body: [cid!.uid] });
    await ann!.ask("POST", path);
    assert.equal((await cid!.ask("GET", `/groups/${groupNo}`)).role, 1);
    assert.equal((await bob!.received(1008)).length, 1);
    const [left] = await bob!.received(1021);
    assert.deepEqual([left.content, left.extra], ["{0}退出群聊", [{ uid: ann!.uid, name: "Ann" }]]);
    assert.deepEqual(await ann!.received(1021), [{ ...left, visibles: [ann!.uid] }]);
    assert.deepEqual(await ann!.received(1008), [], "is told of their leaving alone");
  });

  await t.step("the last takes the group along", async () => {
    for (const person of [bob!, cid!]) await person.ask("POST", path);
    const group = await ann!.ask("GET", `/groups/${groupNo}`);
    assert.deepEqual([group.status, group.member_count], [2, 0]);
    assertImFailure(await cid!.call("POST", path), 400, "群不存在");
    const synced = await syncAll(cid!, groupNo);
    assert.deepEqual(synced.map(({ uid, is_deleted }) => [uid, is_deleted]), [[cid!.uid, 1]]);
    const [eve] = await makeChatters(app, "Eve");
    assertImFailure(await eve!.call("GET", `/groups/${groupNo}/membersync`), 400, "群不存在");
  });

  await t.step("refuses who is not in it, and needs a token", async () => {
    const other = await openGroup(app, [bob!, cid!]);
    assertImFailure(await ann!.call("POST", `/groups/${other}/exit`), 400, NOT_MEMBER);
    await assertNeedsToken(app, "POST", path);
  });
});

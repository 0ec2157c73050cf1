import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { assertImFailure, assertNeedsToken, callIm } from "../../clients/im.ts";
import { startTestApp } from "../../harness.ts";
import { makeChatters, openGroup, syncAll } from "../../people/group.ts";

const NOBODY = "0".repeat(32);
const NOT_MEMBER = "你不在该群";

Deno.test("POST /groups/{group_no}/members", async (t) => {
  await using app = await startTestApp();
  const [ann, bob, cid, dan] = await makeChatters(app, "Ann", "Bob", "Cid", "Dan");
  const groupNo = await openGroup(app, [ann!, bob!]);
  const path = `/groups/${groupNo}/members`;
  const add = (person: typeof ann, members: unknown) =>
    person!.call("POST", path, { body: { members } });

  await t.step("any member adds people; who is in is passed over", async () => {
    assert.deepEqual((await add(bob, [cid!.uid, ann!.uid, NOBODY])).data, { status: 200, msg: "" });
    const group = await cid!.ask("GET", `/groups/${groupNo}`);
    assert.deepEqual([group.member_count, group.version], [3, 2]);
    const said = {
      type: 1002,
      from_uid: bob!.uid,
      from_name: "Bob",
      content: "Bob邀请{0}加入群聊",
      extra: [{ uid: cid!.uid, name: "Cid" }],
    };
    for (const person of [ann!, bob!, cid!]) assert.deepEqual(await person.received(1002), [said]);
  });

  await t.step("who comes back is a plain member again", async () => {
    await ann!.ask("POST", `/groups/${groupNo}/managers`, { body: [cid!.uid] });
    await ann!.ask("DELETE", path, { body: { members: [cid!.uid] } });
    await add(ann, [cid!.uid]);
    const row = (await syncAll(ann!, groupNo)).at(-1);
    assert.deepEqual([row.uid, row.role, row.is_deleted, row.version], [cid!.uid, 0, 0, 5]);
  });

  await t.step("refuses nobody new, lists that are none, strangers, unknown groups", async () => {
    for (const members of [[], [bob!.uid], [NOBODY], undefined]) {
      assertImFailure(await add(ann, members), 400, "群成员不正确");
    }
    assertImFailure(await add(ann, "x"));
    assertImFailure(await add(dan, [dan!.uid]), 400, NOT_MEMBER);
    const nowhere = { body: { members: [dan!.uid] } };
    assertImFailure(await ann!.call("POST", `/groups/${NOBODY}/members`, nowhere), 400, "群不存在");
    await assertNeedsToken(app, "POST", path);
  });

  await t.step("what a large group said before is not for who comes in later", async () => {
    const large = await openGroup(app, [ann!, bob!]);
    await app.ctx.db.execute(sql`update groups set is_super = true where group_no = ${large}`);
    const rename = (name: string) => ann!.ask("PUT", `/groups/${large}`, { body: { name } });
    await rename("之前");
    await ann!.ask("POST", `/groups/${large}/members`, { body: { members: [dan!.uid] } });
    await rename("之后");
    assert.deepEqual((await dan!.received(1005)).map(({ data }) => data), [{ name: "之后" }]);
    assert.equal((await dan!.received(1002)).length, 1);
    assert.equal((await bob!.received(1005)).length, 2);
  });

  await t.step("only owner and managers while invitations are confirmed", async () => {
    await ann!.ask("PUT", `/groups/${groupNo}`, { body: { invite: 1 } });
    assertImFailure(await add(bob, [dan!.uid]), 400, "没有权限");
    assert.equal((await add(ann, [dan!.uid])).http, 200);
  });
});

Deno.test("DELETE /groups/{group_no}/members", async (t) => {
  await using app = await startTestApp();
  const [ann, bob, cid, dan, eve] = await makeChatters(app, "Ann", "Bob", "Cid", "Dan", "Eve");
  const groupNo = await openGroup(app, [ann!, bob!, cid!, dan!]);
  const path = `/groups/${groupNo}/members`;
  const remove = (person: typeof ann, members: unknown) =>
    person!.call("DELETE", path, { body: { members } });
  await ann!.ask("POST", `/groups/${groupNo}/managers`, { body: [bob!.uid, cid!.uid] });
  const listed = async (person: typeof ann) =>
    (await person!.ask("GET", "/conversations")).filter((it: { channel_id: string }) =>
      it.channel_id === groupNo
    );
  const before = await listed(dan);
  assert.equal(before.length, 1);

  await t.step("removes people, tells them and the others apart", async () => {
    assert.deepEqual((await remove(bob, [dan!.uid, eve!.uid])).data, { status: 200, msg: "" });
    assert.deepEqual(await dan!.received(1020), [{
      type: 1020,
      from_uid: bob!.uid,
      from_name: "Bob",
      content: "你被{0}移出群聊",
      extra: [{ uid: bob!.uid, name: "Bob" }],
      visibles: [dan!.uid],
    }]);
    assert.deepEqual(await ann!.received(1020), []);
    const [said] = await ann!.received(1003);
    assert.deepEqual([said.from_uid, said.extra], [bob!.uid, [{ uid: dan!.uid, name: "Dan" }]]);
    assert.deepEqual(await dan!.received(1003), []);
    assert.deepEqual(await listed(dan), before, "the removed person's list stays as it was");
    assert.equal(JSON.parse(atob((await listed(ann))[0].last_message.payload)).type, 1003);
    assert.equal((await ann!.ask("GET", `/groups/${groupNo}`)).member_count, 3);
  });

  await t.step("refuses oneself, nobody there, and people of too high a role", async () => {
    assertImFailure(await remove(ann, [ann!.uid]), 400, "不能对自己进行此操作");
    for (const members of [[], [dan!.uid], [NOBODY]]) {
      assertImFailure(await remove(ann, members), 400, "群成员不正确");
    }
    assertImFailure(await remove(bob, [cid!.uid]), 400, "没有权限");
    assertImFailure(await remove(bob, [ann!.uid]), 400, "没有权限");
    await ann!.ask("DELETE", `/groups/${groupNo}/managers`, { body: [cid!.uid] });
    assertImFailure(await remove(cid, [bob!.uid]), 400, "没有权限");
    assertImFailure(await remove(eve, [bob!.uid]), 400, NOT_MEMBER);
    assertImFailure(await remove(ann, 1));
    const nowhere = await ann!.call("DELETE", `/groups/${NOBODY}/members`, { body: {} });
    assertImFailure(nowhere, 400, "群不存在");
    await assertNeedsToken(app, "DELETE", path);
  });

  await t.step("the credentials decide whose operation it is", async () => {
    const asPartner = { Authorization: "Basic eDp5" };
    for (const method of ["POST", "DELETE"]) {
      const call = { body: { members: [NOBODY] }, headers: { token: ann!.token } };
      // A token is the chat app's, whatever the id looks like: no chat group has this one.
      assertImFailure(await callIm(app, method, "/groups/123/members", call), 400, "群不存在");
      const both = { ...call, headers: { ...call.headers, ...asPartner } };
      assertImFailure(await callIm(app, method, path, both), 400, "群成员不正确");
      const neither = await callIm(app, method, path, { body: call.body });
      assertImFailure(neither, 401);
    }
  });
});

Deno.test("PUT /groups/{group_no}/members/{uid}", async (t) => {
  await using app = await startTestApp();
  const [ann, bob, cid, eve] = await makeChatters(app, "Ann", "Bob", "Cid", "Eve");
  const groupNo = await openGroup(app, [ann!, bob!, cid!]);
  const of = (person: typeof ann) => `/groups/${groupNo}/members/${person!.uid}`;
  const body = { remark: "小鲍" };

  await t.step("names oneself, or anybody as owner, and tells the group", async () => {
    assert.deepEqual(await bob!.ask("PUT", of(bob), { body }), { status: 200, msg: "" });
    const row = (await syncAll(ann!, groupNo)).at(-1);
    assert.deepEqual([row.uid, row.remark, row.version], [bob!.uid, "小鲍", 2]);
    assert.deepEqual((await cid!.received(99))[0], {
      type: 99,
      cmd: "memberUpdate",
      param: { group_no: groupNo, uid: bob!.uid },
    });
    await ann!.ask("PUT", of(bob), { body: { remark: "" } });
    assert.equal((await syncAll(ann!, groupNo)).at(-1).remark, "");
  });

  await t.step("refuses others' names, strangers, long ones", async () => {
    assertImFailure(await cid!.call("PUT", of(bob), { body }), 400, "没有权限");
    assertImFailure(await ann!.call("PUT", of(eve), { body }), 400, "群成员不正确");
    assertImFailure(await eve!.call("PUT", of(eve), { body }), 400, NOT_MEMBER);
    assertImFailure(await ann!.call("PUT", of(bob), { body: { remark: "x".repeat(256) } }));
    const nowhere = await ann!.call("PUT", `/groups/${NOBODY}/members/${bob!.uid}`, { body });
    assertImFailure(nowhere, 400, "群不存在");
    await assertNeedsToken(app, "PUT", of(bob));
  });
});

for (const method of ["POST", "DELETE"] as const) {
  Deno.test(`${method} /groups/{group_no}/managers`, async (t) => {
    // "POST /groups/{group_no}/managers" and "DELETE /groups/{group_no}/managers"
    await using app = await startTestApp();
    const [ann, bob, cid, eve] = await makeChatters(app, "Ann", "Bob", "Cid", "Eve");
    const groupNo = await openGroup(app, [ann!, bob!, cid!]);
    const path = `/groups/${groupNo}/managers`;
    const call = (person: typeof ann, body: unknown) => person!.call(method, path, { body });
    const rolesNow = async () => (await syncAll(ann!, groupNo)).map(({ uid, role }) => [uid, role]);

    await t.step("changes members and passes over the others", async () => {
      await ann!.ask("POST", path, { body: [cid!.uid] });
      const named = method === "POST" ? [bob!.uid, eve!.uid] : [cid!.uid, eve!.uid];
      assert.deepEqual((await call(ann, named)).data, { status: 200, msg: "" });
      assert.deepEqual(
        await rolesNow(),
        method === "POST"
          ? [[ann!.uid, 1], [cid!.uid, 2], [bob!.uid, 2]]
          : [[ann!.uid, 1], [bob!.uid, 0], [cid!.uid, 0]],
      );
      const commands = await bob!.received(99);
      assert.deepEqual(commands.at(-1), {
        type: 99,
        cmd: "memberUpdate",
        param: { group_no: groupNo },
      });
      assert.equal((await call(ann, [eve!.uid])).http, 200);
    });

    await t.step("refuses nobody, oneself, and everybody but the owner", async () => {
      for (const body of [undefined, [], {}, [1]]) assertImFailure(await call(ann, body));
      assertImFailure(await call(ann, [ann!.uid]), 400, "不能对自己进行此操作");
      assertImFailure(await call(cid, [bob!.uid]), 400, "没有权限");
      assertImFailure(await call(eve, [bob!.uid]), 400, NOT_MEMBER);
      const nowhere = await ann!.call(method, `/groups/${NOBODY}/managers`, { body: [bob!.uid] });
      assertImFailure(nowhere, 400, "群不存在");
      await assertNeedsToken(app, method, path);
    });
  });
}

Deno.test("POST /groups/{group_no}/member/invite, GET /groups/{group_no}/member/h5confirm", async (t) => {
  await using app = await startTestApp();
  const [ann, bob, cid, eve] = await makeChatters(app, "Ann", "Bob", "Cid", "Eve");
  const groupNo = await openGroup(app, [ann!, bob!]);
  const path = `/groups/${groupNo}/member`;
  let inviteNo = "";

  await t.step("POST /groups/{group_no}/member/invite is seen by owner and managers", async () => {
    const answer = await bob!.ask("POST", `${path}/invite`, { body: { uids: [cid!.uid] } });
    inviteNo = answer.invite_no;
    assert.deepEqual(await ann!.received(1009), [{
      type: 1009,
      from_uid: bob!.uid,
      from_name: "Bob",
      content: "{0}想邀请1位朋友加入群聊",
      extra: [{ uid: bob!.uid, name: "Bob" }],
      invite_no: inviteNo,
      visibles: [ann!.uid],
    }]);
    assert.deepEqual(await bob!.received(1009), []);
    assert.equal((await ann!.ask("GET", `/groups/${groupNo}`)).member_count, 2);
  });

  await t.step("refuses nobody new, strangers, unknown groups", async () => {
    const invite = (person: typeof ann, body: unknown, no = groupNo) =>
      person!.call("POST", `/groups/${no}/member/invite`, { body });
    assertImFailure(await invite(bob, { uids: [ann!.uid] }), 400, "群成员不正确");
    assertImFailure(await invite(bob, {}));
    assertImFailure(await invite(eve, { uids: [cid!.uid] }), 400, NOT_MEMBER);
    assertImFailure(await invite(bob, { uids: [cid!.uid] }, NOBODY), 400, "群不存在");
    await assertNeedsToken(app, "POST", `${path}/invite`);
  });

  await t.step("GET /groups/{group_no}/member/h5confirm is for owner and managers", async () => {
    const query = { invite_no: inviteNo };
    const answer = await ann!.ask("GET", `${path}/h5confirm`, { query });
    assert.deepEqual([answer.status, answer.msg], [200, ""]);
    assert.match(answer.url, /\/h5\/group\/invite\?invite_no=[a-f0-9]{32}&auth_code=[\w.-]+$/);
    assertImFailure(await bob!.call("GET", `${path}/h5confirm`, { query }), 400, "没有权限");
    assertImFailure(await eve!.call("GET", `${path}/h5confirm`, { query }), 400, NOT_MEMBER);
    const none = await ann!.call("GET", `${path}/h5confirm`, { query: { invite_no: NOBODY } });
    assertImFailure(none, 400, "邀请不存在或已处理");
    assertImFailure(await ann!.call("GET", `${path}/h5confirm`));
    const nowhere = await ann!.call("GET", `/groups/${NOBODY}/member/h5confirm`, { query });
    assertImFailure(nowhere, 400, "群不存在");
    await assertNeedsToken(app, "GET", `${path}/h5confirm`, { query });
  });
});

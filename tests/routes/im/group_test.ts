import assert from "node:assert/strict";
import { assertImFailure, assertNeedsToken, callIm } from "../../clients/im.ts";
import { startTestApp } from "../../harness.ts";
import { befriend, makeChatter, makeChatters, openGroup } from "../../people/group.ts";

const NOBODY = "0".repeat(32);

Deno.test("POST /group/create", async (t) => {
  await using app = await startTestApp();
  const [ann, bob, cid, stranger] = await makeChatters(app, "Ann", "Bob", "Cid", "Eve");
  await befriend(app, ann!, [bob!, cid!]);
  const create = (body: unknown) => ann!.call("POST", "/group/create", { body });

  await t.step("makes a group of the creator and their friends, and says so", async () => {
    const members = [bob!.uid, cid!.uid, stranger!.uid, NOBODY, "x"];
    const { data: group } = await create({ name: "", members });
    const { group_no, created_at, updated_at, ...rest } = group;
    assert.match(group_no, /^[a-f0-9]{32}$/);
    assert.match(created_at, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
    assert.equal(updated_at, created_at);
    assert.deepEqual(rest, {
      name: "Ann、Bob、Cid",
      notice: "",
      version: 1,
      member_count: 3,
      role: 1,
      quit: 0,
      mute: 0,
      top: 0,
      save: 0,
      show_nick: 1,
      forbidden: 0,
      invite: 0,
      status: 1,
      remark: "",
      group_type: 0,
      online_count: 0,
      receipt: 1,
      chat_pwd_on: 0,
      screenshot: 1,
      revoke_remind: 1,
      forbidden_add_friend: 0,
      allow_view_history_msg: 0,
      forbidden_expir_time: 0,
    });
    for (const person of [ann!, bob!, cid!]) {
      assert.deepEqual(await person.received(1001), [{
        type: 1001,
        from_uid: ann!.uid,
        from_name: "Ann",
        content: "Ann邀请{0}、{1}加入群聊",
        extra: [{ uid: bob!.uid, name: "Bob" }, { uid: cid!.uid, name: "Cid" }],
        creator: ann!.uid,
        creator_name: "Ann",
        version: 1,
      }]);
    }
    assert.deepEqual(await stranger!.received(1001), []);
  });

  await t.step("refuses a name that is too long, and cuts one made of its people's", async () => {
    const members = [bob!.uid];
    assertImFailure(await create({ name: "群".repeat(256), members }), 400);
    const { data } = await create({ name: ` ${"群".repeat(255)} `, members });
    assert.equal(data.name, "群".repeat(255));
  });

  await t.step("refuses nobody, strangers, oneself, and what is no list", async () => {
    for (const members of [[], [stranger!.uid], [ann!.uid], undefined]) {
      assertImFailure(await create({ name: "a", members }), 400, "群成员不正确");
    }
    assertImFailure(await create({ name: "a", members: "x" }));
    assertImFailure(await create({ name: "a", members: Array(501).fill(NOBODY) }));
  });

  await t.step("allows ten a day", async () => {
    const eager = await makeChatter(app, "Eager");
    await befriend(app, eager, [bob!]);
    const body = { name: "a", members: [bob!.uid] };
    const make = () => eager.call("POST", "/group/create", { body });
    for (let at = 0; at < 10; at++) assert.equal((await make()).http, 200);
    assertImFailure(await make(), 400, "今天创建的群太多了");
    app.clock.advance(24 * 60 * 60 * 1000);
    assert.equal((await make()).http, 200);
    app.clock.advance(-24 * 60 * 60 * 1000);
  });

  await t.step("needs a token", () => assertNeedsToken(app, "POST", "/group/create"));
});

Deno.test("GET /group/invites/{no}, POST /group/invite/sure", async (t) => {
  await using app = await startTestApp();
  const [ann, bob, cid, dan] = await makeChatters(app, "Ann", "Bob", "Cid", "Dan");
  const groupNo = await openGroup(app, [ann!, bob!]);
  await ann!.ask("PUT", `/groups/${groupNo}`, { body: { invite: 1 } });
  const invite = async (uids: string[]) =>
    (await bob!.ask("POST", `/groups/${groupNo}/member/invite`, { body: { uids, remark: "同事" } }))
      .invite_no;
  const inviteNo = await invite([cid!.uid]);
  const codeOf = async (no: string) => {
    const path = `/groups/${groupNo}/member/h5confirm`;
    const { url } = await ann!.ask("GET", path, { query: { invite_no: no } });
    return { url, code: new URL(url).searchParams.get("auth_code")! };
  };
  const sure = (code: string) =>
    callIm(app, "POST", "/group/invite/sure", { query: { auth_code: code } });

  await t.step("GET /group/invites/{no} shows the invitation to who decides", async () => {
    const invitation = {
      invite_no: inviteNo,
      group_no: groupNo,
      group_name: "读书会",
      remark: "同事",
      status: 0,
      inviter: bob!.uid,
      inviter_name: "Bob",
      items: [{ uid: cid!.uid, name: "Cid" }],
    };
    assert.deepEqual(await ann!.ask("GET", `/group/invites/${inviteNo}`), invitation);
    for (const person of [bob!, dan!]) {
      const answer = await person.call("GET", `/group/invites/${inviteNo}`);
      assertImFailure(answer, 400, "邀请不存在或已处理");
    }
    assertImFailure(await ann!.call("GET", `/group/invites/${NOBODY}`), 400);
    await assertNeedsToken(app, "GET", `/group/invites/${inviteNo}`);
  });

  await t.step("the page shows it and allows its own script alone", async () => {
    const { url } = await codeOf(inviteNo);
    const { pathname, search } = new URL(url);
    const page = await app.fetch(new Request(`http://plaza.test${pathname}${search}`));
    const text = await page.text();
    assert.equal(page.status, 200);
    for (const shown of ["Bob", "Cid", "读书会", "同事", "确认邀请"]) {
      assert.ok(text.includes(shown));
    }
    const nonce = /script-src 'nonce-([a-f0-9]{32})'/.exec(
      page.headers.get("content-security-policy")!,
    )![1];
    assert.ok(text.includes(`<script nonce="${nonce}">`));
    assert.ok(text.includes('data-url="/group/invite/sure?auth_code='));
    const without = await app.fetch(new Request("http://plaza.test/h5/group/invite?invite_no=x"));
    assert.equal(without.status, 400);
    assert.ok(!(await without.text()).includes("<button"));
  });

  await t.step(
    "POST /group/invite/sure lets the invited in once, in the inviter's name",
    async () => {
      const [first, second] = [await codeOf(inviteNo), await codeOf(inviteNo)];
      const answers = await Promise.all([sure(first.code), sure(second.code)]);
      assert.deepEqual(answers.map(({ http }) => http).sort(), [200, 400]);
      assert.deepEqual(answers.find(({ http }) => http === 200)!.data, { status: 200, msg: "" });
      assertImFailure(await sure(first.code), 400, "邀请不存在或已处理");
      const [said] = await cid!.received(1002);
      assert.equal(said.from_uid, bob!.uid);
      assert.deepEqual(said.extra, [{ uid: cid!.uid, name: "Cid" }]);
      assert.equal((await ann!.ask("GET", `/groups/${groupNo}`)).member_count, 3);
      assert.equal((await ann!.ask("GET", `/group/invites/${inviteNo}`)).status, 1);
    },
  );

  await t.step("refuses codes that are wrong, old, or whose holder may no longer", async () => {
    const { code } = await codeOf(await invite([dan!.uid]));
    assertImFailure(await sure("x"), 400, "授权码无效或已过期");
    assertImFailure(await callIm(app, "POST", "/group/invite/sure"));
    app.clock.advance(5 * 60 * 1000 + 1);
    assertImFailure(await sure(code), 400, "授权码无效或已过期");
    const { code: fresh } = await codeOf(await invite([dan!.uid]));
    await ann!.ask("POST", `/groups/${groupNo}/transfer/${bob!.uid}`);
    assertImFailure(await sure(fresh), 400, "没有权限");
    await ann!.ask("POST", `/groups/${groupNo}/exit`);
    assertImFailure(await sure(fresh), 400, "你不在该群");
    for (const person of [bob!, cid!]) await person.ask("POST", `/groups/${groupNo}/exit`);
    assertImFailure(await sure(fresh), 400, "群不存在");
  });
});

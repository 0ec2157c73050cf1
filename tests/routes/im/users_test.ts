import { eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { users } from "../../../db/schema/users.ts";
import { vercodeOf } from "../../../routes/im/vercode.ts";
import { callGateway, registerPerson } from "../../clients/gateway.ts";
import { askIm, assertImFailure, assertNeedsToken, callIm } from "../../clients/im.ts";
import { startTestApp } from "../../harness.ts";
import { makeAccount } from "../../people/chat_accounts.ts";
import { makeChatters, openGroup } from "../../people/group.ts";

const DONE = { status: 200, msg: "" };

Deno.test("GET /users/{uid}", async (t) => {
  await using app = await startTestApp();
  const [person, other] = [
    await makeAccount(app, { name: "Toby" }),
    await makeAccount(app, { name: "Tony" }),
  ];
  const get = (uid: string) => callIm(app, "GET", `/users/${uid}`, { token: person.token });

  await t.step("somebody else: no number of theirs is told", async () => {
    assert.deepEqual((await get(other.uid)).data, {
      uid: other.uid,
      name: "Tony",
      mute: 0,
      top: 0,
      sex: 1,
      category: "",
      short_no: "",
      remark: "",
      follow: 0,
      status: 1,
      be_deleted: 0,
      be_blacklist: 0,
      online: 0,
      last_offline: 0,
      receipt: 1,
      chat_pwd_on: 0,
      screenshot: 1,
      revoke_remind: 1,
      robot: 0,
      username: "",
      vercode: vercodeOf(other.uid),
      source_desc: "",
      is_destroy: 0,
      is_upload_avatar: 0,
      flame: 0,
      flame_second: 0,
      device_flag: 0,
      join_group_invite_uid: "",
      join_group_invite_name: "",
      join_group_time: "",
    });
    await app.ctx.db.update(users).set({ avatar: "a.png" }).where(eq(users.id, other.userId));
    assert.equal((await get(other.uid)).data.is_upload_avatar, 1);
  });

  await t.step("by a code that is one's own for good, and can ask for friendship", async () => {
    const codes = [person, other].map(({ uid }) => vercodeOf(uid));
    assert.notEqual(codes[0], codes[1]);
    assert.ok(codes.every((code) => /^[0-9a-f]{32}$/.test(code)));
    const search = await askIm(app, "GET", "/user/search", {
      token: person.token,
      query: { keyword: other.phone },
    });
    assert.deepEqual(search.data, { uid: other.uid, name: "Tony", vercode: codes[1] });
    for (const body of [{ vercode: codes[1] }, { vercode: 5 }, {}]) {
      const call = { token: person.token, body: { to_uid: other.uid, ...body } };
      assert.deepEqual((await callIm(app, "POST", "/friend/apply", call)).data, DONE);
    }
  });

  await t.step("with their place in a group that both are in", async () => {
    const [ann, bob, eve] = await makeChatters(app, "Ann", "Bob", "Eve");
    const groupNo = await openGroup(app, [ann!, bob!]);
    const ask = (as: typeof ann, of: typeof ann, group_no = groupNo) =>
      as!.ask("GET", `/users/${of!.uid}`, { query: { group_no } });
    const [bobsRow] = (await ann!.ask("GET", `/groups/${groupNo}/membersync`))
      .filter(({ uid }: { uid: string }) => uid === bob!.uid);
    assert.equal(bobsRow.vercode, vercodeOf(bob!.uid));
    const seen = await ask(ann, bob);
    assert.deepEqual(seen.group_member, bobsRow);
    assert.deepEqual(
      [seen.join_group_invite_uid, seen.join_group_invite_name, seen.join_group_time],
      [ann!.uid, "Ann", bobsRow.created_at],
    );
    const owner = await ask(bob, ann);
    assert.deepEqual([owner.group_member.role, owner.join_group_invite_name], [1, ""]);
    for (const [as, of, no] of [[eve, bob], [ann, eve], [ann, bob, "0".repeat(32)]] as const) {
      const { group_member, join_group_invite_uid, join_group_time } = await ask(as, of, no);
      assert.deepEqual([group_member, join_group_invite_uid, join_group_time], [undefined, "", ""]);
    }
    await bob!.ask("POST", `/groups/${groupNo}/exit`);
    assert.equal((await ask(ann, bob)).group_member, undefined);
  });

  await t.step("oneself", async () => {
    const { data } = await get(person.uid);
    assert.equal(data.username, `0086${person.phone}`);
    assert.deepEqual([data.name, data.zone, data.phone], ["Toby", "0086", person.phone]);
    assert.match(data.short_no, /^\d{10}$/);
  });

  await t.step("refuses the unknown, and callers without a token", async () => {
    assertImFailure(await get("0".repeat(32)), 400, "用户不存在");
    assertImFailure(await get("current"), 400, "用户不存在");
    await assertNeedsToken(app, "GET", `/users/${other.uid}`);
  });
});

Deno.test("PUT /users/{uid}/setting", async (t) => {
  await using app = await startTestApp();
  const [person, other] = [
    await makeAccount(app, { name: "Toby" }),
    await makeAccount(app, { name: "Tony" }),
  ];
  const set = (body: unknown, uid = other.uid) =>
    callIm(app, "PUT", `/users/${uid}/setting`, { token: person.token, body });

  await t.step("changes what is given and answers what there is", async () => {
    assert.deepEqual((await set({ mute: 1, nonsense: 5 })).data, { mute: 1, top: 0 });
    assert.deepEqual((await set({ top: 1, remark: "Friend" })).data, { mute: 1, top: 1 });
    assert.deepEqual((await set({ mute: 0 })).data, { mute: 0, top: 1 });
    assert.deepEqual((await set({})).data, { mute: 0, top: 1 });
    const detail = await askIm(app, "GET", `/users/${other.uid}`, { token: person.token });
    assert.deepEqual([detail.mute, detail.top, detail.remark], [0, 1, "Friend"]);
  });

  await t.step("is one's own affair", async () => {
    const detail = await askIm(app, "GET", `/users/${person.uid}`, { token: other.token });
    assert.deepEqual([detail.mute, detail.top], [0, 0]);
  });

  await t.step("refuses what is no flag, strangers, and callers without a token", async () => {
    assertImFailure(await set({ mute: 2 }));
    assertImFailure(await set({ mute: 1 }, "0".repeat(32)), 400, "用户不存在");
    await assertNeedsToken(app, "PUT", `/users/${other.uid}/setting`, { body: { mute: 1 } });
  });
});

Deno.test("POST /users/{uid}/im", async (t) => {
  const path = (uid: string) => `/users/${uid}/im`;
  await t.step("names this server by the caller's own way to it", async () => {
    await using app = await startTestApp();
    const { uid, token } = await makeAccount(app);
    const headers = { Host: "chat.example.com" };
    const ask = (method: string, more: Record<string, string> = {}) =>
      askIm(app, method, path(uid), { token, headers: { ...headers, ...more } });
    const plain = { tcp_addr: "", ws_addr: "ws://chat.example.com/ws", wss_addr: "" };
    assert.deepEqual(await ask("POST"), plain);
    assert.deepEqual(await ask("GET"), plain);
    assert.deepEqual(await ask("POST", { "X-Forwarded-Proto": "https" }), {
      tcp_addr: "",
      ws_addr: "",
      wss_addr: "wss://chat.example.com/ws",
    });
    assertImFailure(await callIm(app, "POST", path("nobody"), { token }));
    await assertNeedsToken(app, "POST", path(uid));
  });

  await t.step("or by what is configured", async () => {
    await using app = await startTestApp({ env: { PUBLIC_URL: "https://plaza.example.com" } });
    const { uid, token } = await makeAccount(app);
    const { wss_addr } = await askIm(app, "POST", path(uid), { token });
    assert.equal(wss_addr, "wss://plaza.example.com/ws");
  });

  await t.step("the socket may be elsewhere", async () => {
    const env = {
      PUBLIC_URL: "https://plaza.example.com",
      PUBLIC_WS_URL: "wss://ws.example.com/x",
    };
    await using app = await startTestApp({ env });
    const { uid, token } = await makeAccount(app);
    const { wss_addr } = await askIm(app, "POST", path(uid), { token });
    assert.equal(wss_addr, "wss://ws.example.com/x");
  });
});

Deno.test("PUT /users/current", async (t) => {
  await using app = await startTestApp();
  const [person, other] = [
    await makeAccount(app, { name: "Toby" }),
    await makeAccount(app, { name: "Tony" }),
  ];
  const change = (body: unknown, { token } = person) =>
    callIm(app, "PUT", "/users/current", { token, body });
  const me = () => askIm(app, "GET", `/users/${person.uid}`, { token: person.token });

  await t.step("changes name, sex and switches", async () => {
    assert.deepEqual((await change({ name: "Tobias", sex: 0, voice_on: 0 })).data, DONE);
    const { name, sex } = await me();
    assert.deepEqual([name, sex], ["Tobias", 0]);
  });

  await t.step("one's own devices hear of it, by the gateway too", async () => {
    const told: unknown[] = [];
    app.ctx.bus.subscribe((event) => {
      if (event.kind === "moment") told.push(JSON.parse(event.payload).param.channel_id);
    });
    await change({ voice_on: 1 });
    await change({ name: "Tobias" });
    const rose = await registerPerson(app, "Rose");
    await callGateway(app, "PUT", "/user/profile", {
      as: rose,
      body: { nickname: "Rosa", avatar: "https://pictures.test/1.png" },
    });
    await new Promise((resolve) => setTimeout(resolve, 10));
    assert.deepEqual(told, [person.uid, person.uid, rose.uid]);
  });

  await t.step("the short number changes once, and is nobody else's", async () => {
    assertImFailure(await change({ short_no: "12345678" }), 400, "编号不正确");
    assertImFailure(await change({ short_no: "abcdefgh" }), 400, "编号不正确");
    assert.equal((await change({ short_no: "toby_2026" })).http, 200);
    assert.equal((await me()).short_no, "toby_2026");
    assertImFailure(await change({ short_no: "toby_2027" }), 400, "编号只能修改一次");
    assertImFailure(await change({ short_no: "toby_2026" }, other), 400, "编号已被使用");
  });

  await t.step("all or nothing", async () => {
    assertImFailure(await change({ name: "Nobody", short_no: "toby_2028" }));
    assertImFailure(await change({ name: "Nobody", password: "secret-2" }));
    assert.equal((await me()).name, "Tobias");
  });

  await t.step("refuses nothing at all, an empty name, and callers without a token", async () => {
    assertImFailure(await change({}));
    assertImFailure(await change({ name: " " }));
    assertImFailure(await change({ sex: 7 }));
    await assertNeedsToken(app, "PUT", "/users/current", { body: { name: "Toby" } });
  });
});

import assert from "node:assert/strict";
import { askIm, assertImFailure, assertNeedsToken, callIm } from "../../clients/im.ts";
import { startTestApp } from "../../harness.ts";
import { makeAccount } from "../../people/chat_accounts.ts";

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
    });
  });

  await t.step("oneself", async () => {
    const { data } = await get(person.uid);
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

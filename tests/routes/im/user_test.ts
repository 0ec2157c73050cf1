import { eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { vercodeOf } from "../../../routes/im/vercode.ts";
import { setGone, setPresent } from "../../../db/redis/presence.ts";
import { chatAccounts, friends } from "../../../db/schema/chat.ts";
import { users } from "../../../db/schema/users.ts";
import { callGateway, registerPerson } from "../../clients/gateway.ts";
import {
  askIm,
  assertImFailure,
  assertNeedsToken,
  callIm,
  CHAT_PASSWORD,
} from "../../clients/im.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { makeAccount } from "../../people/chat_accounts.ts";

const DONE = { status: 200, msg: "" };

async function idOf(app: TestApp, uid: string): Promise<number> {
  const [row] = await app.database.db.select({ id: users.id }).from(users)
    .where(eq(users.uid, uid));
  return row!.id;
}

async function accountOf(app: TestApp, uid: string) {
  const [row] = await app.database.db.select().from(chatAccounts)
    .where(eq(chatAccounts.userId, await idOf(app, uid)));
  return row;
}

async function befriend(app: TestApp, one: string, other: string) {
  const [userId, friendId] = [await idOf(app, one), await idOf(app, other)];
  const now = app.clock.now();
  await app.database.db.insert(friends).values([
    { userId, friendId, createdAt: now, updatedAt: now },
    { userId: friendId, friendId: userId, createdAt: now, updatedAt: now },
  ]);
}

Deno.test("GET /user/search", async (t) => {
  await using app = await startTestApp();
  const [person, other] = [
    await makeAccount(app, { name: "Toby" }),
    await makeAccount(app, { name: "Tony" }),
  ];
  const search = (keyword: string) =>
    askIm(app, "GET", "/user/search", { token: person.token, query: { keyword } });
  const found = { exist: 1, data: { uid: other.uid, name: "Tony", vercode: vercodeOf(other.uid) } };
  const { shortNo } = (await accountOf(app, other.uid))!;

  await t.step("finds by exact phone, short number and login name", async () => {
    assert.deepEqual(await search(other.phone), found);
    assert.deepEqual(await search(shortNo), found);
    assert.deepEqual(await search(`0086${other.phone}`), found);
    assert.deepEqual(await search(other.phone.slice(0, -1)), { exist: 0 });
  });

  await t.step("finds people of the gateway who never used the chat app", async () => {
    const known = await registerPerson(app, "Rose");
    const [row] = await app.database.db.select().from(users).where(eq(users.uid, known.uid));
    assert.equal((await search(row!.mobile!)).data.uid, known.uid);
  });

  await t.step("whoever does not want to be found is not", async () => {
    const body = { search_by_phone: 0, search_by_short: 0 };
    await askIm(app, "PUT", "/users/current", { token: other.token, body });
    for (const keyword of [other.phone, shortNo, `0086${other.phone}`]) {
      assert.deepEqual(await search(keyword), { exist: 0 });
    }
  });

  await t.step("needs a keyword and a token", async () => {
    assertImFailure(await callIm(app, "GET", "/user/search", { token: person.token }));
    await assertNeedsToken(app, "GET", "/user/search", { query: { keyword: other.phone } });
  });
});

Deno.test("POST /user/device_token, DELETE /user/device_token and POST /user/device_badge", async (t) => {
  await using app = await startTestApp();
  const { uid, token } = await makeAccount(app);
  const ask = (method: string, path: string, body?: unknown) =>
    callIm(app, method, path, { token, body });

  await t.step("keeps one token a person", async () => {
    const body = { device_token: "t-1", device_type: "IOS", bundle_id: "com.example.chat" };
    assert.deepEqual((await ask("POST", "/user/device_token", body)).data, DONE);
    await ask("POST", "/user/device_token", { ...body, device_token: "t-2", device_type: "MI" });
    const account = await accountOf(app, uid);
    assert.deepEqual(
      [account!.deviceToken, account!.deviceType, account!.bundleId],
      ["t-2", "MI", "com.example.chat"],
    );
    assertImFailure(await ask("POST", "/user/device_token", { ...body, device_token: " " }));
  });

  await t.step("removes it, again as well", async () => {
    assert.deepEqual((await ask("DELETE", "/user/device_token")).data, DONE);
    assert.deepEqual((await ask("DELETE", "/user/device_token")).data, DONE);
    assert.equal((await accountOf(app, uid))!.deviceToken, null);
  });

  await t.step("keeps the badge", async () => {
    assert.deepEqual((await ask("POST", "/user/device_badge", { badge: 7 })).data, DONE);
    assert.equal((await accountOf(app, uid))!.badge, 7);
    assertImFailure(await ask("POST", "/user/device_badge", { badge: -1 }));
  });

  await t.step("somebody of the gateway gets an account by using it", async () => {
    const known = await registerPerson(app, "Rose");
    await askIm(app, "POST", "/user/device_badge", {
      token: known.accessToken,
      body: { badge: 3 },
    });
    const account = await accountOf(app, known.uid);
    assert.deepEqual([account!.badge, account!.password], [3, null]);
    assert.match(account!.username, /^0086139\d{8}$/);
  });

  await t.step("need a token", async () => {
    await assertNeedsToken(app, "POST", "/user/device_token", { body: { device_token: "t" } });
    await assertNeedsToken(app, "DELETE", "/user/device_token");
    await assertNeedsToken(app, "POST", "/user/device_badge", { body: { badge: 1 } });
  });
});

Deno.test("POST /user/chatpwd", async () => {
  await using app = await startTestApp();
  const { token, phone } = await makeAccount(app);
  const set = (body: Record<string, unknown>) =>
    callIm(app, "POST", "/user/chatpwd", { token, body });
  assert.deepEqual((await set({ chat_pwd: "digest", login_pwd: CHAT_PASSWORD })).data, DONE);
  const login = await askIm(app, "POST", "/user/login", {
    body: { username: `0086${phone}`, password: CHAT_PASSWORD, flag: 1 },
  });
  assert.equal(login.chat_pwd, "digest");
  assertImFailure(await set({ chat_pwd: "digest", login_pwd: "wrong" }), 400, "用户名或密码错误");
  assertImFailure(await set({ login_pwd: CHAT_PASSWORD }));
  await assertNeedsToken(app, "POST", "/user/chatpwd", { body: {} });
  const known = await registerPerson(app, "Rose");
  const refused = await callIm(app, "POST", "/user/chatpwd", {
    token: known.accessToken,
    body: { chat_pwd: "digest", login_pwd: "" },
  });
  assertImFailure(refused, 400, "用户名或密码错误");
});

Deno.test("GET /user/customerservices", async () => {
  await using app = await startTestApp();
  const [person, service] = [await makeAccount(app), await makeAccount(app, { name: "Service" })];
  const list = () => askIm(app, "GET", "/user/customerservices", { token: person.token });
  assert.deepEqual(await list(), []);
  await app.database.db.update(chatAccounts).set({ category: "客服" })
    .where(eq(chatAccounts.userId, await idOf(app, service.uid)));
  assert.deepEqual(await list(), [{ uid: service.uid, name: "Service" }]);
  await assertNeedsToken(app, "GET", "/user/customerservices");
});

Deno.test("GET /user/blacklists, POST /user/blacklist/{uid} and DELETE /user/blacklist/{uid}", async (t) => {
  await using app = await startTestApp();
  const { token, uid } = await makeAccount(app, { name: "Toby" });
  const other = await makeAccount(app, { name: "Tony" });
  const change = (method: string, whom: string) =>
    callIm(app, method, `/user/blacklist/${whom}`, { token });
  const list = () => askIm(app, "GET", "/user/blacklists", { token });

  await t.step("blocks, again as well; no phone number is told", async () => {
    assert.deepEqual((await change("POST", other.uid)).data, DONE);
    assert.deepEqual((await change("POST", other.uid)).data, DONE);
    assert.deepEqual(await list(), [{ uid: other.uid, name: "Tony", username: "" }]);
  });

  await t.step("is the gateway's block", async () => {
    const known = await registerPerson(app, "Rose");
    await callGateway(app, "POST", `/user/${other.uid}/block`, { as: known });
    const seen = await askIm(app, "GET", "/user/blacklists", { token: known.accessToken });
    assert.deepEqual(seen.map((row: { uid: string }) => row.uid), [other.uid]);
    const detail = await askIm(app, "GET", `/users/${uid}`, { token: other.token });
    assert.equal(detail.be_blacklist, 1);
  });

  await t.step("both sides' devices are told", async () => {
    for (const [as, of] of [[token, other.uid], [other.token, uid]] as const) {
      const messages = await askIm(app, "POST", "/message/sync", {
        token: as,
        body: { message_seq: 0, limit: 100 },
      });
      const said = JSON.stringify(
        (messages as { payload: unknown }[]).map(({ payload }) =>
          typeof payload === "string"
            ? new TextDecoder().decode(
              Uint8Array.from(atob(payload), (char) => char.charCodeAt(0)),
            )
            : payload
        ),
      );
      assert.ok(said.includes("channelUpdate") && said.includes(of), said);
    }
  });

  await t.step("takes it back, again as well", async () => {
    assert.deepEqual((await change("DELETE", other.uid)).data, DONE);
    assert.deepEqual((await change("DELETE", other.uid)).data, DONE);
    assert.deepEqual((await change("DELETE", "0".repeat(32))).data, DONE);
    assert.deepEqual(await list(), []);
  });

  await t.step("refuses oneself, strangers, and callers without a token", async () => {
    assertImFailure(await change("POST", uid), 400, "不能对自己进行此操作");
    assertImFailure(await change("POST", "0".repeat(32)), 400, "用户不存在");
    await assertNeedsToken(app, "GET", "/user/blacklists");
    await assertNeedsToken(app, "POST", `/user/blacklist/${other.uid}`);
    await assertNeedsToken(app, "DELETE", `/user/blacklist/${other.uid}`);
  });
});

Deno.test("GET /user/chat/online", async () => {
  await using app = await startTestApp();
  const person = await makeAccount(app, { name: "Toby" });
  // One after the other: the list is in the order of their registration.
  const there = await makeAccount(app, { name: "There" });
  const gone = await makeAccount(app, { name: "Gone" });
  const unknown = await makeAccount(app, { name: "Unknown" });
  const stranger = await makeAccount(app, { name: "Stranger" });
  for (const friend of [there, gone, unknown]) await befriend(app, person.uid, friend.uid);
  const socketOf = async ({ uid }: { uid: string }) => ({
    userId: await idOf(app, uid),
    socketId: uid,
    deviceFlag: 1,
  });
  await setPresent(app.ctx, [await socketOf(there), await socketOf(stranger)]);
  await setGone(app.ctx, [await socketOf(gone)]);
  const list = await askIm(app, "GET", "/user/chat/online", { token: person.token });
  assert.deepEqual(list.map(({ uid, online }: Record<string, unknown>) => ({ uid, online })), [
    { uid: there.uid, online: 1 },
    { uid: gone.uid, online: 0 },
  ]);
  assert.deepEqual([list[0].device_flag, list[0].last_offline], [1, 0]);
  assert.ok(list[1].last_offline > 1_600_000_000);
  await assertNeedsToken(app, "GET", "/user/chat/online");
});

import assert from "node:assert/strict";
import { sql } from "drizzle-orm";
import { setPresent } from "../../../db/redis/presence.ts";
import { SYSTEM_UID } from "../../../db/schema/users.ts";
import { assertImFailure, assertNeedsToken } from "../../clients/im.ts";
import { startTestApp } from "../../harness.ts";
import { befriend, type Chatter, makeChatters, openGroup } from "../../people/group.ts";

const applyTo = (from: Chatter, to: Chatter, remark = "") =>
  from.ask("POST", "/friend/apply", { body: { to_uid: to.uid, remark, vercode: "x" } });
const applies = (one: Chatter) =>
  one.ask("GET", "/api/v1/friend/apply", { query: { page_index: "1", page_size: "999" } });
const reddot = (one: Chatter) => one.ask("GET", "/api/v1/user/reddot/friendApply");
const friendsOf = (one: Chatter, query: Record<string, string> = {}) =>
  one.ask("GET", "/api/v1/friend/sync", { query: { api_version: "1", ...query } });
const uids = (list: { uid: string }[]) => list.map(({ uid }) => uid);

Deno.test("GET /friend/apply", async (t) => {
  await using app = await startTestApp();
  const [anna, ben, cleo, dora] = await makeChatters(app, "Anna", "Ben", "Cleo", "Dora");

  await t.step(
    "lists requests to the caller, newest first, with the token that accepts",
    async () => {
      assert.deepEqual(await applies(anna!), []);
      await applyTo(ben!, anna!, "it's Ben");
      await applyTo(cleo!, anna!);
      const list = await applies(anna!);
      assert.deepEqual(list.map(({ to_uid }: { to_uid: string }) => to_uid), [cleo!.uid, ben!.uid]);
      const { id, token, created_at, ...rest } = list[1];
      assert.ok(Number.isInteger(id) && /^\d{4}-/.test(created_at));
      assert.deepEqual(rest, {
        uid: anna!.uid,
        to_uid: ben!.uid,
        to_name: "Ben",
        remark: "it's Ben",
        status: 0,
      });
      const [command] = await anna!.received(99);
      assert.equal(token, command.param.token);
      assert.deepEqual(await applies(ben!), [], "nothing of what one asked");
    },
  );

  await t.step("its token works, and says then what has become of it", async () => {
    const [, { token }] = await applies(anna!);
    await anna!.ask("POST", "/api/v1/friend/sure", { body: { token } });
    const [, settled] = await applies(anna!);
    assert.deepEqual([settled.status, settled.token], [1, ""]);
    assert.ok(uids(await friendsOf(anna!)).includes(ben!.uid));
  });

  await t.step("PUT /friend/refuse/{uid} refuses, and the token is worth nothing", async () => {
    const [{ token }] = await applies(anna!);
    const before = (await cleo!.received(99)).length;
    await anna!.ask("PUT", `/api/v1/friend/refuse/${cleo!.uid}`);
    await anna!.ask("PUT", `/friend/refuse/${cleo!.uid}`);
    assert.equal((await applies(anna!))[0].status, 2);
    assertImFailure(await anna!.call("POST", "/friend/sure", { body: { token } }));
    assert.equal((await cleo!.received(99)).length, before, "the applicant hears nothing");
    for (const uid of [ben!.uid, "0".repeat(32)]) {
      assertImFailure(await anna!.call("PUT", `/friend/refuse/${uid}`));
    }
    await applyTo(cleo!, anna!, "again");
    const [again] = await applies(anna!);
    assert.deepEqual([again.to_uid, again.status, again.remark], [cleo!.uid, 0, "again"]);
    await assertNeedsToken(app, "PUT", `/friend/refuse/${cleo!.uid}`);
  });

  await t.step("DELETE /friend/apply/{uid} takes it away, and its token", async () => {
    const [{ token }] = await applies(anna!);
    await anna!.ask("DELETE", `/api/v1/friend/apply/${cleo!.uid}`);
    await anna!.ask("DELETE", `/friend/apply/${cleo!.uid}`);
    await anna!.ask("DELETE", `/friend/apply/${"0".repeat(32)}`);
    assert.equal((await applies(anna!)).length, 1);
    assertImFailure(await anna!.call("POST", "/friend/sure", { body: { token } }));
    await assertNeedsToken(app, "DELETE", `/friend/apply/${cleo!.uid}`);
  });

  await t.step("leaves out what ran out, and whom one has blocked", async () => {
    await applyTo(cleo!, anna!);
    await applyTo(dora!, anna!);
    await anna!.ask("POST", `/user/blacklist/${dora!.uid}`);
    assert.equal((await applies(anna!)).length, 2);
    await app.ctx.db.execute(sql`update friend_applies set expires_at = now() - interval '1 day'`);
    assert.deepEqual((await applies(anna!)).map(({ status }: { status: number }) => status), [1]);
  });

  await t.step("needs a token", () => assertNeedsToken(app, "GET", "/friend/apply"));
});

Deno.test("GET /user/reddot/friendApply counts what came since DELETE /user/reddot/friendApply", async () => {
  await using app = await startTestApp();
  const [anna, ben, cleo] = await makeChatters(app, "Anna", "Ben", "Cleo");
  assert.deepEqual(await reddot(anna!), { count: 0, is_dot: 0 });
  await applyTo(ben!, anna!);
  await applyTo(ben!, anna!);
  assert.deepEqual(await reddot(anna!), { count: 1, is_dot: 1 });
  await anna!.ask("DELETE", "/api/v1/user/reddot/friendApply");
  assert.deepEqual(await reddot(anna!), { count: 0, is_dot: 0 });
  await applyTo(cleo!, anna!);
  assert.deepEqual(await reddot(anna!), { count: 1, is_dot: 1 });
  await anna!.ask("PUT", `/friend/refuse/${cleo!.uid}`);
  assert.deepEqual(await reddot(anna!), { count: 0, is_dot: 0 });
  await assertNeedsToken(app, "GET", "/user/reddot/friendApply");
  await assertNeedsToken(app, "DELETE", "/user/reddot/friendApply");
});

Deno.test("GET /friend/sync", async (t) => {
  await using app = await startTestApp();
  const [anna, ben, cleo] = await makeChatters(app, "Anna", "Ben", "Cleo%");
  await befriend(app, anna!, [ben!]);
  await befriend(app, anna!, [cleo!]);
  let version = 0;

  await t.step("lists all friends, ascending by version", async () => {
    const list = await friendsOf(anna!);
    assert.ok(uids(list).includes(SYSTEM_UID));
    assert.deepEqual(uids(list).slice(-2), [ben!.uid, cleo!.uid]);
    const versions = list.map((friend: { version: number }) => friend.version);
    assert.deepEqual(versions, versions.toSorted((a: number, b: number) => a - b));
    version = versions.at(-1)!;
    const { vercode, created_at, updated_at, short_no, ...rest } = list.at(-1);
    assert.ok(vercode && created_at && updated_at && short_no);
    assert.deepEqual(rest, {
      uid: cleo!.uid,
      name: "Cleo%",
      remark: "",
      version,
      status: 1,
      follow: 1,
      is_deleted: 0,
      mute: 0,
      top: 0,
      category: "",
      robot: 0,
    });
  });

  await t.step("goes on behind a version, ended friendships included", async () => {
    assert.deepEqual(await friendsOf(anna!, { version: String(version) }), []);
    await anna!.ask("DELETE", `/api/v1/friends/${ben!.uid}`);
    const [ended, ...none] = await friendsOf(anna!, { version: String(version) });
    assert.deepEqual(none, []);
    assert.deepEqual([ended.uid, ended.is_deleted, ended.follow], [ben!.uid, 1, 0]);
    assert.ok(ended.version > version);
    assert.equal(uids(await friendsOf(anna!, { version: "0" })).includes(ben!.uid), false);
    assert.equal(uids(await friendsOf(anna!, { version: "" })).includes(ben!.uid), false);
    assert.equal((await friendsOf(anna!, { limit: "1" })).length, 1);
    assert.deepEqual(await friendsOf(anna!, { version: "253402300799999" }), []);
  });

  await t.step("finds part of a name or of what one calls them", async () => {
    await anna!.ask("PUT", "/api/v1/friend/remark", { body: { uid: cleo!.uid, remark: "学姐" } });
    for (const keyword of ["cleo", "leo%", "学"]) {
      assert.deepEqual(uids(await friendsOf(anna!, { keyword })), [cleo!.uid], keyword);
    }
    assert.deepEqual(await friendsOf(anna!, { keyword: "_leo" }), []);
    assert.equal((await friendsOf(anna!, { keyword: "学" }))[0].remark, "学姐");
  });

  await t.step("says whom one has blacklisted", async () => {
    await anna!.ask("POST", `/user/blacklist/${cleo!.uid}`);
    assert.equal((await friendsOf(anna!, { keyword: "cleo" }))[0].status, 2);
  });

  await t.step("needs a token", () => assertNeedsToken(app, "GET", "/friend/sync"));
});

Deno.test("PUT /friend/remark", async () => {
  await using app = await startTestApp();
  const [anna, ben] = await makeChatters(app, "Anna", "Ben");
  await anna!.ask("PUT", "/friend/remark", { body: { uid: ben!.uid, remark: "Benny" } });
  assert.equal((await anna!.ask("GET", `/users/${ben!.uid}`)).remark, "Benny");
  assert.equal((await anna!.received(99)).at(-1).cmd, "channelUpdate");
  const body = { uid: "0".repeat(32), remark: "x" };
  assertImFailure(await anna!.call("PUT", "/friend/remark", { body }), 400, "用户不存在");
  assertImFailure(await anna!.call("PUT", "/friend/remark", { body: { uid: ben!.uid } }));
  await assertNeedsToken(app, "PUT", "/friend/remark", { body });
});

Deno.test("PUT /user/current changes what PUT /users/current does, texts for numbers included", async () => {
  await using app = await startTestApp();
  const [anna] = await makeChatters(app, "Anna");
  await anna!.ask("PUT", "/api/v1/user/current", { body: { sex: "0" } });
  assert.equal((await anna!.ask("GET", `/users/${anna!.uid}`)).sex, 0);
  await anna!.ask("PUT", "/user/current", { body: { sex: 1, name: "Ann" } });
  assert.equal((await anna!.ask("GET", `/users/${anna!.uid}`)).sex, 1);
  assertImFailure(await anna!.call("PUT", "/user/current", { body: { sex: "2" } }));
});

Deno.test("GET /user/online", async () => {
  await using app = await startTestApp();
  const [anna, ben, cleo] = await makeChatters(app, "Anna", "Ben", "Cleo");
  await befriend(app, anna!, [ben!]);
  const none = { online: 0, device_flag: 1, last_offline: 0, mute_of_app: 0 };
  assert.deepEqual(await anna!.ask("GET", "/api/v1/user/online"), { friends: [], pc: none });
  await setPresent(app.ctx, [
    { userId: ben!.userId, socketId: "b", deviceFlag: 0 },
    { userId: cleo!.userId, socketId: "c", deviceFlag: 0 },
    { userId: anna!.userId, socketId: "a0", deviceFlag: 0 },
    { userId: anna!.userId, socketId: "a1", deviceFlag: 1 },
  ]);
  await anna!.ask("PUT", "/users/current", { body: { mute_of_app: 1 } });
  assert.deepEqual(await anna!.ask("GET", "/api/v1/user/online"), {
    friends: await anna!.ask("GET", "/user/chat/online"),
    pc: { online: 1, device_flag: 1, last_offline: 0, mute_of_app: 1 },
  });
  await assertNeedsToken(app, "GET", "/user/online");
});

Deno.test("GET /channels/{channel_id}/{channel_type}", async (t) => {
  await using app = await startTestApp();
  const [anna, ben] = await makeChatters(app, "Anna", "Ben");
  const groupNo = await openGroup(app, [ben!, anna!]);

  await t.step("a person, also one who is no friend, or built in", async () => {
    await anna!.ask("PUT", `/users/${ben!.uid}/setting`, { body: { remark: "Benny", top: 1 } });
    const { extra, ...rest } = await anna!.ask("GET", `/api/v1/channels/${ben!.uid}/1`);
    assert.deepEqual(rest, {
      channel: { channel_id: ben!.uid, channel_type: 1 },
      name: "Ben",
      logo: `users/${ben!.uid}/avatar`,
      remark: "Benny",
      notice: "",
      mute: 0,
      stick: 1,
      save: 0,
      show_nick: 0,
      forbidden: 0,
      invite: 0,
      receipt: 1,
      robot: 0,
      category: "",
      status: 1,
      follow: 1,
      be_deleted: 0,
      be_blacklist: 0,
      online: 0,
      last_offline: 0,
      device_flag: 0,
      username: "",
      flame: 0,
      flame_second: 0,
    });
    assert.equal(extra.sex, 1);
    assert.ok(extra.short_no);
    const system = await anna!.ask("GET", `/channels/${SYSTEM_UID}/1`);
    assert.deepEqual([system.name, system.category], ["系统通知", "system"]);
    const [cleo] = await makeChatters(app, "Cleo");
    assert.equal((await cleo!.ask("GET", `/channels/${anna!.uid}/1`)).follow, 0);
  });

  await t.step("a group", async () => {
    const { extra, ...rest } = await anna!.ask("GET", `/api/v1/channels/${groupNo}/2`);
    assert.deepEqual([rest.name, rest.logo], ["读书会", `groups/${groupNo}/avatar`]);
    assert.deepEqual(rest.channel, { channel_id: groupNo, channel_type: 2 });
    // The client takes this one for whether its messages ask for receipts.
    assert.equal(rest.receipt, 1);
    const group = await anna!.ask("GET", `/groups/${groupNo}`);
    assert.deepEqual(extra, { online_count: 0, forbidden_add_friend: 0, ...group });
  });

  await t.step("refuses what nobody knows", async () => {
    for (const path of [`${"0".repeat(32)}/1`, `${groupNo}/1`, `${ben!.uid}/2`, `${ben!.uid}/3`]) {
      assertImFailure(await anna!.call("GET", `/channels/${path}`), 400);
    }
    await assertNeedsToken(app, "GET", `/channels/${ben!.uid}/1`);
  });
});

Deno.test("GET /groups/{group_no}/members", async (t) => {
  await using app = await startTestApp();
  const [anna, ben, cleo, dora] = await makeChatters(app, "Anna", "Ben", "Cleo", "Dora");
  const groupNo = await openGroup(app, [anna!, ben!, cleo!, dora!]);
  await anna!.ask("POST", `/groups/${groupNo}/managers`, { body: [dora!.uid] });
  await anna!.ask("DELETE", `/groups/${groupNo}/members`, { body: { members: [ben!.uid] } });
  await cleo!.ask("PUT", `/groups/${groupNo}/members/${cleo!.uid}`, { body: { remark: "班长" } });
  const list = (query: Record<string, string> = {}) =>
    cleo!.ask("GET", `/api/v1/groups/${groupNo}/members`, {
      query: { page: "1", limit: "50", ...query },
    });

  await t.step("lists who is in it, owner and managers first", async () => {
    const members = await list();
    assert.deepEqual(uids(members), [anna!.uid, dora!.uid, cleo!.uid]);
    const synced = await cleo!.ask("GET", `/groups/${groupNo}/membersync`);
    assert.ok(members[0].vercode);
    assert.deepEqual(members[0], synced.find(({ uid }: { uid: string }) => uid === anna!.uid));
  });

  await t.step("a page at a time, and by part of a name", async () => {
    assert.deepEqual(uids(await list({ page: "2", limit: "2" })), [cleo!.uid]);
    assert.deepEqual(await list({ page: "3", limit: "2" }), []);
    assert.deepEqual(uids(await list({ keyword: "班" })), [cleo!.uid]);
    assert.deepEqual(uids(await list({ keyword: "nn" })), [anna!.uid]);
    assert.deepEqual(await list({ keyword: "Ben" }), []);
  });

  await t.step("for members alone", async () => {
    assertImFailure(await ben!.call("GET", `/groups/${groupNo}/members`), 400, "你不在该群");
    const unknown = await ben!.call("GET", `/groups/${"0".repeat(32)}/members`);
    assertImFailure(unknown, 400, "群不存在");
    await assertNeedsToken(app, "GET", `/groups/${groupNo}/members`);
  });

  await t.step("membersync answers ten thousand at once where it is asked to", async () => {
    const { limit } = { limit: "10000" };
    await app.ctx.db.execute(sql`
      with people as (
        insert into users (uid, app_uid, nickname, created_at, updated_at)
        select md5(n::text), n, 'Person', now(), now() from generate_series(1, 700) as n
        returning id
      )
      insert into group_members (group_id, user_id, joined_at)
      select groups.id, people.id, now() from people, groups where group_no = ${groupNo}`);
    const all = await cleo!.ask("GET", `/groups/${groupNo}/membersync`, { query: { limit } });
    assert.equal(all.length, 704);
  });
});

Deno.test("GET /group/my", async () => {
  await using app = await startTestApp();
  const [anna, ben] = await makeChatters(app, "Anna", "Ben");
  const [first, second, third] = [
    await openGroup(app, [anna!, ben!], "一"),
    await openGroup(app, [anna!, ben!], "二"),
    await openGroup(app, [anna!, ben!], "三"),
  ];
  const mine = () => ben!.ask("GET", "/api/v1/group/my", { query: { limit: "100000" } });
  assert.deepEqual(await mine(), []);
  for (const no of [first, second, third]) {
    await ben!.ask("PUT", `/groups/${no}/setting`, { body: { save: 1 } });
  }
  await ben!.ask("POST", `/groups/${first}/exit`);
  await ben!.ask("PUT", `/groups/${second}/setting`, { body: { save: 0 } });
  assert.deepEqual(await mine(), [await ben!.ask("GET", `/groups/${third}`)]);
  await assertNeedsToken(app, "GET", "/group/my");
});

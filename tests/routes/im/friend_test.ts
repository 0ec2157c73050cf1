import { and, eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { APPLY_LIFE_MS } from "../../../db/domain/friends/rules.ts";
import { hashToken } from "../../../db/domain/sessions/access_secret.ts";
import { setGone, setPresent } from "../../../db/redis/presence.ts";
import { blocks } from "../../../db/schema/blocks.ts";
import { friendApplies, friends, peerSettings } from "../../../db/schema/chat.ts";
import { users, UserStatus } from "../../../db/schema/users.ts";
import { askIm, assertImFailure, assertNeedsToken, callIm } from "../../clients/im.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { type ChatPerson, makeChatPerson, makeFriends, readTold } from "./chat_people.ts";

const DONE = { status: 200, msg: "" };
const NOBODY = "0".repeat(32);

const apply = (app: TestApp, as: ChatPerson, to: { uid: string }, remark?: string) =>
  callIm(app, "POST", "/friend/apply", { token: as.token, body: { to_uid: to.uid, remark } });
const sure = (app: TestApp, as: ChatPerson, token: unknown) =>
  callIm(app, "POST", "/friend/sure", { token: as.token, body: { token } });
const sync = (app: TestApp, as: ChatPerson, query: Record<string, string> = {}) =>
  askIm(app, "POST", "/friend/sync", { token: as.token, query });
const drop = (app: TestApp, as: ChatPerson, uid: string) =>
  callIm(app, "DELETE", `/friend/${uid}`, { token: as.token });

async function newestToken(app: TestApp, person: ChatPerson): Promise<string> {
  const told = await readTold(app, person);
  return told.findLast(({ payload }) => payload.cmd === "friendRequest")!.payload.param.token;
}

Deno.test("POST /friend/apply", async (t) => {
  await using app = await startTestApp();
  const toby = await makeChatPerson(app, "Toby");
  const tony = await makeChatPerson(app, "Tony");

  await t.step("sends the receiver alone the token, of which only the digest is kept", async () => {
    const { http, data } = await apply(app, toby, tony, " 你好 ");
    assert.deepEqual([http, data], [200, DONE]);
    const [told, ...more] = await readTold(app, tony);
    const { token } = told!.payload.param;
    assert.match(token, /^[a-f0-9]{32}$/);
    assert.deepEqual(told, {
      senderId: toby.userId,
      channelId: toby.userId,
      redDot: false,
      payload: {
        type: 99,
        cmd: "friendRequest",
        param: {
          apply_uid: toby.uid,
          apply_name: "Toby",
          to_uid: tony.uid,
          remark: "你好",
          token,
        },
      },
    });
    assert.deepEqual([more, await readTold(app, toby)], [[], []]);
    const [row] = await app.ctx.db.select().from(friendApplies);
    assert.equal(row!.tokenHash, hashToken(token));
    assert.equal(row!.expiresAt.getTime() - row!.createdAt.getTime(), APPLY_LIFE_MS);
  });

  await t.step("again replaces the token; vercode is not looked at", async () => {
    const first = await newestToken(app, tony);
    const body = { to_uid: tony.uid, vercode: "x" };
    await askIm(app, "POST", "/friend/apply", { token: toby.token, body });
    assert.equal(await app.ctx.db.$count(friendApplies), 1);
    assertImFailure(await sure(app, tony, first), 400, "好友申请无效或已过期");
  });

  await t.step("seems to work towards somebody who has blocked the applicant", async () => {
    const anna = await makeChatPerson(app, "Anna");
    await app.ctx.db.insert(blocks)
      .values({ userId: anna.userId, blockedId: toby.userId, createdAt: app.ctx.now() });
    assert.deepEqual((await apply(app, toby, anna)).data, DONE);
    assert.deepEqual(await readTold(app, anna), []);
  });

  await t.step("refuses oneself, nobody, the deleted and who is a friend already", async () => {
    assertImFailure(await apply(app, toby, toby), 400, "不能对自己进行此操作");
    assertImFailure(await apply(app, toby, { uid: NOBODY }), 400, "用户不存在");
    const gone = await makeChatPerson(app);
    await app.ctx.db.update(users).set({ status: UserStatus.deleted })
      .where(eq(users.id, gone.userId));
    assertImFailure(await apply(app, toby, gone), 400, "用户不存在");
    const friend = await makeChatPerson(app);
    await makeFriends(app, toby, friend);
    assertImFailure(await apply(app, toby, friend), 400, "已经是好友");
    await app.ctx.db.update(friends).set({ isDeleted: true })
      .where(eq(friends.userId, friend.userId));
    assert.equal((await apply(app, toby, friend)).http, 200, "one side is missing");
  });

  await t.step("wants a uid and at most 100 characters, and a token", async () => {
    for (const body of [{}, { to_uid: "" }, { to_uid: 5 }, { to_uid: tony.uid, remark: 5 }]) {
      assertImFailure(await callIm(app, "POST", "/friend/apply", { token: toby.token, body }));
    }
    assertImFailure(await apply(app, toby, tony, "好".repeat(101)));
    assert.equal((await apply(app, toby, tony, "👍".repeat(100))).http, 200);
    await assertNeedsToken(app, "POST", "/friend/apply", { body: { to_uid: tony.uid } });
  });
});

Deno.test("POST /friend/sure", async (t) => {
  await using app = await startTestApp();
  const toby = await makeChatPerson(app, "Toby");
  const tony = await makeChatPerson(app, "Tony");

  await t.step("is refused to anybody but the receiver", async () => {
    await apply(app, toby, tony);
    const token = await newestToken(app, tony);
    for (const other of [toby, await makeChatPerson(app)]) {
      assertImFailure(await sure(app, other, token), 400, "好友申请无效或已过期");
    }
    assert.equal(await app.ctx.db.$count(friends), 0);
  });

  await t.step("makes both friends at one time and tells both", async () => {
    const { http, data } = await sure(app, tony, await newestToken(app, tony));
    assert.deepEqual([http, data], [200, DONE]);
    const [of1, of2] = [await sync(app, toby), await sync(app, tony)];
    assert.deepEqual([of1.length, of1[0].to_uid, of2[0].to_uid], [1, tony.uid, toby.uid]);
    assert.deepEqual([of1[0].updated_at, of1[0].is_deleted], [of2[0].updated_at, 0]);
    const accept = {
      type: 99,
      cmd: "friendAccept",
      param: { to_uid: toby.uid, from_uid: tony.uid },
    };
    const tip = { type: 2000, content: "我们已经是好友了，可以愉快地聊天了！" };
    const text = { type: 1, content: "我是Toby" };
    const toldToby = await readTold(app, toby);
    assert.deepEqual(toldToby.map(({ payload }) => payload), [accept, tip, text]);
    assert.deepEqual(
      toldToby.map(({ senderId }) => senderId),
      [tony.userId, tony.userId, toby.userId],
    );
    const toldTony = (await readTold(app, tony)).map(({ payload }) => payload);
    assert.deepEqual(toldTony.slice(1), [accept, tip, text]);
  });

  await t.step("a second time is 400 and changes nothing", async () => {
    const before = await sync(app, tony);
    assertImFailure(await sure(app, tony, await newestToken(app, tony)));
    assert.deepEqual(await sync(app, tony), before);
    assert.equal((await readTold(app, toby)).length, 3);
  });

  await t.step("revives who was deleted, with the remark as the first words", async () => {
    await drop(app, toby, tony.uid);
    await apply(app, tony, toby, "还是我");
    await sure(app, toby, await newestToken(app, toby));
    assert.equal(await app.ctx.db.$count(friends), 2);
    assert.equal((await sync(app, toby))[0].is_deleted, 0);
    assert.deepEqual((await readTold(app, toby)).at(-1)!.payload, { type: 1, content: "还是我" });
  });

  await t.step("settles a request the other way round", async () => {
    const anna = await makeChatPerson(app, "Anna");
    await apply(app, toby, anna);
    await apply(app, anna, toby);
    await sure(app, toby, await newestToken(app, toby));
    assertImFailure(await sure(app, anna, await newestToken(app, anna)));
  });

  await t.step("works for an applicant who has blocked the receiver meanwhile", async () => {
    const anna = await makeChatPerson(app, "Anna");
    await apply(app, anna, toby);
    await app.ctx.db.insert(blocks)
      .values({ userId: anna.userId, blockedId: toby.userId, createdAt: app.ctx.now() });
    assert.equal((await sure(app, toby, await newestToken(app, toby))).http, 200);
    assert.deepEqual((await sync(app, anna)).map((it: { to_uid: string }) => it.to_uid), [
      toby.uid,
    ]);
  });

  await t.step("wants a token that is one, and a login", async () => {
    for (const token of [undefined, "", 5, NOBODY, "x".repeat(101)]) {
      assertImFailure(await sure(app, tony, token));
    }
    await assertNeedsToken(app, "POST", "/friend/sure", { body: { token: NOBODY } });
  });

  await t.step("is refused after fifteen days", async () => {
    const late = await makeChatPerson(app);
    await apply(app, toby, late);
    app.clock.advance(APPLY_LIFE_MS + 1_000);
    assertImFailure(await sure(app, late, await newestToken(app, late)));
  });
});

Deno.test("POST /friend/sync", async (t) => {
  await using app = await startTestApp();
  const toby = await makeChatPerson(app, "Toby");
  const others: ChatPerson[] = [];
  for (const name of ["A", "B", "C", "D", "E"]) {
    others.push(await makeChatPerson(app, name));
    await makeFriends(app, toby, others.at(-1)!);
  }
  const keyOf = (row: { updated_at: string; id: number }) => `${row.updated_at}@${row.id}`;

  await t.step("answers the contract's fields, oldest change first", async () => {
    await app.ctx.db.insert(peerSettings)
      .values({ userId: toby.userId, peerId: others[0]!.userId, remark: "阿", mute: true });
    const rows = await sync(app, toby);
    const [newest, ...older] = others;
    assert.deepEqual(
      rows.map((it: { to_uid: string }) => it.to_uid),
      [...older, newest!].map(({ uid }) => uid),
    );
    const first = rows.at(-1);
    assert.match(first.updated_at, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/);
    assert.deepEqual(first, {
      id: first.id,
      to_uid: others[0]!.uid,
      to_name: "A",
      created_at: first.created_at,
      updated_at: first.updated_at,
      is_deleted: 0,
      version: new Date(`${first.updated_at.replace(" ", "T")}+08:00`).getTime(),
      remark: "阿",
      mute: 1,
      top: 0,
    });
  });

  await t.step("times rise strictly, so walking by key misses nothing", async () => {
    const whole = await sync(app, toby);
    const versions: number[] = whole.map(({ version }: { version: number }) => version);
    assert.deepEqual(versions, [...new Set(versions)].sort((a, b) => a - b));
    const walked = [];
    let page = await sync(app, toby, { limit: "2" });
    while (page.length > 0) {
      walked.push(...page);
      page = await sync(app, toby, { limit: "2", sync_key: keyOf(page.at(-1)) });
    }
    assert.deepEqual(walked, whole);
  });

  await t.step("takes the key from a JSON body too, and without milliseconds", async () => {
    const whole = await sync(app, toby);
    const ask = (body: unknown) => askIm(app, "POST", "/friend/sync", { token: toby.token, body });
    assert.deepEqual(await ask({ sync_key: keyOf(whole[3]), limit: 1 }), [whole[4]]);
    const seconds = `${whole[0].updated_at.slice(0, 19)}@0`;
    assert.deepEqual(await ask({ sync_key: seconds }), whole);
    assert.deepEqual(await sync(app, toby, { sync_key: "", limit: "0" }), whole);
    assert.equal((await sync(app, toby, { limit: "5000" })).length, 5);
  });

  await t.step("carries deletions, behind everything before them", async () => {
    const last = (await sync(app, toby)).at(-1);
    await drop(app, others[1]!, toby.uid);
    const changed = await sync(app, toby, { sync_key: keyOf(last) });
    assert.deepEqual(
      changed.map((it: { to_uid: string; is_deleted: number }) => [it.to_uid, it.is_deleted]),
      [[others[1]!.uid, 1]],
    );
  });

  /** Ended friendships, which a sync without a key leaves out, have their place too. */
  const newestKey = async (who: ChatPerson) =>
    keyOf((await sync(app, who, { sync_key: "2000-01-01 00:00:00@0" })).at(-1));

  await t.step("carries what one has set for a friend, and a friend's new name", async () => {
    const friend = others[2]!;
    const moved = async (change: () => Promise<unknown>) => {
      const [sync_key, otherKey] = [await newestKey(toby), await newestKey(friend)];
      await change();
      const rows = await sync(app, toby, { sync_key });
      assert.deepEqual(
        await sync(app, friend, { sync_key: otherKey }),
        [],
        "the other's is as it was",
      );
      return rows.map((it: Record<string, unknown>) => [it.to_name, it.remark, it.mute, it.top]);
    };
    const set = (body: unknown) => () =>
      askIm(app, "PUT", `/users/${friend.uid}/setting`, { token: toby.token, body });
    assert.deepEqual(await moved(set({ remark: "小西" })), [["C", "小西", 0, 0]]);
    assert.deepEqual(await moved(set({ mute: 1 })), [["C", "小西", 1, 0]]);
    assert.deepEqual(await moved(set({ top: 1, remark: "" })), [["C", "", 1, 1]]);
    assert.deepEqual(await moved(set({ top: 1, receipt: 0 })), [], "nothing a sync shows");
    const rename = () =>
      askIm(app, "PUT", "/users/current", { token: friend.token, body: { name: "Cecily" } });
    assert.deepEqual(await moved(rename), [["Cecily", "", 1, 1]]);
    assert.deepEqual(await moved(rename), [], "the same name");
    const byOperator = () =>
      app.ctx.db.update(users).set({ nickname: "Cecilia" }).where(eq(users.id, friend.userId));
    assert.deepEqual(await moved(byOperator), [["Cecilia", "", 1, 1]]);
  });

  await t.step("says nothing more of whom it is over with", async () => {
    const sync_key = await newestKey(toby);
    const gone = others[1]!;
    const body = { name: "Bertram" };
    await askIm(app, "PUT", "/users/current", { token: gone.token, body });
    const path = `/users/${gone.uid}/setting`;
    await askIm(app, "PUT", path, { token: toby.token, body: { mute: 1 } });
    assert.deepEqual(await sync(app, toby, { sync_key }), []);
  });

  await t.step("is each person's own", async () => {
    const rows = await sync(app, others[0]!);
    assert.deepEqual(rows.map((it: { to_uid: string }) => it.to_uid), [toby.uid]);
  });

  await t.step("refuses a key that is none, and a call without a token", async () => {
    const wrong = ["x", "@", "2026-02-31 00:00:00@1", "2026-13-01 00:00:00.000@1", "1@1"];
    for (const sync_key of [...wrong, "2026-01-01 00:00:00", "2026-01-01 00:00:00@x"]) {
      const query = { sync_key };
      assertImFailure(await callIm(app, "POST", "/friend/sync", { token: toby.token, query }));
    }
    await assertNeedsToken(app, "POST", "/friend/sync");
  });
});

Deno.test("POST /friend/online", async (t) => {
  await using app = await startTestApp();
  const toby = await makeChatPerson(app, "Toby");
  const online = () => askIm(app, "POST", "/friend/online", { token: toby.token });
  const socketOf = (
    { userId }: ChatPerson,
    deviceFlag = 0,
  ) => [{ userId, socketId: `socket of ${userId}`, deviceFlag }];
  /** Somebody who has accepted Toby's request, so that the two have a chat. */
  const makeChattingFriend = async (name: string) => {
    const friend = await makeChatPerson(app, name);
    await apply(app, toby, friend);
    await sure(app, friend, await newestToken(app, friend));
    return friend;
  };
  const tony = await makeChattingFriend("Tony");
  const anna = await makeChattingFriend("Anna");
  const otto = await makeChattingFriend("Otto");

  await t.step("is empty while nobody was ever there", async () => {
    assert.deepEqual(await online(), []);
  });

  await t.step("answers who is there, then who left within the hour, newest first", async () => {
    const seconds = () => Math.floor(app.clock.now().getTime() / 1000);
    let wentBetween = [0, 0];
    for (const person of [tony, anna]) {
      await setPresent(app.ctx, socketOf(person));
      const before = seconds();
      await setGone(app.ctx, socketOf(person));
      wentBetween = [before, seconds()];
      app.clock.advance(60_000);
    }
    await setPresent(app.ctx, socketOf(otto, 1));
    const [first, ...rest] = await online();
    assert.deepEqual(first, { uid: otto.uid, online: 1, last_offline: 0, device_flag: 1 });
    assert.deepEqual(
      rest.map((it: Record<string, unknown>) => [it.uid, it.online, it.device_flag]),
      [[anna.uid, 0, 0], [tony.uid, 0, 0]],
    );
    assert.ok(wentBetween.includes(rest[0].last_offline), `${rest[0].last_offline}`);
  });

  await t.step("leaves out strangers, the deleted, and friends without a chat", async () => {
    const [stranger, silent] = [await makeChatPerson(app), await makeChatPerson(app)];
    await makeFriends(app, toby, silent);
    for (const person of [stranger, silent]) await setPresent(app.ctx, socketOf(person));
    await drop(app, toby, otto.uid);
    const uids = (await online()).map(({ uid }: { uid: string }) => uid);
    assert.deepEqual(uids, [anna.uid, tony.uid]);
  });

  await t.step("forgets who left more than an hour ago; wants a token", async () => {
    app.clock.advance(60 * 60_000 - 90_000);
    assert.deepEqual((await online()).map(({ uid }: { uid: string }) => uid), [anna.uid]);
    await assertNeedsToken(app, "POST", "/friend/online");
  });
});

Deno.test("DELETE /friend/{uid}", async (t) => {
  await using app = await startTestApp();
  const toby = await makeChatPerson(app, "Toby");
  const tony = await makeChatPerson(app, "Tony");
  await makeFriends(app, toby, tony);

  await t.step("ends it on both sides and tells both", async () => {
    const { http, data } = await drop(app, toby, tony.uid);
    assert.deepEqual([http, data], [200, DONE]);
    for (const person of [toby, tony]) {
      assert.deepEqual(await sync(app, person), [], "a first sync has friends alone");
      const [ended] = await sync(app, person, { sync_key: "2020-01-01 00:00:00@0" });
      assert.equal(ended.is_deleted, 1);
      const param = { to_uid: tony.uid, from_uid: toby.uid };
      const told = (await readTold(app, person)).map(({ payload }) => payload);
      assert.deepEqual(told, [{ type: 99, cmd: "friendDeleted", param }]);
    }
  });

  await t.step(
    "is 400 for whoever is no friend: deleted, a stranger, oneself, nobody",
    async () => {
      const stranger = await makeChatPerson(app);
      for (const uid of [tony.uid, stranger.uid, toby.uid, NOBODY, "x"]) {
        assertImFailure(await drop(app, toby, uid), 400, "不是好友");
      }
      const rows = await app.ctx.db.select().from(friends)
        .where(and(eq(friends.userId, toby.userId), eq(friends.friendId, tony.userId)));
      assert.equal(rows.length, 1, "the row stays");
    },
  );

  await t.step("leaves other people's friendships alone, and wants a token", async () => {
    const [anna, otto] = [await makeChatPerson(app, "Anna"), await makeChatPerson(app, "Otto")];
    await makeFriends(app, anna, otto);
    assertImFailure(await drop(app, toby, anna.uid));
    assert.equal((await sync(app, anna))[0].is_deleted, 0);
    await assertNeedsToken(app, "DELETE", `/friend/${anna.uid}`);
  });
});

import { eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { clubMembers, clubs } from "../../../db/schema/clubs.ts";
import { callGateway, type GatewayLogin, logIn, registerPerson } from "../../clients/gateway.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { walkPages } from "./walk_pages.ts";

const COVER = "https://cdn.example.com/cover.jpg";

const open = (app: TestApp, as: GatewayLogin, body: Record<string, unknown> = {}) =>
  callGateway(app, "POST", "/club", { as, body: { name: "产品交流圈", cover: COVER, ...body } });
const act = (app: TestApp, as: GatewayLogin, clubId: string, action: "join" | "leave") => {
  app.clock.advance(2_000);
  return callGateway(app, "POST", `/club/${clubId}/${action}`, { as });
};
const read = (app: TestApp, as: GatewayLogin, clubId: string) =>
  callGateway(app, "GET", `/club/${clubId}`, { as });
const page = (
  app: TestApp,
  as: GatewayLogin,
  path: string,
  query: Record<string, string> = { count: "10" },
) => callGateway(app, "GET", path, { as, query });

Deno.test("POST /club", async (t) => {
  await using app = await startTestApp();
  const owner = await registerPerson(app, "Toby");

  await t.step("makes a club with its owner in it, as the contract's sample", async () => {
    const { http, status, message, result } = await open(app, owner);
    assert.deepEqual([http, status, message], [200, 1, "Success"]);
    assert.match(result.clubId, /^[a-f0-9]{32}$/);
    assert.deepEqual(result, {
      cover: COVER,
      uid: owner.uid,
      createTime: result.createTime,
      name: "产品交流圈",
      clubId: result.clubId,
      memberTotal: 1,
      joined: 1,
    });
    assert.ok(Math.abs(result.createTime - app.clock.now().getTime()) < 60_000);
    assert.deepEqual((await read(app, owner, result.clubId)).result, result);
  });

  await t.step("wants a name of 1 to 50 characters and a cover", async () => {
    const wrong = [
      { name: "" },
      { name: "  " },
      { name: "圈".repeat(51) },
      { name: 5 },
      { cover: "" },
      { cover: "c".repeat(501) },
      { cover: null },
    ];
    for (const body of wrong) {
      const refused = await open(app, owner, body);
      assert.deepEqual([refused.http, refused.status, refused.errorCode], [200, 0, 0]);
    }
    for (const body of [{}, { name: "a" }, { cover: COVER }]) {
      assert.equal((await callGateway(app, "POST", "/club", { as: owner, body })).status, 0);
    }
    const longest = await open(app, owner, { name: ` ${"👍".repeat(50)} ` });
    assert.equal(longest.result.name, "👍".repeat(50));
  });

  await t.step("without credentials is 401, without a profile 200000", async () => {
    const body = { name: "a", cover: COVER };
    assert.equal((await callGateway(app, "POST", "/club", { body })).http, 401);
    assert.equal((await open(app, await logIn(app))).errorCode, 200000);
  });
});

Deno.test("GET /club/{clubId}", async (t) => {
  await using app = await startTestApp();
  const owner = await registerPerson(app, "Toby");
  const other = await registerPerson(app, "Tony");
  const { clubId, createTime } = (await open(app, owner)).result;

  await t.step("shows a club to anybody, and whether they are in it", async () => {
    const club = {
      clubId,
      cover: COVER,
      createTime,
      memberTotal: 1,
      name: "产品交流圈",
      uid: owner.uid,
    };
    assert.deepEqual((await read(app, other, clubId)).result, { ...club, joined: 0 });
    await act(app, other, clubId, "join");
    const joined = { ...club, joined: 1, memberTotal: 2 };
    assert.deepEqual((await read(app, other, clubId)).result, joined);
    assert.deepEqual((await read(app, owner, clubId)).result, joined);
  });

  await t.step("of none is 500000, of what is no id 404, without credentials 401", async () => {
    assert.equal((await read(app, owner, "0".repeat(32))).errorCode, 500000);
    assert.equal((await read(app, owner, "xyz")).http, 404);
    assert.equal((await callGateway(app, "GET", `/club/${clubId}`)).http, 401);
  });
});

Deno.test("POST /club/{clubId}/join", async (t) => {
  await using app = await startTestApp();
  const owner = await registerPerson(app, "Toby");
  const other = await registerPerson(app, "Tony");
  const club = (await open(app, owner)).result;

  await t.step("answers the club with the new member counted; again is a success", async () => {
    for (let time = 0; time < 2; time++) {
      const { status, message, result } = await act(app, other, club.clubId, "join");
      assert.deepEqual([status, message], [1, "Success"]);
      assert.deepEqual(result, { ...club, joined: 1, memberTotal: 2 });
    }
    const [first] = (await page(app, owner, `/club/${club.clubId}/member`)).result.list;
    assert.equal(first.uid, other.uid);
  });

  await t.step("of a club that is not there, or has vanished, is 500000", async () => {
    assert.equal((await act(app, other, "0".repeat(32), "join")).errorCode, 500000);
    assert.equal((await act(app, other, "0".repeat(24), "join")).errorCode, 500000);
    const gone = (await open(app, owner, { name: "gone" })).result.clubId;
    await act(app, owner, gone, "leave");
    assert.equal((await act(app, other, gone, "join")).errorCode, 500000);
    assert.equal(await app.database.db.$count(clubMembers), 2);
  });

  await t.step("without credentials is 401", async () => {
    assert.equal((await callGateway(app, "POST", `/club/${club.clubId}/join`)).http, 401);
  });
});

Deno.test("POST /club/{clubId}/leave", async (t) => {
  await using app = await startTestApp();
  const owner = await registerPerson(app, "Toby");
  const other = await registerPerson(app, "Tony");
  const { clubId } = (await open(app, owner)).result;
  await act(app, other, clubId, "join");

  await t.step("is refused to the owner while anybody else is in it", async () => {
    const refused = await act(app, owner, clubId, "leave");
    assert.deepEqual([refused.http, refused.status, refused.errorCode], [200, 0, 0]);
    assert.equal(refused.message, "圈主不能退出圈子");
    assert.equal((await read(app, owner, clubId)).result.memberTotal, 2);
  });

  await t.step("ends the membership; again, or by who never was one, is a success", async () => {
    const stranger = await registerPerson(app, "Anna");
    for (const person of [other, other, stranger]) {
      const { status, message, result } = await act(app, person, clubId, "leave");
      assert.deepEqual([status, message, result], [1, "Success", {}]);
      const club = (await read(app, other, clubId)).result;
      assert.deepEqual([club.memberTotal, club.joined], [1, 0]);
    }
  });

  await t.step("by the owner, as the last one, makes the club vanish", async () => {
    assert.equal((await act(app, owner, clubId, "leave")).status, 1);
    assert.equal((await read(app, owner, clubId)).errorCode, 500000);
    assert.equal((await page(app, owner, `/club/${clubId}/member`)).errorCode, 500000);
    assert.deepEqual((await page(app, owner, "/club")).result.list, []);
    const [row] = await app.database.db.select().from(clubs).where(eq(clubs.id, clubId));
    assert.ok(row!.deletedAt);
    assert.equal(row!.memberCount, 0);
    assert.equal((await act(app, owner, clubId, "leave")).status, 1, "again is a success");
  });

  await t.step("of a club that never was is 500000, without credentials 401", async () => {
    assert.equal((await act(app, owner, "0".repeat(32), "leave")).errorCode, 500000);
    assert.equal((await callGateway(app, "POST", `/club/${clubId}/leave`)).http, 401);
  });
});

Deno.test("GET /club", async (t) => {
  await using app = await startTestApp();
  const person = await registerPerson(app, "Toby");
  const other = await registerPerson(app, "Tony");
  const ids: string[] = [];
  for (const name of ["A", "B", "C", "D", "E"]) {
    ids.unshift((await open(app, name === "E" ? other : person, { name })).result.clubId);
    app.clock.advance(2_000);
  }
  await act(app, person, ids[0]!, "join");

  await t.step("answers as the contract's sample, newest joined first", async () => {
    const { result } = await page(app, person, "/club");
    assert.deepEqual(result.page, { count: 10 });
    assert.deepEqual(result.list.map(({ clubId }: { clubId: string }) => clubId), ids);
    const [first] = result.list;
    assert.deepEqual(first, {
      clubId: ids[0],
      clubResult: {
        clubId: ids[0],
        cover: COVER,
        createTime: first.clubResult.createTime,
        memberTotal: 2,
        joined: 1,
        name: "E",
        uid: other.uid,
      },
      createTime: first.createTime,
      sequenceId: `${first.createTime}:${ids[0]}`,
    });
    assert.ok(first.createTime > first.clubResult.createTime, "the time of joining");
  });

  await t.step("goes on behind lastId, also when all were joined in one millisecond", async () => {
    for (const oneTime of [false, true]) {
      const joinedAt = new Date(1616747477657);
      if (oneTime) await app.database.db.update(clubMembers).set({ joinedAt });
      const whole = (await page(app, person, "/club")).result.list;
      assert.equal(whole.length, 5);
      assert.deepEqual(await walkPages((query) => page(app, person, "/club", query)), whole);
    }
  });

  await t.step("is each person's own", async () => {
    const { list } = (await page(app, other, "/club")).result;
    assert.deepEqual(list.map(({ clubId }: { clubId: string }) => clubId), [ids[0]]);
  });

  await t.step("is {} before the profile is filled in", async () => {
    const { status, result } = await page(app, await logIn(app), "/club");
    assert.deepEqual([status, result], [1, {}]);
  });

  await t.step("wants a count of 1 to 100, a lastId that it gave, and credentials", async () => {
    for (const query of [{ count: "0" }, { count: "101" }, { count: "1", lastId: "x" }]) {
      const refused = await page(app, person, "/club", query as Record<string, string>);
      assert.deepEqual([refused.http, refused.status, refused.errorCode], [200, 0, 0]);
    }
    assert.equal((await callGateway(app, "GET", "/club", { query: { count: "1" } })).http, 401);
  });
});

Deno.test("GET /club/{clubId}/member", async (t) => {
  await using app = await startTestApp();
  const owner = await registerPerson(app, "Toby");
  const { clubId } = (await open(app, owner)).result;
  const path = `/club/${clubId}/member`;
  const members = [owner];
  for (const name of ["A", "B", "C", "D"]) {
    members.unshift(await registerPerson(app, name));
    await act(app, members[0]!, clubId, "join");
  }

  await t.step("answers as the contract's sample, newest joined first", async () => {
    const { result } = await page(app, owner, path);
    assert.deepEqual(result.page, { count: 10 });
    assert.deepEqual(
      result.list.map(({ uid }: { uid: string }) => uid),
      members.map(({ uid }) => uid),
    );
    const [first] = result.list;
    assert.deepEqual(first, {
      createTime: first.createTime,
      sequenceId: `${first.createTime}:${members[0]!.uid}`,
      uid: members[0]!.uid,
      userProfileResult: {
        avatar: "https://cdn.example.com/a.png",
        bio: "",
        nickname: "D",
        uid: members[0]!.uid,
        sendCard: 0,
        cardTotal: 0,
        blocked: 0,
        allowLive: 1,
      },
    });
  });

  await t.step("goes on behind lastId, also when all joined in one millisecond", async () => {
    for (const oneTime of [false, true]) {
      const joinedAt = new Date(1616747477657);
      if (oneTime) await app.database.db.update(clubMembers).set({ joinedAt });
      const whole = (await page(app, owner, path)).result.list;
      assert.equal(whole.length, 5);
      assert.deepEqual(await walkPages((query) => page(app, owner, path, query)), whole);
    }
  });

  await t.step("is seen with the viewer's eyes, by people who are no members as well", async () => {
    const stranger = await registerPerson(app, "Anna");
    await callGateway(app, "POST", `/user/${owner.uid}/block`, { as: stranger });
    await callGateway(app, "POST", `/user/${owner.uid}/card`, { as: members[0]! });
    const seen = async (as: GatewayLogin) => {
      const { list } = (await page(app, as, path)).result;
      const { blocked, sendCard, cardTotal } = list.find(({ uid }: { uid: string }) =>
        uid === owner.uid
      ).userProfileResult;
      return [blocked, sendCard, cardTotal];
    };
    assert.deepEqual(await seen(stranger), [1, 0, 1]);
    assert.deepEqual(await seen(members[0]!), [0, 1, 1]);
    assert.deepEqual(await seen(owner), [0, 0, 1]);
  });

  await t.step("behind the last one is an empty page, of no club 500000", async () => {
    const last = { count: "1", lastId: `1:${owner.uid}` };
    assert.deepEqual((await page(app, owner, path, last)).result, { page: { count: 1 }, list: [] });
    assert.equal((await page(app, owner, `/club/${"0".repeat(32)}/member`)).errorCode, 500000);
  });

  await t.step("wants a count of 1 to 100, a lastId that it gave, and credentials", async () => {
    for (const query of [{ count: "0" }, { count: "101" }, { count: "1", lastId: "x" }]) {
      const refused = await page(app, owner, path, query as Record<string, string>);
      assert.deepEqual([refused.http, refused.status, refused.errorCode], [200, 0, 0]);
    }
    assert.equal((await callGateway(app, "GET", path, { query: { count: "1" } })).http, 401);
  });
});

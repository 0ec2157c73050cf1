import { eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { blocks } from "../../../db/schema/blocks.ts";
import { users, UserStatus } from "../../../db/schema/users.ts";
import { callGateway, type GatewayLogin, logIn, registerPerson } from "../../clients/gateway.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { walkPages } from "./walk_pages.ts";

const block = (app: TestApp, as: GatewayLogin, uid: string, method = "POST") => {
  app.clock.advance(2_000);
  return callGateway(app, method, `/user/${uid}/block`, { as });
};
const list = (app: TestApp, as: GatewayLogin, query: Record<string, string> = { count: "10" }) =>
  callGateway(app, "GET", "/user/block", { as, query });

Deno.test("POST /user/{uid}/block", async (t) => {
  await using app = await startTestApp();
  const person = await registerPerson(app, "Toby");
  const other = await registerPerson(app, "Tony");

  await t.step("blocks, and shows it to the one who blocked alone", async () => {
    const { http, status, message, result } = await block(app, person, other.uid);
    assert.deepEqual({ http, status, message, result }, {
      http: 200,
      status: 1,
      message: "拉黑成功",
      result: {},
    });
    const read = (as: GatewayLogin, uid: string) =>
      callGateway(app, "GET", `/user/${uid}/profile`, { as });
    assert.equal((await read(person, other.uid)).result.blocked, 1);
    assert.equal((await read(other, person.uid)).result.blocked, 0);
    assert.deepEqual((await list(app, other)).result.list, []);
  });

  await t.step("again is a success that keeps the first time", async () => {
    const [before] = (await list(app, person)).result.list;
    assert.equal((await block(app, person, other.uid)).status, 1);
    assert.deepEqual((await list(app, person)).result.list, [before]);
  });

  await t.step("of oneself fails", async () => {
    const refused = await block(app, person, person.uid);
    assert.deepEqual([refused.http, refused.status, refused.errorCode], [200, 0, 0]);
    assert.equal((await app.database.db.select().from(blocks)).length, 1);
  });

  await t.step("of nobody, somebody nameless and somebody deleted is 200002", async () => {
    const [nameless, gone] = [await logIn(app), await registerPerson(app)];
    await app.database.db.update(users).set({ status: UserStatus.deleted })
      .where(eq(users.uid, gone.uid));
    for (const uid of ["0".repeat(32), "0".repeat(24), nameless.uid, gone.uid]) {
      assert.equal((await block(app, person, uid)).errorCode, 200002);
    }
  });

  await t.step("of what is no uid is 404", async () => {
    assert.equal((await block(app, person, "xyz")).http, 404);
  });

  await t.step("and DELETE /user/{uid}/block without credentials are 401", async () => {
    for (const method of ["POST", "DELETE"]) {
      const refused = await callGateway(app, method, `/user/${other.uid}/block`);
      assert.equal(refused.http, 401);
    }
    assert.equal((await list(app, person)).result.list.length, 1);
  });
});

Deno.test("DELETE /user/{uid}/block", async (t) => {
  await using app = await startTestApp();
  const person = await registerPerson(app, "Toby");
  const other = await registerPerson(app, "Tony");
  await block(app, person, other.uid);

  await t.step("does not lift other people's blocks", async () => {
    assert.equal((await block(app, other, other.uid, "DELETE")).status, 1);
    assert.equal((await block(app, other, person.uid, "DELETE")).status, 1);
    assert.equal((await list(app, person)).result.list.length, 1);
  });

  await t.step(
    "unblocks, also somebody deleted; again, and of strangers, is a success",
    async () => {
      await app.database.db.update(users).set({ status: UserStatus.deleted })
        .where(eq(users.uid, other.uid));
      for (const uid of [other.uid, other.uid, "0".repeat(32), "0".repeat(24)]) {
        const { status, message, result } = await block(app, person, uid, "DELETE");
        assert.deepEqual([status, message, result], [1, "取消拉黑成功", {}]);
        assert.deepEqual((await list(app, person)).result.list, []);
      }
    },
  );
});

Deno.test("GET /user/block", async (t) => {
  await using app = await startTestApp();
  const person = await registerPerson(app, "Toby");
  const blocked: GatewayLogin[] = [];
  for (const name of ["A", "B", "C", "D", "E"]) {
    blocked.unshift(await registerPerson(app, name));
    await block(app, person, blocked[0]!.uid);
  }
  const uidsOf = (items: { uid: string }[]) => items.map(({ uid }) => uid);

  await t.step("answers as the contract's sample, newest first", async () => {
    const { result } = await list(app, person);
    assert.deepEqual(result.page, { count: 10 });
    assert.deepEqual(uidsOf(result.list), uidsOf(blocked));
    const [first] = result.list;
    assert.deepEqual(first, {
      createTime: first.createTime,
      sequenceId: `${first.createTime}:${blocked[0]!.uid}`,
      uid: blocked[0]!.uid,
      userProfileResult: {
        avatar: "https://cdn.example.com/a.png",
        bio: "",
        sendCard: 0,
        cardTotal: 0,
        blocked: 1,
        nickname: "E",
        uid: blocked[0]!.uid,
        allowLive: 1,
      },
    });
    assert.ok(Math.abs(first.createTime - app.clock.now().getTime()) < 60_000);
  });

  await t.step("goes on behind lastId, also when all were blocked in one millisecond", async () => {
    for (const oneTime of [false, true]) {
      if (oneTime) await app.database.db.update(blocks).set({ createdAt: new Date(1616747477657) });
      const whole = (await list(app, person)).result.list;
      const walked = await walkPages((query) => list(app, person, query));
      assert.deepEqual(walked, whole);
      assert.deepEqual(walked.map(({ uid }) => uid).sort(), uidsOf(blocked).sort());
    }
  });

  await t.step("of somebody else is theirs", async () => {
    assert.deepEqual((await list(app, blocked[0]!)).result, { page: { count: 10 }, list: [] });
  });

  await t.step("wants a count of 1 to 100 and a lastId that it gave", async () => {
    for (const count of ["", "0", "-1", "101", "1.5", "x"]) {
      const refused = await list(app, person, { count });
      assert.deepEqual([refused.http, refused.status, refused.errorCode], [200, 0, 0], count);
    }
    for (const lastId of ["x", "1:", "1616747477657", "1:xyz", "-1:00"]) {
      assert.equal((await list(app, person, { count: "1", lastId })).status, 0, lastId);
    }
    const far = { count: "1", lastId: `${"9".repeat(15)}:${"f".repeat(32)}` };
    assert.equal((await list(app, person, far)).result.list.length, 1);
    const nobody = { count: "1", lastId: `1:${"f".repeat(32)}` };
    assert.deepEqual((await list(app, person, nobody)).result.list, []);
  });

  await t.step("without credentials is 401", async () => {
    assert.equal(
      (await callGateway(app, "GET", "/user/block", { query: { count: "1" } })).http,
      401,
    );
  });
});

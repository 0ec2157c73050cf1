import { eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { blocks } from "../../../db/schema/blocks.ts";
import { users, UserStatus } from "../../../db/schema/users.ts";
import { callGateway, logIn, registerPerson } from "../../clients/gateway.ts";
import { startTestApp } from "../../harness.ts";

const AVATAR = "https://cdn.example.com/a.png";

Deno.test("POST /user/profile/init", async (t) => {
  await using app = await startTestApp();
  const person = await logIn(app);
  const init = (body: Record<string, unknown>) =>
    callGateway(app, "POST", "/user/profile/init", { as: person, body });

  await t.step("until it is done everything else is 200000", async () => {
    const read = await callGateway(app, "GET", `/user/${person.uid}/profile`, { as: person });
    assert.deepEqual([read.http, read.status, read.errorCode], [200, 0, 200000]);
    const changed = await callGateway(app, "PUT", "/user/profile", {
      as: person,
      body: { nickname: "A", avatar: AVATAR },
    });
    assert.equal(changed.errorCode, 200000);
  });

  await t.step(
    "wants a nickname of 1 to 20 characters, as people count, and an avatar",
    async () => {
      for (
        const body of [
          {},
          { nickname: "Toby" },
          { avatar: AVATAR },
          { nickname: " ", avatar: AVATAR },
          { nickname: "名".repeat(21), avatar: AVATAR },
          { nickname: 5, avatar: AVATAR },
          { nickname: ["x"], avatar: AVATAR },
        ]
      ) {
        const refused = await init(body);
        assert.deepEqual([refused.http, refused.status, refused.errorCode], [200, 0, 0]);
      }
    },
  );

  await t.step("answers the profile, and is 200001 the second time", async () => {
    const nickname = "👩‍🚀".repeat(4) + "1234567";
    const done = await init({ nickname: "Toby", avatar: AVATAR, bio: "not asked for here" });
    assert.deepEqual(done.result, {
      uid: person.uid,
      nickname: "Toby",
      avatar: AVATAR,
      bio: "",
      blocked: 0,
      sendCard: 0,
      cardTotal: 0,
      allowLive: 1,
    });
    const again = await init({ nickname, avatar: AVATAR });
    assert.deepEqual([again.http, again.status, again.errorCode], [200, 0, 200001]);
  });

  await t.step("done twice at once is done once", async () => {
    const racer = await logIn(app);
    const answers = await Promise.all(
      ["A", "B", "C"].map((nickname) =>
        callGateway(app, "POST", "/user/profile/init", {
          as: racer,
          body: { nickname, avatar: AVATAR },
        })
      ),
    );
    assert.deepEqual(answers.map(({ errorCode }) => errorCode ?? 1).sort(), [1, 200001, 200001]);
  });
});

Deno.test("PUT /user/profile replaces name and picture, and the bio only when given", async () => {
  await using app = await startTestApp();
  const person = await registerPerson(app);
  const put = (body: Record<string, unknown>) =>
    callGateway(app, "PUT", "/user/profile", { as: person, body });
  const first = await put({ nickname: "Anna", avatar: "b.png", bio: "你好哇..." });
  assert.deepEqual(first.result, {
    uid: person.uid,
    nickname: "Anna",
    avatar: "b.png",
    bio: "你好哇...",
    blocked: 0,
    sendCard: 0,
    cardTotal: 0,
    allowLive: 1,
  });
  const second = await put({ nickname: "Anne", avatar: "c.png" });
  assert.equal(second.result.bio, "你好哇...");
  assert.equal((await put({ nickname: "Anne", avatar: "c.png", bio: "" })).result.bio, "");
  assert.equal(
    (await put({ nickname: "Anne", avatar: "d.png", bio: "字".repeat(1001) })).status,
    0,
  );
});

Deno.test("GET /user/{uid}/profile", async (t) => {
  await using app = await startTestApp();
  const viewer = await registerPerson(app, "Viewer");
  const other = await registerPerson(app, "Other");
  const read = (uid: string, as = viewer) =>
    callGateway(app, "GET", `/user/${uid}/profile`, { as });

  await t.step("shows one's own and other people's", async () => {
    assert.equal((await read(viewer.uid)).result.nickname, "Viewer");
    assert.equal((await read(other.uid)).result.nickname, "Other");
  });

  await t.step("on a warm session costs the read alone", async () => {
    const { headers } = await read(other.uid);
    assert.match(headers.get("server-timing")!, /sql;desc="1".*redis;desc="0"/);
  });

  await t.step("tells whom the viewer has blocked, and not the other way", async () => {
    const idOf = async (uid: string) =>
      (await app.database.db.select().from(users).where(eq(users.uid, uid)))[0]!.id;
    await app.database.db.insert(blocks).values({
      userId: await idOf(viewer.uid),
      blockedId: await idOf(other.uid),
      createdAt: new Date(),
    });
    assert.equal((await read(other.uid)).result.blocked, 1);
    assert.equal((await read(viewer.uid, other)).result.blocked, 0);
  });

  await t.step("is 200002 for nobody, somebody nameless and somebody deleted", async () => {
    const nameless = await logIn(app);
    const gone = await registerPerson(app, "Gone");
    await app.database.db.update(users).set({ status: UserStatus.deleted })
      .where(eq(users.uid, gone.uid));
    for (const uid of ["0".repeat(32), "0".repeat(24), nameless.uid, gone.uid]) {
      const missing = await read(uid);
      assert.deepEqual([missing.http, missing.status, missing.errorCode], [200, 0, 200002]);
    }
  });

  await t.step("is 404 for what is no uid", async () => {
    for (const uid of ["xyz", "0".repeat(31), "G".repeat(32)]) {
      const unknown = await read(uid);
      assert.deepEqual([unknown.http, unknown.status, unknown.message], [404, 0, "Not Found"]);
    }
  });
});

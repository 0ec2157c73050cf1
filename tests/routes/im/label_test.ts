import assert from "node:assert/strict";
import { LABEL_COUNT_MAX } from "../../../db/domain/friends/label_rules.ts";
import { friends, labelMembers, labels, peerSettings } from "../../../db/schema/chat.ts";
import { askIm, assertImFailure, assertNeedsToken, callIm } from "../../clients/im.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { type ChatPerson, makeChatPerson, makeFriends } from "./chat_people.ts";

const DONE = { status: 200, msg: "" };

const add = (app: TestApp, as: ChatPerson, body: unknown) =>
  callIm(app, "POST", "/label", { token: as.token, body });
const addedId = async (app: TestApp, as: ChatPerson, body: unknown): Promise<number> =>
  (await askIm(app, "POST", "/label", { token: as.token, body })).id;
const list = (app: TestApp, as: ChatPerson) => askIm(app, "GET", "/label", { token: as.token });
const read = (app: TestApp, as: ChatPerson, id: unknown) =>
  callIm(app, "GET", `/label/${id}`, { token: as.token });
const edit = (app: TestApp, as: ChatPerson, id: unknown, body: unknown) =>
  callIm(app, "PUT", `/label/${id}`, { token: as.token, body });
const remove = (app: TestApp, as: ChatPerson, id: unknown) =>
  callIm(app, "DELETE", `/label/${id}`, { token: as.token });

/** Toby, his friends Tony and Anna, and Otto, a stranger. */
async function makePlace(app: TestApp) {
  const toby = await makeChatPerson(app, "Toby");
  const tony = await makeChatPerson(app, "Tony");
  const anna = await makeChatPerson(app, "Anna");
  const otto = await makeChatPerson(app, "Otto");
  for (const friend of [tony, anna]) await makeFriends(app, toby, friend);
  return { toby, tony, anna, otto };
}
const shown = ({ uid, name }: ChatPerson, remark = "") => ({ uid, name, remark });

const WRONG_BODIES = [
  {},
  { name: "" },
  { name: "  " },
  { name: "家".repeat(21) },
  { name: 5 },
  { name: "a", member_uids: "x" },
  { name: "a", member_uids: [5] },
  { name: "a", member_uids: Array(501).fill("x") },
];

Deno.test("POST /label", async (t) => {
  await using app = await startTestApp();
  const { toby, tony, anna, otto } = await makePlace(app);

  await t.step("makes a label of one's friends; others are skipped, twice is once", async () => {
    const uids = [anna.uid, tony.uid, tony.uid, otto.uid, toby.uid, "nobody", "\ud800"];
    const { http, data } = await add(app, toby, { name: " 家人 ", member_uids: uids });
    assert.deepEqual([http, data], [200, { ...DONE, id: data.id }]);
    assert.deepEqual((await read(app, toby, data.id)).data, {
      id: data.id,
      name: "家人",
      count: 2,
      members: [shown(tony), shown(anna)],
    });
  });

  await t.step("takes no name twice; another person may have it too", async () => {
    assertImFailure(await add(app, toby, { name: "家人" }), 400, "标签名已存在");
    assert.equal((await add(app, tony, { name: "家人" })).http, 200);
  });

  await t.step("wants a name of 1 to 20 characters, a list of at most 500, a token", async () => {
    for (const body of WRONG_BODIES) assertImFailure(await add(app, toby, body));
    assert.equal((await add(app, toby, { name: "👍".repeat(20) })).http, 200);
    await assertNeedsToken(app, "POST", "/label", { body: { name: "b" } });
  });

  await t.step("has an end", async () => {
    const createdAt = app.ctx.now();
    await app.ctx.db.insert(labels).values(
      Array.from({ length: LABEL_COUNT_MAX }, (_, at) => ({
        userId: otto.userId,
        name: `${at}`,
        createdAt,
      })),
    );
    assertImFailure(await add(app, otto, { name: "one more" }), 400, "标签不能超过100个");
  });
});

Deno.test("GET /label", async (t) => {
  await using app = await startTestApp();
  const { toby, tony, anna } = await makePlace(app);

  await t.step("lists one's own with their members, the oldest first", async () => {
    assert.deepEqual(await list(app, toby), []);
    const family = await addedId(app, toby, { name: "家人", member_uids: [tony.uid] });
    const empty = await addedId(app, toby, { name: "同事" });
    await addedId(app, tony, { name: "别人的", member_uids: [toby.uid] });
    await app.ctx.db.insert(peerSettings)
      .values({ userId: toby.userId, peerId: tony.userId, remark: "阿东" });
    assert.deepEqual(await list(app, toby), [
      { id: family, name: "家人", count: 1, members: [shown(tony, "阿东")] },
      { id: empty, name: "同事", count: 0, members: [] },
    ]);
  });

  await t.step("leaves out who is no friend any more", async () => {
    const id = await addedId(app, toby, { name: "朋友", member_uids: [tony.uid, anna.uid] });
    await askIm(app, "DELETE", `/friend/${anna.uid}`, { token: toby.token });
    const label = (await list(app, toby)).find((it: { id: number }) => it.id === id);
    assert.deepEqual([label.count, label.members.length], [1, 1]);
    await makeFriends(app, toby, anna);
    assert.equal((await read(app, toby, id)).data.count, 2);
  });

  await t.step("wants a token", async () => await assertNeedsToken(app, "GET", "/label"));
});

Deno.test("PUT /label/{id}", async (t) => {
  await using app = await startTestApp();
  const { toby, tony, anna, otto } = await makePlace(app);
  const id = await addedId(app, toby, { name: "家人", member_uids: [tony.uid] });
  const other = await addedId(app, toby, { name: "同事", member_uids: [tony.uid] });

  await t.step("replaces name and members", async () => {
    const body = { name: "亲人", member_uids: [anna.uid, otto.uid] };
    const { http, data } = await edit(app, toby, id, body);
    assert.deepEqual([http, data], [200, DONE]);
    const label = (await read(app, toby, id)).data;
    assert.deepEqual([label.name, label.members], ["亲人", [shown(anna)]]);
    assert.deepEqual((await read(app, toby, other)).data.count, 1, "the other one is as it was");
    await edit(app, toby, id, { name: "亲人", member_uids: [tony.uid, anna.uid] });
    assert.equal((await read(app, toby, id)).data.count, 2, "its own name is free");
    await edit(app, toby, id, { name: "亲人", member_uids: [] });
    assert.equal((await read(app, toby, id)).data.count, 0);
  });

  await t.step("keeps the members nobody speaks of", async () => {
    await edit(app, toby, id, { name: "亲人", member_uids: [tony.uid] });
    assert.deepEqual((await edit(app, toby, id, { name: "家人" })).data, DONE);
    const { name, members } = (await read(app, toby, id)).data;
    assert.deepEqual([name, members], ["家人", [shown(tony)]]);
  });

  await t.step("refuses a name one already has, and changes nothing", async () => {
    const refused = await edit(app, toby, id, { name: "同事", member_uids: [tony.uid] });
    assertImFailure(refused, 400, "标签名已存在");
    const both = { name: "同事", member_uids: [] };
    assertImFailure(await edit(app, toby, id, both), 400, "标签名已存在");
    assert.deepEqual((await read(app, toby, id)).data.members, [shown(tony)]);
  });

  await t.step("of somebody else, of none, or of no number is 400", async () => {
    assertImFailure(await edit(app, tony, id, { name: "我的" }), 400, "标签不存在");
    for (const wrong of [999_999_999, "x", 0, -1, "1.5"]) {
      assertImFailure(await edit(app, toby, wrong, { name: "b" }));
    }
    assert.equal((await read(app, toby, id)).data.name, "家人");
  });

  await t.step("wants a body as POST does, and a token", async () => {
    for (const body of WRONG_BODIES) assertImFailure(await edit(app, toby, id, body));
    await assertNeedsToken(app, "PUT", `/label/${id}`, { body: { name: "b" } });
  });
});

Deno.test("DELETE /label/{id}", async (t) => {
  await using app = await startTestApp();
  const { toby, tony } = await makePlace(app);
  const id = await addedId(app, toby, { name: "家人", member_uids: [tony.uid] });

  await t.step("of somebody else is 400, without a token 401", async () => {
    assertImFailure(await remove(app, tony, id), 400, "标签不存在");
    await assertNeedsToken(app, "DELETE", `/label/${id}`);
    assert.equal((await list(app, toby)).length, 1);
  });

  await t.step("deletes the label, not the friends", async () => {
    const { http, data } = await remove(app, toby, id);
    assert.deepEqual([http, data], [200, DONE]);
    assert.deepEqual(await list(app, toby), []);
    assert.equal(await app.ctx.db.$count(labelMembers), 0);
    assert.equal(await app.ctx.db.$count(friends), 4);
  });

  await t.step("again is 400, as is what is no number", async () => {
    assertImFailure(await remove(app, toby, id), 400, "标签不存在");
    assertImFailure(await remove(app, toby, "x"));
  });
});

Deno.test("GET /label/{id}", async (t) => {
  await using app = await startTestApp();
  const { toby, tony } = await makePlace(app);
  const id = await addedId(app, toby, { name: "家人", member_uids: [tony.uid] });

  await t.step("answers one's own label", async () => {
    const { http, data } = await read(app, toby, id);
    assert.deepEqual([http, data], [200, { id, name: "家人", count: 1, members: [shown(tony)] }]);
  });

  await t.step(
    "of somebody else, of none, or of no number is 400, without a token 401",
    async () => {
      assertImFailure(await read(app, tony, id), 400, "标签不存在");
      assertImFailure(await read(app, toby, 999_999_999), 400, "标签不存在");
      assertImFailure(await read(app, toby, "x"));
      await assertNeedsToken(app, "GET", `/label/${id}`);
    },
  );
});

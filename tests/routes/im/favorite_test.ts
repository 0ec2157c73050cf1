import assert from "node:assert/strict";
import { favorites } from "../../../db/schema/chat.ts";
import { askIm, assertImFailure, assertNeedsToken, callIm } from "../../clients/im.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { type ChatPerson, makeChatPerson } from "./chat_people.ts";

const DONE = { status: 200, msg: "" };
const MESSAGE = {
  type: 1,
  unique_key: "1000001",
  author_uid: "a".repeat(32),
  author_name: "Anna",
  payload: { type: 1, content: "你好", nested: { list: [1, null, "x"] } },
};

const keep = (app: TestApp, as: ChatPerson, over: Record<string, unknown> = {}) =>
  callIm(app, "POST", "/favorites", { token: as.token, body: { ...MESSAGE, ...over } });
const list = (app: TestApp, as: ChatPerson, query: Record<string, string> = {}) =>
  askIm(app, "GET", "/favorite/my", { token: as.token, query });
const keysOf = (rows: { unique_key: string }[]) => rows.map(({ unique_key }) => unique_key);

/** `{"a":{"a":…}}`, this many objects deep. */
function nested(depth: number): Record<string, unknown> {
  return depth === 1 ? {} : { a: nested(depth - 1) };
}

Deno.test("POST /favorites", async (t) => {
  await using app = await startTestApp();
  const toby = await makeChatPerson(app, "Toby");

  await t.step("keeps a message, once however often it is sent", async () => {
    for (const content of ["你好", "other"]) {
      const { http, data } = await keep(app, toby, { payload: { type: 1, content } });
      assert.deepEqual([http, data], [200, DONE]);
    }
    const [row, ...more] = await list(app, toby);
    assert.deepEqual([row.payload, more], [{ type: 1, content: "你好" }, []]);
  });

  await t.step("is each person's own, by the message's key", async () => {
    const tony = await makeChatPerson(app, "Tony");
    await keep(app, tony);
    await keep(app, toby, { unique_key: 1000002 });
    assert.deepEqual(keysOf(await list(app, tony)), ["1000001"]);
    assert.deepEqual(keysOf(await list(app, toby)).sort(), ["1000001", "1000002"]);
  });

  await t.step("does not look at page_size", async () => {
    for (const page_size of ["", "x", "20"]) {
      const call = { token: toby.token, query: { page_size }, body: MESSAGE };
      assert.deepEqual(await askIm(app, "POST", "/favorites", call), DONE);
    }
  });

  await t.step("wants type, key and an object the database can keep", async () => {
    const wrong = [
      { type: "x" },
      { type: 1.5 },
      { type: -1 },
      { type: 2 ** 31 },
      { unique_key: "" },
      { unique_key: undefined },
      { unique_key: "k".repeat(101) },
      { author_name: "n".repeat(101) },
      { payload: undefined },
      { payload: "text" },
      { payload: [1] },
      { payload: null },
      { payload: { content: "x".repeat(16 * 1024) } },
      { payload: nested(33) },
    ];
    const before = await app.ctx.db.$count(favorites);
    for (const over of wrong) assertImFailure(await keep(app, toby, over));
    assert.equal(await app.ctx.db.$count(favorites), before);
    const fits = { content: "你".repeat(5_000), deep: nested(30), "half \ud800": "\udfff" };
    await keep(app, toby, { unique_key: "fits", payload: fits });
    const kept = (await list(app, toby)).find((it: typeof MESSAGE) => it.unique_key === "fits");
    const { "half \ud800": _, ...whole } = fits;
    assert.deepEqual(kept.payload, { ...whole, "half \ufffd": "\ufffd" });
  });

  await t.step("wants a token", async () => {
    await assertNeedsToken(app, "POST", "/favorites", { body: MESSAGE });
  });
});

Deno.test("GET /favorite/my", async (t) => {
  await using app = await startTestApp();
  const toby = await makeChatPerson(app, "Toby");
  const anna = await makeChatPerson(app, "Anna");

  await t.step("answers what was kept", async () => {
    await keep(app, toby, { author_uid: anna.uid });
    const rows = await list(app, toby);
    assert.match(rows[0].no, /^[a-f0-9]{32}$/);
    assert.match(rows[0].created_at, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
    const { no, created_at } = rows[0];
    const expected = { ...MESSAGE, author_uid: anna.uid, author_avatar: "", no, created_at };
    assert.deepEqual(rows, [expected]);
  });

  await t.step("pages newest first; what makes no sense is the default", async () => {
    for (let at = 2; at <= 17; at++) {
      app.clock.advance(1_000);
      await keep(app, toby, { unique_key: `${at}` });
    }
    const first = await list(app, toby);
    assert.deepEqual([first.length, first[0].unique_key], [15, "17"]);
    assert.deepEqual(keysOf(await list(app, toby, { page_index: "2" })), ["2", "1000001"]);
    const pair = { page_index: "2", page_size: "2" };
    assert.deepEqual(keysOf(await list(app, toby, pair)), ["15", "14"]);
    assert.deepEqual(await list(app, toby, { page_index: "x", page_size: "-1" }), first);
    assert.deepEqual(await list(app, toby, { page_index: "9007199254740991" }), []);
  });

  await t.step("is each person's own, and wants a token", async () => {
    assert.deepEqual(await list(app, anna), []);
    await assertNeedsToken(app, "GET", "/favorite/my");
  });
});

Deno.test("DELETE /favorites/{no}", async (t) => {
  await using app = await startTestApp();
  const toby = await makeChatPerson(app, "Toby");
  const tony = await makeChatPerson(app, "Tony");
  await keep(app, toby);
  const [{ no }] = await list(app, toby);
  const remove = (as: ChatPerson, no: string) =>
    callIm(app, "DELETE", `/favorites/${no}`, { token: as.token });

  await t.step("of somebody else, or of none, is 400, without a token 401", async () => {
    assertImFailure(await remove(tony, no), 400, "收藏不存在");
    assertImFailure(await remove(toby, "0".repeat(32)), 400, "收藏不存在");
    assertImFailure(await remove(toby, "x"), 400, "收藏不存在");
    await assertNeedsToken(app, "DELETE", `/favorites/${no}`);
    assert.equal((await list(app, toby)).length, 1);
  });

  await t.step("throws it away; it may be kept again", async () => {
    const { http, data } = await remove(toby, no);
    assert.deepEqual([http, data], [200, DONE]);
    assert.deepEqual(await list(app, toby), []);
    assertImFailure(await remove(toby, no), 400, "收藏不存在");
    await keep(app, toby);
    assert.equal((await list(app, toby)).length, 1);
  });
});

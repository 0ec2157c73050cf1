import assert from "node:assert/strict";
import { assertNeedsPartner, assertPartnerFailure, grantToken } from "../../clients/partner.ts";
import { startTestApp } from "../../harness.ts";
import { openServer } from "./group_place.ts";

const LIST = "GET /client/groups/{gid}/members";
const COUNT = 12;
const uidsOf = (members: { uid: number }[]) => members.map(({ uid }) => uid);
const LONG = "1795957151000000001";

Deno.test("GET /client/groups/{gid}/members", async (t) => {
  await using app = await startTestApp();
  const server = await openServer(app);
  // Named from the last to the first: they are listed by their numbers, not as they came.
  const members = Array.from({ length: COUNT }, (_, at) => COUNT - at).filter((uid) => uid !== 7);
  const body = { master: 1, name: "Large", members: [LONG, { uid: 7, name: "Seven" }, ...members] };
  const { group_id: gid } = await server.ask("POST /groups", { body });
  const [seven, stranger] = [
    await grantToken(app, server, { uid: 7 }),
    await grantToken(app, server, { uid: 90_000 }),
  ];
  const nickname = { params: { gid, memberid: 7 }, body: { nickname: "VII" } };
  await server.ask("PATCH /groups/{gid}/members/{memberid}", nickname);

  await t.step("lists all of them in pages, to the server and to members", async () => {
    for (const who of [{}, { basic: undefined, bearer: seven }]) {
      const list = (query: Record<string, string>) =>
        server.call(LIST, { params: { gid }, query, ...who } as never);
      const { data: all, text } = await list({});
      assert.equal(all.length, COUNT + 1);
      assert.deepEqual(
        uidsOf(all.slice(0, COUNT)),
        Array.from({ length: COUNT }, (_, at) => at + 1),
      );
      assert.ok(text.includes(`{"uid":${LONG},"name":"","nickname":""}]`), text);
      assert.deepEqual(all[6], { uid: 7, name: "Seven", nickname: "VII" });
      assert.deepEqual(uidsOf((await list({ limit: "5" })).data), [1, 2, 3, 4, 5]);
      assert.deepEqual(uidsOf((await list({ limit: "5", after: "10" })).data).slice(0, 2), [
        11,
        12,
      ]);
      assert.deepEqual((await list({ limit: "5", after: LONG })).data, []);
    }
  });

  await t.step("refuses others, what is no page, and what is no group", async () => {
    const as = { basic: undefined, bearer: stranger, params: { gid } } as never;
    assertPartnerFailure(await server.call(LIST, as), "你不在该群");
    for (const query of [{ limit: "0" }, { limit: "5001" }, { after: "x" }, { limit: "x" }]) {
      assertPartnerFailure(await server.call(LIST, { params: { gid }, query } as never));
    }
    const other = await openServer(app);
    assertPartnerFailure(await other.call(LIST, { params: { gid } }), "群不存在");
    await assertNeedsPartner(app, LIST, { params: { gid }, by: "either" });
    await server.ask("DELETE /groups/{gid}", { params: { gid } });
    assertPartnerFailure(await server.call(LIST, { params: { gid } }), "群不存在");
  });
});

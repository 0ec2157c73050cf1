import assert from "node:assert/strict";
import {
  assertAdminFailure,
  assertNeedsAdmin,
  assertShape,
  callAdmin,
  makePerson,
} from "../../clients/admin.ts";
import { makeOperator } from "../../clients/ops.ts";
import { startTestApp } from "../../harness.ts";

const SEARCH = "GET /v1/admin/userfuzzysearch";

Deno.test("GET /v1/admin/userfuzzysearch", async (t) => {
  await using app = await startTestApp();
  const { ctx } = app;
  const { token } = await makeOperator(ctx, "operator");
  const search = async (nick: string, query: Record<string, string> = {}) => {
    const answer = await callAdmin(app, SEARCH, { token, query: { nick, ...query } });
    assert.equal(answer.http, 200, JSON.stringify(answer.data));
    const { list, total } = answer.data.data;
    return { total, nicks: list.map(({ nick }: { nick: string }) => nick) };
  };
  const nicks: string[] = [];
  for (let at = 1; at <= 15; at++) {
    const nick = at === 1 ? "nick" : `nick${at}`;
    await makePerson(ctx, { nickname: nick });
    nicks.unshift(nick);
  }

  await t.step("pages as the contract's sample does, newest first", async () => {
    const query = { nick: "nick", page: "1", limit: "10" };
    const answer = await callAdmin(app, SEARCH, { token, query });
    assertShape(answer.data, {
      code: 200,
      data: { list: [{ uid: 1, nick: "nick" }], total: 15 },
    });
    assert.equal(answer.data.code, 200);
    assert.deepEqual(await search("nick", { page: "1", limit: "10" }), {
      total: 15,
      nicks: nicks.slice(0, 10),
    });
    assert.deepEqual(await search("nick", { page: "2", limit: "10" }), {
      total: 15,
      nicks: nicks.slice(10),
    });
    assert.deepEqual(await search("nick"), { total: 15, nicks: nicks.slice(0, 10) });
    assert.deepEqual(await search("nick", { page: "3" }), { total: 15, nicks: [] });
  });

  await t.step("finds a part anywhere, in any case, of one letter too", async () => {
    await makePerson(ctx, { nickname: "Tobias 张三丰" });
    for (const part of ["tobias", "OBIAS", "bias 张三", "三丰", "三", "T", "b"]) {
      assert.deepEqual(await search(part), { total: 1, nicks: ["Tobias 张三丰"] }, part);
    }
    assert.deepEqual(await search("ICK1", { limit: "2" }), {
      total: 6,
      nicks: ["nick15", "nick14"],
    });
    assert.deepEqual(await search("nobody"), { total: 0, nicks: [] });
  });

  await t.step("takes signs of patterns for themselves", async () => {
    for (const nickname of ["100%", "a_b", "a\\b", "it's"]) await makePerson(ctx, { nickname });
    const found: [string, string[]][] = [
      ...[["%", ["100%"]], ["_", ["a_b"]], ["\\", ["a\\b"]], ["a_b", ["a_b"]]] as const,
      ...[["0%", ["100%"]], ["n%k", []], ["ni_k", []], ["a\\", ["a\\b"]], ["'", ["it's"]]] as const,
    ].map(([part, nicks]) => [part, [...nicks]]);
    for (const [part, nicks] of found) {
      assert.deepEqual(await search(part), { total: nicks.length, nicks }, part);
    }
  });

  await t.step(
    "finds the disabled, but not the deleted, nor built-in accounts and partners' people",
    async () => {
      await makePerson(ctx, { nickname: "系统甲", status: 3 });
      await makePerson(ctx, { nickname: "系统乙", status: 4 });
      const person = { nickname: "系统丙", appId: 7, countryCode: null, mobile: null };
      await makePerson(ctx, person);
      assert.deepEqual(await search("系统"), { total: 1, nicks: ["系统甲"] });
    },
  );

  await t.step(
    "refuses an empty part, one longer than any name, and pages there are none of",
    async () => {
      const wrong: Record<string, string>[] = [
        ...[{}, { nick: "" }, { nick: "  " }, { nick: "n".repeat(21) }],
        ...[{ nick: "n", page: "0" }, { nick: "n", limit: "101" }, { nick: "n", limit: "x" }],
        { nick: "n", page: "1001" },
      ];
      for (const query of wrong) {
        assertAdminFailure(await callAdmin(app, SEARCH, { token, query }), 400);
      }
      assert.deepEqual(await search("nick", { page: "1000" }), { total: 15, nicks: [] });
    },
  );

  await t.step("is for operators, auditors too", async () => {
    await assertNeedsAdmin(app, SEARCH, { query: { nick: "nick" } });
    const auditor = await makeOperator(ctx, "auditor");
    const query = { nick: "nick" };
    assert.equal((await callAdmin(app, SEARCH, { token: auditor.token, query })).http, 200);
  });
});

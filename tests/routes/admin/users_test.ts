import { eq, sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { chatAccounts } from "../../../db/schema/chat.ts";
import { operatorActions } from "../../../db/schema/operators.ts";
import { SYSTEM_UID, users } from "../../../db/schema/users.ts";
import {
  actionsOf,
  askAdmin,
  assertAdminFailure,
  assertNeedsAdmin,
  assertShape,
  callAdmin,
  makePerson,
} from "../../clients/admin.ts";
import { makeOperator } from "../../clients/ops.ts";
import { maskPhone } from "../../../db/domain/users/rules.ts";
import { startTestApp, type TestApp } from "../../harness.ts";

const LIST = "GET /v1/admin/users";
const GET = "GET /v1/admin/users/{uid}";
const PUT = "PUT /v1/admin/users/{uid}";
const DELETE = "DELETE /v1/admin/users/{uid}";

/** A person as the contract shows one. */
const SAMPLE = {
  uid: "123456789",
  name: "张三",
  mobile: "13777777777",
  status: 1,
  exchanger: false,
  parent_uid: "0",
  ctime: 1494901162595,
  utime: 1494901162595,
  ltime: 1494901162595,
  dtime: 0,
};

/** Nobody has id 1: they begin at 100000001. */
const NOBODY = { uid: "1" };
const NOT_AN_ID = ["abc", "1a", "-1", "1.5", "1".repeat(16), "0x10"];

async function openPlace(app: TestApp) {
  const { operatorId, token } = await makeOperator(app.ctx, "operator");
  const system = await app.ctx.db.select().from(users).where(eq(users.uid, SYSTEM_UID));
  const appUser = await app.ctx.db.execute<{ id: string }>(sql`
    insert into users (uid, app_id, app_uid, nickname, created_at, updated_at)
    values (md5('partner'), 7, 1, 'of a partner', now(), now()) returning id::text`);
  return { operatorId, token, strangerIds: [system[0]!.id, Number(appUser.rows[0]!.id), 1] };
}

Deno.test("GET /v1/admin/users", async (t) => {
  await using app = await startTestApp();
  const { ctx } = app;
  const { token } = await openPlace(app);
  const list = (query: Record<string, string> = {}) => askAdmin(app, LIST, { token, query });
  const shown = async (query: Record<string, string>) => {
    const { list: people, meta } = await list(query);
    return { ids: people.map(({ uid }: { uid: string }) => Number(uid)), total: meta.total };
  };

  await t.step(
    "is empty while there is nobody but built-in accounts and partners' people",
    async () => {
      for (const status of ["0", "1", "3"]) {
        assert.deepEqual(await list({ status }), {
          list: [],
          meta: { page: 1, limit: 10, total: 0 },
        });
      }
    },
  );

  // Twelve of each kind, newest last.
  const kinds = [1, 2, 3, 4].flatMap((status) =>
    [false, true].map((exchanger) => ({ status, exchanger }))
  );
  const people: { id: number; status: number; exchanger: boolean }[] = [];
  for (let round = 0; round < 12; round++) {
    for (const kind of kinds) {
      const { id } = await makePerson(ctx, kind);
      people.unshift({ id, ...kind });
    }
  }

  await t.step("answers as the contract's sample does", async () => {
    const { id } = await makePerson(ctx, {
      mobile: "13777777777",
      lastLoginAt: ctx.now(),
      parentId: 123_456_789,
    });
    const answer = await callAdmin(app, LIST, { token });
    assertShape(answer.data, { data: { list: [SAMPLE], meta: { page: 1, limit: 10, total: 1 } } });
    const [row] = await ctx.db.select().from(users).where(eq(users.id, id));
    assert.deepEqual(answer.data.data.list[0], {
      uid: String(id),
      name: "张三",
      mobile: "13777777777",
      status: 1,
      exchanger: false,
      parent_uid: "123456789",
      ctime: row!.createdAt.getTime(),
      utime: row!.updatedAt.getTime(),
      ltime: row!.lastLoginAt!.getTime(),
      dtime: 0,
    });
    people.unshift({ id, status: 1, exchanger: false });
  });

  await t.step(
    "shows active people unless asked for others; any, or exchangers alone",
    async () => {
      const queries: [Record<string, string>, (person: typeof people[number]) => boolean][] = [
        [{}, ({ status }) => status === 1],
        [{ status: "2" }, ({ status }) => status === 2],
        [{ status: "suspended" }, ({ status }) => status === 3],
        [{ status: "deleted" }, ({ status }) => status === 4],
        [{ status: "0" }, () => true],
        [{ status: "0", exchanger: "true" }, ({ exchanger }) => exchanger],
        [{ exchanger: "1" }, ({ status, exchanger }) => status === 1 && exchanger],
        [{ exchanger: "false" }, ({ status, exchanger }) => status === 1 && !exchanger],
        [{ exchanger: "0", status: "4" }, ({ status, exchanger }) => status === 4 && !exchanger],
      ];
      for (const [query, isMeant] of queries) {
        const ids = people.filter(isMeant).map(({ id }) => id);
        assert.deepEqual(await shown({ ...query, per_page: "100" }), { ids, total: ids.length });
      }
    },
  );

  await t.step("pages, newest first, by either name of a page's size", async () => {
    const ids = people.filter(({ status }) => status === 1).map(({ id }) => id);
    const total = ids.length;
    assert.deepEqual(await shown({}), { ids: ids.slice(0, 10), total });
    assert.deepEqual(await shown({ page: "3" }), { ids: ids.slice(20), total });
    assert.deepEqual(await shown({ page: "2", limit: "7" }), { ids: ids.slice(7, 14), total });
    assert.deepEqual(await shown({ page: "9" }), { ids: [], total });
    const { meta } = await list({ page: "2", per_page: "3", limit: "7" });
    assert.deepEqual(meta, { page: 2, limit: 3, total });
  });

  await t.step("refuses pages and kinds there are none of", async () => {
    const wrong: Record<string, string>[] = [
      ...[{ page: "0" }, { page: "x" }, { per_page: "0" }, { per_page: "101" }, { limit: "1.5" }],
      ...[{ status: "5" }, { status: "-1" }, { status: "x" }, { exchanger: "yes" }],
    ];
    for (const query of wrong) {
      assertAdminFailure(await callAdmin(app, LIST, { token, query }), 400);
    }
    assert.equal((await list({ page: "100", per_page: "100" })).list.length, 0);
    const deep = await callAdmin(app, LIST, { token, query: { page: "101", per_page: "100" } });
    assertAdminFailure(deep, 400, "只能查看前10000条");
  });

  await t.step("is for operators; an auditor sees numbers masked", async () => {
    await assertNeedsAdmin(app, LIST);
    const auditor = await makeOperator(ctx, "auditor");
    const { list: [first] } = await askAdmin(app, LIST, { token: auditor.token });
    assert.equal(first.mobile, "137****7777");
  });
});

Deno.test("GET /v1/admin/users/{uid}", async (t) => {
  await using app = await startTestApp();
  const { ctx } = app;
  const { token, strangerIds } = await openPlace(app);
  const get = (uid: number) => askAdmin(app, GET, { token, params: { uid: String(uid) } });

  await t.step("answers as the contract's sample does", async () => {
    const { id } = await makePerson(ctx, { mobile: "13777777777" });
    const { data } = await callAdmin(app, GET, { token, params: { uid: String(id) } });
    assertShape(data, { data: SAMPLE });
    assert.deepEqual([data.data.uid, data.data.ltime], [String(id), 0]);
  });

  await t.step("shows whoever has no number, one abroad, and no name yet", async () => {
    const none = await makePerson(ctx, { countryCode: null, mobile: null });
    assert.equal((await get(none.id)).mobile, "");
    const abroad = await makePerson(ctx, { countryCode: "1", mobile: "2025550123" });
    assert.equal((await get(abroad.id)).mobile, "+12025550123");
    const nameless = await makePerson(ctx, { nickname: "", profileAt: null });
    assert.equal((await get(nameless.id)).name, "");
    const auditor = await makeOperator(ctx, "auditor");
    for (const [{ id }, mobile] of [[none, ""], [abroad, "+1202***0123"]] as const) {
      const call = { token: auditor.token, params: { uid: String(id) } };
      assert.equal((await askAdmin(app, GET, call)).mobile, mobile);
    }
  });

  await t.step("knows nobody else", async () => {
    for (const uid of strangerIds) {
      const answer = await callAdmin(app, GET, { token, params: { uid: String(uid) } });
      assertAdminFailure(answer, 404, "用户不存在");
    }
    for (const uid of NOT_AN_ID) {
      assertAdminFailure(await callAdmin(app, GET, { token, params: { uid } }), 400);
    }
  });

  await t.step("is for operators", () => assertNeedsAdmin(app, GET, { params: NOBODY }));
});

Deno.test("PUT /v1/admin/users/{uid}", async (t) => {
  await using app = await startTestApp();
  const { ctx } = app;
  const { operatorId, token, strangerIds } = await openPlace(app);
  const { id } = await makePerson(ctx, { mobile: "13777777778" });
  const put = (body: unknown, uid: string | number = id) =>
    callAdmin(app, PUT, { token, params: { uid: String(uid) }, body });
  const changed = async (body: unknown, uid = id) => {
    const answer = await put(body, uid);
    assert.equal(answer.http, 200, JSON.stringify(answer.data));
    return answer.data.data;
  };
  const read = () => askAdmin(app, GET, { token, params: { uid: String(id) } });

  await t.step(
    "changes everything at once, and answers as the contract's sample does",
    async () => {
      app.clock.advance(1_000);
      const answer = await put({ name: "李四", mobile: "13777777777", exchanger: true, status: 2 });
      assertShape(answer.data, { data: SAMPLE });
      const { utime, ctime, ...rest } = answer.data.data;
      assert.ok(utime >= ctime + 1_000);
      assert.deepEqual(rest, {
        uid: String(id),
        name: "李四",
        mobile: "13777777777",
        status: 2,
        exchanger: true,
        parent_uid: "0",
        ltime: 0,
        dtime: 0,
      });
      assert.deepEqual(await read(), answer.data.data);
    },
  );

  await t.step("leaves alone what is not given", async () => {
    const before = await read();
    const { utime: _, ...after } = await changed({ name: "王五" });
    const { utime: __, ...rest } = before;
    assert.deepEqual(after, { ...rest, name: "王五" });
  });

  await t.step("takes a status as a number, its digits, or a word", async () => {
    const said: (readonly [unknown, number])[] = [
      ...[[3, 3], ["1", 1], ["suspended", 3], ["active", 1], ["2", 2], ["deleted", 4]] as const,
      ...[["4", 4], [1, 1]] as const,
    ];
    for (const [status, number] of said) {
      const user = await changed({ status });
      assert.equal(user.status, number);
      assert.equal(user.dtime > 0, number === 4);
    }
  });

  await t.step("takes a number in any spelling, abroad too, and away", async () => {
    const said = [
      ...[["+8613777777779", "13777777779"], ["137 7777 7770", "13777777770"]],
      ...[["+1 202 555 0123", "+12025550123"], ["+12025550123", "+12025550123"], ["", ""]],
      ["13777777777", "13777777777"],
    ];
    for (const [mobile, shown] of said) assert.equal((await changed({ mobile })).mobile, shown);
  });

  await t.step("a login name made of the number follows it, one of one's own stays", async () => {
    const nameOf = async (userId: number) => {
      const [row] = await ctx.db.select().from(chatAccounts).where(eq(chatAccounts.userId, userId));
      return row!.username;
    };
    const own = await makePerson(ctx, { mobile: "13611111111" });
    await ctx.db.insert(chatAccounts).values([
      { userId: id, username: "008613777777777", shortNo: "1" },
      { userId: own.id, username: "toby", shortNo: "2" },
    ]);
    await changed({ mobile: "+12025550123" });
    assert.equal(await nameOf(id), "0012025550123");
    await changed({ mobile: "" });
    const [row] = await ctx.db.select().from(users).where(eq(users.id, id));
    assert.equal(await nameOf(id), row!.uid);
    await changed({ mobile: "13777777777" });
    assert.equal(await nameOf(id), "008613777777777");
    await changed({ mobile: "13611111112" }, own.id);
    assert.equal(await nameOf(own.id), "toby");
  });

  await t.step("refuses a number somebody has, and says who", async () => {
    const other = await makePerson(ctx, { mobile: "13622222222" });
    const answer = await put({ name: "赵六", mobile: "13622222222" });
    assertAdminFailure(answer, 409, `手机号13622222222已被用户${other.id}使用`);
    const { name, mobile } = await read();
    assert.deepEqual([name, mobile], ["王五", "13777777777"]);
  });

  await t.step("refuses a number whose login name is taken", async () => {
    const squatter = await makePerson(ctx, { mobile: "13633333333" });
    await ctx.db.insert(chatAccounts)
      .values({ userId: squatter.id, username: "008613644444444", shortNo: "3" });
    assertAdminFailure(await put({ mobile: "13644444444" }), 409, "手机号已被其他用户使用");
  });

  await t.step("refuses what nobody can be", async () => {
    const wrong: unknown[] = [
      ...[{ name: "" }, { name: " " }, { name: "长".repeat(21) }, { name: 5 }],
      ...[{ mobile: "123" }, { mobile: "+1" }, { mobile: "+999123456789" }, { mobile: 1 }],
      ...[{ mobile: "1".repeat(25) }, { exchanger: "yes" }, { exchanger: 2 }],
      ...[{ status: 0 }, { status: 5 }, { status: "gone" }, { status: 1.5 }, { status: "" }, []],
    ];
    for (const body of wrong) assertAdminFailure(await put(body), 400);
    assert.equal((await put({ name: "half \ud800" })).http, 200);
  });

  await t.step("writes each change down, of it what is another now, and nothing else", async () => {
    const { id } = await makePerson(ctx, { mobile: "13655555555" });
    await changed({ name: "甲", mobile: "13655566555", status: 3 }, id);
    await changed({ name: "甲", mobile: "13655566555", status: 3 }, id);
    await changed({ exchanger: true }, id);
    assertAdminFailure(await put({ mobile: "13622222222", name: "乙" }, id), 409);
    const masked = "+86 136****6555";
    assert.deepEqual(await actionsOf(ctx, id), [
      {
        operatorId,
        action: "user.update",
        before: { name: "张三", mobile: "+86 136****5555", status: 1 },
        after: { name: "甲", mobile: masked, status: 3 },
      },
      {
        operatorId,
        action: "user.update",
        before: { exchanger: false },
        after: { exchanger: true },
      },
    ]);
  });

  await t.step("what is as it was already does not even change the time", async () => {
    const before = await read();
    app.clock.advance(1_000);
    const { name, mobile, exchanger, status } = before;
    assert.deepEqual(await changed({ name, mobile, exchanger, status }), before);
    // As one read it and sends it back.
    assert.deepEqual(await changed(before), before);
  });

  await t.step("knows nobody else", async () => {
    for (const uid of strangerIds) assertAdminFailure(await put({ name: "x" }, uid), 404);
    for (const uid of NOT_AN_ID) assertAdminFailure(await put({ name: "x" }, uid), 400);
    const [system] = await ctx.db.select().from(users).where(eq(users.uid, SYSTEM_UID));
    assert.equal(system!.nickname, "系统通知");
  });

  await t.step("is for operators who may", async () => {
    const params = { uid: String(id) };
    const count = await ctx.db.$count(operatorActions);
    await assertNeedsAdmin(app, PUT, { params, body: { name: "x" }, refused: ["auditor"] });
    assert.equal(await ctx.db.$count(operatorActions), count);
  });
});

Deno.test("DELETE /v1/admin/users/{uid}", async (t) => {
  await using app = await startTestApp();
  const { ctx } = app;
  const { operatorId, token, strangerIds } = await openPlace(app);
  const { id } = await makePerson(ctx);
  const remove = (uid: string | number = id) =>
    callAdmin(app, DELETE, { token, params: { uid: String(uid) } });
  const get = () => askAdmin(app, GET, { token, params: { uid: String(id) } });

  await t.step("answers who it was; they stay to be seen, with when", async () => {
    const answer = await remove();
    assert.deepEqual([answer.http, answer.data], [200, { data: { uid: String(id) } }]);
    const { status, dtime, utime } = await get();
    assert.deepEqual([status, dtime], [4, utime]);
    const { meta } = await askAdmin(app, LIST, { token });
    assert.equal(meta.total, 0);
    assert.equal((await askAdmin(app, LIST, { token, query: { status: "4" } })).meta.total, 1);
  });

  await t.step("deleted again, they are as deleted as before", async () => {
    const before = await get();
    app.clock.advance(60_000);
    assert.deepEqual((await remove()).data, { data: { uid: String(id) } });
    assert.deepEqual(await get(), before);
    assert.deepEqual(await actionsOf(ctx, id), [
      {
        operatorId,
        action: "user.delete",
        before: { status: 1, mobile: `+86 ${maskPhone(String(13_000_000_000 + id))}` },
        after: { status: 4, mobile: null },
      },
    ]);
  });

  await t.step("given another status they are back", async () => {
    const params = { uid: String(id) };
    const user = await askAdmin(app, PUT, { token, params, body: { status: "active" } });
    assert.deepEqual([user.status, user.dtime], [1, 0]);
  });

  await t.step("knows nobody else", async () => {
    for (const uid of strangerIds) assertAdminFailure(await remove(uid), 404, "用户不存在");
    for (const uid of NOT_AN_ID) assertAdminFailure(await remove(uid), 400);
  });

  await t.step("is for operators who may", async () => {
    await assertNeedsAdmin(app, DELETE, { params: { uid: String(id) }, refused: ["auditor"] });
    assert.equal((await get()).status, 1);
  });
});

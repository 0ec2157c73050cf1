import { eq, inArray } from "drizzle-orm";
import assert from "node:assert/strict";
import { BULK_COUNT_MAX } from "../../../db/domain/users/managed_rules.ts";
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
import { callGateway, logIn } from "../../clients/gateway.ts";
import { makeOperator } from "../../clients/ops.ts";
import { maskPhone } from "../../../db/domain/users/rules.ts";
import { startTestApp, type TestApp } from "../../harness.ts";

const ADD = "POST /v1/admin/users-bulk";
const EDIT = "PUT /v1/admin/users-bulk";
const REMOVE = "DELETE /v1/admin/users-bulk";
const LIST = "GET /v1/admin/users";

/** What the contract's samples answer, and `parent_uid`, which they forget. */
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
const USERS = { data: { users: [SAMPLE] } };

async function openPlace(app: TestApp) {
  const { operatorId, token } = await makeOperator(app.ctx, "operator");
  const call = (operation: string, body: unknown) => callAdmin(app, operation, { token, body });
  const countOf = async (query: Record<string, string> = { status: "0" }) =>
    (await askAdmin(app, LIST, { token, query })).meta.total;
  return { operatorId, token, call, countOf };
}

const newcomers = (count: number) =>
  Array.from({ length: count }, (_, at) => ({
    name: `新人${at}`,
    mobile: String(13_100_000_000 + at),
    exchanger: at % 2 === 1,
    status: at % 3 + 1,
  }));

Deno.test("POST /v1/admin/users-bulk", async (t) => {
  await using app = await startTestApp();
  const { ctx } = app;
  const { operatorId, token, call, countOf } = await openPlace(app);

  await t.step("adds whom the contract's sample adds, and answers as it does", async () => {
    const body = { users: [{ name: "张三", mobile: "13777777777", exchanger: false, status: 1 }] };
    const answer = await call(ADD, body);
    assertShape(answer.data, USERS);
    const [{ uid, ctime, utime, ...rest }] = answer.data.data.users;
    assert.equal(ctime, utime);
    assert.deepEqual(rest, {
      name: "张三",
      mobile: "13777777777",
      status: 1,
      exchanger: false,
      parent_uid: "0",
      ltime: 0,
      dtime: 0,
    });
    assert.deepEqual(await actionsOf(ctx, Number(uid)), [{
      operatorId,
      action: "user.create",
      before: null,
      after: { name: "张三", mobile: "+86 137****7777", status: 1, exchanger: false },
    }]);
  });

  await t.step("adds as many as may be, in their order, and counts them", async () => {
    const before = await countOf();
    const added = newcomers(BULK_COUNT_MAX);
    const { users: made } = (await call(ADD, { users: added })).data.data;
    assert.deepEqual(
      made.map((user: Record<string, unknown>) => ({
        name: user.name,
        mobile: user.mobile,
        exchanger: user.exchanger,
        status: user.status,
      })),
      added,
    );
    assert.equal(await countOf(), before + BULK_COUNT_MAX);
    const inReview = added.filter(({ status, exchanger }) => status === 2 && exchanger);
    assert.equal(await countOf({ status: "2", exchanger: "1" }), inReview.length);
    assert.equal(new Set(made.map(({ uid }: { uid: string }) => uid)).size, BULK_COUNT_MAX);
  });

  await t.step("gives what is not said its default, and takes a status by its word", async () => {
    const added = [{ name: "甲", mobile: "+12025550123" }, {
      name: "乙",
      mobile: "13200000002",
      status: "suspended",
    }];
    const { users: made } = (await call(ADD, { users: added })).data.data;
    const shown = made.map((user: typeof SAMPLE) => [user.mobile, user.exchanger, user.status]);
    assert.deepEqual(shown, [["+12025550123", false, 1], ["13200000002", false, 3]]);
  });

  await t.step("they log in with their number and have a profile", async () => {
    const login = await logIn(app, { mobile: "13100000000" });
    const path = `/user/${login.uid}/profile`;
    const { result } = await callGateway(app, "GET", path, { as: login });
    assert.equal(result.nickname, "新人0");
    const query = { status: "1", per_page: "100", page: "2" };
    const { list } = await askAdmin(app, LIST, { token, query });
    const user = list.find(({ mobile }: { mobile: string }) => mobile === "13100000000");
    assert.ok(user.ltime > 0);
  });

  await t.step("adds nobody when one of them cannot be", async () => {
    const before = await countOf();
    const good = { name: "好", mobile: "13300000001" };
    const [row] = await ctx.db.select().from(users).where(eq(users.mobile, "13777777777"));
    const taken = await call(ADD, { users: [good, { name: "坏", mobile: "13777777777" }] });
    assertAdminFailure(taken, 409, `手机号13777777777已被用户${row!.id}使用`);
    const twice = await call(ADD, { users: [good, { ...good, mobile: "+86 13300000001" }] });
    assertAdminFailure(twice, 409, "手机号13300000001重复");
    const wrong: unknown[] = [
      ...[{ name: "坏" }, { mobile: "13300000002" }, { name: "", mobile: "13300000002" }],
      ...[{ name: "坏", mobile: "" }, { name: "坏", mobile: "1" }, "x", null],
      ...[4, "deleted", 0, "x"].map((status) => ({ name: "坏", mobile: "13300000002", status })),
    ];
    for (const bad of wrong) assertAdminFailure(await call(ADD, { users: [good, bad] }), 400);
    assert.equal(await countOf(), before);
    assert.equal(await ctx.db.$count(users, eq(users.mobile, "13300000001")), 0);
  });

  await t.step("takes neither nobody nor too many", async () => {
    for (const body of [{}, { users: [] }, { users: newcomers(BULK_COUNT_MAX + 1) }, []]) {
      assertAdminFailure(await call(ADD, body), 400);
    }
  });

  await t.step("is for operators who may", async () => {
    const before = await countOf();
    const body = { users: [{ name: "坏", mobile: "13300000003" }] };
    await assertNeedsAdmin(app, ADD, { body, refused: ["auditor"] });
    assert.equal(await countOf(), before);
  });
});

Deno.test("PUT /v1/admin/users-bulk", async (t) => {
  await using app = await startTestApp();
  const { ctx } = app;
  const { operatorId, call } = await openPlace(app);
  const anna = await makePerson(ctx, { nickname: "Anna" });
  const ben = await makePerson(ctx, { nickname: "Ben", mobile: "13400000001" });
  const namesNow = async () => {
    const rows = await ctx.db.select({ name: users.nickname }).from(users)
      .where(inArray(users.id, [anna.id, ben.id])).orderBy(users.id);
    return rows.map(({ name }) => name);
  };

  await t.step("changes each as they are to be, and answers in the order asked", async () => {
    const answer = await call(EDIT, {
      users: [
        { uid: String(ben.id), status: "suspended", exchanger: true },
        { uid: anna.id, name: "安娜", mobile: "13400000002" },
      ],
    });
    assertShape(answer.data, USERS);
    const shown = answer.data.data.users.map((user: typeof SAMPLE) => [
      ...[user.uid, user.name, user.mobile, user.status, user.exchanger],
    ]);
    assert.deepEqual(shown, [
      [String(ben.id), "Ben", "13400000001", 3, true],
      [String(anna.id), "安娜", "13400000002", 1, false],
    ]);
    assert.deepEqual(await actionsOf(ctx, ben.id), [{
      operatorId,
      action: "user.update",
      before: { status: 1, exchanger: false },
      after: { status: 3, exchanger: true },
    }]);
  });

  await t.step("changes nobody when one of them cannot be", async () => {
    const good = { uid: String(anna.id), name: "坏" };
    const [system] = await ctx.db.select().from(users).where(eq(users.uid, SYSTEM_UID));
    const failures: [unknown, number][] = [
      ...[[{ uid: "1", name: "x" }, 404], [{ uid: String(system!.id), name: "x" }, 404]] as const,
      ...[[{ uid: String(ben.id), mobile: "13400000002" }, 409], [{ ...good }, 400]] as const,
      ...[[{ uid: "abc" }, 400], [{ name: "x" }, 400], [
        { uid: String(ben.id), status: 7 },
        400,
      ]] as const,
    ].map(([bad, status]) => [bad, status]);
    for (const [bad, status] of failures) {
      assertAdminFailure(await call(EDIT, { users: [good, bad] }), status);
    }
    assert.deepEqual(await namesNow(), ["安娜", "Ben"]);
    assert.equal((await actionsOf(ctx, anna.id)).length, 1);
  });

  await t.step("takes neither nobody nor too many", async () => {
    const many = Array.from({ length: BULK_COUNT_MAX + 1 }, (_, at) => ({ uid: String(at + 1) }));
    for (const body of [{}, { users: [] }, { users: many }]) {
      assertAdminFailure(await call(EDIT, body), 400);
    }
  });

  await t.step("is for operators who may", async () => {
    const body = { users: [{ uid: String(anna.id), name: "坏" }] };
    await assertNeedsAdmin(app, EDIT, { body, refused: ["auditor"] });
    assert.deepEqual(await namesNow(), ["安娜", "Ben"]);
  });
});

Deno.test("DELETE /v1/admin/users-bulk", async (t) => {
  await using app = await startTestApp();
  const { ctx } = app;
  const { operatorId, call, countOf } = await openPlace(app);
  const people = [await makePerson(ctx), await makePerson(ctx), await makePerson(ctx)];
  const ids = people.map(({ id }) => String(id));
  const [system] = await ctx.db.select().from(users).where(eq(users.uid, SYSTEM_UID));

  await t.step("answers who was deleted; of ids nobody has there is no word", async () => {
    const uids = [ids[1], "1", ids[0], ids[1], String(system!.id), "999999999999999"];
    const answer = await call(REMOVE, { uids });
    assertShape(answer.data, { data: { uids: ["123456789"] } });
    assert.deepEqual(answer.data, { data: { uids: [ids[1], ids[0]] } });
    assert.deepEqual([await countOf({ status: "4" }), await countOf({ status: "1" })], [2, 1]);
    assert.deepEqual(await actionsOf(ctx, people[0]!.id), [
      {
        operatorId,
        action: "user.delete",
        before: { status: 1, mobile: `+86 ${maskPhone(String(13_000_000_000 + people[0]!.id))}` },
        after: { status: 4, mobile: null },
      },
    ]);
  });

  await t.step("asked again it answers the same and does nothing", async () => {
    const [before] = await ctx.db.select().from(users).where(eq(users.id, people[0]!.id));
    app.clock.advance(60_000);
    const answer = await call(REMOVE, { uids: [Number(ids[1]), ids[0]] });
    assert.deepEqual(answer.data, { data: { uids: [ids[1], ids[0]] } });
    const [after] = await ctx.db.select().from(users).where(eq(users.id, people[0]!.id));
    assert.deepEqual(after, before);
    assert.equal(await ctx.db.$count(operatorActions), 2);
  });

  await t.step("of nobody at all there is nobody", async () => {
    assert.deepEqual((await call(REMOVE, { uids: ["1"] })).data, { data: { uids: [] } });
  });

  await t.step(
    "takes no other ids, neither none nor too many, and then deletes nobody",
    async () => {
      const many = Array.from({ length: BULK_COUNT_MAX + 1 }, (_, at) => String(at + 1));
      const bodies = [{}, { uids: [] }, { uids: [...many] }, { uids: "1" }, {
        uids: [ids[2], "x"],
      }];
      for (const body of [...bodies, { uids: [ids[2], 1.5] }]) {
        assertAdminFailure(await call(REMOVE, body), 400);
      }
      assert.equal(await countOf({ status: "1" }), 1);
      assert.equal((await call(REMOVE, { uids: many.slice(1) })).http, 200);
    },
  );

  await t.step("is for operators who may", async () => {
    await assertNeedsAdmin(app, REMOVE, { body: { uids: [ids[2]] }, refused: ["auditor"] });
    assert.equal(await countOf({ status: "1" }), 1);
  });
});

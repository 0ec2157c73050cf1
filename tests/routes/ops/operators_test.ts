import { asc, eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { STANDING_CACHE_MS } from "../../../db/domain/operators/standing_cache.ts";
import { issueOperatorToken } from "../../../db/domain/operators/tokens.ts";
import { operatorActions, operators } from "../../../db/schema/operators.ts";
import {
  askOps,
  assertNeedsOperator,
  assertOpsFailure,
  callOps,
  makeOperator,
} from "../../clients/ops.ts";
import { startTestApp, type TestApp } from "../../harness.ts";

const LIST = "GET /v1/operators";
const ADD = "POST /v1/operators";
const CHANGE = "PATCH /v1/operators/{operator_id}";
const DISABLE = "POST /v1/operators/{operator_id}/disable";
const LOGOUT = "POST /v1/operators/{operator_id}/logout";
const ME = "GET /v1/me";
const INVALID = { http: 400, code: 4001 };
const MISSING = { http: 404, code: 4004, msg: "请求资源不存在" };
const CONFLICT = { http: 409, code: 4003 };
const REFUSED = { http: 401, code: 4003, msg: "无效签名 Invalid API token" };
const LAST_ADMIN = { ...CONFLICT, msg: "至少要保留一名管理员" };
/** RFC 3339 in UTC+8. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+08:00$/;
/** Those who may not do any of this. */
const refused = ["operator", "auditor"] as const;

const paramsOf = (operatorId: number) => ({ operator_id: String(operatorId) });
const may = async (app: TestApp, token: string) => (await callOps(app, ME, { token })).http === 200;

const actionsOf = async ({ ctx }: TestApp, operatorId: number) => {
  const target = `operator:${operatorId}`;
  const actions = await ctx.db.select().from(operatorActions)
    .where(eq(operatorActions.target, target)).orderBy(asc(operatorActions.id));
  return actions.map(({ action, before, after }) => ({ action, before, after }));
};

const logIn = async (app: TestApp, mixinUserId: string) => {
  const code = `dev:${mixinUserId}:${crypto.randomUUID()}`;
  return await callOps(app.door, "POST /v1/auth/mixin", { body: { code } });
};

Deno.test("POST /v1/operators", async (t) => {
  await using app = await startTestApp();
  const { token } = await makeOperator(app.ctx, "admin");
  const add = (body: unknown) => askOps(app, ADD, { token, body });

  await t.step("makes an operator without a token, or with one, told this once", async () => {
    const plain = await add({ name: " Wei ", role: "auditor" });
    assert.match(plain.created_at, TIME);
    assert.deepEqual(plain, {
      operator_id: plain.operator_id,
      name: "Wei",
      role: "auditor",
      mixin_user_id: null,
      created_at: plain.created_at,
      last_login_at: null,
      disabled_at: null,
    });
    const { token: given, ...record } = await add({ name: "Wei", role: "operator", token: true });
    assert.deepEqual(Object.keys(record), Object.keys(plain));
    assert.equal((await askOps(app, ME, { token: given })).operator_id, record.operator_id);
    const actions = await actionsOf(app, record.operator_id);
    const after = { name: "Wei", role: "operator", mixinUserId: null };
    assert.deepEqual(actions, [{ action: "operators.add", before: null, after }]);
    assert.equal((await add({ name: "Lin", role: "admin", token: null })).token, undefined);
  });

  await t.step("whose Mixin user logs in from then on, and nobody else with it", async () => {
    const mixin = crypto.randomUUID();
    const body = { name: "Lin", role: "operator", mixin_user_id: mixin };
    const made = await add({ ...body, mixin_user_id: mixin.toUpperCase() });
    assert.equal(made.mixin_user_id, mixin);
    const { access_token } = (await logIn(app, mixin)).data;
    assert.equal((await askOps(app, ME, { token: access_token })).operator_id, made.operator_id);
    const taken = { ...CONFLICT, msg: "该 Mixin 用户已是其他操作员" };
    assertOpsFailure(await callOps(app, ADD, { token, body }), taken);
    await askOps(app, DISABLE, { token, params: paramsOf(made.operator_id) });
    const heir = await add(body);
    assert.equal(heir.mixin_user_id, mixin, "who is disabled needs it no more");
  });

  await t.step("refuses what makes no sense", async () => {
    const before = await app.ctx.db.$count(operators);
    const wrong = [
      ...[{}, { name: "Wei" }, { role: "admin" }, { name: " ", role: "admin" }],
      ...[{ name: "x".repeat(65), role: "admin" }, { name: "Wei", role: "root" }],
      ...[{ name: "Wei", role: "admin", mixin_user_id: "toby" }, { name: 7, role: "admin" }],
      { name: "Wei", role: "admin", token: "yes" },
    ];
    for (const body of wrong) assertOpsFailure(await callOps(app, ADD, { token, body }), INVALID);
    assert.equal(await app.ctx.db.$count(operators), before);
  });

  await t.step("needs an admin", async () => {
    const body = { name: "Mallory", role: "admin" };
    await assertNeedsOperator(app, ADD, { body, refused: [...refused] });
    assert.equal(await app.ctx.db.$count(operators, eq(operators.name, "Mallory")), 0);
  });
});

Deno.test("GET /v1/operators", async (t) => {
  await using app = await startTestApp();
  const { token, operatorId } = await makeOperator(app.ctx, "admin");

  await t.step("lists the newest first, disabled ones too, with their last login", async () => {
    const mixin = crypto.randomUUID();
    const body = { name: "Lin", role: "operator", mixin_user_id: mixin };
    const lin = await askOps(app, ADD, { token, body });
    assert.equal((await logIn(app, mixin)).http, 200);
    await askOps(app, DISABLE, { token, params: paramsOf(lin.operator_id) });
    const { total, items } = await askOps(app, LIST, { token });
    assert.equal(total, 2);
    assert.deepEqual(items.map((item: typeof lin) => item.operator_id), [
      ...[lin.operator_id, operatorId],
    ]);
    const [listed, admin] = items;
    for (const at of [listed.created_at, listed.last_login_at, listed.disabled_at]) {
      assert.match(at, TIME);
    }
    assert.deepEqual([admin.last_login_at, admin.disabled_at], [null, null]);
    assert.deepEqual(Object.keys(listed), Object.keys(lin));
    const second = await askOps(app, LIST, { token, query: { start: "1", limit: "1" } });
    assert.deepEqual(second, { total: 2, items: [admin] });
  });

  await t.step("refuses a page that is none", async () => {
    const wrong: Record<string, string>[] = [{ start: "-1" }, { limit: "0" }, { limit: "101" }];
    for (const query of wrong) {
      assertOpsFailure(await callOps(app, LIST, { token, query }), INVALID);
    }
  });

  await t.step("needs an admin", () => assertNeedsOperator(app, LIST, { refused: [...refused] }));
});

Deno.test("PATCH /v1/operators/{operator_id}", async (t) => {
  await using app = await startTestApp();
  // Another process on the same database and Redis.
  await using other = await startTestApp({ database: app.database, redis: app.redis });
  const admin = await makeOperator(app.ctx, "admin");
  const { token } = admin;
  const change = (operatorId: number, body: unknown) =>
    askOps(app, CHANGE, { token, params: paramsOf(operatorId), body });

  await t.step("changes what is given, and writes down only that", async () => {
    const wei = await makeOperator(app.ctx, "operator");
    const mixin = crypto.randomUUID();
    const changed = await change(wei.operatorId, { name: "Wei", mixin_user_id: mixin });
    assert.deepEqual([changed.name, changed.role, changed.mixin_user_id], [
      ...["Wei", "operator", mixin],
    ]);
    assert.equal((await askOps(other, ME, { token: wei.token })).name, "Wei");
    assert.deepEqual(await change(wei.operatorId, { name: "Wei", role: null }), changed);
    const without = await change(wei.operatorId, { mixin_user_id: null });
    assert.equal(without.mixin_user_id, null);
    assert.equal((await logIn(app, mixin)).http, 403);
    assert.deepEqual(await actionsOf(app, wei.operatorId), [
      {
        action: "operators.change",
        before: { name: "operator", mixinUserId: null },
        after: { name: "Wei", mixinUserId: mixin },
      },
      {
        action: "operators.change",
        before: { mixinUserId: mixin },
        after: { mixinUserId: null },
      },
    ]);
  });

  await t.step("ends all tokens of who gets a new role, for good", async () => {
    const { operatorId, token: first } = await makeOperator(app.ctx, "operator");
    const second = await issueOperatorToken(app.ctx, { operatorId, role: "operator" });
    for (const token of [first, second]) assert.ok(await may(other, token));
    await change(operatorId, { role: "operator" });
    for (const token of [first, second]) assert.ok(await may(other, token), "it had that role");
    await change(operatorId, { role: "auditor" });
    for (const token of [first, second]) assert.ok(!await may(other, token));
    await change(operatorId, { role: "operator" });
    app.clock.advance(3 * STANDING_CACHE_MS);
    other.clock.advance(3 * STANDING_CACHE_MS);
    for (const token of [first, second]) assert.ok(!await may(other, token), "not revived");
  });

  await t.step("and who logs in afterwards has the role", async () => {
    const mixin = crypto.randomUUID();
    const { operatorId } = await makeOperator(app.ctx, "operator");
    await change(operatorId, { mixin_user_id: mixin, role: "auditor" });
    const { data } = await logIn(other, mixin);
    assert.equal((await askOps(other, ME, { token: data.access_token })).role, "auditor");
  });

  await t.step("refuses to demote the last admin, others and oneself it does not", async () => {
    const second = await makeOperator(app.ctx, "admin");
    await change(second.operatorId, { role: "operator" });
    const params = paramsOf(admin.operatorId);
    const body = { name: "Root", role: "auditor" };
    assertOpsFailure(await callOps(app, CHANGE, { token, params, body }), LAST_ADMIN);
    assert.deepEqual(await actionsOf(app, admin.operatorId), []);
    assert.equal((await change(admin.operatorId, { name: "Root", role: "admin" })).name, "Root");
    const third = await makeOperator(app.ctx, "admin");
    const own = { token: third.token, params: paramsOf(third.operatorId) };
    await askOps(app, CHANGE, { ...own, body: { role: "auditor" } });
    assertOpsFailure(await callOps(app, ME, { token: third.token }), REFUSED);
  });

  await t.step("refuses somebody else's Mixin user, and who is disabled or not there", async () => {
    const [mixin, wei] = [crypto.randomUUID(), await makeOperator(app.ctx, "operator")];
    await change(wei.operatorId, { mixin_user_id: mixin });
    const lin = await makeOperator(app.ctx, "operator");
    const params = paramsOf(lin.operatorId);
    const body = { mixin_user_id: mixin };
    assertOpsFailure(await callOps(app, CHANGE, { token, params, body }), CONFLICT);
    await askOps(app, DISABLE, { token, params });
    assertOpsFailure(await callOps(app, CHANGE, { token, params, body: { name: "L" } }), {
      ...CONFLICT,
      msg: "操作员已停用",
    });
    const missing = { token, params: paramsOf(999_999), body: { name: "L" } };
    assertOpsFailure(await callOps(app, CHANGE, missing), MISSING);
    assert.equal((await change(wei.operatorId, { mixin_user_id: mixin })).mixin_user_id, mixin);
  });

  await t.step("refuses what makes no sense", async () => {
    const { operatorId } = await makeOperator(app.ctx, "operator");
    const params = paramsOf(operatorId);
    const wrong = [
      ...[{ name: "" }, { name: "x".repeat(65) }, { role: "root" }, { mixin_user_id: "toby" }],
      { mixin_user_id: 7 },
    ];
    for (const body of wrong) {
      assertOpsFailure(await callOps(app, CHANGE, { token, params, body }), INVALID);
    }
    for (const operator_id of ["x", "0", "-1", "1.5"]) {
      const call = { token, params: { operator_id }, body: {} };
      assertOpsFailure(await callOps(app, CHANGE, call), INVALID);
    }
    assert.deepEqual(await actionsOf(app, operatorId), []);
  });

  await t.step("needs an admin", async () => {
    const params = paramsOf(admin.operatorId);
    const body = { name: "Mallory" };
    await assertNeedsOperator(app, CHANGE, { params, body, refused: [...refused] });
  });
});

Deno.test("POST /v1/operators/{operator_id}/disable", async (t) => {
  await using app = await startTestApp();
  await using other = await startTestApp({ database: app.database, redis: app.redis });
  const admin = await makeOperator(app.ctx, "admin");
  const { token } = admin;

  await t.step("ends all tokens everywhere at once, and the login, once", async () => {
    const mixin = crypto.randomUUID();
    const body = { name: "Lin", role: "admin", mixin_user_id: mixin, token: true };
    const lin = await askOps(app, ADD, { token, body });
    const { access_token } = (await logIn(other, mixin)).data;
    const fresh = (await logIn(other, mixin)).data.access_token;
    for (const token of [lin.token, access_token]) assert.ok(await may(other, token));
    const params = paramsOf(lin.operator_id);
    const disabled = await askOps(app, DISABLE, { token, params });
    assert.match(disabled.disabled_at, TIME);
    for (const token of [lin.token, access_token, fresh]) assert.ok(!await may(other, token));
    assert.equal((await logIn(other, mixin)).http, 403);
    assert.deepEqual(await askOps(app, DISABLE, { token, params }), disabled, "again is once");
    const actions = await actionsOf(app, lin.operator_id);
    assert.deepEqual(actions.slice(1), [{
      action: "operators.disable",
      before: { disabled: false },
      after: { disabled: true },
    }]);
  });

  await t.step("refuses the last admin, whose tokens go on", async () => {
    const params = paramsOf(admin.operatorId);
    assertOpsFailure(await callOps(app, DISABLE, { token, params }), LAST_ADMIN);
    assert.ok(await may(other, token));
    assert.deepEqual(await actionsOf(app, admin.operatorId), []);
  });

  await t.step("refuses who is not there, and what is no id", async () => {
    assertOpsFailure(await callOps(app, DISABLE, { token, params: paramsOf(999_999) }), MISSING);
    const params = { operator_id: "x" };
    assertOpsFailure(await callOps(app, DISABLE, { token, params }), INVALID);
  });

  await t.step("needs an admin", async () => {
    const params = paramsOf(admin.operatorId);
    await assertNeedsOperator(app, DISABLE, { params, refused: [...refused] });
    assert.ok(await may(app, token));
  });
});

Deno.test("POST /v1/operators/{operator_id}/logout", async (t) => {
  await using app = await startTestApp();
  await using other = await startTestApp({ database: app.database, redis: app.redis });
  const admin = await makeOperator(app.ctx, "admin");
  const { token } = admin;

  await t.step("ends all tokens everywhere at once; who logs in again is let in", async () => {
    const mixin = crypto.randomUUID();
    const body = { name: "Lin", role: "operator", mixin_user_id: mixin, token: true };
    const lin = await askOps(app, ADD, { token, body });
    const { access_token } = (await logIn(other, mixin)).data;
    for (const token of [lin.token, access_token]) assert.ok(await may(other, token));
    const params = paramsOf(lin.operator_id);
    const record = await askOps(app, LOGOUT, { token, params });
    assert.deepEqual([record.operator_id, record.disabled_at], [lin.operator_id, null]);
    const again = (await logIn(other, mixin)).data.access_token;
    for (const token of [lin.token, access_token]) assert.ok(!await may(other, token));
    assert.ok(await may(other, again));
    app.clock.advance(3 * STANDING_CACHE_MS);
    other.clock.advance(3 * STANDING_CACHE_MS);
    assert.deepEqual([await may(other, access_token), await may(other, again)], [false, true]);
    const actions = await actionsOf(app, lin.operator_id);
    assert.deepEqual(actions.slice(1), [{ action: "operators.logout", before: null, after: null }]);
  });

  await t.step("does nothing to who is disabled", async () => {
    const { operatorId } = await makeOperator(app.ctx, "operator");
    const params = paramsOf(operatorId);
    const disabled = await askOps(app, DISABLE, { token, params });
    assert.deepEqual(await askOps(app, LOGOUT, { token, params }), disabled);
    assert.equal((await actionsOf(app, operatorId)).length, 1);
  });

  await t.step("may be the last admin, and oneself", async () => {
    const params = paramsOf(admin.operatorId);
    const operatorId = admin.operatorId;
    await askOps(app, LOGOUT, { token, params });
    assert.ok(!await may(app, token));
    const [row] = await app.ctx.db.select().from(operators).where(eq(operators.id, operatorId));
    const { generation } = row!;
    const again = await issueOperatorToken(app.ctx, { operatorId, role: "admin", generation });
    assertOpsFailure(
      await callOps(app, LOGOUT, { token: again, params: paramsOf(999_999) }),
      MISSING,
    );
    const wrong = await callOps(app, LOGOUT, { token: again, params: { operator_id: "0" } });
    assertOpsFailure(wrong, INVALID);
  });

  await t.step("needs an admin", async () => {
    const params = paramsOf(admin.operatorId);
    await assertNeedsOperator(app, LOGOUT, { params, refused: [...refused] });
  });
});

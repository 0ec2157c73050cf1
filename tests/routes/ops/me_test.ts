import { decodeJwt } from "jose";
import assert from "node:assert/strict";
import { can, permissions } from "../../../db/domain/operators/permissions.ts";
import { operatorRoles } from "../../../db/schema/operators.ts";
import {
  askOps,
  assertNeedsOperator,
  assertOpsFailure,
  callOps,
  makeOperator,
  makeOpsKey,
} from "../../clients/ops.ts";
import { startTestApp } from "../../harness.ts";

const ME = "GET /v1/me";
const LOGOUT = "POST /v1/auth/logout";
const REFUSED = { http: 401, code: 4003, msg: "无效签名 Invalid API token" };

Deno.test("GET /v1/me", async (t) => {
  await using app = await startTestApp();

  await t.step("says whose token it is, what for and how long", async () => {
    for (const role of operatorRoles) {
      const { operatorId, token } = await makeOperator(app.ctx, role);
      const me = await askOps(app, ME, { token });
      assert.equal(Date.parse(me.expires_at), decodeJwt(token).exp! * 1000);
      assert.match(me.expires_at, /\+08:00$/);
      assert.deepEqual(me, {
        kind: "operator",
        operator_id: operatorId,
        name: role,
        role,
        permissions: permissions.filter((permission) => can(role, permission)),
        expires_at: me.expires_at,
      });
      assert.equal(me.permissions.includes("operators.manage"), role === "admin");
      assert.equal(me.permissions.includes("keys.manage"), role === "admin");
    }
  });

  await t.step("says whose key it is, and for which groups", async () => {
    const [all, some] = [await makeOpsKey(app.ctx), await makeOpsKey(app.ctx, [7_000_100_001])];
    const ask = (authorization: string) => askOps(app, ME, { headers: { authorization } });
    assert.deepEqual(await ask(all.authorization), {
      kind: "key",
      id: all.keyId,
      name: "script",
      group_ids: null,
    });
    assert.deepEqual((await ask(some.authorization)).group_ids, ["7000100001"]);
  });

  await t.step("needs credentials", () => assertNeedsOperator(app, ME));
});

Deno.test("POST /v1/auth/logout", async (t) => {
  await using app = await startTestApp();

  await t.step("ends this token at once and for good, and no other", async () => {
    const { operatorId, token } = await makeOperator(app.ctx, "auditor");
    const other = await makeOperator(app.ctx, "auditor");
    await askOps(app, ME, { token });
    assert.deepEqual(await askOps(app, LOGOUT, { token }), {});
    assertOpsFailure(await callOps(app, ME, { token }), REFUSED);
    assertOpsFailure(await callOps(app, LOGOUT, { token }), REFUSED);
    app.clock.advance(10 * 60_000);
    assertOpsFailure(await callOps(app, ME, { token }), REFUSED);
    await askOps(app, ME, { token: other.token });
    const { items } = await askOps(app, "GET /v1/audit", {
      token: other.token,
      query: { target: `operator:${operatorId}` },
    });
    assert.deepEqual(items.map(({ action }: { action: string }) => action), ["tokens.revoke"]);
    assert.ok(!JSON.stringify(items).includes(token));
  });

  await t.step("is no way for a key to end", async () => {
    const { authorization } = await makeOpsKey(app.ctx);
    assertOpsFailure(await callOps(app, LOGOUT, { headers: { authorization } }), REFUSED);
    await askOps(app, ME, { headers: { authorization } });
  });

  await t.step("needs a token", () => assertNeedsOperator(app, LOGOUT));
});

import assert from "node:assert/strict";
import { recordAction } from "../../../db/domain/operators/record_action.ts";
import {
  askOps,
  assertNeedsOperator,
  assertOpsFailure,
  callOps,
  makeOperator,
  makeOpsKey,
} from "../../clients/ops.ts";
import { startTestApp } from "../../harness.ts";

const LIST = "GET /v1/audit";

Deno.test("GET /v1/audit", async (t) => {
  await using app = await startTestApp();
  const { token, operatorId } = await makeOperator(app.ctx, "auditor");
  assert.deepEqual(await askOps(app, LIST, { token }), { total: 0, items: [] });
  const { keyId } = await makeOpsKey(app.ctx);
  const operator = {
    kind: "operator" as const,
    operatorId,
    role: "admin" as const,
    name: "auditor" as const,
    jti: "" as const,
  };
  const key = { kind: "key", keyId, name: "script", groupIds: null } as const;
  const decided = { before: { state: "pending" }, after: { state: "paid" } };
  for (const no of [1, 2, 3]) {
    const target = `withdrawal:${no}`;
    await recordAction(app.ctx, {
      actor: operator,
      action: "withdrawals.confirm",
      target,
      ...decided,
    });
  }
  const added = { action: "payments.record", target: "group:1", before: null, after: { count: 2 } };
  await recordAction(app.ctx, { actor: key, ...added });

  await t.step("lists who did what, newest first: operators by name, scripts by key", async () => {
    const { total, items } = await askOps(app, LIST, { token });
    assert.equal(total, 4);
    const shown = items.map(({ at, ...item }: { at: string }) => {
      assert.match(at, /T.*\+08:00$/);
      return item;
    });
    assert.deepEqual(shown.slice(0, 2), [
      { operator: keyId, ...added, request_id: "test" },
      {
        operator: "auditor",
        action: "withdrawals.confirm",
        target: "withdrawal:3",
        ...decided,
        request_id: "test",
      },
    ]);
  });

  await t.step("names the request, as the access log does", async () => {
    const admin = await makeOperator(app.ctx, "admin");
    await callOps(app, "POST /v1/jobs/{name}/run", {
      token: admin.token,
      params: { name: "cleanup" },
      body: {},
      headers: { "X-Request-Id": "a-request-of-mine" },
    });
    const { items } = await askOps(app, LIST, { token, query: { limit: "1" } });
    assert.deepEqual([items[0].operator, items[0].action, items[0].request_id], [
      ...["admin", "jobs.run", "a-request-of-mine"],
    ]);
  });

  await t.step("of one target alone", async () => {
    const query = { target: "withdrawal:2" };
    const { total, items } = await askOps(app, LIST, { token, query });
    assert.deepEqual([total, items.length, items[0].target], [1, 1, "withdrawal:2"]);
    const nothing = await askOps(app, LIST, { token, query: { target: "withdrawal:9" } });
    assert.deepEqual(nothing, { total: 0, items: [] });
  });

  await t.step("in pages", async () => {
    const query = { start: "3", limit: "1" };
    const { total, items } = await askOps(app, LIST, { token, query });
    assert.deepEqual([total, items.map(({ target }: { target: string }) => target)], [
      ...[5, ["withdrawal:2"]],
    ]);
    const wrong: Record<string, string>[] = [{ start: "-1" }, { limit: "0" }, { start: "10001" }, {
      target: "",
    }];
    for (const query of wrong) {
      assertOpsFailure(await callOps(app, LIST, { token, query }), { http: 400, code: 4001 });
    }
  });

  await t.step(
    "is for auditors and admins, not for operators, whose work it shows",
    () => assertNeedsOperator(app, LIST, { refused: ["operator"] }),
  );
});

import assert from "node:assert/strict";
import { broadcastChunk } from "../../../jobs/broadcast.ts";
import {
  askOps,
  assertNeedsOperator,
  assertOpsFailure,
  callOps,
  makeOperator,
} from "../../clients/ops.ts";
import { startTestApp } from "../../harness.ts";
import { makeBroadcast, makeCrowd, MixinStandIn } from "../../people/crowd.ts";

const READ = "GET /v1/broadcasts/{id}";

Deno.test("GET /v1/broadcasts/{id}", async (t) => {
  await using app = await startTestApp();
  const { token } = await makeOperator(app.ctx, "auditor");
  const { groupId } = await makeCrowd(app.ctx, 3, { hasBot: true });
  const body = { message: "hi", broadcast: true };
  const sender = await makeOperator(app.ctx, "operator");
  const { broadcast_id: id } = await askOps(app, "POST /v1/groups/{group_id}/send_message", {
    token: sender.token,
    params: { group_id: String(groupId) },
    body,
  });
  const read = () => askOps(app, READ, { token, params: { id } });

  await t.step("says how far it has got, step by step", async () => {
    const mixin = new MixinStandIn();
    assert.deepEqual(await read(), { id, state: "queued", total: 3, sent: 0, failed: 0 });
    await broadcastChunk(app.ctx, mixin);
    assert.deepEqual(await read(), { id, state: "sending", total: 3, sent: 0, failed: 0 });
    await broadcastChunk(app.ctx, mixin);
    assert.deepEqual(await read(), { id, state: "done", total: 3, sent: 3, failed: 0 });
  });

  await t.step("knows no others", async () => {
    await makeBroadcast(app.ctx, groupId);
    const missing = { http: 404, code: 4004, msg: "请求资源不存在" };
    for (const id of ["99", "0"]) {
      assertOpsFailure(await callOps(app, READ, { token, params: { id } }), missing);
    }
    for (const id of ["x", "-1", "9".repeat(30)]) {
      const invalid = { http: 400, code: 4001 };
      assertOpsFailure(await callOps(app, READ, { token, params: { id } }), invalid);
    }
  });

  await t.step("needs an operator", () => assertNeedsOperator(app, READ, { params: { id } }));
});

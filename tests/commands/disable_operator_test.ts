import { eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { runDisableOperatorCommand } from "../../commands/disable_operator.ts";
import { operators } from "../../db/schema/operators.ts";
import { askOps, assertOpsFailure, callOps, makeOperator } from "../clients/ops.ts";
import { startTestApp } from "../harness.ts";

Deno.test("deno task operator:disable", async (t) => {
  await using app = await startTestApp();
  const { db } = app.ctx;
  const run = async (...args: string[]) => {
    const lines: string[] = [];
    await runDisableOperatorCommand(app, args, (line) => lines.push(line));
    assert.equal(lines.length, 1);
    return JSON.parse(lines[0]!);
  };
  const name = async (operatorId: number, name: string) =>
    await db.update(operators).set({ name }).where(eq(operators.id, operatorId));

  await t.step("ends all tokens of the operator of that name, at once; again is once", async () => {
    const { operatorId, token } = await makeOperator(app.ctx, "auditor");
    await name(operatorId, "Wei");
    await askOps(app, "GET /v1/me", { token });
    const { disabled_at, ...told } = await run(" Wei ");
    assert.deepEqual(told, { operator_id: operatorId, name: "Wei", role: "auditor" });
    assertOpsFailure(await callOps(app, "GET /v1/me", { token }), { http: 401, code: 4003 });
    const [row] = await db.select().from(operators).where(eq(operators.id, operatorId));
    assert.equal(row!.disabledAt!.toISOString(), disabled_at);
    assert.deepEqual(await run("Wei"), { ...told, disabled_at });
  });

  await t.step("means who is not disabled, of several of a name", async () => {
    const { operatorId } = await makeOperator(app.ctx, "operator");
    await name(operatorId, "Wei");
    assert.equal((await run("Wei")).operator_id, operatorId);
    const twins = [await makeOperator(app.ctx, "operator"), await makeOperator(app.ctx, "auditor")];
    for (const { operatorId } of twins) await name(operatorId, "Twin");
    await assert.rejects(run("Twin"), { name: "UsageError", message: /several operators/ });
    for (const { token } of twins) await askOps(app, "GET /v1/me", { token });
  });

  await t.step("keeps the last admin", async () => {
    const admin = await makeOperator(app.ctx, "admin");
    await name(admin.operatorId, "Root");
    await assert.rejects(run("Root"), { name: "UsageError", message: /the last admin/ });
    await askOps(app, "GET /v1/me", { token: admin.token });
    await makeOperator(app.ctx, "admin");
    assert.equal((await run("Root")).operator_id, admin.operatorId);
  });

  await t.step("says how it is called when it is called otherwise", async () => {
    const wrong = [[], ["One", "Two"], ["One", "--force"], ["Nobody"], [" "]];
    for (const args of wrong) {
      await assert.rejects(run(...args), {
        name: "UsageError",
        message: /usage: deno task operator:disable <name>$/,
      });
    }
    await assert.rejects(run("Nobody"), /no operator is called Nobody/);
  });
});

import { asc, eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { runOperatorCommand } from "../../commands/add_operator.ts";
import { disableOperator } from "../../db/domain/operators/revoke.ts";
import { operators } from "../../db/schema/operators.ts";
import { askOps, assertOpsFailure, callOps } from "../clients/ops.ts";
import { startTestApp } from "../harness.ts";

const MIXIN = "7766b24c-1a03-4c3a-83a3-b4358266875d";

Deno.test("deno task operator:add", async (t) => {
  await using app = await startTestApp();
  const { db } = app.ctx;
  const before = await db.$count(operators);
  const run = async (...args: string[]) => {
    const lines: string[] = [];
    await runOperatorCommand(app, args, (line) => lines.push(line));
    assert.equal(lines.length, 1);
    return JSON.parse(lines[0]!);
  };
  const readAll = async (name: string) =>
    await db.select().from(operators).where(eq(operators.name, name)).orderBy(asc(operators.id));

  await t.step("makes an operator, and prints no token unless asked", async () => {
    const { operator_id, ...more } = await run("Wei", "--role", "auditor");
    assert.deepEqual(more, { name: "Wei", role: "auditor", added: true });
    const [wei] = await readAll("Wei");
    assert.deepEqual([wei!.id, wei!.role, wei!.mixinUserId], [operator_id, "auditor", null]);
  });

  await t.step("prints a token that is good, for what the role may do", async () => {
    const { token } = await run("Wei", "--role", "auditor", "--token");
    await askOps(app, "GET /v1/audit", { token });
    const params = { name: "cleanup" };
    const refused = await callOps(app, "POST /v1/jobs/{name}/run", { token, params, body: {} });
    assertOpsFailure(refused, { http: 403, code: 4003 });
  });

  await t.step("changes the one of that name, whose tokens for another role end", async () => {
    const { token } = await run("Wei", "--role", "auditor", "--token");
    await askOps(app, "GET /v1/audit", { token });
    const changed = await run("Wei", "--role", "admin", "--mixin", MIXIN.toUpperCase(), "--token");
    assert.equal(changed.added, false);
    assertOpsFailure(await callOps(app, "GET /v1/audit", { token }), { http: 401, code: 4003 });
    await askOps(app, "GET /v1/audit", { token: changed.token });
    await run("Wei", "--role", "operator");
    const all = await readAll("Wei");
    assert.deepEqual(all.map((it) => [it.role, it.mixinUserId]), [["operator", MIXIN]]);
  });

  await t.step(
    "lets a Mixin user log in as one operator, and move from a disabled one",
    async () => {
      await assert.rejects(run("Lin", "--role", "admin", "--mixin", MIXIN), /logs in as Wei/);
      const [wei] = await readAll("Wei");
      const actor = {
        kind: "operator" as const,
        operatorId: wei!.id,
        role: "admin" as const,
        name: "" as const,
        jti: "" as const,
      };
      await disableOperator(app.ctx, { operatorId: wei!.id, actor });
      const { added } = await run("Wei", "--role", "admin", "--mixin", MIXIN);
      assert.equal(added, true, "who is disabled stays so");
      const all = await readAll("Wei");
      assert.deepEqual(all.map((it) => [it.disabledAt !== null, it.mixinUserId]), [
        [true, null],
        [false, MIXIN],
      ]);
    },
  );

  await t.step("says how it is called when it is called otherwise, and makes nothing", async () => {
    const role = ["--role", "admin"];
    const wrong = [
      ...[[], ["One"], ["One", "--role"], ["One", "--role", "root"], ["One", "Two", ...role]],
      ...[["One", ...role, "--admin"], ["One", ...role, "--mixin"], [" ", ...role]],
      ...[["One", ...role, "--mixin", "toby"], ["x".repeat(65), ...role]],
    ];
    for (const args of wrong) {
      await assert.rejects(run(...args), { name: "UsageError", message: /operator:add <name>/ });
    }
    assert.equal(await db.$count(operators), before + 2);
  });

  await t.step("takes no name that several have", async () => {
    const twin = { name: "Twin", role: "auditor", createdAt: app.ctx.now() } as const;
    await db.insert(operators).values([twin, twin]);
    await assert.rejects(run("Twin", "--role", "admin"), /several operators/);
  });
});

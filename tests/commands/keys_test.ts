import assert from "node:assert/strict";
import { runAddKeyCommand } from "../../commands/add_key.ts";
import { runDisableKeyCommand } from "../../commands/disable_key.ts";
import { operatorActions, opsKeys } from "../../db/schema/operators.ts";
import { askOps, assertOpsFailure, callOps } from "../clients/ops.ts";
import { startTestApp } from "../harness.ts";
import { makeCrowd } from "../people/crowd.ts";

const ME = "GET /v1/me";
type Command = typeof runAddKeyCommand;

Deno.test("deno task key:add and key:disable", async (t) => {
  await using app = await startTestApp();
  const { db } = app.ctx;
  const run = async (command: Command, ...args: string[]) => {
    const lines: string[] = [];
    await command(app, args, (line) => lines.push(line));
    assert.equal(lines.length, 1);
    return JSON.parse(lines[0]!);
  };
  const headersOf = ({ id, secret }: { id: string; secret: string }) => ({
    authorization: `Basic ${btoa(`${id}:${secret}`)}`,
  });

  await t.step("makes a key for all groups and prints it, this once", async () => {
    const key = await run(runAddKeyCommand, "Payer");
    const { id, secret } = key;
    assert.deepEqual(key, { id, secret, name: "Payer", group_ids: null });
    const me = await askOps(app, ME, { headers: headersOf(key) });
    assert.deepEqual(me, { kind: "key", id, name: "Payer", group_ids: null });
    assert.equal(await db.$count(operatorActions), 0, "no operator did it");
  });

  await t.step("makes one for some groups", async () => {
    const [one, two] = [await makeCrowd(app.ctx, 1), await makeCrowd(app.ctx, 1)];
    const ids = [String(one.groupId), String(two.groupId)];
    const words = ids.flatMap((id) => ["--group", id]);
    const key = await run(runAddKeyCommand, ...words, "Payer");
    assert.deepEqual(key.group_ids, ids);
    assert.deepEqual((await askOps(app, ME, { headers: headersOf(key) })).group_ids, ids);
  });

  await t.step("ends a key at once; again is once", async () => {
    const key = await run(runAddKeyCommand, "Payer");
    const headers = headersOf(key);
    await askOps(app, ME, { headers });
    const told = await run(runDisableKeyCommand, key.id);
    assert.deepEqual(told, { id: key.id, name: "Payer", disabled_at: told.disabled_at });
    assertOpsFailure(await callOps(app, ME, { headers }), { http: 401, code: 4003 });
    assert.deepEqual(await run(runDisableKeyCommand, key.id), told);
  });

  await t.step("say how they are called when they are called otherwise", async () => {
    const before = await db.$count(opsKeys);
    const wrong = [
      ...[[], ["One", "Two"], ["One", "--admin"], ["One", "--group"], [" "], ["x".repeat(65)]],
      ...[["One", "--group", "x"], ["One", "--group", "7"], ["One", "--group", ""]],
    ];
    for (const args of wrong) {
      await assert.rejects(run(runAddKeyCommand, ...args), {
        name: "UsageError",
        message: /usage: deno task key:add <name> \[--group <id> …\]$/,
      });
    }
    assert.equal(await db.$count(opsKeys), before);
    for (const args of [[], ["a", "b"], ["--all"], ["0".repeat(32)], ["x"]]) {
      await assert.rejects(run(runDisableKeyCommand, ...args), {
        name: "UsageError",
        message: /usage: deno task key:disable <id>$/,
      });
    }
  });
});

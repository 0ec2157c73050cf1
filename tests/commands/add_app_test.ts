import { asc } from "drizzle-orm";
import assert from "node:assert/strict";
import { runAppCommand } from "../../commands/add_app.ts";
import { apps } from "../../db/schema/apps.ts";
import { operatorActions } from "../../db/schema/operators.ts";
import { askPartner, basicOf } from "../clients/partner.ts";
import { startTestApp } from "../harness.ts";

Deno.test("deno task app:add", async (t) => {
  await using app = await startTestApp();
  const lines: string[] = [];
  const run = (...args: string[]) => runAppCommand(app, args, (line) => lines.push(line));

  await t.step("makes an app and prints what its server calls with, this once", async () => {
    await run("Partner");
    const { appid, appsecret, ...more } = JSON.parse(lines.pop()!);
    assert.deepEqual([more, lines], [{}, []]);
    assert.deepEqual(
      await askPartner(app, "GET /stores", { basic: basicOf(appid, appsecret) }),
      [],
    );
    assert.equal(await app.ctx.db.$count(operatorActions), 0, "no operator did it");
  });

  await t.step(
    "can make one of the house, one with addresses, and others that ask more or nothing",
    async () => {
      await run("--house", "House");
      await run("Far", "--address", "203.0.113.7", "--address", "2001:DB8::1");
      await run("Strict", "--customer-proof", "always");
      await run("Open", "--customer-proof", "never");
      const made = await app.ctx.db.select().from(apps).orderBy(asc(apps.id));
      const given = made.map(({ name, isHouse, addresses, customerProof }) => [
        name,
        isHouse,
        addresses,
        customerProof,
      ]);
      assert.deepEqual(given, [
        ["Partner", false, null, "device"],
        ["House", true, null, "device"],
        ["Far", false, ["203.0.113.7", "2001:db8::1"], "device"],
        ["Strict", false, null, "always"],
        ["Open", false, null, "never"],
      ]);
    },
  );

  await t.step("says how it is called when it is called otherwise, and makes nothing", async () => {
    const before = await app.ctx.db.$count(apps);
    const wrong = [
      ...[[], ["One", "Two"], ["One", "--admin"], ["One", "--address"], [" "]],
      ...[["One", "--address", "plaza.test"], ["x".repeat(65)]],
      ...[["One", "--customer-proof"], ["One", "--customer-proof", "sometimes"]],
    ];
    for (const args of wrong) {
      await assert.rejects(run(...args), { name: "UsageError", message: /app:add <name>/ });
    }
    assert.equal(await app.ctx.db.$count(apps), before);
  });
});

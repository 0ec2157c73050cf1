import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { keepKeys, readCredentials } from "../../config/data_dir.ts";
import { hmacHex, md5Hex } from "../../config/keys.ts";
import { unseal } from "../../config/runtime/sealed.ts";
import { firstStart } from "../../db/domain/demo/first_start.ts";
import { verifyOperatorToken } from "../../db/domain/operators/tokens.ts";
import { apps } from "../../db/schema/apps.ts";
import { groupMembers, groups } from "../../db/schema/groups.ts";
import { opsKeys } from "../../db/schema/operators.ts";
import { paymentMethods, realNames } from "../../db/schema/people.ts";
import { startTestApp } from "../harness.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

Deno.test("the first start", async (t) => {
  const dataDir = await Deno.makeTempDir();
  await using app = await startTestApp({ env: { DATA_DIR: dataDir } });
  const { ctx, config } = app;
  await firstStart(app);
  const first = (await readCredentials(dataDir))!;

  await t.step("makes credentials that open what they should", async () => {
    const { role } = await verifyOperatorToken(ctx, first.operator.token);
    assert.equal(role, "admin");
    const [key] = await ctx.db.select().from(opsKeys);
    assert.equal(key!.id, first.ops_key.id);
    assert.equal(key!.secretHash, hmacHex(config.keys.opsKey, first.ops_key.secret));
    const [partner] = await ctx.db.select().from(apps);
    assert.equal(partner!.id, first.partner.appid);
    const sent = md5Hex(first.partner.appsecret);
    assert.equal(partner!.secretHash, hmacHex(config.keys.partnerSecret, sent));
  });

  await t.step("makes a running group of five, two of whom can be paid", async () => {
    const [group] = await ctx.db.select().from(groups);
    assert.deepEqual([String(group!.id), group!.status], [first.demo_group_id, 1]);
    assert.equal(await ctx.db.$count(groupMembers), 5);
    assert.equal(group!.memberCount, 5);
    const names = await ctx.db.select().from(realNames);
    assert.equal(names.length, 2);
    assert.match(
      unseal(config.keys, names[0]!.idNoSealed, `real_names.id_no:${names[0]!.userId}`),
      /^\d{17}[\dX]$/,
    );
    assert.equal(await ctx.db.$count(paymentMethods), 2);
  });

  await t.step("leaves no id or card number readable in the database", async () => {
    for (const table of ["real_names", "payment_methods"]) {
      const { rows } = await ctx.db.execute(sql.raw(`select * from ${table}`));
      const numbers = JSON.stringify(rows).match(/\b\d{15,19}X?\b/g);
      assert.equal(numbers, null);
    }
  });

  await t.step("is the first only once", async () => {
    await firstStart(app);
    assert.deepEqual(await readCredentials(dataDir), first);
    assert.equal(await ctx.db.$count(groups), 1);
  });

  await t.step("a later one renews a token that runs out", async () => {
    app.clock.advance(6.5 * DAY_MS);
    await firstStart(app);
    const later = (await readCredentials(dataDir))!;
    assert.notEqual(later.operator.token, first.operator.token);
    assert.deepEqual({ ...later, operator: first.operator }, first);
    await verifyOperatorToken(ctx, later.operator.token);
  });

  await t.step("keys are made once, for their owner's eyes alone", () => {
    const kept = keepKeys(dataDir);
    assert.deepEqual(keepKeys(dataDir), kept);
    assert.equal(Deno.statSync(`${dataDir}/keys.json`).mode! & 0o777, 0o600);
  });
});

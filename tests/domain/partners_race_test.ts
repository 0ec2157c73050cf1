import { and, eq, isNull, sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { withTx } from "../../db/client/ctx.ts";
import { disableApp } from "../../db/domain/partners/disable_app.ts";
import { grantToken } from "../../db/domain/partners/grant_token.ts";
import { logCustomerIn } from "../../db/domain/support/customers.ts";
import { addStore } from "../../db/domain/support/stores.ts";
import { findSupporter } from "../../db/domain/support/supporters.ts";
import { setPresent } from "../../db/redis/presence.ts";
import { customerDevices, customers } from "../../db/schema/apps.ts";
import { sessions } from "../../db/schema/sessions.ts";
import { users } from "../../db/schema/users.ts";
import { makeOperator } from "../clients/ops.ts";
import { makeApp } from "../clients/partner.ts";
import { startTestApp } from "../harness.ts";
import { waitUntil } from "../services/binary.ts";
import { openPatiently, startPostgres } from "../services/postgres.ts";
import { race } from "./race_place.ts";

const times = <T>(count: number, make: (at: number) => T) =>
  Array.from({ length: count }, (_, at) => make(at));

Deno.test("many at once, on a real Postgres", async (t) => {
  await using server = await startPostgres();
  if (!server) return;
  const database = openPatiently(await server.newDatabase());
  const app = await startTestApp({ database });
  const { ctx } = app;
  const { operatorId } = await makeOperator(ctx, "admin");
  const actor = { kind: "operator", operatorId, role: "admin", name: "A", jti: "j" } as const;
  const liveOf = (appId: number) =>
    ctx.db.$count(
      sessions,
      and(
        isNull(sessions.revokedAt),
        sql`user_id in (select id from users where app_id = ${appId})`,
      ),
    );
  const newCustomer = (appId: number, customerId?: string, deviceId?: string) =>
    logCustomerIn(ctx, {
      appId,
      customerId,
      name: "Anna",
      avatar: undefined,
      deviceId,
      proofs: { isServer: undefined, sign: undefined, tokens: [] },
    });

  await t.step("grants to somebody new are one person and one token", async () => {
    const { appId } = await makeApp(ctx);
    const grant = { appId, tenantId: appId, appUid: 7, name: "Toby" };
    const tokens = await Promise.all(times(20, () => grantToken(ctx, grant)));
    assert.equal(new Set(tokens).size, 1);
    assert.equal(await ctx.db.$count(users, eq(users.appId, appId)), 1);
    assert.equal(await liveOf(appId), 1);
  });

  await t.step("logins of a new customer are one person and one token", async () => {
    const { appId } = await makeApp(ctx);
    await addStore(ctx, { appId, name: "Desk", people: [] });
    const found = await Promise.all(times(20, () => newCustomer(appId, "c")));
    assert.equal(new Set(found.map((one) => JSON.stringify(one))).size, 1);
    assert.equal(await ctx.db.$count(customers, eq(customers.appId, appId)), 1);
    assert.equal(await ctx.db.$count(users, eq(users.appId, appId)), 1);
  });

  await t.step("of logins of a new customer on many devices one is the customer's", async () => {
    const { appId } = await makeApp(ctx, { customerProof: "device" });
    await addStore(ctx, { appId, name: "Desk", people: [] });
    const runs = times(20, (at) => () => newCustomer(appId, "c", `device ${at}`));
    const answers = await race(["customer_proof_needed"], runs);
    assert.equal(answers.filter((answer) => answer === "done").length, 1);
    assert.equal(await ctx.db.$count(customerDevices), 1);
  });

  await t.step("of an app that is disabled meanwhile nobody keeps a token", async () => {
    for (let round = 0; round < 10; round++) {
      const { appId } = await makeApp(ctx);
      await addStore(ctx, { appId, name: "Desk", people: [] });
      const runs = times(12, (at) => async () => {
        if (at === 6) return await disableApp(ctx, { appId, actor });
        if (at % 2 === 0) return await newCustomer(appId);
        return await grantToken(ctx, { appId, tenantId: appId, appUid: at, name: undefined });
      });
      await race(["session_invalid", "app_missing"], runs);
      assert.equal(await liveOf(appId), 0);
    }
  });

  await t.step(
    "who is granted a token while an app is being disabled waits, and gets none",
    async () => {
      const { appId } = await makeApp(ctx);
      const [disabled, mayCommit] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const disabling = withTx(ctx, async (tx) => {
        await disableApp(tx, { appId, actor });
        disabled.resolve();
        await mayCommit.promise;
      });
      await disabled.promise;
      let hasAnswered = false;
      const granting = race(["session_invalid"], [
        () => grantToken(ctx, { appId, tenantId: appId, appUid: 7, name: undefined }),
      ]).finally(() => hasAnswered = true);
      await waitUntil("the grant to wait", async () => {
        const { rows } = await ctx.db.execute(sql`
        select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`);
        return hasAnswered || rows.length > 0;
      });
      mayCommit.resolve();
      await disabling;
      assert.deepEqual(await granting, ["session_invalid"]);
      assert.equal(await liveOf(appId), 0);
    },
  );

  await t.step("of two helpers chosen for one customer the first stays", async () => {
    const { appId } = await makeApp(ctx);
    const people = times(10, (at) => ({ appUid: at + 1 }));
    const storeId = await addStore(ctx, { appId, name: "Desk", people });
    const sellers = await ctx.db.select({ userId: users.id }).from(users)
      .where(eq(users.appId, appId));
    await setPresent(
      ctx,
      sellers.map(({ userId }) => ({ userId, socketId: "s", deviceFlag: 0 })),
    );
    for (let round = 0; round < 10; round++) {
      const { appUid } = await newCustomer(appId);
      const [person] = await ctx.db.select({ id: users.id }).from(users)
        .where(and(eq(users.appId, appId), eq(users.appUid, appUid)));
      const helpers = await Promise.all(
        times(5, () => findSupporter(ctx, { tenantId: appId, userId: person!.id, storeId })),
      );
      assert.equal(new Set(helpers.map(({ appUid }) => appUid)).size, 1);
    }
  });

  await t.step("desks opened at once stay within the limit", async () => {
    const { appId } = await makeApp(ctx);
    await ctx.db.execute(sql`insert into stores (app_id, name, created_at)
      select ${appId}, 'Desk', now() from generate_series(1, 997)`);
    const answers = await race(
      ["params_invalid"],
      times(8, () => () => addStore(ctx, { appId, name: "Desk", people: [] })),
    );
    assert.equal(answers.filter((answer) => answer === "done").length, 3);
  });

  await app[Symbol.asyncDispose]();
  await database.close();
});

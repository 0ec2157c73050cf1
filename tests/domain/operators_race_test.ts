import { and, eq, isNull } from "drizzle-orm";
import assert from "node:assert/strict";
import { readConfig } from "../../config/config.ts";
import type { Ctx } from "../../db/client/ctx.ts";
import type { OpsActor } from "../../db/domain/operators/actor.ts";
import { addOperator } from "../../db/domain/operators/add_operator.ts";
import { addOpsKey } from "../../db/domain/operators/add_key.ts";
import { changeOperator } from "../../db/domain/operators/change_operator.ts";
import { KEY_USE_MS, noteKeyUse } from "../../db/domain/operators/key_use.ts";
import { logInWithMixin } from "../../db/domain/operators/log_in.ts";
import { disableOperator, logOutOperator } from "../../db/domain/operators/revoke.ts";
import { rotateOpsKey } from "../../db/domain/operators/rotate_key.ts";
import { setOperator } from "../../db/domain/operators/set_operator.ts";
import { openRedis } from "../../db/redis/open.ts";
import { operatorActions, operators, opsKeys } from "../../db/schema/operators.ts";
import { startPostgres, type TestPostgres } from "../services/postgres.ts";
import { openPlace, race } from "./race_place.ts";

// On a real server: PGlite has one connection, on which nothing ever races.
const postgres = await startPostgres();
Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());
const ignore = !postgres;

const config = readConfig({}, () => ({ secretKey: "a secret key that only tests know" }));
const times = <T>(count: number, make: (at: number) => T) =>
  Array.from({ length: count }, (_, at) => make(at));

/** A place with so many admins, each of whom may act. */
async function openOffice(postgres: TestPostgres, adminCount: number) {
  const place = await openPlace(postgres, { peopleCount: 0 });
  const redis = await openRedis(config);
  const ctx: Ctx = { ...place.ctx, requestId: "race", config, redis: redis.redis };
  const made = await ctx.db.insert(operators).values(
    times(adminCount, (at) => ({ name: `A${at}`, role: "admin" as const, createdAt: ctx.now() })),
  ).returning();
  const actors = made.map(({ id, name, role }): OpsActor => ({
    kind: "operator",
    operatorId: id,
    name,
    role,
    jti: "j",
  }));
  return {
    ctx,
    actor: actors[0]!,
    admins: made.map(({ id }, at) => ({ operatorId: id, actor: actors[at]! })),
    countAdmins: () =>
      ctx.db.$count(operators, and(eq(operators.role, "admin"), isNull(operators.disabledAt))),
    async [Symbol.asyncDispose]() {
      await redis.close();
      await place[Symbol.asyncDispose]();
    },
  };
}

Deno.test(
  { name: "of the last two admins who demote each other at once one stays", ignore },
  async () => {
    for (let round = 0; round < 10; round++) {
      await using office = await openOffice(postgres!, 2);
      const { ctx, admins } = office;
      const [one, two] = admins as [typeof admins[0], typeof admins[0]];
      const said = await race(["operator_last_admin"], [
        () => changeOperator(ctx, { ...one, actor: two.actor, role: "auditor" }),
        () => changeOperator(ctx, { ...two, actor: one.actor, role: "operator" }),
      ]);
      assert.deepEqual(said.toSorted(), ["done", "operator_last_admin"]);
      assert.equal(await office.countAdmins(), 1);
      assert.equal(await ctx.db.$count(operatorActions), 1);
    }
  },
);

Deno.test({ name: "of many admins disabled and demoted at once one stays", ignore }, async () => {
  await using office = await openOffice(postgres!, 12);
  const { ctx, admins } = office;
  const said = await race(
    ["operator_last_admin"],
    admins.map((admin, at) => () =>
      at % 2 === 0
        ? disableOperator(ctx, admin)
        : changeOperator(ctx, { ...admin, role: "auditor" })
    ),
  );
  assert.equal(said.filter((it) => it === "operator_last_admin").length, 1);
  assert.equal(await office.countAdmins(), 1);
});

Deno.test(
  { name: "an operator disabled many times at once is disabled once", ignore },
  async () => {
    await using office = await openOffice(postgres!, 2);
    const { ctx, actor, admins } = office;
    const { operatorId } = admins[1]!;
    const records = await Promise.all(times(12, () => disableOperator(ctx, { operatorId, actor })));
    assert.equal(new Set(records.map(({ disabledAt }) => disabledAt!.getTime())).size, 1);
    assert.equal(await ctx.db.$count(operatorActions), 1);
    const [row] = await ctx.db.select().from(operators).where(eq(operators.id, operatorId));
    assert.equal(row!.generation, 1);
  },
);

Deno.test({ name: "each of many logouts at once is a generation", ignore }, async () => {
  await using office = await openOffice(postgres!, 1);
  const { ctx, admins } = office;
  await Promise.all(times(20, () => logOutOperator(ctx, admins[0]!)));
  const [row] = await ctx.db.select().from(operators);
  assert.equal(row!.generation, 20);
});

Deno.test({ name: "a Mixin user given to many at once is one operator's", ignore }, async () => {
  await using office = await openOffice(postgres!, 6);
  const { ctx, actor, admins } = office;
  const mixinUserId = crypto.randomUUID();
  const given = { role: "operator" as const, mixinUserId };
  const said = await race(["operator_mixin_taken", "params_invalid"], [
    ...times(6, (at) => () => addOperator(ctx, { ...given, name: `B${at}`, actor })),
    ...times(6, (at) => () => setOperator(ctx, { ...given, name: `C${at}` })),
    ...admins.map(({ operatorId }) => () =>
      changeOperator(ctx, { operatorId, mixinUserId, actor })
    ),
  ]);
  assert.equal(said.filter((it) => it === "done").length, 1);
  const holders = ctx.db.$count(operators, eq(operators.mixinUserId, mixinUserId));
  assert.equal(await holders, 1);
});

Deno.test({ name: "logins go on while the roster is changed", ignore }, async () => {
  await using office = await openOffice(postgres!, 4);
  const { ctx, actor, admins } = office;
  const mixinUserId = crypto.randomUUID();
  await changeOperator(ctx, { ...admins[0]!, mixinUserId });
  const exchangeCode = () => Promise.resolve({ userId: mixinUserId });
  const said = await race([], [
    ...times(20, (at) => () => logInWithMixin(ctx, { code: `c${at}`, exchangeCode })),
    ...times(
      20,
      (at) => () =>
        changeOperator(ctx, { operatorId: admins[1 + at % 3]!.operatorId, name: `N${at}`, actor }),
    ),
  ]);
  assert.deepEqual(new Set(said), new Set(["done"]));
});

Deno.test({ name: "a key rotated many times at once has one secret", ignore }, async () => {
  await using office = await openOffice(postgres!, 1);
  const { ctx, actor } = office;
  const { id: keyId } = await addOpsKey(ctx, { name: "Payer", groupIds: null, actor });
  const told = await Promise.all(
    times(8, () => rotateOpsKey(ctx, { keyId, keepOldMinutes: 0, actor })),
  );
  assert.equal(new Set(told.map(({ secret }) => secret)).size, 8);
  const [row] = await ctx.db.select().from(opsKeys);
  assert.deepEqual([row!.secretHashPrevious, row!.previousUntil], [null, null]);
  assert.equal(await ctx.db.$count(operatorActions), 9);
});

Deno.test(
  { name: "a use within the minute of another process' is not written", ignore },
  async () => {
    await using office = await openOffice(postgres!, 1);
    const { ctx, actor } = office;
    const { id } = await addOpsKey(ctx, { name: "Payer", groupIds: null, actor });
    const usedAt = new Date("2026-03-01T00:00:00Z");
    const readUse = async () => (await ctx.db.select().from(opsKeys))[0]!.lastUsedAt!;
    const useAt = async (ms: number) => {
      noteKeyUse({ db: ctx.db, now: () => new Date(usedAt.getTime() + ms) }, id);
      await new Promise((resolve) => setTimeout(resolve, 100));
      return (await readUse()).getTime() - usedAt.getTime();
    };
    // As if another process had written it.
    await ctx.db.update(opsKeys).set({ lastUsedAt: usedAt });
    assert.equal(await useAt(KEY_USE_MS - 1), 0);
    assert.equal(await useAt(2 * KEY_USE_MS), 2 * KEY_USE_MS);
    assert.equal(await useAt(3 * KEY_USE_MS - 1), 2 * KEY_USE_MS);
  },
);

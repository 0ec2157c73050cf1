import { asc, eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { STANDING_CACHE_MS } from "../../../db/domain/operators/standing_cache.ts";
import { groups } from "../../../db/schema/groups.ts";
import { operatorActions, opsKeys } from "../../../db/schema/operators.ts";
import {
  askOps,
  assertNeedsOperator,
  assertOpsFailure,
  callOps,
  makeOperator,
  makeOpsKey,
} from "../../clients/ops.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { makeCrowd } from "../../people/crowd.ts";
import { waitUntil } from "../../services/binary.ts";

const LIST = "GET /v1/keys";
const ADD = "POST /v1/keys";
const ROTATE = "POST /v1/keys/{id}/rotate";
const DISABLE = "POST /v1/keys/{id}/disable";
const ME = "GET /v1/me";
const PAY = "POST /v1/groups/{group_id}/payments";
const INVALID = { http: 400, code: 4001 };
const MISSING = { http: 404, code: 4004, msg: "请求资源不存在" };
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+08:00$/;
const refused = ["operator", "auditor"] as const;
const NOBODY = "0".repeat(32);

interface Key {
  id: string;
  secret: string;
}

const headersOf = ({ id, secret }: Key) => ({ authorization: `Basic ${btoa(`${id}:${secret}`)}` });
const may = async (app: TestApp, key: Key) =>
  (await callOps(app, ME, { headers: headersOf(key) })).http === 200;

const actionsOf = async ({ ctx }: TestApp, keyId: string) => {
  const actions = await ctx.db.select().from(operatorActions)
    .where(eq(operatorActions.target, `ops_key:${keyId}`)).orderBy(asc(operatorActions.id));
  return actions.map(({ action, before, after }) => ({ action, before, after }));
};

Deno.test("POST /v1/keys", async (t) => {
  await using app = await startTestApp();
  const { token } = await makeOperator(app.ctx, "admin");
  const add = (body: unknown) => askOps(app, ADD, { token, body });

  await t.step("makes a key for all groups, whose secret is told this once", async () => {
    for (const body of [{ name: " Payer " }, { name: "Payer", group_ids: null }]) {
      const made = await add(body);
      assert.match(made.secret, /^[a-f0-9]{32}$/);
      assert.match(made.created_at, TIME);
      const { secret, ...record } = made;
      assert.deepEqual(record, {
        id: made.id,
        name: "Payer",
        group_ids: null,
        created_at: made.created_at,
        last_used_at: null,
        disabled_at: null,
      });
      const me = await askOps(app, ME, { headers: headersOf(made) });
      assert.deepEqual([me.id, me.group_ids], [made.id, null]);
      const [row] = await app.ctx.db.select().from(opsKeys).where(eq(opsKeys.id, made.id));
      const written = [row, await actionsOf(app, made.id)];
      assert.ok(!JSON.stringify(written).includes(secret));
      assert.deepEqual(written[1], [
        { action: "ops_keys.add", before: null, after: { name: "Payer", groupIds: null } },
      ]);
    }
    const { items } = await askOps(app, "GET /v1/audit", { token, query: { limit: "1" } });
    assert.equal(items[0].operator, "admin");
  });

  await t.step(
    "makes one for some groups, ids as texts or numbers, which opens no other",
    async () => {
      const [one, two] = [await makeCrowd(app.ctx, 1), await makeCrowd(app.ctx, 1)];
      const { groupId: third } = await makeCrowd(app.ctx, 1);
      const ids = [String(one.groupId), two.groupId, String(two.groupId)];
      const made = await add({ name: "Payer", group_ids: ids });
      assert.deepEqual(made.group_ids, [String(one.groupId), String(two.groupId)]);
      const pay = async (groupId: number) => {
        const params = { group_id: String(groupId) };
        const payment = {
          trace_id: `t-${groupId}`,
          user_id: crypto.randomUUID(),
          amount: "1",
          paid_at: "2021-02-03T10:00:00+08:00",
        };
        const call = { headers: headersOf(made), params, body: { payments: [payment] } };
        return (await callOps(app, PAY, call)).http;
      };
      // The payer is nobody, which is found out of a group that is the key's.
      assert.deepEqual([await pay(one.groupId), await pay(third)], [404, 403]);
    },
  );

  await t.step("refuses groups that are not there, and makes nothing", async () => {
    const before = await app.ctx.db.$count(opsKeys);
    const { groupId: gone } = await makeCrowd(app.ctx, 1);
    await app.ctx.db.update(groups).set({ disbandedAt: app.ctx.now() }).where(eq(groups.id, gone));
    const { groupId: there } = await makeCrowd(app.ctx, 1);
    for (const group_ids of [[there, 999], [gone], ["7000999999"]]) {
      const body = { name: "Payer", group_ids };
      assertOpsFailure(await callOps(app, ADD, { token, body }), MISSING);
    }
    const wrong = [
      ...[{}, { name: " " }, { name: "x".repeat(65) }, { name: 7 }],
      ...[{ name: "A", group_ids: [] }, { name: "A", group_ids: there }],
      ...[{ name: "A", group_ids: ["x"] }, { name: "A", group_ids: [-1] }],
      ...[{ name: "A", group_ids: [1.5] }, { name: "A", group_ids: [null] }],
      ...[{ name: "A", group_ids: [1e20] }, { name: "A", group_ids: Array(1001).fill(there) }],
    ];
    for (const body of wrong) assertOpsFailure(await callOps(app, ADD, { token, body }), INVALID);
    assert.equal(await app.ctx.db.$count(opsKeys), before);
  });

  await t.step("needs an admin", async () => {
    await assertNeedsOperator(app, ADD, { body: { name: "Payer" }, refused: [...refused] });
  });
});

Deno.test("GET /v1/keys", async (t) => {
  await using app = await startTestApp();
  const { token } = await makeOperator(app.ctx, "admin");

  await t.step("lists the newest first, disabled ones too, and no secrets", async () => {
    assert.deepEqual(await askOps(app, LIST, { token }), { total: 0, items: [] });
    const { groupId } = await makeCrowd(app.ctx, 1);
    const one = await askOps(app, ADD, { token, body: { name: "One", group_ids: [groupId] } });
    const two = await askOps(app, ADD, { token, body: { name: "Two" } });
    await askOps(app, DISABLE, { token, params: { id: one.id } });
    const { total, items } = await askOps(app, LIST, { token });
    assert.equal(total, 2);
    const { secret: _, ...record } = two;
    assert.deepEqual(items[0], record);
    assert.deepEqual([items[1].id, items[1].group_ids], [one.id, [String(groupId)]]);
    assert.match(items[1].disabled_at, TIME);
    assert.ok(!JSON.stringify(items).includes(one.secret));
    const second = await askOps(app, LIST, { token, query: { start: "1", limit: "1" } });
    assert.deepEqual(second, { total: 2, items: [items[1]] });
  });

  await t.step("refuses a page that is none", async () => {
    const wrong: Record<string, string>[] = [{ start: "-1" }, { limit: "0" }, { limit: "101" }];
    for (const query of wrong) {
      assertOpsFailure(await callOps(app, LIST, { token, query }), INVALID);
    }
  });

  await t.step("needs an admin, and no key does", async () => {
    await assertNeedsOperator(app, LIST, { refused: [...refused] });
    const { authorization } = await makeOpsKey(app.ctx);
    const refusal = await callOps(app, LIST, { headers: { authorization } });
    assertOpsFailure(refusal, { http: 401, code: 4003 });
  });
});

Deno.test("POST /v1/keys/{id}/rotate", async (t) => {
  await using app = await startTestApp();
  // Another process on the same database and Redis.
  await using other = await startTestApp({ database: app.database, redis: app.redis });
  const { token } = await makeOperator(app.ctx, "admin");
  const first: Key = await askOps(app, ADD, { token, body: { name: "Payer" } });
  const params = { id: first.id };
  const rotate = (body?: unknown) => askOps(app, ROTATE, { token, params, body });
  const advance = (ms: number) => {
    app.clock.advance(ms);
    other.clock.advance(ms);
  };

  await t.step("ends the old secret at once, everywhere, unless asked not to", async () => {
    assert.ok(await may(other, first));
    const second = await rotate();
    assert.deepEqual(Object.keys(second), ["id", "secret"]);
    assert.deepEqual([await may(other, first), await may(other, second)], [false, true]);
    const third = await rotate({ keep_old_minutes: 10 });
    const good = async () => [
      await may(other, first),
      await may(other, second),
      await may(other, third),
    ];
    assert.deepEqual(await good(), [false, true, true]);
    advance(9 * 60_000);
    assert.deepEqual(await good(), [false, true, true]);
    // The clocks of two processes are never quite the same.
    advance(61_000);
    assert.deepEqual(await good(), [false, false, true]);
    advance(STANDING_CACHE_MS);
    assert.deepEqual(await good(), [false, false, true]);
    const actions = await actionsOf(app, first.id);
    assert.deepEqual(
      actions.slice(1),
      [0, 10].map((keepOldMinutes) => ({
        action: "ops_keys.rotate",
        before: null,
        after: { keepOldMinutes },
      })),
    );
    const told = [first, second, third].map(({ secret }) => secret);
    assert.ok(!told.some((secret) => JSON.stringify(actions).includes(secret)));
  });

  await t.step("keeps one old secret at most, which a rotation without asking ends", async () => {
    const one = await rotate({ keep_old_minutes: 0 });
    const two = await rotate({ keep_old_minutes: 1440 });
    const three = await rotate({ keep_old_minutes: 1440 });
    assert.deepEqual(await Promise.all([one, two, three].map((it) => may(other, it))), [
      ...[false, true, true],
    ]);
    const four = await rotate({ keep_old_minutes: null });
    assert.deepEqual(await Promise.all([two, three, four].map((it) => may(other, it))), [
      ...[false, false, true],
    ]);
  });

  await t.step("refuses a key that is none, or disabled, and what makes no sense", async () => {
    const key = await makeOpsKey(app.ctx);
    await askOps(app, DISABLE, { token, params: { id: key.keyId } });
    for (const id of [NOBODY, "x", key.keyId]) {
      assertOpsFailure(await callOps(app, ROTATE, { token, params: { id } }), MISSING);
    }
    for (const keep_old_minutes of [-1, 1441, 1.5, "ten"]) {
      const body = { keep_old_minutes };
      assertOpsFailure(await callOps(app, ROTATE, { token, params, body }), INVALID);
    }
  });

  await t.step("needs an admin", async () => {
    await assertNeedsOperator(app, ROTATE, { params, refused: [...refused] });
  });
});

Deno.test("POST /v1/keys/{id}/disable", async (t) => {
  await using app = await startTestApp();
  await using other = await startTestApp({ database: app.database, redis: app.redis });
  const { token } = await makeOperator(app.ctx, "admin");
  const key: Key = await askOps(app, ADD, { token, body: { name: "Payer" } });
  const params = { id: key.id };

  await t.step("ends the key everywhere at once, old secret and new, once", async () => {
    const rotated = await askOps(app, ROTATE, { token, params, body: { keep_old_minutes: 60 } });
    for (const it of [key, rotated]) assert.ok(await may(other, it));
    const disabled = await askOps(app, DISABLE, { token, params });
    assert.match(disabled.disabled_at, TIME);
    assert.equal(disabled.secret, undefined);
    for (const it of [key, rotated]) assert.ok(!await may(other, it));
    assert.deepEqual(await askOps(app, DISABLE, { token, params }), disabled, "again is once");
    other.clock.advance(3 * STANDING_CACHE_MS);
    for (const it of [key, rotated]) assert.ok(!await may(other, it));
    const actions = await actionsOf(app, key.id);
    assert.deepEqual(actions.slice(2), [{
      action: "ops_keys.disable",
      before: { disabled: false },
      after: { disabled: true },
    }]);
  });

  await t.step("refuses a key that is none", async () => {
    for (const id of [NOBODY, "x"]) {
      assertOpsFailure(await callOps(app, DISABLE, { token, params: { id } }), MISSING);
    }
    const tooLong = await callOps(app, DISABLE, { token, params: { id: "x".repeat(65) } });
    assertOpsFailure(tooLong, INVALID);
  });

  await t.step("needs an admin", async () => {
    await assertNeedsOperator(app, DISABLE, { params, refused: [...refused] });
  });
});

Deno.test("a key's last use is written down once a minute, and no request waits for it", async () => {
  await using app = await startTestApp();
  const { token } = await makeOperator(app.ctx, "admin");
  const key: Key = await askOps(app, ADD, { token, body: { name: "Payer" } });
  const readUse = async () => {
    const [row] = await app.ctx.db.select().from(opsKeys).where(eq(opsKeys.id, key.id));
    return row!.lastUsedAt;
  };
  const isUsedAfter = (at: Date) =>
    waitUntil("the use is written", async () => (await readUse() ?? new Date(0)) > at);
  assert.ok(!await may(app, { ...key, secret: NOBODY }));
  const startedAt = app.clock.now();
  // By now the cache knows the key: a stranger's try does not keep its use from being seen.
  const { headers } = await callOps(app, ME, { headers: headersOf(key) });
  assert.match(headers.get("server-timing")!, /^sql;desc="0"/);
  await isUsedAfter(startedAt);
  const first = await readUse();
  app.clock.advance(50_000);
  assert.ok(await may(app, key));
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(await readUse(), first);
  app.clock.advance(10_000);
  assert.ok(await may(app, key));
  await isUsedAfter(first!);
  const { items } = await askOps(app, LIST, { token });
  assert.match(items[0].last_used_at, TIME);
});

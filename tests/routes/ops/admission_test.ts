import { eq } from "drizzle-orm";
import { decodeJwt, SignJWT } from "jose";
import assert from "node:assert/strict";
import type { OpsActor } from "../../../db/domain/operators/actor.ts";
import { can, type Permission, permissions } from "../../../db/domain/operators/permissions.ts";
import {
  disableOperator,
  disableOpsKey,
  logOutOperator,
  revokeOperatorToken,
} from "../../../db/domain/operators/revoke.ts";
import { STANDING_CACHE_MS } from "../../../db/domain/operators/standing_cache.ts";
import { issueOperatorToken } from "../../../db/domain/operators/tokens.ts";
import { openRedis } from "../../../db/redis/open.ts";
import { operatorActions, operatorRoles, operators } from "../../../db/schema/operators.ts";
import { admitOperator } from "../../../middleware/operator_admission.ts";
import { assertOpsFailure, callOps, makeOperator, makeOpsKey } from "../../clients/ops.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { startRedis } from "../../services/redis.ts";
import { makeChatPerson } from "../im/chat_people.ts";

const LIST = "GET /v1/withdrawals";
const REFUSED = { http: 401, code: 4003, msg: "无效签名 Invalid API token" };

const call = (app: TestApp, token: string) => callOps(app, LIST, { token });
const callWith = (app: TestApp, authorization: string) =>
  callOps(app, LIST, { headers: { authorization } });
const jtiOf = (token: string) => decodeJwt(token).jti!;
async function makeAdmin(app: TestApp): Promise<OpsActor> {
  const { operatorId, token } = await makeOperator(app.ctx, "admin");
  return { kind: "operator", operatorId, role: "admin", name: "admin", jti: jtiOf(token) };
}

Deno.test("only operators' tokens open the ops surface", async (t) => {
  await using app = await startTestApp();
  const { token } = await makeOperator(app.ctx, "operator");
  assert.equal((await call(app, token)).http, 200);
  assert.equal((await callWith(app, `bearer ${token}`)).http, 200);

  const { authorization } = await makeOpsKey(app.ctx);
  const person = await makeChatPerson(app);
  const bad: Record<string, Record<string, string>> = {
    "none": {},
    "an empty one": { authorization: "" },
    "no scheme": { authorization: token },
    "another scheme": { authorization: `Token ${token}` },
    "two tokens": { authorization: `Bearer ${token} ${token}` },
    "half a token": { authorization: `Bearer ${token.slice(0, -5)}` },
    "a person's token": { authorization: `Bearer ${person.token}`, token: person.token },
    "an ops key, where only operators may": { authorization },
    "a token as an ops key": { authorization: `Basic ${token}` },
  };
  for (const [name, headers] of Object.entries(bad)) {
    await t.step(name, async () => {
      assertOpsFailure(await callOps(app, LIST, { headers }), REFUSED);
    });
  }
});

Deno.test("a token ends at once, whatever the cache knew", async (t) => {
  await using app = await startTestApp();
  const { ctx } = app;
  const actor = await makeAdmin(app);

  await t.step("when it is revoked; the operator's others go on", async () => {
    const { operatorId, token } = await makeOperator(ctx, "operator");
    const other = await issueOperatorToken(ctx, { operatorId, role: "operator" });
    for (const it of [token, other]) assert.equal((await call(app, it)).http, 200);
    for (let time = 1; time <= 2; time++) {
      await revokeOperatorToken(ctx, { operatorId, jti: jtiOf(token), actor });
      assertOpsFailure(await call(app, token), REFUSED);
    }
    assert.equal((await call(app, other)).http, 200);
    app.clock.advance(STANDING_CACHE_MS + 1);
    assertOpsFailure(await call(app, token), REFUSED);
    const recorded = await ctx.db.select().from(operatorActions)
      .where(eq(operatorActions.action, "tokens.revoke"));
    assert.equal(recorded.length, 1);
  });

  await t.step("when its operator is disabled; all of them", async () => {
    const { operatorId, token } = await makeOperator(ctx, "operator");
    const other = await issueOperatorToken(ctx, { operatorId, role: "operator" });
    const fresh = await issueOperatorToken(ctx, { operatorId, role: "operator" });
    for (const it of [token, other]) assert.equal((await call(app, it)).http, 200);
    await disableOperator(ctx, { operatorId, actor });
    for (const it of [token, other, fresh]) assertOpsFailure(await call(app, it), REFUSED);
    app.clock.advance(3 * STANDING_CACHE_MS);
    for (const it of [token, other, fresh]) assertOpsFailure(await call(app, it), REFUSED);
  });

  await t.step("when its operator was never there", async () => {
    const token = await issueOperatorToken(ctx, { operatorId: 999_999, role: "admin" });
    assertOpsFailure(await call(app, token), REFUSED);
  });

  await t.step("within a minute when its operator's role is another", async () => {
    const { operatorId, token } = await makeOperator(ctx, "admin");
    assert.equal((await call(app, token)).http, 200);
    await ctx.db.update(operators).set({ role: "auditor" }).where(eq(operators.id, operatorId));
    app.clock.advance(STANDING_CACHE_MS + 1);
    assertOpsFailure(await call(app, token), REFUSED);
    const again = await issueOperatorToken(ctx, { operatorId, role: "auditor" });
    assert.equal((await call(app, again)).http, 200);
  });
});

Deno.test("a token is good in the generation it was made in, and never again", async (t) => {
  await using app = await startTestApp();
  const { ctx } = app;
  const actor = await makeAdmin(app);
  const { operatorId, token } = await makeOperator(ctx, "operator");
  const [first, older] = [
    await issueOperatorToken(ctx, { operatorId, role: "operator", generation: 1 }),
    await withoutGeneration(app, token),
  ];

  await t.step("one from before there were generations is of the first", async () => {
    for (const it of [token, older]) assert.equal((await call(app, it)).http, 200);
    assertOpsFailure(await call(app, first), REFUSED);
  });

  await t.step("and is dead once there is a second", async () => {
    await logOutOperator(ctx, { operatorId, actor });
    for (const it of [token, older]) assertOpsFailure(await call(app, it), REFUSED);
    assert.equal((await call(app, first)).http, 200);
  });
});

/** A token as it was made before generations. */
async function withoutGeneration({ config }: TestApp, token: string): Promise<string> {
  const { gen: _, ...claims } = decodeJwt(token);
  return await new SignJWT(claims).setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .sign(config.keys.operatorJwt);
}

Deno.test("what another process changes holds within a minute where no Redis is shared", async () => {
  await using app = await startTestApp();
  // As a command has it: the same database, a memory of its own in Redis' place.
  await using command = await startTestApp({ database: app.database });
  const actor = await makeAdmin(app);
  const [out, disabled] = [
    await makeOperator(app.ctx, "operator"),
    await makeOperator(app.ctx, "operator"),
  ];
  for (const { token } of [out, disabled]) assert.equal((await call(app, token)).http, 200);
  await logOutOperator(command.ctx, { ...out, actor });
  await disableOperator(command.ctx, { ...disabled, actor: undefined });
  app.clock.advance(STANDING_CACHE_MS + 1);
  for (const { token } of [out, disabled]) assertOpsFailure(await call(app, token), REFUSED);
});

Deno.test("operators go on without Redis, and so does whatever ends their tokens", async () => {
  await using server = await startRedis();
  if (!server) return;
  const redis = await openRedis({ redis: { kind: "tcp", url: server.url } });
  {
    await using app = await startTestApp({ redis });
    const { ctx } = app;
    const actor = await makeAdmin(app);
    const [first, second, third] = [
      await makeOperator(ctx, "operator"),
      await makeOperator(ctx, "operator"),
      await makeOperator(ctx, "operator"),
    ];
    for (const { token } of [first, second]) assert.equal((await call(app, token)).http, 200);
    await server.stop();
    for (const { token } of [first, second, third]) {
      assert.equal((await call(app, token)).http, 200);
    }
    await revokeOperatorToken(ctx, { ...first, jti: jtiOf(first.token), actor });
    await disableOperator(ctx, { ...second, actor });
    for (const { token } of [first, second]) assertOpsFailure(await call(app, token), REFUSED);
    assert.equal((await call(app, third.token)).http, 200);
  }
  await redis.close();
});

Deno.test("one operator's calls are limited, and nobody else's with them", async () => {
  // Three calls in ten seconds.
  await using app = await startTestApp({ env: { RATE_FACTOR: "0.01" } });
  const [busy, other] = [
    await makeOperator(app.ctx, "operator"),
    await makeOperator(app.ctx, "operator"),
  ];
  for (let at = 1; at <= 3; at++) assert.equal((await call(app, busy.token)).http, 200);
  const refused = await call(app, busy.token);
  assertOpsFailure(refused, { http: 429, code: 4003 });
  assert.equal(refused.headers.get("retry-after"), "10");
  assert.equal((await call(app, other.token)).http, 200);
});

Deno.test("one address' calls are limited, whoever makes them", async () => {
  // Thirty calls in ten seconds from one address, of which one caller may make three.
  await using app = await startTestApp({ env: { RATE_FACTOR: "0.01" } });
  const answers: number[] = [];
  for (let at = 1; at <= 11; at++) {
    const { token } = await makeOperator(app.ctx, "operator");
    for (let time = 1; time <= 3; time++) answers.push((await call(app, token)).http);
  }
  assert.deepEqual(answers, [...Array(30).fill(200), 429, 429, 429]);
});

Deno.test("an ops key is let in where keys may, with the groups it may speak for", async (t) => {
  await using app = await startTestApp();
  const { ctx } = app;
  const { keyId, secret, authorization } = await makeOpsKey(ctx, [7_000_100_001]);
  const admit = (header: string) =>
    admitOperator(
      { ctx, headers: new Headers({ authorization: header }), counters: () => [] },
      { needs: null, keys: true },
    );
  const basic = (text: string) => `Basic ${btoa(text)}`;

  await t.step("by its id and secret, from the cache as well", async () => {
    for (let time = 1; time <= 2; time++) {
      assert.deepEqual(await admit(authorization), {
        kind: "key",
        keyId,
        name: "script",
        groupIds: [7_000_100_001],
      });
    }
  });

  await t.step("and an operator is let in there too", async () => {
    const { operatorId, token } = await makeOperator(ctx, "auditor");
    assert.deepEqual(await admit(`Bearer ${token}`), {
      kind: "operator",
      operatorId,
      role: "auditor",
      name: "auditor",
      jti: jtiOf(token),
    });
  });

  await t.step("not with another secret, another id, or half of it", async () => {
    const wrong = [
      ...[basic(`${keyId}:${"0".repeat(32)}`), basic(`${"0".repeat(32)}:${secret}`)],
      ...[basic(keyId), basic(`${keyId}:`), basic(`${keyId}:${secret}:x`), "Basic ====", "Basic"],
      basic(`${keyId.toUpperCase()}:${secret}`),
    ];
    for (const header of wrong) await assert.rejects(admit(header), { kind: "session_invalid" });
  });

  await t.step("not once it is disabled", async () => {
    const actor = await makeAdmin(app);
    await disableOpsKey(ctx, { keyId, actor });
    await assert.rejects(admit(authorization), { kind: "session_invalid" });
    app.clock.advance(STANDING_CACHE_MS + 1);
    await assert.rejects(admit(authorization), { kind: "session_invalid" });
  });
});

Deno.test("an auditor looks at everything and changes nothing; admins may all that operators may", () => {
  const allowed = (role: typeof operatorRoles[number]) =>
    permissions.filter((permission) => can(role, permission));
  const reads = permissions.filter((permission: Permission) => permission.endsWith(".read"));
  assert.deepEqual(allowed("auditor"), reads);
  assert.ok(reads.length > 0 && reads.length < permissions.length);
  for (const permission of allowed("operator")) assert.ok(can("admin", permission), permission);
});

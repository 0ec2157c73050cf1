import { eq } from "drizzle-orm";
import { decodeJwt } from "jose";
import assert from "node:assert/strict";
import { callGuards } from "../../../db/schema/guards.ts";
import { type OperatorRole, operators } from "../../../db/schema/operators.ts";
import { type Mixin, MixinRefusedError } from "../../../providers/mixin.ts";
import { askOps, assertOpsFailure, callOps } from "../../clients/ops.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { freePort } from "../../services/binary.ts";
import { openPatiently, startPostgres } from "../../services/postgres.ts";

const LOGIN = "POST /v1/auth/mixin";
const WRONG_CODE = { http: 400, code: 4001, msg: "授权码无效或已过期" };
const STRANGER = { http: 403, code: 4003, msg: "请求被拒绝" };

const logIn = (app: TestApp, code: string) => callOps(app.door, LOGIN, { body: { code } });

/** Somebody listed as an operator, by their Mixin user. */
async function listOperator({ ctx }: TestApp, role: OperatorRole = "operator") {
  const mixinUserId = crypto.randomUUID();
  const [operator] = await ctx.db.insert(operators)
    .values({ name: "徐辉", role, mixinUserId, createdAt: ctx.now() }).returning();
  return { operatorId: operator!.id, mixinUserId };
}

Deno.test("POST /v1/auth/mixin", async (t) => {
  await using app = await startTestApp();

  await t.step("gives an operator a token, good where operators' tokens are", async () => {
    const { operatorId, mixinUserId } = await listOperator(app, "auditor");
    const answer = await askOps(app.door, LOGIN, { body: { code: `dev:${mixinUserId}` } });
    assert.deepEqual(Object.keys(answer), ["access_token"]);
    const claims = decodeJwt(answer.access_token);
    assert.deepEqual([claims.sub, claims.role, claims.oap], [
      String(operatorId),
      "auditor",
      "mixin",
    ]);
    assert.equal(claims.exp! - claims.iat!, 7 * 24 * 60 * 60);
    await askOps(app, "GET /v1/groups", { token: answer.access_token });
  });

  await t.step("takes a code once, also by somebody who is no operator", async () => {
    const { mixinUserId } = await listOperator(app);
    const stranger = crypto.randomUUID();
    assert.equal((await logIn(app, `dev:${mixinUserId}`)).http, 200);
    assertOpsFailure(await logIn(app, `dev:${mixinUserId}`), WRONG_CODE);
    assert.equal((await logIn(app, `dev:${mixinUserId}:again`)).http, 200);
    assertOpsFailure(await logIn(app, `dev:${stranger}`), STRANGER);
    assertOpsFailure(await logIn(app, `dev:${stranger}`), WRONG_CODE);
  });

  await t.step("lets nobody in who is not listed, or is disabled", async () => {
    const { operatorId, mixinUserId } = await listOperator(app, "admin");
    await app.ctx.db.update(operators).set({ disabledAt: app.ctx.now() })
      .where(eq(operators.id, operatorId));
    assertOpsFailure(await logIn(app, `dev:${mixinUserId}`), STRANGER);
    // Operators without a Mixin user are nobody's.
    await app.ctx.db.insert(operators)
      .values({ name: "script", role: "admin", createdAt: app.ctx.now() });
    assertOpsFailure(await logIn(app, `dev:${crypto.randomUUID()}`), STRANGER);
  });

  await t.step("refuses codes Mixin does not know, and what is no code", async () => {
    for (const code of ["dev:徐辉", `dev:${"0".repeat(32)}`, "9edc8487f361207fe3394290", "dev:"]) {
      assertOpsFailure(await logIn(app, code), WRONG_CODE);
    }
    const bodies = [undefined, {}, { code: "" }, { code: " " }, { code: 7 }];
    for (const body of [...bodies, { code: "x".repeat(257) }]) {
      assertOpsFailure(await callOps(app, LOGIN, { body }), { http: 400, code: 4001 });
    }
  });
});

/** Mixin that takes its time, and believes any code as often as it comes. */
function slowMixin(userId: string): Mixin & { askCount: number } {
  return {
    askCount: 0,
    async exchangeCode() {
      this.askCount += 1;
      await new Promise((resolve) => setTimeout(resolve, 30));
      return { userId, name: "徐辉" };
    },
    sendMessages: () => Promise.reject(new Error("not here")),
  };
}

Deno.test("a code used many times at once gives one token, with Redis and without", async (t) => {
  await using postgres = await startPostgres();
  const database = postgres && openPatiently(await postgres.newDatabase());
  try {
    const settings: Record<string, Record<string, string>> = {
      "with Redis": {},
      "without Redis": { REDIS_URL: `redis://127.0.0.1:${freePort()}` },
    };
    for (const [name, env] of Object.entries(settings)) {
      await t.step(name, async () => {
        const mixin = slowMixin(crypto.randomUUID());
        const options = { env, providers: { mixin }, ...database && { database } };
        await using app = await startTestApp(options);
        const { mixinUserId } = await listOperator(app);
        const asUser = slowMixin(mixinUserId);
        mixin.exchangeCode = asUser.exchangeCode.bind(asUser);
        const code = crypto.randomUUID();
        const answers = await Promise.all(Array.from({ length: 12 }, () => logIn(app, code)));
        const tokens = answers.filter(({ http }) => http === 200);
        assert.equal(tokens.length, 1);
        for (const answer of answers) if (answer.http !== 200) assertOpsFailure(answer, WRONG_CODE);
        assert.equal(asUser.askCount, 1);
      });
    }
  } finally {
    await database?.close();
  }
});

Deno.test("while Mixin is away nobody gets in, and the answer says so", async () => {
  const mixin = { ...slowMixin(""), exchangeCode: () => Promise.reject(new Error("Mixin: away")) };
  await using app = await startTestApp({ providers: { mixin } });
  const away = { http: 503, code: 5005, msg: "服务当前不可用" };
  assertOpsFailure(await logIn(app, "9edc8487f361207f"), away);
  const refusing = { ...mixin, exchangeCode: () => Promise.reject(new MixinRefusedError("no")) };
  await using other = await startTestApp({ providers: { mixin: refusing } });
  assertOpsFailure(await logIn(other, "9edc8487f361207f"), WRONG_CODE);
});

Deno.test("a code is kept once Mixin accepts it, and for a minute while it is asked", async () => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<{ userId: string; name: string }>();
  let isRefusing = true;
  const mixin: Mixin = {
    async exchangeCode() {
      if (isRefusing) throw new MixinRefusedError("no");
      asked.resolve();
      return await answer.promise;
    },
    sendMessages: () => Promise.reject(new Error("not here")),
  };
  await using app = await startTestApp({ providers: { mixin } });
  const { mixinUserId } = await listOperator(app);
  const keptMs = async () => {
    const now = app.ctx.now().getTime();
    const kept = await app.ctx.db.select().from(callGuards);
    return kept.map(({ expiresAt }) => expiresAt.getTime() - now);
  };
  for (let count = 0; count < 5; count++) {
    assertOpsFailure(await logIn(app, `made up ${count}`), WRONG_CODE);
  }
  assert.deepEqual(await keptMs(), []);

  isRefusing = false;
  const login = logIn(app, "made up 0");
  await asked.promise;
  const [inFlightMs, ...none] = await keptMs();
  assert.deepEqual(none, []);
  assert.ok(inFlightMs! > 50_000 && inFlightMs! <= 60_000, String(inFlightMs));
  assertOpsFailure(await logIn(app, "made up 0"), WRONG_CODE);
  answer.resolve({ userId: mixinUserId, name: "徐辉" });
  assert.equal((await login).http, 200);
  const [acceptedMs] = await keptMs();
  assert.ok(acceptedMs! > 23.9 * 3_600_000 && acceptedMs! <= 24 * 3_600_000, String(acceptedMs));
  app.clock.advance(2 * 60_000);
  assertOpsFailure(await logIn(app, "made up 0"), WRONG_CODE);
});

Deno.test("an address may try ten codes a minute", async () => {
  await using app = await startTestApp({ env: { RATE_FACTOR: "1" } });
  for (let count = 0; count < 10; count++) {
    assertOpsFailure(await logIn(app, `guess ${count}`), WRONG_CODE);
  }
  const { mixinUserId } = await listOperator(app);
  assertOpsFailure(await logIn(app, `dev:${mixinUserId}`), { http: 429, code: 4003 });
  app.clock.advance(120_000);
  assert.equal((await logIn(app, `dev:${mixinUserId}`)).http, 200);
});

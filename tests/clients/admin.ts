import { eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { randomHex32 } from "../../config/keys.ts";
import { blindIndex, seal } from "../../config/runtime/sealed.ts";
import type { Ctx } from "../../db/client/ctx.ts";
import { hashToken } from "../../db/domain/sessions/access_secret.ts";
import { operatorActions, type OperatorRole } from "../../db/schema/operators.ts";
import { paymentMethods } from "../../db/schema/people.ts";
import { SessionKind, sessions } from "../../db/schema/sessions.ts";
import { users } from "../../db/schema/users.ts";
import type { TestApp } from "../harness.ts";
import { makeUser } from "../people/factories.ts";
import { askOps, callOps, makeOperator, type OpsAnswer, type OpsCall } from "./ops.ts";

// Both surfaces of operators are called alike; they differ in their envelopes.
export const callAdmin = callOps;

/** A call that must work; what is in its envelope. */
// deno-lint-ignore no-explicit-any -- each test knows what it asked for
export async function askAdmin(...call: Parameters<typeof callOps>): Promise<any> {
  return (await askOps(...call)).data;
}

/** Asserts the admin surface's failure: the HTTP status, repeated in the code, and a text. */
export function assertAdminFailure(answer: OpsAnswer, status: number, message?: string): void {
  const said = JSON.stringify(answer.data);
  assert.deepEqual([answer.http, answer.data.code], [status, status], said);
  const { field: _field, ...envelope } = answer.data;
  assert.deepEqual(Object.keys(envelope), ["code", "message"]);
  assert.ok(answer.data.message.length > 0, said);
  if (message !== undefined) assert.equal(answer.data.message, message);
}

/** What every operation refuses: no token, a bad one, and roles that may not. */
export async function assertNeedsAdmin(
  app: TestApp,
  operation: string,
  { refused = [], ...call }: Omit<OpsCall, "token"> & { refused?: OperatorRole[] } = {},
): Promise<void> {
  assertAdminFailure(await callAdmin(app, operation, call), 401);
  assertAdminFailure(await callAdmin(app, operation, { ...call, token: "a.b.c" }), 401);
  const headers = { Authorization: `Basic ${btoa(`${randomHex32()}:${randomHex32()}`)}` };
  assertAdminFailure(await callAdmin(app, operation, { ...call, headers }), 401);
  for (const role of refused) {
    const { token } = await makeOperator(app.ctx, role);
    assertAdminFailure(await callAdmin(app, operation, { ...call, token }), 403, "没有操作权限");
  }
}

/** Asserts that two values have the same keys in the same order, and values of the same types. */
export function assertShape(actual: unknown, sample: unknown): void {
  assert.deepEqual(shapeOf(actual), shapeOf(sample));
}

/** Of a list its first item stands for all. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf);
  if (typeof value !== "object" || value === null) return typeof value;
  return Object.entries(value).map(([key, inner]) => [key, shapeOf(inner)]);
}

/** A person with a number of their own, and the app's token for gateway and chat. */
export async function makePerson(
  ctx: Ctx,
  over: Partial<typeof users.$inferInsert> & { nickname?: string } = {},
): Promise<{ id: number; uid: string; token: string }> {
  const { id, uid } = await makeUser(ctx, over.nickname ?? "张三");
  const mobile = { countryCode: "86", mobile: String(13_000_000_000 + id) };
  await ctx.db.update(users).set({ ...mobile, ...over }).where(eq(users.id, id));
  const token = randomHex32();
  const createdAt = ctx.now();
  await ctx.db.insert(sessions).values({
    tokenHash: hashToken(token),
    userId: id,
    kind: SessionKind.app,
    createdAt,
    expiresAt: new Date(createdAt.getTime() + 86_400_000),
  });
  return { id, uid, token };
}

/** A way to pay somebody, with the limits of the contract's samples. */
export async function addPaymentMethod(
  ctx: Ctx,
  userId: number,
  { account, ...over }: {
    type: number;
    position: number;
    account: string;
    status?: number;
    extra0?: string;
    extra1?: string;
    removedAt?: Date;
  },
): Promise<number> {
  const { keys } = ctx.config;
  const [row] = await ctx.db.insert(paymentMethods).values({
    userId,
    name: "张三",
    createdAt: ctx.now(),
    accountLast4: account.slice(-4),
    accountSealed: seal(keys, account, `payment_methods.account:${userId}`),
    accountIndex: blindIndex(keys, "account", account),
    moneyPerTxMin: 1000,
    moneyPerTxMax: 10_000_000,
    timesPerDayMax: 5,
    moneyPerDayMax: 50_000,
    moneyMax: 50_000_000,
    ...over,
  }).returning();
  return row!.id;
}

/** What was written down of somebody, oldest first, without when and by which call. */
export async function actionsOf(ctx: Ctx, userId: number) {
  return await ctx.db
    .select({
      operatorId: operatorActions.operatorId,
      action: operatorActions.action,
      before: operatorActions.before,
      after: operatorActions.after,
    })
    .from(operatorActions).where(eq(operatorActions.target, `user:${userId}`))
    .orderBy(operatorActions.id);
}

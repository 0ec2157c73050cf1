import assert from "node:assert/strict";
import { hmacHex, randomHex32 } from "../../config/keys.ts";
import type { Ctx } from "../../db/client/ctx.ts";
import { issueOperatorToken } from "../../db/domain/operators/tokens.ts";
import { type OperatorRole, operators, opsKeys } from "../../db/schema/operators.ts";
import type { TestApp } from "../harness.ts";

export interface OpsCall {
  /** An operator's JWT. */
  token?: string;
  /** For `{name}` in the operation's path. */
  params?: Record<string, string>;
  query?: Record<string, string>;
  body?: unknown;
  headers?: Record<string, string>;
}

export interface OpsAnswer {
  http: number;
  headers: Headers;
  /** The answer as it came: the ops surface wraps nothing. */
  // deno-lint-ignore no-explicit-any -- each test knows what it asked for
  data: any;
}

/** Calls an operation by its name: `POST /v1/withdrawals/{no}/confirm`. */
export async function callOps(
  app: Pick<TestApp, "fetch">,
  operation: string,
  { token, params = {}, query = {}, body, headers = {} }: OpsCall = {},
): Promise<OpsAnswer> {
  const [method, template] = operation.split(" ") as [string, string];
  const path = template.replaceAll(/\{(\w+)\}/g, (_, name) => encodeURIComponent(params[name]!));
  const search = new URLSearchParams(query);
  const response = await app.fetch(
    new Request(`http://plaza.test${path}${search.size > 0 ? `?${search}` : ""}`, {
      method,
      headers: {
        ...token !== undefined && { Authorization: `Bearer ${token}` },
        ...body !== undefined && { "Content-Type": "application/json" },
        ...headers,
      },
      ...body !== undefined && { body: JSON.stringify(body) },
    }),
  );
  return { http: response.status, headers: response.headers, data: await response.json() };
}

/** A call that must work; its data. */
// deno-lint-ignore no-explicit-any -- each test knows what it asked for
export async function askOps(...call: Parameters<typeof callOps>): Promise<any> {
  const answer = await callOps(...call);
  assert.equal(answer.http, 200, `${call[1]}: ${JSON.stringify(answer.data)}`);
  return answer.data;
}

/** Asserts the ops surface's failure: HTTP status, code, and a text. */
export function assertOpsFailure(
  answer: OpsAnswer,
  { http, code, msg }: { http: number; code: number; msg?: string },
): void {
  const said = JSON.stringify(answer.data);
  assert.deepEqual([answer.http, answer.data.code], [http, code], said);
  assert.ok(answer.data.msg.length > 0, said);
  const { field: _field, ...envelope } = answer.data;
  assert.deepEqual(Object.keys(envelope), ["code", "msg"]);
  if (msg !== undefined) assert.equal(answer.data.msg, msg);
}

/** An operator with a token, straight in the database. */
export async function makeOperator(
  ctx: Ctx,
  role: OperatorRole,
): Promise<{ operatorId: number; token: string }> {
  const [operator] = await ctx.db.insert(operators)
    .values({ name: role, role, createdAt: ctx.now() }).returning();
  const operatorId = operator!.id;
  return { operatorId, token: await issueOperatorToken(ctx, { operatorId, role }) };
}

/** A payout script's key as its `Authorization` header. */
export async function makeOpsKey(
  ctx: Ctx,
  groupIds: number[] | null = null,
): Promise<{ keyId: string; secret: string; authorization: string }> {
  const [keyId, secret] = [randomHex32(), randomHex32()];
  await ctx.db.insert(opsKeys).values({
    id: keyId,
    name: "script",
    groupIds,
    createdAt: ctx.now(),
    secretHash: hmacHex(ctx.config.keys.opsKey, secret),
  });
  return { keyId, secret, authorization: `Basic ${btoa(`${keyId}:${secret}`)}` };
}

/**
 * What every operation with credentials refuses: none, others' than an operator's, and, of roles
 * that may not, each.
 */
export async function assertNeedsOperator(
  app: TestApp,
  operation: string,
  { refused = [], ...call }: Omit<OpsCall, "token"> & { refused?: OperatorRole[] } = {},
): Promise<void> {
  const unauthenticated = { http: 401, code: 4003, msg: "无效签名 Invalid API token" };
  assertOpsFailure(await callOps(app, operation, call), unauthenticated);
  assertOpsFailure(await callOps(app, operation, { ...call, token: "a.b.c" }), unauthenticated);
  for (const role of refused) {
    const { token } = await makeOperator(app.ctx, role);
    const forbidden = { http: 403, code: 4003, msg: "请求被拒绝" };
    assertOpsFailure(await callOps(app, operation, { ...call, token }), forbidden);
  }
}

import { sql } from "drizzle-orm";
import { randomHex32 } from "../../config/keys.ts";
import { operatorRoles } from "../../db/schema/operators.ts";
import { makeOperator, makeOpsKey } from "../clients/ops.ts";
import type { TestApp } from "../harness.ts";
import { callAs, type Caller, type Callers, type Captured, MUST_BE_SAID } from "./captured.ts";
import { basic, type Others } from "./others.ts";

const MONTH_MS = 30 * 24 * 60 * 60 * 1000;

const by = (name: string, refusal: string, Authorization: string): Caller => ({
  name,
  refusal,
  request: (call) => callAs(call, { Authorization }),
});

/** Everybody who calls a surface of operators. */
export async function operatorCallers(app: TestApp, others: Others): Promise<Callers> {
  const { gateway, chat, partner, partnerToken, houseToken, wechatCookie } = others;
  const standing = [
    { name: "nobody", refusal: "401", request: (call: Captured) => callAs(call) },
    by("garbage", "401", "Bearer a.b.c"),
    by("unsigned", "401", `Bearer ${await unsignedToken(app)}`),
    by("expired", "401", `Bearer ${(await makeOperator(past(app), "admin")).token}`),
    by("disabled", "401", `Bearer ${await stopped(app, "disabled_at = now()")}`),
    by("demoted", "401", `Bearer ${await stopped(app, "role = 'auditor'")}`),
    by("gateway", "401", basic(gateway.uid, gateway.accessToken)),
    by("gateway-bearer", "401", `Bearer ${gateway.accessToken}`),
    by("chat-bearer", "401", `Bearer ${chat.token}`),
    { name: "chat", refusal: "401", request: (call) => callAs(call, { token: chat.token }) },
    by("partner-server", "401", `Basic ${partner.basic}`),
    by("partner-client", "401", `Bearer ${partnerToken}`),
    by("house-client", "401", `Bearer ${houseToken}`),
    { name: "wechat", refusal: "401", request: (call) => callAs(call, { Cookie: wechatCookie }) },
    ...await keyCallers(app),
  ] satisfies Caller[];
  for (const role of operatorRoles) {
    const { token } = await makeOperator(app.ctx, role);
    standing.push(by(role, "403", `Bearer ${token}`));
  }
  return { standing, made };
}

/** Keys of payout scripts; one good for no group, and those that are good for nothing. */
async function keyCallers({ ctx }: TestApp): Promise<Caller[]> {
  const [good, off] = [await makeOpsKey(ctx), await makeOpsKey(ctx)];
  await ctx.db.execute(sql`update ops_keys set disabled_at = now() where id = ${off.keyId}`);
  return [
    by("key", "401", good.authorization),
    by("key-of-other-group", "401", (await makeOpsKey(ctx, [1])).authorization),
    by("disabled-key", "401", off.authorization),
    by("wrong-secret", "401", basic(good.keyId, randomHex32())),
    by("key-bearer", "401", `Bearer ${good.secret}`),
  ];
}

const past = ({ ctx }: TestApp) => ({
  ...ctx,
  now: () => new Date(ctx.now().getTime() - MONTH_MS),
});

/** The token of an operator who is no longer what it says. */
async function stopped(app: TestApp, change: string): Promise<string> {
  const { operatorId, token } = await makeOperator(app.ctx, "admin");
  await app.ctx.db.execute(sql`update operators set ${sql.raw(change)} where id = ${operatorId}`);
  return token;
}

/** An admin's token with `alg: none` and no signature. */
async function unsignedToken(app: TestApp): Promise<string> {
  const [, claims] = (await makeOperator(app.ctx, "admin")).token.split(".");
  const head = btoa(JSON.stringify({ alg: "none", typ: "JWT" })).replaceAll("=", "");
  return `${head}.${claims}.`;
}

const made = {
  /** Good for the group that was made last, which is the call's own. */
  "key-of-group": async ({ ctx }: TestApp) => {
    const { rows: [row] } = await ctx.db.execute<{ id: string }>(sql`
      select max(id) as id from groups`);
    const { authorization } = await makeOpsKey(ctx, [Number(row!.id)]);
    return by("key-of-group", MUST_BE_SAID, authorization);
  },
};

import { and, eq, isNull } from "drizzle-orm";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { operators, opsKeys, revokedTokens } from "../../schema/operators.ts";
import type { OpsActor } from "./actor.ts";
import { recordAction } from "./record_action.ts";
import { endOpsKeyInCache, endTokenInCache, tellOperatorChanged } from "./standing_cache.ts";
import { OPERATOR_TOKEN_LIFE_MS } from "./tokens.ts";

/** Ends one token of an operator, at once and for good; twice is once. */
export async function revokeOperatorToken(
  ctx: Ctx,
  { operatorId, jti, actor }: { operatorId: number; jti: string; actor: OpsActor },
): Promise<void> {
  await withTx(ctx, async (tx) => {
    const revoked = await tx.db.insert(revokedTokens).values({
      jti,
      operatorId,
      revokedAt: tx.now(),
      // No token made by now outlives this.
      expiresAt: new Date(tx.now().getTime() + OPERATOR_TOKEN_LIFE_MS),
    }).onConflictDoNothing().returning();
    if (revoked.length === 0) return;
    const target = `operator:${operatorId}`;
    await recordAction(tx, {
      actor,
      action: "tokens.revoke",
      target,
      before: null,
      after: { jti },
    });
  });
  await endTokenInCache(ctx.redis, jti);
}

/** Disables an operator: all their tokens end at once. */
export async function disableOperator(
  ctx: Ctx,
  { operatorId, actor }: { operatorId: number; actor: OpsActor },
): Promise<void> {
  await withTx(ctx, async (tx) => {
    const disabled = await tx.db.update(operators).set({ disabledAt: tx.now() })
      .where(and(eq(operators.id, operatorId), isNull(operators.disabledAt))).returning();
    if (disabled.length > 0) await recordDisabled(tx, actor, `operator:${operatorId}`);
  });
  await tellOperatorChanged(ctx.redis, operatorId);
}

export async function disableOpsKey(
  ctx: Ctx,
  { keyId, actor }: { keyId: string; actor: OpsActor },
): Promise<void> {
  await withTx(ctx, async (tx) => {
    const disabled = await tx.db.update(opsKeys).set({ disabledAt: tx.now() })
      .where(and(eq(opsKeys.id, keyId), isNull(opsKeys.disabledAt))).returning();
    if (disabled.length > 0) await recordDisabled(tx, actor, `ops_key:${keyId}`);
  });
  await endOpsKeyInCache(ctx.redis, keyId);
}

async function recordDisabled(tx: Ctx, actor: OpsActor, target: string): Promise<void> {
  const action = target.startsWith("operator:") ? "operators.disable" : "ops_keys.disable";
  const [before, after] = [{ disabled: false }, { disabled: true }];
  await recordAction(tx, { actor, action, target, before, after });
}

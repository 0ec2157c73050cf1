import { and, eq, isNull, sql } from "drizzle-orm";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { operators, opsKeys, revokedTokens } from "../../schema/operators.ts";
import type { OpsActor } from "./actor.ts";
import { keyColumns, type ListedKey, readOpsKey } from "./key_reads.ts";
import { type ListedOperator, operatorColumns, readOperator } from "./reads.ts";
import { recordAction } from "./record_action.ts";
import { keepAnAdmin, lockRoster } from "./roster.ts";
import { endTokenInCache, tellKeyChanged, tellOperatorChanged } from "./standing_cache.ts";
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

/** What ends for an operator; by whom, undefined being whoever has the database itself. */
export interface OperatorEnd {
  operatorId: number;
  actor: OpsActor | undefined;
}

/** The next generation: tokens of the one before are dead for good. */
const nextGeneration = { generation: sql`${operators.generation} + 1` };

/**
 * Ends all tokens an operator has, who may log in again. Nothing happens to a disabled one.
 * @throws {DomainError} `operator_missing`
 */
export async function logOutOperator(
  ctx: Ctx,
  { operatorId, actor }: OperatorEnd,
): Promise<ListedOperator> {
  const operator = await withTx(ctx, async (tx) => {
    const [ended] = await tx.db.update(operators).set(nextGeneration)
      .where(and(eq(operators.id, operatorId), isNull(operators.disabledAt)))
      .returning(operatorColumns);
    if (!ended) return await readOperator(tx, operatorId);
    const target = `operator:${operatorId}`;
    if (actor) {
      await recordAction(tx, {
        actor,
        action: "operators.logout",
        target,
        before: null,
        after: null,
      });
    }
    return ended;
  });
  await tellOperatorChanged(ctx.redis, operatorId);
  return operator;
}

/**
 * Disables an operator for good: all their tokens end at once. Twice is once.
 * @throws {DomainError} `operator_missing`; `operator_last_admin` when nobody else is admin
 */
export async function disableOperator(
  ctx: Ctx,
  { operatorId, actor }: OperatorEnd,
): Promise<ListedOperator> {
  const operator = await withTx(ctx, async (tx) => {
    await lockRoster(tx);
    const before = await readOperator(tx, operatorId);
    if (before.disabledAt) return before;
    if (before.role === "admin") await keepAnAdmin(tx, operatorId);
    const [disabled] = await tx.db.update(operators)
      .set({ ...nextGeneration, disabledAt: tx.now() })
      .where(eq(operators.id, operatorId)).returning(operatorColumns);
    await recordDisabled(tx, actor, `operator:${operatorId}`);
    return disabled!;
  });
  await tellOperatorChanged(ctx.redis, operatorId);
  return operator;
}

/**
 * Disables a key for good, its old secret too. Twice is once.
 * @throws {DomainError} `ops_key_missing`
 */
export async function disableOpsKey(
  ctx: Ctx,
  { keyId, actor }: { keyId: string; actor: OpsActor | undefined },
): Promise<ListedKey> {
  const key = await withTx(ctx, async (tx) => {
    const [disabled] = await tx.db.update(opsKeys).set({ disabledAt: tx.now() })
      .where(and(eq(opsKeys.id, keyId), isNull(opsKeys.disabledAt))).returning(keyColumns);
    if (!disabled) return await readOpsKey(tx, keyId);
    await recordDisabled(tx, actor, `ops_key:${keyId}`);
    return disabled;
  });
  await tellKeyChanged(ctx.redis, keyId);
  return key;
}

async function recordDisabled(tx: Ctx, actor: OpsActor | undefined, target: string): Promise<void> {
  if (!actor) return;
  const action = target.startsWith("operator:") ? "operators.disable" : "ops_keys.disable";
  const [before, after] = [{ disabled: false }, { disabled: true }];
  await recordAction(tx, { actor, action, target, before, after });
}

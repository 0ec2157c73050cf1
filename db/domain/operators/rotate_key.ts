import { and, eq, isNull } from "drizzle-orm";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { opsKeys } from "../../schema/operators.ts";
import { DomainError } from "../errors.ts";
import type { OpsActor } from "./actor.ts";
import { makeKeySecret } from "./key_secret.ts";
import { recordAction } from "./record_action.ts";
import { KEEP_OLD_MINUTES_MAX } from "./rules.ts";
import { tellKeyChanged } from "./standing_cache.ts";

export interface KeyRotation {
  keyId: string;
  /** How long the secret it had stays good beside the new one; 0: it ends at once. */
  keepOldMinutes: number;
  actor: OpsActor;
}

/**
 * Gives a key a new secret, told this once. Of secrets before, only the last may stay good.
 * @throws {DomainError} `ops_key_missing` for a disabled key too; `params_invalid`
 */
export async function rotateOpsKey(
  ctx: Ctx,
  { keyId, keepOldMinutes, actor }: KeyRotation,
): Promise<{ id: string; secret: string }> {
  const isKept = keepOldMinutes > 0;
  if (keepOldMinutes < 0 || keepOldMinutes > KEEP_OLD_MINUTES_MAX) {
    throw new DomainError("params_invalid");
  }
  const { secret, secretHash } = makeKeySecret(ctx.config.keys);
  await withTx(ctx, async (tx) => {
    const previousUntil = new Date(tx.now().getTime() + keepOldMinutes * 60_000);
    const [key] = await tx.db.update(opsKeys).set({
      secretHash,
      secretHashPrevious: isKept ? opsKeys.secretHash : null,
      previousUntil: isKept ? previousUntil : null,
    }).where(and(eq(opsKeys.id, keyId), isNull(opsKeys.disabledAt))).returning({ id: opsKeys.id });
    if (!key) throw new DomainError("ops_key_missing");
    const [target, after] = [`ops_key:${keyId}`, { keepOldMinutes }];
    await recordAction(tx, { actor, action: "ops_keys.rotate", target, before: null, after });
  });
  await tellKeyChanged(ctx.redis, keyId);
  return { id: keyId, secret };
}

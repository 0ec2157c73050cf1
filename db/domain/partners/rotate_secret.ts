import { and, eq, isNull } from "drizzle-orm";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { apps } from "../../schema/apps.ts";
import { DomainError } from "../errors.ts";
import type { OpsActor } from "../operators/actor.ts";
import { recordAction } from "../operators/record_action.ts";
import type { AppCredentials } from "./add_app.ts";
import { refreshApp } from "./app_cache.ts";
import { makeSecret } from "./credentials.ts";

/**
 * Gives an app a new secret. The one it had stays good beside it until the next rotation, so that
 * the partner's servers can change over one by one.
 * @throws {DomainError} `app_missing` for a disabled app too
 */
export async function rotateSecret(
  ctx: Ctx,
  { appId, actor }: { appId: number; actor: OpsActor },
): Promise<AppCredentials> {
  const { secret, kept } = makeSecret(ctx.config.keys);
  await withTx(ctx, async (tx) => {
    const [app] = await tx.db.update(apps)
      .set({
        ...kept,
        secretHashPrevious: apps.secretHash,
        secretSealedPrevious: apps.secretSealed,
      })
      .where(and(eq(apps.id, appId), isNull(apps.disabledAt))).returning({ id: apps.id });
    if (!app) throw new DomainError("app_missing");
    const target = `app:${appId}`;
    await recordAction(tx, { actor, action: "apps.rotate", target, before: null, after: null });
  });
  await refreshApp(ctx, appId);
  return { appId, secret };
}

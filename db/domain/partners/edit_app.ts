import { and, eq, isNull } from "drizzle-orm";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { apps, type CustomerProof } from "../../schema/apps.ts";
import { DomainError } from "../errors.ts";
import type { OpsActor } from "../operators/actor.ts";
import { recordAction } from "../operators/record_action.ts";
import { type ListedApp, readListedApp } from "./reads.ts";

/**
 * Changes what an app asks of its customers, from the next call on. What it asks already is no
 * change and stands in no record.
 * @throws {DomainError} `app_missing` for a disabled app too
 */
export async function editApp(
  ctx: Ctx,
  { appId, customerProof, actor }: {
    appId: number;
    customerProof: CustomerProof;
    actor: OpsActor;
  },
): Promise<ListedApp> {
  return await withTx(ctx, async (tx) => {
    const [locked] = await tx.db.select({ customerProof: apps.customerProof }).from(apps)
      .where(and(eq(apps.id, appId), isNull(apps.disabledAt))).for("no key update");
    if (!locked) throw new DomainError("app_missing");
    if (locked.customerProof !== customerProof) {
      await tx.db.update(apps).set({ customerProof }).where(eq(apps.id, appId));
      const [target, after] = [`app:${appId}`, { customerProof }];
      await recordAction(tx, { actor, action: "apps.edit", target, before: locked, after });
    }
    return (await readListedApp(tx, appId))!;
  });
}

import { and, eq, isNull } from "drizzle-orm";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { apps, sellers, stores } from "../../schema/apps.ts";
import { DomainError } from "../errors.ts";
import { STORE_COUNT_MAX } from "../partners/rules.ts";
import { ensurePeople, type NamedPerson } from "../users/ensure_people.ts";

/**
 * Opens a desk where an app's customers are helped, by these people, in this order.
 * @returns its number
 * @throws {DomainError} `app_missing` for an app of the house, which has no customers;
 *   `params_invalid` when there are {@link STORE_COUNT_MAX} already; `user_missing`
 */
export function addStore(
  ctx: Ctx,
  { appId, name, people }: { appId: number; name: string; people: NamedPerson[] },
): Promise<number> {
  return withTx(ctx, async (tx) => {
    // Locked, so that desks opened at once are counted one after another.
    const [app] = await tx.db.select({ id: apps.id }).from(apps)
      .where(and(eq(apps.id, appId), isNull(apps.disabledAt), eq(apps.isHouse, false)))
      .for("no key update");
    if (!app) throw new DomainError("app_missing");
    const count = await tx.db.$count(stores, eq(stores.appId, appId));
    if (count >= STORE_COUNT_MAX) {
      throw new DomainError("params_invalid", { message: `咨询台不能超过${STORE_COUNT_MAX}个` });
    }
    const [store] = await tx.db.insert(stores).values({ appId, name, createdAt: tx.now() })
      .returning({ id: stores.id });
    await placeSellers(tx, { appId, storeId: store!.id, people });
    return store!.id;
  });
}

/**
 * A customer whose helper is gone gets another one.
 * @throws {DomainError} `store_missing`, `user_missing`
 */
export function setSellers(
  ctx: Ctx,
  { appId, storeId, people }: { appId: number; storeId: number; people: NamedPerson[] },
): Promise<void> {
  return withTx(ctx, async (tx) => {
    const [store] = await tx.db.select({ id: stores.id }).from(stores)
      .where(and(eq(stores.id, storeId), eq(stores.appId, appId))).for("update");
    if (!store) throw new DomainError("store_missing");
    await tx.db.delete(sellers).where(eq(sellers.storeId, storeId));
    await placeSellers(tx, { appId, storeId, people });
  });
}

async function placeSellers(
  tx: Ctx,
  { appId, storeId, people }: { appId: number; storeId: number; people: NamedPerson[] },
): Promise<void> {
  if (people.length === 0) return;
  const found = await ensurePeople(tx, { tenantId: appId, people });
  await tx.db.insert(sellers)
    .values(found.map(({ userId }, position) => ({ storeId, userId, position })));
}

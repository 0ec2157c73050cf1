import { asc, eq, sql } from "drizzle-orm";
import { randomInt } from "node:crypto";
import type { LongInteger } from "../../../config/runtime/long_integer.ts";
import type { Ctx } from "../../client/ctx.ts";
import { readOnline } from "../../redis/presence.ts";
import { sellers, stores, supporters } from "../../schema/apps.ts";
import { users } from "../../schema/users.ts";
import { int8, rows } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { chooseSeller, SELLER_COUNT_MAX, sellerName } from "../partners/rules.ts";

export interface Supporter {
  appUid: LongInteger;
  name: string;
  avatar: string;
  isOnline: boolean;
}

/**
 * The same helper for good, as long as they work there.
 * @param draw as in {@link chooseSeller}
 * @throws {DomainError} `store_missing`, `seller_missing`
 */
export async function findSupporter(
  ctx: Ctx,
  { tenantId, userId, storeId, draw = randomInt }: {
    tenantId: number;
    userId: number;
    storeId: number;
    draw?: (count: number) => number;
  },
): Promise<Supporter> {
  const people = await readSellers(ctx, { tenantId, userId, storeId });
  if (people.length === 0) throw new DomainError("seller_missing");
  const last = people.find(({ isLast }) => isLast);
  const presence = await readOnline(ctx, (last ? [last] : people).map(({ userId }) => userId));
  const seen = people.map((person) => ({
    ...person,
    isOnline: presence.get(person.userId)?.online ?? false,
  }));
  const [first, ...rest] = seen;
  const chosen = chooseSeller([first!, ...rest], draw);
  const sellerId = chosen.isLast
    ? chosen.userId
    : await keepChoice(ctx, { userId, storeId, sellerId: chosen.userId });
  const { appUid, name, avatar, isOnline } = seen.find((one) => one.userId === sellerId) ?? chosen;
  return { appUid, name: sellerName(name), avatar, isOnline };
}

/** @throws {DomainError} `store_missing` */
async function readSellers(
  ctx: Ctx,
  { tenantId, userId, storeId }: { tenantId: number; userId: number; storeId: number },
) {
  const people = await ctx.db
    .select({
      userId: users.id,
      appUid: users.appUid,
      name: users.nickname,
      avatar: users.avatar,
      isLast: sql<boolean>`${supporters.sellerId} is not null`,
    })
    .from(stores)
    .leftJoin(sellers, eq(sellers.storeId, stores.id))
    .leftJoin(users, eq(users.id, sellers.userId))
    .leftJoin(
      supporters,
      sql`${supporters.userId} = ${userId} and ${supporters.storeId} = ${stores.id}
        and ${supporters.sellerId} = ${sellers.userId}`,
    )
    .where(sql`${stores.id} = ${storeId} and ${stores.appId} = ${tenantId}`)
    .orderBy(asc(sellers.position)).limit(SELLER_COUNT_MAX);
  if (people.length === 0) throw new DomainError("store_missing");
  return people.flatMap(({ userId, appUid, name, avatar, isLast }) =>
    userId === null || appUid === null || name === null || avatar === null
      ? []
      : [{ userId, appUid, name, avatar, isLast }]
  );
}

/** Of two choices at once the first stands, unless that person has left the desk. */
async function keepChoice(
  ctx: Ctx,
  { userId, storeId, sellerId }: { userId: number; storeId: number; sellerId: number },
): Promise<number> {
  const statement = sql`
    insert into supporters as kept (user_id, store_id, seller_id)
    values (${userId}, ${storeId}, ${sellerId})
    on conflict (user_id, store_id) do update set seller_id = case
      when exists (select from sellers
        where sellers.store_id = kept.store_id and sellers.user_id = kept.seller_id)
      then kept.seller_id else excluded.seller_id end
    returning seller_id`;
  const [kept] = await rows(ctx, statement, { sellerId: int8 });
  return kept!.sellerId;
}

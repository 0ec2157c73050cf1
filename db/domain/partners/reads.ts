import { asc, desc, eq, sql } from "drizzle-orm";
import type { LongInteger } from "../../../config/runtime/long_integer.ts";
import type { Ctx } from "../../client/ctx.ts";
import { apps, type CustomerProof, sellers, stores } from "../../schema/apps.ts";
import { users } from "../../schema/users.ts";
import { longJson } from "../../sql.ts";
import { countedPage } from "../paging/counted_page.ts";
import { APPS_START_MAX, STORE_COUNT_MAX } from "./rules.ts";

export interface ListedApp {
  id: number;
  name: string;
  isHouse: boolean;
  /** Null: any. */
  addresses: string[] | null;
  customerProof: CustomerProof;
  createdAt: Date;
  disabledAt: Date | null;
}

const appColumns = {
  id: apps.id,
  name: apps.name,
  isHouse: apps.isHouse,
  addresses: apps.addresses,
  customerProof: apps.customerProof,
  createdAt: apps.createdAt,
  disabledAt: apps.disabledAt,
};

export async function readListedApp(ctx: Ctx, appId: number): Promise<ListedApp | undefined> {
  const [app] = await ctx.db.select(appColumns).from(apps).where(eq(apps.id, appId)).limit(1);
  return app;
}

export function listApps(
  ctx: Ctx,
  { start, limit }: { start: number; limit: number },
): Promise<{ total: number; items: ListedApp[] }> {
  return countedPage(ctx, {
    of: apps,
    where: undefined,
    countMax: APPS_START_MAX,
    page: ctx.db.select(appColumns).from(apps).orderBy(desc(apps.id)).limit(limit).offset(start),
    by: ["id"],
  });
}

export interface ListedStore {
  storeId: number;
  name: string;
  sellers: { appUid: LongInteger; name: string; avatar: string }[];
}

export async function listStores(
  ctx: Ctx,
  { appId }: { appId: number },
): Promise<ListedStore[]> {
  return await ctx.db
    .select({
      storeId: stores.id,
      name: stores.name,
      sellers: sql<ListedStore["sellers"]>`coalesce((
        select jsonb_agg(jsonb_build_object('appUid', ${longJson(sql`${users.appUid}`)},
          'name', ${users.nickname}, 'avatar', ${users.avatar}) order by ${sellers.position})
        from ${sellers} join ${users} on ${users.id} = ${sellers.userId}
        where ${sellers.storeId} = stores.id), '[]'::jsonb)`,
    })
    .from(stores).where(eq(stores.appId, appId)).orderBy(asc(stores.id)).limit(STORE_COUNT_MAX);
}

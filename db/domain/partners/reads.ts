import { asc, desc, eq, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { apps, sellers, stores } from "../../schema/apps.ts";
import { users } from "../../schema/users.ts";
import { APPS_START_MAX, STORE_COUNT_MAX } from "./rules.ts";

/** An app as operators see it. */
export interface ListedApp {
  id: number;
  name: string;
  isHouse: boolean;
  /** Null: any. */
  addresses: string[] | null;
  createdAt: Date;
  disabledAt: Date | null;
}

const appColumns = {
  id: apps.id,
  name: apps.name,
  isHouse: apps.isHouse,
  addresses: apps.addresses,
  createdAt: apps.createdAt,
  disabledAt: apps.disabledAt,
};

export async function readListedApp(ctx: Ctx, appId: number): Promise<ListedApp | undefined> {
  const [app] = await ctx.db.select(appColumns).from(apps).where(eq(apps.id, appId)).limit(1);
  return app;
}

/**
 * One page of apps, newest first, and how many there are: counted up to {@link APPS_START_MAX},
 * which is as far as anybody may page. One statement.
 */
export async function listApps(
  ctx: Ctx,
  { start, limit }: { start: number; limit: number },
): Promise<{ total: number; items: ListedApp[] }> {
  const counted = ctx.db.select({ one: sql`1`.as("one") }).from(apps).limit(APPS_START_MAX)
    .as("counted");
  const whole = ctx.db.select({ total: sql<string>`count(*)`.as("total") }).from(counted)
    .as("whole");
  const page = ctx.db.select(appColumns).from(apps).orderBy(desc(apps.id)).limit(limit)
    .offset(start).as("page");
  const rows = await ctx.db.select().from(whole).leftJoin(page, sql`true`).orderBy(desc(page.id));
  return {
    total: Number(rows[0]!.whole.total),
    items: rows.flatMap(({ page }) => page === null ? [] : [page]),
  };
}

export interface ListedStore {
  storeId: number;
  name: string;
  sellers: { appUid: number; name: string; avatar: string }[];
}

/** An app's desks, the oldest first, and who works there, in order. */
export async function listStores(
  ctx: Ctx,
  { appId }: { appId: number },
): Promise<ListedStore[]> {
  return await ctx.db
    .select({
      storeId: stores.id,
      name: stores.name,
      sellers: sql<ListedStore["sellers"]>`coalesce((
        select jsonb_agg(jsonb_build_object('appUid', ${users.appUid},
          'name', ${users.nickname}, 'avatar', ${users.avatar}) order by ${sellers.position})
        from ${sellers} join ${users} on ${users.id} = ${sellers.userId}
        where ${sellers.storeId} = stores.id), '[]'::jsonb)`,
    })
    .from(stores).where(eq(stores.appId, appId)).orderBy(asc(stores.id)).limit(STORE_COUNT_MAX);
}

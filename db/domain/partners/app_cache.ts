import { eq } from "drizzle-orm";
import { warmOf } from "../../bus/warm.ts";
import type { Ctx } from "../../client/ctx.ts";
import { apps } from "../../schema/apps.ts";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import type { App } from "./rules.ts";

/** How long Redis may answer for Postgres, ms. A change is told to it at once. */
const APP_CACHE_MS = 60 * 1000;
const NONE = "none";

/** Apps that called this process a moment ago, by their id. */
export const warmApps = warmOf<App>((event) => event.kind === "app" ? [String(event.appId)] : []);

export function appCacheKey(appId: number): string {
  return `app:${appId}`;
}

/**
 * An app by its id, from what the guard's pipeline found in the cache, or else from Postgres.
 * @returns undefined when there is none, or it is disabled
 */
export async function readApp(
  ctx: Ctx,
  { appId, cached }: { appId: number; cached: string | null },
): Promise<App | undefined> {
  const app = cached === null ? await readRow(ctx, appId) : parse(cached);
  // `NX`: what a change has told meanwhile stays.
  if (cached === null) await remember(ctx, appId, app, { nx: true }).catch(() => {});
  if (app) warmApps(ctx).keep(String(appId), app);
  return app;
}

function parse(cached: string): App | undefined {
  return cached === NONE ? undefined : JSON.parse(cached) as App;
}

/** After the commit. While Redis is away other processes find out within a minute. */
export async function refreshApp(ctx: Ctx, appId: number): Promise<void> {
  warmApps(ctx).drop(String(appId));
  await remember(ctx, appId, await readRow(ctx, appId), {}).catch(() => {});
  ctx.bus.publish({ kind: "app", appId });
}

async function readRow(ctx: Ctx, appId: number): Promise<App | undefined> {
  const [row] = await ctx.db.select().from(apps).where(eq(apps.id, appId)).limit(1);
  if (!row || row.disabledAt !== null) return undefined;
  return {
    id: row.id,
    tenantId: row.isHouse ? HOUSE_APP_ID : row.id,
    secretHashes: [row.secretHash, row.secretHashPrevious].filter((hash) => hash !== null),
    addresses: row.addresses,
  };
}

async function remember(
  ctx: Ctx,
  appId: number,
  app: App | undefined,
  { nx }: { nx?: true },
): Promise<void> {
  const options = nx ? { nx, px: APP_CACHE_MS } as const : { px: APP_CACHE_MS };
  await ctx.redis.set(appCacheKey(appId), app ? JSON.stringify(app) : NONE, options);
}

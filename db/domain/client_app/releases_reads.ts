import { and, desc, eq, gt, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { releases } from "../../schema/releases.ts";
import { DomainError } from "../errors.ts";

/** `releases.client_type`: the platforms that install versions; the web always runs the newest. */
const INSTALLED_CLIENTS = [1, 2];

export interface Release {
  id: string;
  clientType: number;
  versionCode: number;
  versionName: string;
  description: string;
  downloadUrl: string;
  forced: boolean;
  createdAt: Date;
}

/**
 * The newest release for a client, if it is newer than what the client runs. It is forced when any
 * release since then was: skipping a version does not get anybody around it.
 * @throws {DomainError} `release_missing`, also for clients that do not say what they run
 */
export async function readNewestRelease(
  ctx: Ctx,
  { clientType, versionCode }: {
    clientType: number | undefined;
    versionCode: number | undefined;
  },
): Promise<Release> {
  if (clientType === undefined || versionCode === undefined) {
    throw new DomainError("release_missing");
  }
  if (!INSTALLED_CLIENTS.includes(clientType)) throw new DomainError("release_missing");
  const [newest] = await ctx.db.select({
    id: releases.id,
    clientType: releases.clientType,
    versionCode: releases.versionCode,
    versionName: releases.versionName,
    description: releases.description,
    downloadUrl: releases.downloadUrl,
    forced: sql<boolean>`bool_or(${releases.forced}) over ()`,
    createdAt: releases.createdAt,
  }).from(releases)
    .where(and(eq(releases.clientType, clientType), gt(releases.versionCode, versionCode)))
    .orderBy(desc(releases.versionCode), desc(releases.createdAt)).limit(1);
  if (!newest) throw new DomainError("release_missing");
  return newest;
}

/** The newest release for a client of a platform, whatever anybody runs. */
export async function readLatestRelease(
  ctx: Ctx,
  clientType: number,
): Promise<Release | undefined> {
  const [latest] = await ctx.db.select().from(releases)
    .where(eq(releases.clientType, clientType))
    .orderBy(desc(releases.versionCode), desc(releases.createdAt)).limit(1);
  return latest;
}

import type { Config } from "../../config/config.ts";
import type { Database } from "./ctx.ts";

/**
 * Opens the database the configuration names: PGlite under `DATA_DIR` when there is no
 * `DATABASE_URL`, Neon over its WebSocket driver for a Neon host, `pg` over TCP for any other.
 */
export async function openDatabase(
  config: Pick<Config, "databaseUrl" | "dataDir">,
): Promise<Database> {
  if (config.databaseUrl === undefined) {
    const { openPglite } = await import("./pglite.ts");
    return await openPglite(`${config.dataDir}/postgres`);
  }
  if (new URL(config.databaseUrl).hostname.endsWith(".neon.tech")) {
    const { openNeon } = await import("./neon.ts");
    return openNeon(config.databaseUrl);
  }
  const { openPg } = await import("./pg.ts");
  return openPg(config.databaseUrl);
}

import type { Config } from "../../config/config.ts";
import { DataDirError } from "../../config/data_dir.ts";
import type { Database } from "./ctx.ts";

/**
 * PGlite under `DATA_DIR` without a `DATABASE_URL`, Neon's driver for a Neon host, else TCP.
 * @throws {DataDirError} when the embedded one does not open
 */
export async function openDatabase(
  config: Pick<Config, "databaseUrl" | "dataDir"> & Partial<Pick<Config, "preparesStatements">>,
): Promise<Database> {
  if (config.databaseUrl === undefined) {
    const { openPglite } = await import("./pglite.ts");
    try {
      return await openPglite(`${config.dataDir}/postgres`);
    } catch (error) {
      throw new DataDirError(config.dataDir, error);
    }
  }
  const options = { prepares: config.preparesStatements ?? true };
  if (new URL(config.databaseUrl).hostname.endsWith(".neon.tech")) {
    const { openNeon } = await import("./neon.ts");
    return openNeon(config.databaseUrl, options);
  }
  const { openPg } = await import("./pg.ts");
  return openPg(config.databaseUrl, options);
}

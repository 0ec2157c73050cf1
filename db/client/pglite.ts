import { PGlite, type PGliteOptions, types } from "@electric-sql/pglite";
import { pg_trgm } from "@electric-sql/pglite/contrib/pg_trgm";
import { drizzle } from "drizzle-orm/pglite";
import { trip } from "../../config/runtime/trips.ts";
import type { Database, Db } from "./ctx.ts";
import { ToldPglite } from "./pglite_arrays.ts";
import { OwnersFolder } from "./pglite_folder.ts";

/**
 * PostgreSQL touches all it shares when it starts, which with its own 128 MB and 100 connections
 * takes longer than the rest of a start. There is one connection, and what it reads is in memory
 * anyway: this process's, or the system's. Of files it holds few, or a first start with 300
 * descriptors runs out of them in the migrations.
 */
const SETTINGS = ["shared_buffers=8MB", "max_connections=5", "max_files_per_process=64"];

/** PostgreSQL in this process, over one connection; `memory://` keeps no files. */
export async function openPglite(folder: string): Promise<Database> {
  if (folder.startsWith("memory://")) return overPglite(await createPglite(folder));
  await Deno.mkdir(folder, { recursive: true });
  return overPglite(await createPglite(folder, { fs: new OwnersFolder(folder) }));
}

export async function createPglite(
  folder: string,
  options: Pick<PGliteOptions, "fs" | "loadDataDir" | "initDbStartParams"> = {},
): Promise<PGlite> {
  const pglite = new ToldPglite({
    dataDir: folder,
    extensions: { pg_trgm },
    // As `pg` does: 64-bit integers arrive as text and are turned into what a column declares.
    parsers: { [types.INT8]: (value: string) => value },
    startParams: [...PGlite.defaultStartParams, ...SETTINGS.flatMap((setting) => ["-c", setting])],
    ...options,
  });
  await pglite.waitReady;
  // Nothing analyses tables here, so plans made while they were small would stay: foreign keys
  // would be checked by reading whole tables. Everything is in memory, where an index is cheap.
  await pglite.exec("set random_page_cost = 0.1");
  return pglite;
}

type Queryable = Pick<PGlite, "query">;

export function overPglite(pglite: PGlite): Database {
  const handle = (client: Queryable): Db => {
    const counted = {
      query: (text: string, values?: unknown[], options?: object) =>
        trip("sql", () => client.query(text, values, options)),
    };
    return drizzle({ client: counted as unknown as PGlite, casing: "snake_case" }) as unknown as Db;
  };
  // One connection has no locks against itself: migrations wait for each other here.
  let migrated: Promise<void> = Promise.resolve();
  return {
    kind: "pglite",
    db: handle(pglite),
    async transact(work) {
      // BEGIN and COMMIT are trips too, though PGlite sends them itself.
      await trip("sql", () => Promise.resolve());
      try {
        return await pglite.transaction((tx) => work(handle(tx as unknown as Queryable)));
      } finally {
        await trip("sql", () => Promise.resolve());
      }
    },
    migrate(folder) {
      const run = async () => {
        const { migrate } = await import("drizzle-orm/pglite/migrator");
        await migrate(drizzle({ client: pglite }), { migrationsFolder: folder });
      };
      return migrated = migrated.then(run, run);
    },
    close: () => pglite.close(),
  };
}

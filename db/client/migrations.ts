import { sql } from "drizzle-orm";
import journal from "../migrations/meta/_journal.json" with { type: "json" };
import type { Db } from "./ctx.ts";
import { isTableMissing } from "./errors.ts";

export const MIGRATIONS_FOLDER = new URL("../migrations", import.meta.url).pathname;

export interface MigrationLevel {
  /** The newest migration the database has, by name; undefined before the first. */
  applied: string | undefined;
  pendingCount: number;
}

/** Which migration the database is at; one trip, so it also shows that the database answers. */
export async function readMigrationLevel(db: Db): Promise<MigrationLevel> {
  const appliedAt = await readNewestTime(db);
  const applied = journal.entries.filter((entry) => entry.when <= appliedAt);
  return {
    applied: applied.at(-1)?.tag,
    pendingCount: journal.entries.length - applied.length,
  };
}

async function readNewestTime(db: Db): Promise<number> {
  try {
    const { rows } = await db.execute<{ created_at: string }>(
      sql`select created_at::text from drizzle.__drizzle_migrations
          order by created_at desc limit 1`,
    );
    return Number(rows[0]?.created_at ?? 0);
  } catch (error) {
    if (isTableMissing(error)) return 0;
    throw error;
  }
}

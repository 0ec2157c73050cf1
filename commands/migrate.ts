import type { Parts } from "../db/client/ctx.ts";
import { MIGRATIONS_FOLDER, readMigrationLevel } from "../db/client/migrations.ts";

export async function runMigrateCommand({ database }: Pick<Parts, "database">): Promise<void> {
  const { pendingCount } = await readMigrationLevel(database.db);
  if (pendingCount > 0) await database.migrate(MIGRATIONS_FOLDER);
}

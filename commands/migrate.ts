import type { Parts } from "../db/client/ctx.ts";
import { MIGRATIONS_FOLDER } from "../db/client/migrations.ts";

export async function runMigrateCommand({ database }: Pick<Parts, "database">): Promise<void> {
  await database.migrate(MIGRATIONS_FOLDER);
}

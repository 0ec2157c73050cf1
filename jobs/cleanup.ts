import type { Database } from "../db/client.ts";
import { type Deleted, deleteStale } from "../db/domain/upkeep/delete_stale.ts";

/** Keeps the tables small. */
export async function cleanup(now: Date, { database }: { database: Database }): Promise<Deleted> {
  return await deleteStale({ db: database.db, now: () => now });
}

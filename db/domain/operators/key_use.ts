import { and, eq, isNull, lte, or } from "drizzle-orm";
import { withoutTrips } from "../../../config/runtime/trips.ts";
import type { Ctx } from "../../client/ctx.ts";
import { opsKeys } from "../../schema/operators.ts";

/** How exact `last_used_at` is, ms. */
export const KEY_USE_MS = 60 * 1000;

const NOTED_COUNT_MAX = 10_000;
/** Keys whose use this process has written down, and when, ms since 1970. */
const noted = new Map<string, number>();

/**
 * Writes down that a key was used, at most once a minute however many processes it calls. Nobody
 * waits for it; one that fails is made up for by the key's next use a minute later.
 */
export function noteKeyUse({ db, now }: Pick<Ctx, "db" | "now">, keyId: string): void {
  const at = now();
  if (at.getTime() < (noted.get(keyId) ?? 0) + KEY_USE_MS) return;
  if (noted.size >= NOTED_COUNT_MAX) noted.clear();
  noted.set(keyId, at.getTime());
  const isDue = or(
    isNull(opsKeys.lastUsedAt),
    lte(opsKeys.lastUsedAt, new Date(at.getTime() - KEY_USE_MS)),
  );
  void withoutTrips(() =>
    db.update(opsKeys).set({ lastUsedAt: at }).where(and(eq(opsKeys.id, keyId), isDue))
      .then(() => {}, () => {})
  );
}

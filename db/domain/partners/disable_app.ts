import { and, eq, isNull, sql } from "drizzle-orm";
import { chunksOf } from "../../../config/runtime/chunks.ts";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { apps } from "../../schema/apps.ts";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { SessionKind } from "../../schema/sessions.ts";
import { instant, rows, text } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import type { OpsActor } from "../operators/actor.ts";
import { recordAction } from "../operators/record_action.ts";
import { endSessions } from "../sessions/session_cache.ts";
import { refreshApp } from "./app_cache.ts";
import { type ListedApp, readListedApp } from "./reads.ts";

/** Sessions one statement ends, and one event of the bus names. */
const ENDED_COUNT_MAX = 1_000;

/**
 * Disables an app: its server and all its clients are refused at once, their sockets included, and
 * nobody can be granted a token any more. Disabled again, nothing happens. House apps share the
 * tokens of the house's people; whoever is left has to grant them again.
 * @throws {DomainError} `app_missing`
 */
export async function disableApp(
  ctx: Ctx,
  { appId, actor }: { appId: number; actor: OpsActor },
): Promise<ListedApp> {
  const { app, ended } = await withTx(ctx, async (tx) => {
    const [disabled] = await tx.db.update(apps).set({ disabledAt: tx.now() })
      .where(and(eq(apps.id, appId), isNull(apps.disabledAt))).returning();
    const app = await readListedApp(tx, appId);
    if (!app) throw new DomainError("app_missing");
    if (!disabled) return { app, ended: [] };
    const [before, after] = [{ disabled: false }, { disabled: true }];
    const target = `app:${appId}`;
    await recordAction(tx, { actor, action: "apps.disable", target, before, after });
    const ended = await endClients(tx, disabled.isHouse ? HOUSE_APP_ID : appId);
    return { app, ended };
  });
  await refreshApp(ctx, appId);
  for (const some of chunksOf(ended, ENDED_COUNT_MAX)) await endSessions(ctx, some);
  return app;
}

/**
 * The app's row is locked and disabled, so nobody opens another session and this comes to an end.
 * @returns the hashes of their tokens
 */
async function endClients(tx: Ctx, tenantId: number): Promise<string[]> {
  const ended: string[] = [];
  for (let count = ENDED_COUNT_MAX; count === ENDED_COUNT_MAX;) {
    const statement = sql`
      update sessions set revoked_at = ${instant(tx.now())}
      where id in (
        select sessions.id from sessions join users on users.id = sessions.user_id
        where sessions.kind = ${SessionKind.partner} and sessions.revoked_at is null
          and users.app_id = ${tenantId}
        order by sessions.id limit ${ENDED_COUNT_MAX}
      )
      returning token_hash`;
    const some = await rows(tx, statement, { tokenHash: text });
    ended.push(...some.map(({ tokenHash }) => tokenHash));
    count = some.length;
  }
  return ended;
}

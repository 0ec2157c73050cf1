import { lt, or } from "drizzle-orm";
import type { Ctx } from "../../client.ts";
import { captchaAudit } from "../../schema/captchas.ts";
import { callGuards } from "../../schema/guards.ts";
import { sessions } from "../../schema/sessions.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** How long ended sessions, and the record of codes sent, are kept for questions, ms. */
const ENDED_SESSION_KEPT_MS = 30 * DAY_MS;
const CAPTCHA_AUDIT_KEPT_MS = 90 * DAY_MS;

/** Rows deleted, by table. */
export interface Deleted {
  sessions: number;
  captcha_audit: number;
  call_guards: number;
}

/** Deletes what nobody will ask for again; doing it twice deletes nothing more. */
export async function deleteStale({ db, now }: Pick<Ctx, "db" | "now">): Promise<Deleted> {
  const before = (ms: number) => new Date(now().getTime() - ms);
  const ended = await db.delete(sessions)
    .where(
      or(
        lt(sessions.expiresAt, before(ENDED_SESSION_KEPT_MS)),
        lt(sessions.revokedAt, before(ENDED_SESSION_KEPT_MS)),
      ),
    ).returning({ id: sessions.id });
  const audit = await db.delete(captchaAudit)
    .where(lt(captchaAudit.at, before(CAPTCHA_AUDIT_KEPT_MS))).returning({ id: captchaAudit.id });
  const guards = await db.delete(callGuards).where(lt(callGuards.expiresAt, before(0)))
    .returning({ key: callGuards.key });
  return { sessions: ended.length, captcha_audit: audit.length, call_guards: guards.length };
}

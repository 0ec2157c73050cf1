import { and, eq, inArray, lt, or } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { captchaAudit } from "../../schema/captchas.ts";
import { callGuards, tries } from "../../schema/guards.ts";
import { revokedTokens } from "../../schema/operators.ts";
import { redPackets, redPacketShares } from "../../schema/red_packets.ts";
import { loginNetworks, sessions } from "../../schema/sessions.ts";
import { payTokens } from "../../schema/wallets.ts";
import { KNOWN_NETWORK_MS } from "../sessions/known_caller.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** How long ended sessions, and the record of codes sent, are kept for questions, ms. */
const ENDED_SESSION_KEPT_MS = 30 * DAY_MS;
const CAPTCHA_AUDIT_KEPT_MS = 90 * DAY_MS;

export interface Deleted {
  sessions: number;
  captcha_audit: number;
  call_guards: number;
  tries: number;
  login_networks: number;
  pay_tokens: number;
  revoked_tokens: number;
  red_packets: number;
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
  const over = await db.delete(tries).where(lt(tries.endsAt, before(0)))
    .returning({ subject: tries.subject });
  const networks = await db.delete(loginNetworks)
    .where(lt(loginNetworks.lastLoginAt, before(KNOWN_NETWORK_MS)))
    .returning({ userId: loginNetworks.userId });
  const payments = await db.delete(payTokens).where(lt(payTokens.expiresAt, before(DAY_MS)))
    .returning({ hash: payTokens.tokenHash });
  const revoked = await db.delete(revokedTokens).where(lt(revokedTokens.expiresAt, before(0)))
    .returning({ jti: revokedTokens.jti });
  const unpaid = and(eq(redPackets.state, "unpaid"), lt(redPackets.expiresAt, before(DAY_MS)));
  const stale = db.select({ id: redPackets.id }).from(redPackets).where(unpaid);
  await db.delete(redPacketShares).where(inArray(redPacketShares.packetId, stale));
  const packets = await db.delete(redPackets).where(unpaid).returning({ id: redPackets.id });
  return {
    sessions: ended.length,
    captcha_audit: audit.length,
    call_guards: guards.length,
    tries: over.length,
    login_networks: networks.length,
    pay_tokens: payments.length,
    revoked_tokens: revoked.length,
    red_packets: packets.length,
  };
}

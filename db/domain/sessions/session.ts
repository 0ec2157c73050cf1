import { SessionKind } from "../../schema/sessions.ts";
import { LIVE_STATUSES } from "../../schema/users.ts";

/** What a request knows of its caller once the session is checked. */
export interface Session {
  tokenHash: string;
  userId: number;
  uid: string;
  /** `sessions.kind` */
  kind: number;
  /** The app the person belongs to, and their number in it. */
  appId: number;
  appUid: number;
  /** `users.status` */
  status: number;
  /** Whether the gateway profile has been filled in. */
  hasProfile: boolean;
  expiresAtMs: number;
}

/** A session lives this long, ms (contract: `expireTime`, 30 days). */
export const SESSION_LIFE_MS = 30 * 24 * 60 * 60 * 1000;

/** Whether a session still speaks for its person. */
export function isLive(session: Session, nowMs: number): boolean {
  return session.expiresAtMs > nowMs && mayLogIn(session.status);
}

/** Accounts in review work; disabled and deleted ones do not. */
export function mayLogIn(status: number): boolean {
  return LIVE_STATUSES.includes(status);
}

/** Whether it was granted to a partner's client, for the partner's own calls and the socket. */
export function isOfPartner({ kind }: Session): boolean {
  return kind === SessionKind.partner;
}

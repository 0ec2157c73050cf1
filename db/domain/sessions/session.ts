import type { LongInteger } from "../../../config/runtime/long_integer.ts";
import { SessionKind } from "../../schema/sessions.ts";
import { LIVE_STATUSES } from "../../schema/users.ts";

export interface Session {
  tokenHash: string;
  userId: number;
  uid: string;
  /** `sessions.kind` */
  kind: number;
  /** The app the person belongs to, and their number in it. */
  appId: number;
  appUid: LongInteger;
  /** `users.status` */
  status: number;
  hasProfile: boolean;
  expiresAtMs: number;
}

/** A session lives this long, ms (contract: `expireTime`, 30 days). */
export const SESSION_LIFE_MS = 30 * 24 * 60 * 60 * 1000;

export function isLive(session: Session, nowMs: number): boolean {
  return session.expiresAtMs > nowMs && mayLogIn(session.status);
}

export function mayLogIn(status: number): boolean {
  return LIVE_STATUSES.includes(status);
}

export function isOfPartner({ kind }: Session): boolean {
  return kind === SessionKind.partner;
}

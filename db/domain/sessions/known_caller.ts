import { type SQL, sql } from "drizzle-orm";
import { networksOf } from "../../../config/runtime/address.ts";
import { instant, type Part } from "../../sql.ts";

/** Somebody who has yet to prove who they are, and what comes along with the call. */
export interface Caller {
  address: string;
  deviceId?: string | undefined;
  /** SHA-256 of a session's token. */
  tokenHash?: string | undefined;
}

/** How long a network somebody has logged in from is theirs, ms. */
export const KNOWN_NETWORK_MS = 90 * 24 * 60 * 60 * 1000;

/** The network a caller is known by: an IPv4 address or an IPv6 /64. */
export function homeOf({ address }: Caller): string {
  return networksOf(address)[0]!.name;
}

/**
 * Whether a caller is known to be the person's: the CTE `known` (`by_device`, `by_session`,
 * `by_network`) behind `asked` (`user_id`), each with its name. Nobody is known to a number or name
 * that is nobody's, at the same cost.
 *
 * @param person the person's id, a scalar subquery
 */
export function knownParts(caller: Caller, person: SQL, now: Date): Part[] {
  const since = instant(new Date(now.getTime() - KNOWN_NETWORK_MS));
  const known = sql`select
      exists (select from devices where devices.user_id = asked.user_id
        and device_id = ${caller.deviceId ?? ""}) as by_device,
      exists (select from sessions where sessions.user_id = asked.user_id
        and token_hash = ${caller.tokenHash ?? ""} and revoked_at is null
        and expires_at > ${instant(now)}) as by_session,
      exists (select from login_networks where login_networks.user_id = asked.user_id
        and network = ${homeOf(caller)} and last_login_at > ${since}) as by_network
    from asked`;
  return [["asked", sql`select ${person} as user_id`], ["known", known]];
}

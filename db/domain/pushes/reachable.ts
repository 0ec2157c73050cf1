import { type SQL, sql } from "drizzle-orm";
import { LIVE_STATUSES } from "../../schema/users.ts";
import { isLiveSession } from "../sessions/is_live.ts";

/** Whether the device `account` names, of the chat app, is its owner's still. */
export function hasLiveDevice(now: SQL): SQL {
  return sql`(account.device_token is not null
    and ${isLiveSession(sql`account.device_session_id`, now)})`;
}

/** The same of `target`, the gateway's. */
export function hasLiveTarget(now: SQL): SQL {
  return isLiveSession(sql`target.session_id`, now);
}

/** Whether there is a device to tell; of `users`, their `account` and `target`, if they have any. */
export function isReachable(now: SQL): SQL {
  return sql`(users.status in ${[...LIVE_STATUSES]}
    and (${hasLiveDevice(now)} or ${hasLiveTarget(now)}))`;
}

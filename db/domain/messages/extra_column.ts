import { type SQL, sql } from "drizzle-orm";
import { milliseconds, type Term } from "../../sql.ts";
import type { InboxMessage } from "./inbox_message.ts";
import { KeptSetting } from "./rules.ts";

/** What has become of a message since it was said, as one person is shown it. */
export interface MessageExtra {
  /** Rises with each change of it; 0: none. */
  version: number;
  /** Of one's own words: how many of the others have read them, and have not. */
  readCount: number;
  unreadCount: number;
  /** When one has said that one has read it, ms since 1970; 0: not. */
  readAtMs: number;
}

export type ExtendedMessage = InboxMessage & { extra: MessageExtra };

/** A version, too: those of people are never behind the clock. */
export const REVOKED_AT = milliseconds(sql`messages.revoked_at`);

/**
 * A {@link MessageExtra} as the column `extra`, where `messages` is joined to rows with a
 * `message_id`.
 */
export function messageExtraColumn(of: "found" | "shown", userId: SQL | Term<number>): SQL {
  const others = sql`case when messages.group_id is null then 1
    else (select member_count - 1 from groups where groups.id = messages.group_id) end`;
  return sql`(
      select json_build_object(
        'version', greatest(extra.version, ${REVOKED_AT}, 0),
        'readCount', coalesce(extra.read_count, 0),
        'unreadCount', case when messages.sender_id = ${userId}
            and messages.setting & ${sql.raw(String(KeptSetting.receipt))} <> 0
          then greatest(0, ${others} - coalesce(extra.read_count, 0)) else 0 end,
        'readAtMs', coalesce(${milliseconds(sql`extra.read_at`)}, 0))
      from (select) as one left join message_extras as extra
        on extra.message_id = ${sql.raw(of)}.message_id and extra.user_id = ${userId}
    ) as extra`;
}

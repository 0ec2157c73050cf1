import { type SQL, sql } from "drizzle-orm";
import type { Term } from "../../sql.ts";
import { ContentType } from "./rules.ts";

/**
 * What everybody who reads messages has to ask of them, as conditions and columns of written-out
 * statements. `messages` may be called something else there.
 */

const named = (rows: string, column: string) => sql.raw(`${rows}.${column}`);

/** Whether a message is a command: it is for clients' screens, and stands in no conversation. */
export function isCommand(messages = "messages"): SQL {
  return sql`${named(messages, "content_type")} = ${sql.raw(String(ContentType.command))}`;
}

/**
 * Whether a message counts as unread for a person who has not read it: it has a red dot, nobody has
 * taken it back, and it is neither theirs nor tells of their own doing.
 */
export function countsFor(userId: SQL | Term<number>, messages = "messages"): SQL {
  const its = (column: string) => named(messages, column);
  return sql`(${its("red_dot")} and ${its("revoked_at")} is null
    and ${its("sender_id")} is distinct from ${userId}
    and ${its("actor_id")} is distinct from ${userId})`;
}

/** The payload as anybody is shown it: of what was taken back, the sender included, only that. */
export function payloadShown(messages = "messages"): SQL {
  const its = (column: string) => named(messages, column);
  return sql`case when ${its("revoked_at")} is null then ${its("payload")}
    else '{"type":${sql.raw(String(ContentType.messageRevoked))},"revoker":"' || coalesce(
      (select uid from users where id = ${its("revoker_id")}), '') || '"}' end`;
}

/**
 * Whether the owner of an inbox threw a message away, alone or with all before it.
 *
 * @param rows of an inbox: `seq`, `channel_type`, `channel_id`, `deleted_at`
 */
export function isDeletedIn(rows: string, userId: SQL | Term<number>): SQL {
  const its = (column: string) => named(rows, column);
  return sql`(${its("deleted_at")} is not null or ${its("seq")} <= coalesce((
      select cleared_seq from conversations where conversations.user_id = ${userId}
        and conversations.channel_type = ${its("channel_type")}
        and conversations.channel_id = ${its("channel_id")}), 0))`;
}

/**
 * Whether a person reads a row of their inbox, or of what is just copied into it, which `messages`
 * is joined to: it is no command, and they have thrown it away neither alone nor with all before it.
 */
export function isReadable(rows: "inbox" | "copied", clearedSeq: SQL): SQL {
  return sql`${named(rows, "deleted_at")} is null and ${named(rows, "seq")} > ${clearedSeq}
    and not ${isCommand()}`;
}

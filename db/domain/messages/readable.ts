import { type SQL, sql } from "drizzle-orm";
import { type InboxMessage } from "./inbox_message.ts";
import { ContentType } from "./rules.ts";

/** JSON that PostgreSQL does not take: a NUL, or half a character. */
const UNREADABLE = String.raw`\\u(0000|[dD][89a-fA-F])`;
const MAY_BE_COMMAND = String.raw`"type"\s*:\s*${ContentType.command}\M`;

/**
 * Whether one of `messages` tells clients what to do, so that no history shows it. Parsed only where
 * its text may say so.
 */
const isCommand: SQL = sql`case when messages.payload ~ ${sql.raw(`'${MAY_BE_COMMAND}'`)}
    and messages.payload !~ ${sql.raw(`'${UNREADABLE}'`)}
  then messages.payload::json ->> 'type' = ${sql.raw(`'${ContentType.command}'`)}
  else false end`;

/**
 * Whether a person reads a row of their inbox, or of what is just copied into it, which `messages`
 * is joined to: it is no command, and they have thrown it away neither alone nor with all before it.
 */
export function isReadable(rows: "inbox" | "copied", clearedSeq: SQL): SQL {
  const its = (column: string) => sql.raw(`${rows}.${column}`);
  return sql`${its("deleted_at")} is null and ${its("seq")} > ${clearedSeq} and not ${isCommand}`;
}

/** What is left of a message that was taken back. */
export function shownPayloadOf({ payload, revokerUid }: InboxMessage): string {
  if (revokerUid === undefined) return payload;
  return JSON.stringify({ type: ContentType.messageRevoked, revoker: revokerUid });
}

import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { bool, instant, int8, listOf, maybe, rows, text } from "../../sql.ts";
import { copying, copyingState, newsFor, readCopying } from "./copy_log.ts";
import { nextVersions } from "./sync_versions.ts";
import { tellSelf } from "./tell_devices.ts";

/** Somebody has named the person in a group. */
export interface Reminder {
  id: number;
  groupNo: string;
  /** Who said it; empty: the system. */
  publisherUid: string;
  messageId: number;
  /** The person's own number of it. */
  seq: number;
  version: number;
  isDone: boolean;
}

/** Most reminders one call is about; a page is longer where one change is. */
export const REMINDERS_COUNT_MAX = 500;

/**
 * What reminders of a person have changed after a version, ascending; those of messages thrown
 * away, and of groups they are out of, are gone. Those of messages taken back are done, for whoever
 * may have them: from version 0 they are gone as well. What large groups have logged is copied into
 * the inbox first: of a log longer than one read copies the rest is for the next call.
 */
export async function syncReminders(
  ctx: Ctx,
  input: { userId: number; version: number; limit: number },
): Promise<Reminder[]> {
  const found = await readCopying(ctx, {
    statement: syncStatement(input, instant(ctx.now())),
    columns: {
      id: maybe(int8),
      groupNo: text,
      publisherUid: text,
      messageId: int8,
      seq: maybe(int8),
      version: int8,
      isDone: bool,
    },
    mustFind: true,
  });
  const reminders: Reminder[] = [];
  for (const { id, seq, ...reminder } of found) {
    // What lies in a log still has no number: whoever saw a later version would never ask for it.
    if (id === undefined || seq === undefined) break;
    reminders.push({ id, seq, ...reminder });
  }
  return reminders;
}

function syncStatement(
  { userId, version, limit }: { userId: number; version: number; limit: number },
  now: SQL,
): SQL {
  return sql`
    with ${copying({ news: newsFor(userId), now })}, state as (
      select ${copyingState(userId)}
    ), found as (
      select reminders.*, messages.sender_id, messages.revoked_at,
        coalesce(inbox.seq, copied.seq) as seq
      from reminders
      join messages on messages.id = reminders.message_id
        and (messages.revoked_at is null or ${version}::bigint > 0)
      join group_members on group_members.group_id = reminders.group_id
        and group_members.user_id = ${userId} and group_members.removed_at is null
      left join inbox on inbox.user_id = ${userId} and inbox.message_id = reminders.message_id
      left join copied on copied.message_id = reminders.message_id
      left join conversations on conversations.user_id = ${userId}
        and conversations.channel_type = ${ChannelType.group}
        and conversations.channel_id = reminders.group_id
      where reminders.user_id = ${userId} and reminders.version > ${version}
        and inbox.deleted_at is null
        and (coalesce(inbox.seq, copied.seq) > coalesce(conversations.cleared_seq, 0)
          or inbox.seq is null and copied.seq is null and exists (
            select 1 from group_logs where group_logs.group_id = reminders.group_id
              and group_logs.seq > group_members.log_seq
              and group_logs.message_id = reminders.message_id))
      order by reminders.version fetch first (${limit}::bigint) rows with ties
    )
    select state.hides_some, state.came_second, found.id, found.message_id, found.seq,
      found.version, coalesce(found.done_at, found.revoked_at) is not null as is_done,
      (select group_no from groups where id = found.group_id) as group_no,
      coalesce((select uid from users where id = found.sender_id), '') as publisher_uid
    from state left join found on true
    order by found.version, found.id`;
}

/** The person has seen these; others' and unknown ones are passed over. Other devices are told. */
export async function finishReminders(
  ctx: Ctx,
  { userId, uid, ids }: { userId: number; uid: string; ids: number[] },
): Promise<void> {
  const now = instant(ctx.now());
  const finished = await rows(
    ctx,
    sql`
      with versions as (
        ${
      nextVersions(
        sql`select ${userId}::bigint as user_id where exists (
          select 1 from reminders where user_id = ${userId} and done_at is null
            and id = any(${listOf(ids, "bigint")}))`,
        now,
      )
    }
      )
      update reminders set done_at = ${now}, version = versions.version from versions
      where reminders.user_id = versions.user_id and reminders.done_at is null
        and reminders.id = any(${listOf(ids, "bigint")})
      returning reminders.id`,
    { id: int8 },
  );
  if (finished.length > 0) tellSelf(ctx, { userId, uid }, { cmd: "syncReminders" });
}

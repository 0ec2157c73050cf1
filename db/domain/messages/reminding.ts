import { type SQL, sql } from "drizzle-orm";
import { MemberRole } from "../../schema/groups.ts";
import type { Term } from "../../sql.ts";
import { target } from "./channel.ts";
import { REMINDED_COUNT_MAX } from "./mention_rules.ts";
import { nextVersions } from "./sync_versions.ts";

/** The values of {@link reminding}. */
export interface RemindingValues {
  /** Everybody is meant. */
  mentionsAll: Term<boolean>;
  /** `listText` of those who are meant besides. */
  mentions: Term<string>;
}

/**
 * Reminders of a message for whom it names in its group, the sender aside, as `name as (…), …` in a
 * statement that has `target`, `verdict`, `message` and `boxed`; `reminded` has their `user_id`. In
 * a group that keeps a log only owner and managers remind everybody: it is a row for each.
 */
export function reminding(
  { mentionsAll, mentions }: RemindingValues,
  { sender, now }: { sender: SQL; now: SQL },
): SQL {
  const meantByAll = sql`${mentionsAll}::boolean and (
    exists (select 1 from verdict where verdict = 'sent') or exists (
      select 1 from group_members as mine where mine.group_id = ${target}
        and mine.user_id = ${sender} and mine.removed_at is null
        and mine.role <> ${MemberRole.member}))`;
  // Inboxes are locked first, all of them: nobody who has some waits for these.
  const people = sql`
    select user_id from meant where (select count(*) from boxed) >= 0`;
  return sql`meant as (
      select user_id from group_members
      where group_id = ${target} and removed_at is null and user_id is distinct from ${sender}
        and exists (select 1 from message)
        and (${meantByAll} or user_id in (
          select id from users where uid = any(${mentions}::text[])))
      order by user_id limit ${REMINDED_COUNT_MAX}
    ), versions as (${nextVersions(people, now)}), reminded as (
      insert into reminders (user_id, message_id, group_id, version)
      select versions.user_id, message.id, ${target}, versions.version from versions, message
      returning user_id
    )`;
}

import { type SQL, sql } from "drizzle-orm";
import { MemberRole } from "../../schema/groups.ts";
import { ChannelType } from "../../schema/messages.ts";
import { FILE_HELPER_UID, SYSTEM_UID } from "../../schema/users.ts";
import type { Kind } from "../errors.ts";
import { FAN_OUT_COUNT_MAX } from "./rules.ts";

/** Where a message goes: to a person, or to a group, by internal id or by the name clients use. */
export type Channel =
  | { type: typeof ChannelType.person; userId: number }
  | { type: typeof ChannelType.person; uid: string }
  | { type: typeof ChannelType.person; appId: number; appUid: number }
  | { type: typeof ChannelType.group; groupId: number }
  | { type: typeof ChannelType.group; groupNo: string }
  | { type: typeof ChannelType.group; appId: number; groupId: number };

/** What a statement's verdict means to the sender; a verdict that is not here is no refusal. */
export const VERDICTS: Record<string, Kind> = {
  blacklisted: "message_blacklisted",
  not_member: "group_not_member",
  forbidden: "group_forbidden",
  muted: "group_muted",
  missing: "channel_missing",
  disbanded: "group_disbanded",
};

/** The one the channel names, as `target(id)`: no row when there is nobody of that name. */
export function targetOf(channel: Channel): SQL {
  if ("uid" in channel) return sql`select id from users where uid = ${channel.uid}`;
  if ("groupNo" in channel) return sql`select id from groups where group_no = ${channel.groupNo}`;
  if ("appUid" in channel) {
    return sql`select id from users
      where app_id = ${channel.appId} and app_uid = ${channel.appUid}`;
  }
  if ("appId" in channel) {
    return sql`select id from groups where app_id = ${channel.appId} and id = ${channel.groupId}`;
  }
  const id = channel.type === ChannelType.person ? channel.userId : channel.groupId;
  return sql`select ${id}::bigint as id`;
}

/**
 * Whether what is said to one of `groups` is kept in a log that its members copy. Once logged,
 * always logged: in a group that has shrunk, what came into inboxes at once would overtake what
 * lies in the log.
 */
export const keepsLog = sql`(groups.is_super or groups.member_count > ${FAN_OUT_COUNT_MAX}
  or exists (select 1 from group_heads where group_heads.group_id = groups.id))`;

/** The channel's id, in a statement that begins with {@link targetOf}. */
export const target = sql`(select id from target)`;

/** What of a message decides on who hears it. */
export interface Speaking {
  /** Absent: the system speaks, and nobody's rules apply. */
  senderId?: number | undefined;
  channel: Channel;
  /** A partner's server speaks for the sender: rights within the app are its own business. */
  trusted?: boolean;
  /** Only these people receive it (and the sender); absent: everybody in the channel. */
  visibleTo?: number[];
  /** Those of `visibleTo` are out of the group already, by the transaction that tells them. */
  isFarewell?: boolean | undefined;
  /** False: the sender's own devices are not told (commands one person's act causes at another's). */
  copyToSender?: boolean;
}

/** What may be said where, and who hears it; for statements that begin with {@link targetOf}. */
export function channelParts(
  { senderId, channel, copyToSender = true, visibleTo, trusted = false, isFarewell = false }:
    Speaking,
  now: SQL,
) {
  const sender = sql`${senderId ?? null}::bigint`;
  if (channel.type === ChannelType.person) {
    return {
      verdict: sql`select case
        when not exists (select 1 from users where id = ${target} and (${sender} is null
          or app_id = (select app_id from users where id = ${sender}))) then 'missing'
        when ${trusted} then 'sent'
        when exists (select 1 from blocks where user_id = ${target}
          and blocked_id = ${sender}) then 'blacklisted'
        else 'sent' end as verdict`,
      // Nobody reads the inboxes of the built-in accounts, and everybody would wait for their locks.
      recipients: sql`select id as user_id from users
        where id = ${target} and uid not in (${SYSTEM_UID}, ${FILE_HELPER_UID})
        union select ${sender} where ${sender} is not null and ${copyToSender}`,
      // The receiver sees the sender's channel, the sender the receiver's.
      channelId: sql`case when user_id = ${target} then coalesce(${sender}, 0) else ${target} end`,
    };
  }
  const isSystem = trusted || senderId === undefined;
  return {
    verdict: sql`select case
        when found.id is null then 'missing'
        when found.disbanded_at is not null then 'disbanded'
        when ${isSystem} then found.sent
        when found.role is null then 'not_member'
        when found.role = ${MemberRole.member} and found.forbidden then 'forbidden'
        when found.muted_until > ${now} then 'muted'
        else found.sent end as verdict
      from (select 1) as one left join (
        select groups.id, groups.disbanded_at, groups.forbidden, mine.role, mine.muted_until,
          -- What only some may see cannot lie in a log that all members read.
          case when ${!visibleTo} and ${keepsLog} then 'logged' else 'sent' end as sent
        from groups left join group_members as mine on mine.group_id = groups.id
          and mine.user_id = ${sender} and mine.removed_at is null
        where groups.id = ${target}
      ) as found on true`,
    recipients: sql`select user_id from group_members
      where group_id = ${target} and (${isFarewell} or removed_at is null)
        and (${copyToSender} or user_id is distinct from ${sender})`,
    channelId: target,
  };
}

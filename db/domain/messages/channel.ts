import { type SQL, sql } from "drizzle-orm";
import type { LongInteger } from "../../../config/runtime/long_integer.ts";
import { MemberRole } from "../../schema/groups.ts";
import { ChannelType } from "../../schema/messages.ts";
import { FILE_HELPER_UID, SYSTEM_UID } from "../../schema/users.ts";
import type { Terms } from "../../sql.ts";
import type { Kind } from "../errors.ts";
import { FAN_OUT_COUNT_MAX } from "./rules.ts";

/** Where a message goes: to a person, or to a group, by internal id or by the name clients use. */
export type Channel =
  | { type: typeof ChannelType.person; userId: number }
  | { type: typeof ChannelType.person; uid: string }
  | { type: typeof ChannelType.person; appId: number; appUid: LongInteger }
  | { type: typeof ChannelType.group; groupId: number }
  | { type: typeof ChannelType.group; groupNo: string }
  | { type: typeof ChannelType.group; appId: number; groupId: LongInteger };

/** What a statement's verdict means to the sender; a verdict that is not here is no refusal. */
export const VERDICTS: Record<string, Kind> = {
  blacklisted: "message_blacklisted",
  not_member: "group_not_member",
  forbidden: "group_forbidden",
  muted: "group_muted",
  kept_out: "group_blacklisted",
  missing: "channel_missing",
  disbanded: "group_disbanded",
  unknown: "user_missing",
};

/** By what a channel is named: the part of it that a statement's text depends on. */
export type Naming =
  | "user_id"
  | "uid"
  | "app_uid"
  /** By the number in the app, of somebody in `people`. */
  | "person"
  | "group_id"
  | "group_no"
  | "app_group_id";

export function namingOf(channel: Channel): Naming {
  if (channel.type === ChannelType.person) {
    if ("uid" in channel) return "uid";
    return "appUid" in channel ? "app_uid" : "user_id";
  }
  if ("groupNo" in channel) return "group_no";
  return "appId" in channel ? "app_group_id" : "group_id";
}

export function channelTypeOf(naming: Naming): number {
  return naming.includes("group") ? ChannelType.group : ChannelType.person;
}

/** The values of a channel in statements of its {@link Naming}. */
export interface ChannelValues {
  /** The id, number or name. */
  called: LongInteger | string;
  /** The app within which it is one; null where it is one everywhere. */
  appId: number | null;
}

export function channelValuesOf(channel: Channel): ChannelValues {
  const appId = "appId" in channel ? channel.appId : null;
  if ("uid" in channel) return { called: channel.uid, appId };
  if ("groupNo" in channel) return { called: channel.groupNo, appId };
  if ("appUid" in channel) return { called: channel.appUid, appId };
  return { called: "userId" in channel ? channel.userId : channel.groupId, appId };
}

/** The one the channel names, as `target(id, …)`: no row when there is nobody of that name. */
export function targetOf(naming: Naming, { called, appId }: Terms<ChannelValues>): SQL {
  const person = sql`select id, uid, app_id from users where`;
  const group =
    sql`select id, group_no, is_super, member_count, forbidden, disbanded_at from groups where`;
  switch (naming) {
    case "user_id":
      return sql`${person} id = ${called}`;
    case "uid":
      return sql`${person} uid = ${called}`;
    case "app_uid":
      return sql`${person} app_id = ${appId} and app_uid = ${called}`;
    case "person":
      return sql`select id, uid from people where app_uid = ${called}`;
    case "group_id":
      return sql`${group} id = ${called}`;
    case "group_no":
      return sql`${group} group_no = ${called}`;
    case "app_group_id":
      return sql`${group} app_id = ${appId} and id = ${called}`;
  }
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

/** What of it the text of a statement depends on. */
export interface SpeakingShape {
  naming: Naming;
  /** Only some people receive it. */
  isForSome: boolean;
  /** Sender and receiver are of `people`, the sender as `speaker(id)`. */
  isNamed: boolean;
}

export interface SpeakingValues {
  senderId: number | null;
  /** Nobody's rules apply. */
  isSystem: boolean;
  trusted: boolean;
  isFarewell: boolean;
  copyToSender: boolean;
}

export function shapeOf({ channel, visibleTo }: Speaking): SpeakingShape {
  return { naming: namingOf(channel), isForSome: visibleTo !== undefined, isNamed: false };
}

export function speakingValuesOf(
  { senderId, trusted = false, isFarewell = false, copyToSender = true }: Omit<Speaking, "channel">,
): SpeakingValues {
  return {
    senderId: senderId ?? null,
    isSystem: trusted || senderId === undefined,
    trusted,
    isFarewell,
    copyToSender,
  };
}

/** Who speaks, in a statement of this shape. */
export function senderOf({ isNamed }: SpeakingShape, { senderId }: Terms<SpeakingValues>): SQL {
  return isNamed ? sql`(select id from speaker)` : sql`${senderId}::bigint`;
}

/** What may be said where, and who hears it; for statements that begin with {@link targetOf}. */
export function channelParts(shape: SpeakingShape, values: Terms<SpeakingValues>, now: SQL) {
  return channelTypeOf(shape.naming) === ChannelType.person
    ? personParts(shape, values)
    : groupParts(shape, values, now);
}

function personParts(shape: SpeakingShape, values: Terms<SpeakingValues>) {
  const sender = senderOf(shape, values);
  // Whom a partner names in one statement with the sender is of the sender's app.
  const isOfSendersApp = shape.isNamed
    ? sql`true`
    : sql`(${sender} is null or app_id = (select app_id from users where id = ${sender}))`;
  return {
    verdict: sql`select case
        ${unknownSender(shape)}
        when not exists (select 1 from target where ${isOfSendersApp}) then 'missing'
        when ${values.trusted} then 'sent'
        when exists (select 1 from blocks where user_id = ${target}
          and blocked_id = ${sender}) then 'blacklisted'
        else 'sent' end as verdict`,
    // Nobody reads the inboxes of the built-in accounts, and everybody would wait for their locks.
    recipients:
      sql`select id as user_id from target where uid not in (${SYSTEM_UID}, ${FILE_HELPER_UID})
        union select ${sender} where ${sender} is not null and ${values.copyToSender}`,
    // The receiver sees the sender's channel, the sender the receiver's.
    channelId: sql`case when user_id = ${target} then coalesce(${sender}, 0) else ${target} end`,
  };
}

function groupParts(shape: SpeakingShape, values: Terms<SpeakingValues>, now: SQL) {
  const sender = senderOf(shape, values);
  // What only some may see cannot lie in a log that all members read.
  const sent = shape.isForSome
    ? sql`'sent'`
    : sql`case when ${keepsLog} then 'logged' else 'sent' end`;
  return {
    verdict: sql`select case
        ${unknownSender(shape)}
        when groups.id is null then 'missing'
        when groups.disbanded_at is not null then 'disbanded'
        when ${values.isSystem} then ${sent}
        when mine.role is null then 'not_member'
        when mine.blacklisted_at is not null then 'kept_out'
        when mine.role = ${MemberRole.member} and groups.forbidden then 'forbidden'
        when mine.muted_until > ${now} then 'muted'
        else ${sent} end as verdict
      from (select 1) as one left join target as groups on true
      left join group_members as mine on mine.group_id = groups.id
        and mine.user_id = ${sender} and mine.removed_at is null`,
    recipients: sql`select user_id from group_members
      where group_id = ${target} and (${values.isFarewell} or removed_at is null)
        and (${values.copyToSender} or user_id is distinct from ${sender})`,
    channelId: target,
  };
}

function unknownSender({ isNamed }: SpeakingShape): SQL {
  return isNamed ? sql`when not exists (select 1 from speaker) then 'unknown'` : sql``;
}

import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { brokenConstraintOf } from "../../client/errors.ts";
import { MemberRole } from "../../schema/groups.ts";
import { ChannelType } from "../../schema/messages.ts";
import { FILE_HELPER_UID, SYSTEM_UID } from "../../schema/users.ts";
import { DomainError, type Kind } from "../errors.ts";
import { checkPayload, FAN_OUT_COUNT_MAX } from "./rules.ts";

/** Where a message goes: to a person, or to a group, by internal id or by the name clients use. */
export type Channel =
  | { type: typeof ChannelType.person; userId: number }
  | { type: typeof ChannelType.person; uid: string }
  | { type: typeof ChannelType.person; appId: number; appUid: number }
  | { type: typeof ChannelType.group; groupId: number }
  | { type: typeof ChannelType.group; groupNo: string }
  | { type: typeof ChannelType.group; appId: number; groupId: number };

export interface AcceptInput {
  /** Absent: the system speaks, and nobody's rules apply. */
  senderId: number | undefined;
  channel: Channel;
  /** The sender's own number of the message; sent again it is the same message. */
  clientMsgNo: string | undefined;
  /** JSON text with an integer `type`. */
  payload: string;
  /** Counts as unread. */
  redDot: boolean;
  syncOnce?: boolean;
  /** Only these people receive it (and the sender); absent: everybody in the channel. */
  visibleTo?: number[];
  /** A partner's server speaks for the sender: rights within the app are its own business. */
  trusted?: boolean;
  /** False: the sender's own devices are not told (commands one person's act causes at another's). */
  copyToSender?: boolean;
  /** False: it lies in the inboxes and changes nobody's list of conversations. */
  inConversations?: boolean;
}

/** One person's inbox got the message under this number. */
export interface Delivery {
  userId: number;
  seq: number;
}

export interface Accepted {
  messageId: number;
  /** The sender's own number of it; 0 for the system and for large groups. */
  senderSeq: number;
  createdAt: Date;
  /** Whether this was a repeat, which delivers nothing again. */
  repeated: boolean;
  /** Whom to wake, with the newest number of each. */
  deliveries: Delivery[];
  /** A large group whose log got the message instead; its members pull. */
  loggedInGroup: number | undefined;
}

/** What a statement's verdict means to the sender; a verdict that is not here is no refusal. */
export const VERDICTS: Record<string, Kind> = {
  blacklisted: "message_blacklisted",
  not_member: "group_not_member",
  forbidden: "group_forbidden",
  muted: "group_muted",
  missing: "channel_missing",
  disbanded: "group_disbanded",
};

/**
 * Takes a message in: the one way for sockets, partners, broadcasts and the system. Permission,
 * the check for a repeat, the message and an inbox row for everybody in the channel, numbered, are
 * one statement: either all of it happened or none. Inboxes are locked in the order of their
 * owners, so no two messages wait for each other.
 *
 * @throws {DomainError} `message_invalid`, `message_blacklisted`, `group_not_member`,
 *   `group_forbidden`, `group_muted`, `group_disbanded`, `channel_missing`
 */
export async function acceptMessage(ctx: Ctx, input: AcceptInput): Promise<Accepted> {
  checkPayload(input.payload);
  const rows = await runAccept(ctx, input);
  const { verdict } = rows[0]!;
  if (verdict in VERDICTS) throw new DomainError(VERDICTS[verdict]!);
  return acceptedOf(rows, input.senderId);
}

/** What an accepting statement's rows say, when its verdict is no refusal. */
export function acceptedOf(rows: AcceptRow[], senderId: number | undefined): Accepted {
  const { verdict, message_id, created_ms, target_id } = rows[0]!;
  const deliveries = rows.filter(({ user_id }) => user_id !== null)
    .map(({ user_id, seq }) => ({ userId: Number(user_id), seq: Number(seq) }));
  const repeated = verdict === "repeated";
  return {
    messageId: Number(message_id),
    senderSeq: deliveries.find(({ userId }) => userId === senderId)?.seq ?? 0,
    createdAt: new Date(Number(created_ms)),
    repeated,
    deliveries: repeated ? [] : deliveries,
    loggedInGroup: verdict === "logged" ? Number(target_id) : undefined,
  };
}

/** A row of an accepting statement: one for each inbox the message got into, at least one. */
export interface AcceptRow extends Record<string, unknown> {
  verdict: string;
  message_id: string | null;
  created_ms: string | null;
  /** The receiver's id, or the group's. */
  target_id: string | null;
  user_id: string | null;
  seq: string | null;
}

/** What comes before a message in the same statement. */
export interface Prelude {
  /** `name as (…), name as (…)`; may use `target(id)`, the channel's own. */
  ctes: SQL;
  /** Whether the message is to be sent at all. */
  happened: SQL;
  /** JSON text. */
  payload: SQL;
  /** What the statement answers besides, on each row. */
  columns: SQL;
}

/** A statement that does something and says so in a channel, as one. */
export function acceptStatementAfter(
  prelude: Prelude,
  input: Omit<AcceptInput, "payload">,
  at: Date,
): SQL {
  return acceptStatement({ ...input, payload: "" }, at, prelude);
}

async function runAccept(ctx: Ctx, input: AcceptInput): Promise<AcceptRow[]> {
  const statement = acceptStatement(input, ctx.now());
  try {
    return (await ctx.db.execute<AcceptRow>(statement)).rows;
  } catch (error) {
    // The same message came in twice at once; by now the other one is there to be found.
    if (brokenConstraintOf(error) !== "messages_once") throw error;
    return (await ctx.db.execute<AcceptRow>(statement)).rows;
  }
}

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

const target = sql`(select id from target)`;

/** What may be said where, and who hears it; for statements that begin with {@link targetOf}. */
export function channelParts(
  { senderId, channel, copyToSender = true, visibleTo, trusted = false }: Pick<
    AcceptInput,
    "senderId" | "channel" | "copyToSender" | "visibleTo" | "trusted"
  >,
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
      where group_id = ${target} and removed_at is null
        and (${copyToSender} or user_id is distinct from ${sender})`,
    channelId: target,
  };
}

function acceptStatement(input: AcceptInput, at: Date, prelude?: Prelude): SQL {
  const { senderId = null, channel, clientMsgNo = null, payload, redDot, visibleTo } = input;
  const now = sql`${at.toISOString()}::timestamptz`;
  const parts = channelParts(input, now);
  const [receiverId, groupId] = channel.type === ChannelType.person
    ? [target, sql`null::bigint`]
    : [sql`null::bigint`, target];
  const visible = visibleTo
    ? sql`and (user_id = any(${sql.param(`{${visibleTo.join(",")}}`)}::bigint[])
        or user_id = ${senderId})`
    : sql``;
  const after = prelude ? sql`, ${prelude.ctes}` : sql``;
  return sql`
    with target as materialized (
      ${targetOf(channel)}
    )${after}, prior as (
      select messages.id, messages.created_at, inbox.seq from messages
      left join inbox on inbox.message_id = messages.id and inbox.user_id = messages.sender_id
      where messages.sender_id = ${senderId} and messages.client_msg_no = ${clientMsgNo}
    ), verdict as (
      select case when not ${prelude?.happened ?? sql`true`} then 'nothing'
        when exists (select 1 from prior) then 'repeated'
        else allowed.verdict end as verdict from (${parts.verdict}) as allowed
    ), message as (
      insert into messages (channel_type, sender_id, receiver_id, group_id, client_msg_no, payload,
        red_dot, sync_once, is_logged, created_at)
      select ${channel.type}, ${senderId}::bigint, ${receiverId}, ${groupId},
        ${clientMsgNo}, ${prelude?.payload ?? payload}, ${redDot},
        ${input.syncOnce ?? false}, verdict = 'logged', ${now}
      from verdict where verdict in ('sent', 'logged')
      returning id, created_at
    ), log_head as (
      insert into group_heads (group_id, last_seq)
      select ${groupId}, 1 from verdict where verdict = 'logged'
      on conflict (group_id) do update set last_seq = group_heads.last_seq + 1
      returning last_seq
    ), logged as (
      insert into group_logs (group_id, seq, message_id)
      select ${groupId}, log_head.last_seq, message.id from log_head, message
    ), heads as (
      insert into inbox_heads (user_id, last_seq)
      select recipients.user_id, 1 from (${parts.recipients}) as recipients, verdict
      where verdict.verdict = 'sent' ${visible}
      order by recipients.user_id
      on conflict (user_id) do update set last_seq = inbox_heads.last_seq + 1
      returning user_id, last_seq
    ), boxed as (
      insert into inbox (user_id, seq, message_id, channel_type, channel_id)
      select user_id, last_seq, message.id, ${channel.type}, ${parts.channelId}
      from heads, message
      returning user_id, seq, channel_id
    ), listed as (
      insert into conversations (user_id, channel_type, channel_id, last_seq, unread_count, updated_at)
      select user_id, ${channel.type}, channel_id, seq,
        case when ${redDot} and user_id is distinct from ${senderId}::bigint then 1 else 0 end, ${now}
      from boxed where ${input.inConversations ?? true}
      on conflict (user_id, channel_type, channel_id) do update
        set last_seq = excluded.last_seq, updated_at = excluded.updated_at,
          unread_count = conversations.unread_count + excluded.unread_count
    )
    select verdict.verdict,
      coalesce(message.id, prior.id)::text as message_id,
      (extract(epoch from coalesce(message.created_at, prior.created_at)) * 1000)::bigint::text
        as created_ms,
      ${target}::text as target_id,
      coalesce(boxed.user_id, case when prior.seq is not null then ${senderId}::bigint end)::text
        as user_id,
      coalesce(boxed.seq, prior.seq)::text as seq${prelude ? sql`, ${prelude.columns}` : sql``}
    from verdict left join message on true left join prior on true left join boxed on true`;
}

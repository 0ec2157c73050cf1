import { type SQL, sql } from "drizzle-orm";
import { ChannelType } from "../../schema/messages.ts";
import { instant, milliseconds, type Terms } from "../../sql.ts";
import { enqueueSent } from "../outgoing/enqueue.ts";
import { hasNamedDevice, mayHaveDevices } from "../outgoing/push_targets.ts";
import {
  channelParts,
  channelTypeOf,
  type ChannelValues,
  senderOf,
  type SpeakingShape,
  type SpeakingValues,
  target,
  targetOf,
} from "./channel.ts";
import { copying, newsOf } from "./copy_log.ts";
import { reminding } from "./reminding.ts";
import { ownChannel } from "./own_devices.ts";
import { ontoConversation } from "./conversation_row.ts";

/** The values of an accepting statement. */
export interface AcceptValues extends SpeakingValues, ChannelValues {
  actorId: number | null;
  clientMsgNo: string | null;
  payload: string;
  contentType: number;
  redDot: boolean;
  syncOnce: boolean;
  setting: number;
  pushes: boolean;
  inConversations: boolean;
  ownReads: boolean;
  /** `listText`; empty unless only some receive it. */
  visibleTo: string;
  /** ISO 8601. */
  at: string;
  mentionsAll: boolean;
  /** `listText`. */
  mentions: string;
}

/** What of a message the text of its statement depends on. */
export interface AcceptShape extends SpeakingShape {
  /** It names people in a group, who are reminded of it. */
  reminds?: boolean;
}

/** What comes before a message in the same statement. */
export interface Prelude {
  /** `name as (…), name as (…)`; may use `target(id)`, the channel's own. */
  ctes: SQL;
  /** Whether the message is to be sent at all. */
  happened: SQL;
  /** JSON text, no command. */
  payload: SQL;
  /** The payload's `type`; absent: as given. */
  contentType?: SQL;
  /** What the statement answers besides, on each row. */
  columns: SQL;
}

type Given = Terms<AcceptValues>;

/**
 * Takes one message in and answers one row, `ACCEPT_COLUMNS`.
 *
 * @param before CTEs, each with a comma behind it; of a named shape `people` and `speaker`
 */
export function acceptStatement(
  shape: AcceptShape,
  given: Given,
  { prelude, before = sql`` }: { prelude?: Prelude; before?: SQL } = {},
): SQL {
  const type = channelTypeOf(shape.naming);
  const isToPerson = type === ChannelType.person;
  const sender = senderOf(shape, given);
  const now = instant(given.at);
  const { verdict } = channelParts(shape, given, now);
  const [receiverId, groupId] = isToPerson
    ? [target, sql`null::bigint`]
    : [sql`null::bigint`, target];
  return sql`
    with ${before} target as materialized (
      ${targetOf(shape.naming, given)}
    )${prelude ? sql`, ${prelude.ctes}` : sql``}, prior as (
      select messages.id, messages.created_at, inbox.seq from messages
      left join inbox on inbox.message_id = messages.id and inbox.user_id = messages.sender_id
      where messages.sender_id = ${sender} and messages.client_msg_no = ${given.clientMsgNo}
        and messages.${isToPerson ? sql`receiver_id` : sql`group_id`} = ${target}
    ), verdict as (
      select case when not ${prelude?.happened ?? sql`true`} then 'nothing'
        when exists (select 1 from prior) then 'repeated'
        else allowed.verdict end as verdict from (${verdict}) as allowed
    ), message as (
      insert into messages (channel_type, sender_id, receiver_id, group_id, client_msg_no, payload,
        content_type, actor_id, red_dot, sync_once, setting, is_logged, created_at)
      select ${type}::smallint, ${sender}, ${receiverId}, ${groupId},
        ${given.clientMsgNo}, ${prelude?.payload ?? given.payload},
        ${prelude?.contentType ?? given.contentType}, ${given.actorId},
        ${given.redDot}, ${given.syncOnce}, ${given.setting}::smallint, verdict = 'logged', ${now}
      from verdict where verdict in ('sent', 'logged')
      returning id, created_at
    ), ${isToPerson ? sql`` : logging}
    ${shape.isForSome && !isToPerson ? deliveryToSome(shape, given) : deliveryToAll(shape, given)},
    pushed as (${enqueueSent(toBePushed(isToPerson, given))})
    ${shape.reminds ? sql`, ${reminding(given, { sender, now })}` : sql``}
    select verdict.verdict, coalesce(message.id, prior.id) as message_id,
      ${milliseconds(sql`coalesce(message.created_at, prior.created_at)`)} as created_at,
      ${target} as target_id, prior.seq as prior_seq,
      ${isToPerson ? sql`null` : superSeq}::bigint as super_seq,
      (select string_agg(user_id || ':' || seq, ',') from boxed) as deliveries,
      ${shape.reminds ? sql`(select json_agg(user_id) from reminded)` : sql`null`} as reminded_ids,
      (${ownUnread({ senderId: sender, type, is: readsOwn(given) })}) as read
      ${prelude ? sql`, ${prelude.columns}` : sql``}
    from verdict left join message on true left join prior on true`;
}

/** The message, if somebody's device may have to be told of it; which members' a job finds out. */
function toBePushed(isToPerson: boolean, given: Given): SQL {
  return sql`select id, created_at from message
    where ${given.pushes}::boolean
      and ${isToPerson ? hasNamedDevice(target) : mayHaveDevices(target)}`;
}

/** Whether the sender has read the channel by it. */
const readsOwn = ({ ownReads, copyToSender, inConversations }: Given): SQL =>
  sql`${ownReads} and ${copyToSender} and ${inConversations}
    and verdict.verdict in ('sent', 'logged')`;

/** The sender's channel as an `OwnChannel`, if something is unread there before the statement. */
export function ownUnread(
  { senderId, type, is }: { senderId: SQL; type: number; is: SQL },
): SQL {
  const no = sql.raw(`target.${type === ChannelType.person ? "uid" : "group_no"}`);
  return sql`select ${ownChannel(sql`conversations.user_id`, { type, no })}
    from conversations join target on target.id = conversations.channel_id
    where conversations.user_id = ${senderId} and channel_type = ${type}::smallint
      and unread_count > 0 and ${is}`;
}

/** The message into a large group's log. */
const logging = sql`log_head as (
      insert into group_heads (group_id, last_seq)
      select ${target}, 1 from verdict where verdict = 'logged'
      on conflict (group_id) do update set last_seq = group_heads.last_seq + 1
      returning last_seq
    ), logged as (
      insert into group_logs (group_id, seq, message_id)
      select ${target}, log_head.last_seq, message.id from log_head, message
    ), `;

/** Its number in the log of a super group, by which partners' clients read it. */
const superSeq = sql`(select log_head.last_seq from log_head, target where target.is_super)`;

/** Whether `user_id` is one of those who may see it. */
function mayHear(shape: SpeakingShape, given: Given): SQL {
  if (!shape.isForSome) return sql`true`;
  const some = sql`${given.visibleTo}::bigint[]`;
  return sql`(user_id = any(${some}) or user_id = ${senderOf(shape, given)})`;
}

/** Whether it counts as unread for `user_id` (`countsFor`). */
function isUnread(shape: SpeakingShape, given: Given): SQL {
  return sql`(${given.redDot} and user_id is distinct from ${senderOf(shape, given)}
    and user_id is distinct from ${given.actorId})`;
}

/** Whether it is the own message of `user_id`, who so has read the channel. */
function isOwn(shape: SpeakingShape, given: Given): SQL {
  return sql`(${given.ownReads} and coalesce(user_id = ${senderOf(shape, given)}, false))`;
}

/** The message itself into inboxes, at once: of everybody, unless it lies in a log. */
function deliveryToAll(shape: SpeakingShape, given: Given): SQL {
  const type = channelTypeOf(shape.naming);
  const { recipients, channelId } = channelParts(shape, given, instant(given.at));
  return sql`heads as (
      insert into inbox_heads (user_id, last_seq)
      select recipients.user_id, 1 from (${recipients}) as recipients, verdict
      where verdict.verdict = 'sent' and ${mayHear(shape, given)}
      order by recipients.user_id
      on conflict (user_id) do update set last_seq = inbox_heads.last_seq + 1
      returning user_id, last_seq
    ), boxed as (
      insert into inbox (user_id, seq, message_id, channel_type, channel_id)
      select user_id, last_seq, message.id, ${type}::smallint, ${channelId}
      from heads, message
      returning user_id, seq, channel_id
    ), listed as (
      insert into conversations as known
        (user_id, channel_type, channel_id, last_seq, read_seq, unread_count, updated_at)
      select user_id, ${type}::smallint, channel_id, seq,
        case when ${isOwn(shape, given)} then seq else 0 end,
        case when ${isUnread(shape, given)} then 1 else 0 end, ${instant(given.at)}
      from boxed where ${given.inConversations}
      ${ontoConversation()}
    )`;
}

/**
 * The message into some members' inboxes, behind what the group has logged before it. Of a log
 * longer than one read copies the rest comes after it.
 */
function deliveryToSome(shape: SpeakingShape, given: Given): SQL {
  const now = instant(given.at);
  const { recipients } = channelParts(shape, given, now);
  const news = newsOf(sql`${mayHear(shape, given)} and group_members.group_id = ${target}
    and exists (select 1 from verdict where verdict = 'sent')`);
  const behind = sql`
    select user_id, ${target} as group_id, null::bigint as seq, message.id as message_id,
      ${isUnread(shape, given)} as is_unread, ${given.inConversations} as is_listed,
      ${isOwn(shape, given)} as is_own, message.id as place_id
    from (${recipients}) as recipients, message where ${mayHear(shape, given)}`;
  return sql`${copying({ news, now, behind })}, boxed as (
      select user_id, seq from copied where message_id = (select id from message)
    )`;
}

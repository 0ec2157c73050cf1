import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { brokenConstraintOf } from "../../client/errors.ts";
import { ChannelType } from "../../schema/messages.ts";
import {
  instant,
  int8,
  listOf,
  maybe,
  milliseconds,
  type Row,
  rows,
  text,
  time,
} from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { channelParts, type Speaking, target, targetOf, VERDICTS } from "./channel.ts";
import { copying, type Delivery, newsOf } from "./copy_log.ts";
import { checkPayload } from "./rules.ts";

export interface AcceptInput extends Speaking {
  senderId: number | undefined;
  /** The sender's own number of it in the channel; sent there again it is the same message. */
  clientMsgNo: string | undefined;
  /** JSON text with an integer `type`. */
  payload: string;
  /** Counts as unread. */
  redDot: boolean;
  syncOnce?: boolean;
  /** False: it lies in the inboxes and changes nobody's list of conversations. */
  inConversations?: boolean;
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
  const said = await runAccept(ctx, input);
  const { verdict } = said[0]!;
  if (verdict in VERDICTS) throw new DomainError(VERDICTS[verdict]!);
  return acceptedOf(said, input.senderId);
}

/** Columns of an accepting statement: a row for each inbox the message got into, at least one. */
export const ACCEPT_COLUMNS = {
  verdict: text,
  messageId: maybe(int8),
  createdAt: maybe(time),
  /** The receiver's id, or the group's. */
  targetId: maybe(int8),
  userId: maybe(int8),
  seq: maybe(int8),
};

type AcceptRow = Row<typeof ACCEPT_COLUMNS>;

/** What an accepting statement's rows say, when its verdict is no refusal. */
export function acceptedOf(said: AcceptRow[], senderId: number | undefined): Accepted {
  const { verdict, messageId, createdAt, targetId } = said[0]!;
  const deliveries = said.flatMap(({ userId, seq }) =>
    userId === undefined ? [] : [{ userId, seq: seq! }]
  );
  const repeated = verdict === "repeated";
  return {
    messageId: messageId!,
    senderSeq: deliveries.find(({ userId }) => userId === senderId)?.seq ?? 0,
    createdAt: createdAt!,
    repeated,
    deliveries: repeated ? [] : deliveries,
    loggedInGroup: verdict === "logged" ? targetId : undefined,
  };
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

/** What one message coming in twice breaks. */
const ONCE = ["messages_once_to_person", "messages_once_to_group"];

async function runAccept(ctx: Ctx, input: AcceptInput): Promise<AcceptRow[]> {
  const statement = acceptStatement(input, ctx.now());
  try {
    return await rows(ctx, statement, ACCEPT_COLUMNS);
  } catch (error) {
    // The same message came in twice at once; by now the other one is there to be found.
    if (!ONCE.includes(brokenConstraintOf(error)!)) throw error;
    return await rows(ctx, statement, ACCEPT_COLUMNS);
  }
}

function acceptStatement(input: AcceptInput, at: Date, prelude?: Prelude): SQL {
  const { senderId = null, channel, clientMsgNo = null, payload, redDot } = input;
  const { verdict } = channelParts(input, instant(at));
  const isToPerson = channel.type === ChannelType.person;
  const [receiverId, groupId] = isToPerson
    ? [target, sql`null::bigint`]
    : [sql`null::bigint`, target];
  const after = prelude ? sql`, ${prelude.ctes}` : sql``;
  const isForSome = input.visibleTo !== undefined && !isToPerson;
  return sql`
    with target as materialized (
      ${targetOf(channel)}
    )${after}, prior as (
      select messages.id, messages.created_at, inbox.seq from messages
      left join inbox on inbox.message_id = messages.id and inbox.user_id = messages.sender_id
      where messages.sender_id = ${senderId} and messages.client_msg_no = ${clientMsgNo}
        and messages.${isToPerson ? sql`receiver_id` : sql`group_id`} = ${target}
    ), verdict as (
      select case when not ${prelude?.happened ?? sql`true`} then 'nothing'
        when exists (select 1 from prior) then 'repeated'
        else allowed.verdict end as verdict from (${verdict}) as allowed
    ), message as (
      insert into messages (channel_type, sender_id, receiver_id, group_id, client_msg_no, payload,
        red_dot, sync_once, is_logged, created_at)
      select ${channel.type}, ${senderId}::bigint, ${receiverId}, ${groupId},
        ${clientMsgNo}, ${prelude?.payload ?? payload}, ${redDot},
        ${input.syncOnce ?? false}, verdict = 'logged', ${instant(at)}
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
    ), ${isForSome ? deliveryToSome(input, at) : deliveryToAll(input, at)}
    select verdict.verdict, coalesce(message.id, prior.id) as message_id,
      ${milliseconds(sql`coalesce(message.created_at, prior.created_at)`)} as created_at,
      ${target} as target_id,
      coalesce(boxed.user_id, case when prior.seq is not null then ${senderId}::bigint end)
        as user_id,
      coalesce(boxed.seq, prior.seq) as seq${prelude ? sql`, ${prelude.columns}` : sql``}
    from verdict left join message on true left join prior on true left join boxed on true`;
}

/** Whether `user_id` is one of those who may see it. */
function mayHear({ visibleTo, senderId }: AcceptInput): SQL {
  if (!visibleTo) return sql`true`;
  return sql`(user_id = any(${listOf(visibleTo, "bigint")}) or user_id = ${senderId ?? null})`;
}

/** The message itself into inboxes, at once: of everybody, unless it lies in a log. */
function deliveryToAll(input: AcceptInput, at: Date): SQL {
  const { senderId = null, channel, redDot } = input;
  const { recipients, channelId } = channelParts(input, instant(at));
  return sql`heads as (
      insert into inbox_heads (user_id, last_seq)
      select recipients.user_id, 1 from (${recipients}) as recipients, verdict
      where verdict.verdict = 'sent' and ${mayHear(input)}
      order by recipients.user_id
      on conflict (user_id) do update set last_seq = inbox_heads.last_seq + 1
      returning user_id, last_seq
    ), boxed as (
      insert into inbox (user_id, seq, message_id, channel_type, channel_id)
      select user_id, last_seq, message.id, ${channel.type}, ${channelId}
      from heads, message
      returning user_id, seq, channel_id
    ), listed as (
      insert into conversations (user_id, channel_type, channel_id, last_seq, unread_count, updated_at)
      select user_id, ${channel.type}, channel_id, seq,
        case when ${redDot} and user_id is distinct from ${senderId}::bigint then 1 else 0 end,
        ${instant(at)}
      from boxed where ${input.inConversations ?? true}
      on conflict (user_id, channel_type, channel_id) do update
        set last_seq = excluded.last_seq, updated_at = excluded.updated_at,
          unread_count = conversations.unread_count + excluded.unread_count
    )`;
}

/**
 * The message into some members' inboxes, behind what the group has logged before it. Of a log
 * longer than one read copies the rest comes after it.
 */
function deliveryToSome(input: AcceptInput, at: Date): SQL {
  const { senderId = null, redDot } = input;
  const { recipients } = channelParts(input, instant(at));
  const news = newsOf(sql`${mayHear(input)} and group_members.group_id = ${target}
    and exists (select 1 from verdict where verdict = 'sent')`);
  const behind = sql`
    select user_id, ${target} as group_id, null::bigint as seq, message.id as message_id,
      ${redDot} and user_id is distinct from ${senderId}::bigint as is_unread,
      ${input.inConversations ?? true} as is_listed, message.id as place_id
    from (${recipients}) as recipients, message where ${mayHear(input)}`;
  return sql`${copying({ news, at, behind })}, boxed as (
      select user_id, seq from copied where message_id = (select id from message)
    )`;
}

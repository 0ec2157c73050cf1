import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { built, int8, maybe, rows, type Terms, text, typed } from "../../sql.ts";
import { enqueueSent } from "../outgoing/enqueue.ts";
import { mayHaveDevices } from "../outgoing/push_targets.ts";
import { type Accepted, deliveriesIn } from "./accept.ts";
import { channelParts, target, targetOf } from "./channel.ts";
import { ownUnread } from "./accept_statement.ts";
import { ontoConversation } from "./conversation_row.ts";
import type { OwnChannel } from "./own_devices.ts";
import { checkPayload, handlingOf } from "./rules.ts";
import { isCommand } from "./seen.ts";

/** What one of a group's people says. */
export interface GroupSaying {
  senderId: number;
  clientMsgNo: string | undefined;
  /** JSON text with an integer `type`. */
  payload: string;
  redDot: boolean;
  syncOnce: boolean;
  setting: number;
  at: Date;
  /** The socket it came from, if from one. */
  fromSocket?: string | undefined;
}

/** What became of several messages. */
export interface AcceptedSeveral extends Pick<Accepted, "deliveries" | "loggedInGroup" | "reads"> {
  /** Of each what `Accepted` has, or a refusal. */
  each: { verdict: string; messageId: number; senderSeq: number }[];
}

/**
 * `acceptMessage` for several messages to one group, as one statement: each is allowed or refused,
 * found to be a repeat or numbered as it would be alone, in their order. Inboxes are locked, and
 * counted up, once for all of them. Nobody may say two of them under the same number.
 *
 * @throws {DomainError} `message_invalid`
 */
export async function acceptSeveral(
  ctx: Ctx,
  { groupNo, said }: { groupNo: string; said: readonly GroupSaying[] },
): Promise<AcceptedSeveral> {
  const sayings = said.map((one, place) => {
    const contentType = checkPayload(one.payload);
    const handling = handlingOf(contentType, { ...one, inConversations: true });
    return {
      place,
      sender_id: one.senderId,
      client_msg_no: one.clientMsgNo ?? null,
      payload: one.payload,
      content_type: contentType,
      red_dot: handling.redDot,
      sync_once: handling.syncOnce,
      setting: one.setting,
      at: one.at,
    };
  });
  const found = await rows(ctx, severalStatement({ groupNo, said: JSON.stringify(sayings) }), {
    verdict: text,
    messageId: maybe(int8),
    senderSeq: maybe(int8),
    targetId: maybe(int8),
    deliveries: maybe(deliveriesIn),
    read: maybe(typed<OwnChannel>()),
  });
  return {
    each: found.map(({ verdict, messageId = 0, senderSeq = 0 }) => ({
      verdict,
      messageId,
      senderSeq,
    })),
    deliveries: found[0]!.deliveries ?? [],
    reads: found.flatMap(({ read }, place) =>
      read ? [{ ...read, exceptSocket: said[place]!.fromSocket }] : []
    ),
    loggedInGroup: found.find(({ verdict }) => verdict === "logged")?.targetId,
  };
}

interface SeveralValues {
  groupNo: string;
  /** JSON. */
  said: string;
}

const severalStatement = built<SeveralValues>(({ groupNo, said }: Terms<SeveralValues>) => {
  const verdict = verdictOf(sql`said.sender_id`, sql`said.at`);
  const messageCount = sql`(select count(*) from message)`;
  return sql`
    with target as materialized (
      ${targetOf("group_no", { called: groupNo, appId: null })}
    ), said as materialized (
      select * from json_to_recordset(${said}::json) as said (place int, sender_id bigint,
        client_msg_no text, payload text, content_type int, red_dot boolean, sync_once boolean,
        setting smallint,
        at timestamptz)
    ), prior as (
      select said.place, known.id, inbox.seq from said cross join lateral (
        select id, sender_id from messages
        where messages.sender_id = said.sender_id and messages.client_msg_no = said.client_msg_no
          and messages.group_id = ${target}
        limit 1
      ) as known
      left join inbox on inbox.message_id = known.id and inbox.user_id = known.sender_id
    ), verdicts as materialized (
      select said.*, prior.id as prior_id, prior.seq as prior_seq,
        case when prior.id is not null then 'repeated' else allowed.verdict end as verdict
      from said left join prior on prior.place = said.place
      cross join lateral (${verdict}) as allowed
    ), message as (
      insert into messages (channel_type, sender_id, group_id, client_msg_no, payload, content_type,
        red_dot, sync_once, setting, is_logged, created_at)
      select ${ChannelType.group}::smallint, sender_id, ${target}, client_msg_no, payload,
        content_type, red_dot, sync_once, setting, verdict = 'logged', at
      from verdicts where verdict in ('sent', 'logged') order by place
      returning id, sender_id, content_type, red_dot, created_at
    ), numbered as materialized (
      -- Ids rise with the places, as rows are put in by place.
      select message.*, row_number() over (order by id) as number from message
    ), accepted as (
      select place, row_number() over (order by place) as number from verdicts
      where verdict in ('sent', 'logged')
    ), log_head as (
      insert into group_heads (group_id, last_seq)
      select ${target}, ${messageCount}
      where exists (select 1 from verdicts where verdict = 'logged')
      on conflict (group_id) do update set last_seq = group_heads.last_seq + excluded.last_seq
      returning last_seq
    ), logged as (
      insert into group_logs (group_id, seq, message_id)
      select ${target}, log_head.last_seq - ${messageCount} + number, id from log_head, numbered
    ), heads as (
      insert into inbox_heads (user_id, last_seq)
      select user_id, ${messageCount} from group_members
      where group_id = ${target} and removed_at is null
        and exists (select 1 from verdicts where verdict = 'sent')
      order by user_id
      on conflict (user_id) do update set last_seq = inbox_heads.last_seq + excluded.last_seq
      returning user_id, last_seq
    ), boxed as (
      insert into inbox (user_id, seq, message_id, channel_type, channel_id)
      select user_id, last_seq - ${messageCount} + number, id, ${ChannelType.group}::smallint,
        ${target}
      from heads, numbered
    ), listed as (
      insert into conversations as known
        (user_id, channel_type, channel_id, last_seq, read_seq, unread_count, updated_at)
      select heads.user_id, ${ChannelType.group}::smallint, ${target},
        heads.last_seq - ${messageCount} + told.last,
        case when own is null then 0 else heads.last_seq - ${messageCount} + own end,
        (select count(*) from numbered where red_dot and number > coalesce(own, 0)
          and numbered.sender_id is distinct from heads.user_id), told.at
      from heads cross join lateral (
        select max(number) as last, max(number) filter (where sender_id = heads.user_id) as own,
          max(created_at) as at
        from numbered where not ${isCommand("numbered")}
      ) as told where told.last is not null
      ${ontoConversation()}
    ), pushed as (
      ${
    enqueueSent(sql`select id, created_at from message
        where red_dot and ${mayHaveDevices(target)}`)
  }
    )
    select verdicts.verdict, coalesce(numbered.id, verdicts.prior_id) as message_id,
      ${target} as target_id,
      coalesce(verdicts.prior_seq, heads.last_seq - ${messageCount} + numbered.number) as sender_seq,
      case when verdicts.place = 0 then (
        select string_agg(user_id || ':' || last_seq, ',') from heads
      ) end as deliveries,
      (${
    ownUnread({
      senderId: sql`verdicts.sender_id`,
      type: ChannelType.group,
      is: sql`verdicts.verdict in ('sent', 'logged') and not ${isCommand("verdicts")}`,
    })
  }) as read
    from verdicts left join accepted on accepted.place = verdicts.place
    left join numbered on numbered.number = accepted.number
    left join heads on heads.user_id = numbered.sender_id
    order by verdicts.place`;
});

/** What a member's message to everybody in the group comes to. */
function verdictOf(senderId: SQL, at: SQL): SQL {
  const shape = { naming: "group_no", isForSome: false, isNamed: false } as const;
  const [yes, no] = [sql`true`, sql`false`];
  const values = { senderId, isSystem: no, trusted: no, isFarewell: no, copyToSender: yes };
  return channelParts(shape, values, at).verdict;
}

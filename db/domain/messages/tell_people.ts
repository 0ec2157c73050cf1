import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { BUILT_IN_UIDS, SYSTEM_UID } from "../../schema/users.ts";
import { maybe } from "../../sql.ts";
import { deliveriesIn } from "./accept.ts";
import { enqueueSent } from "../outgoing/enqueue.ts";
import { hasNamedDevice } from "../outgoing/push_targets.ts";
import { ontoConversation } from "./conversation_row.ts";
import type { Delivery } from "./copy_log.ts";
import { wake } from "./send.ts";

/** The id of the built-in account the house speaks through. */
export const systemAccount = sql`(select id from users where uid = ${SYSTEM_UID})`;

/**
 * What people are told within the statement that makes it happen, as `name as (…), name as (…)`:
 * either all of it happened or none. Nobody's rules apply, so no block stops it. A message lies in
 * the chat of both and is unread for who receives it; a built-in account keeps none. Inboxes are
 * locked in the order of their owners, however many messages there are for one.
 *
 * @param said rows `sender_id, receiver_id, payload`, people of the house and JSON text
 */
export function tellingPeople({ said, now }: { said: SQL; now: SQL }): SQL {
  return sql`notice as materialized (
      select nextval(pg_get_serial_sequence('messages', 'id')) as id, said.* from (${said}) as said
    ), message as (
      insert into messages (id, channel_type, sender_id, receiver_id, payload, content_type, red_dot,
        created_at)
      overriding system value
      select id, ${ChannelType.person}, sender_id, receiver_id, payload,
        (payload::json ->> 'type')::int, true, ${now}
      from notice
    ), fresh as materialized (
      select told.*, count(*) over (partition by user_id) as count,
        row_number() over (partition by user_id order by message_id) as place
      from (
        select receiver_id as user_id, sender_id as channel_id, id as message_id, true as is_unread
        from notice
        union all
        select sender_id, receiver_id, id, false from notice
        where sender_id not in (select id from users where uid in ${[...BUILT_IN_UIDS]})
      ) as told
    ), heads as (
      insert into inbox_heads (user_id, last_seq)
      select user_id, count(*) from fresh group by user_id order by user_id
      on conflict (user_id) do update set last_seq = inbox_heads.last_seq + excluded.last_seq
      returning user_id, last_seq
    ), numbered as (
      select fresh.*, heads.last_seq - fresh.count + fresh.place as seq
      from fresh join heads on heads.user_id = fresh.user_id
    ), boxed as (
      insert into inbox (user_id, seq, message_id, channel_type, channel_id)
      select user_id, seq, message_id, ${ChannelType.person}, channel_id from numbered
    ), listed as (
      insert into conversations as known
        (user_id, channel_type, channel_id, last_seq, unread_count, updated_at)
      select user_id, ${ChannelType.person}, channel_id, max(seq),
        count(*) filter (where is_unread), ${now}
      from numbered group by user_id, channel_id
      ${ontoConversation()}
    ), pushed as (
      ${
    enqueueSent(sql`select id, ${now} as created_at from notice
        where ${hasNamedDevice(sql`notice.receiver_id`)}`)
  }
    )`;
}

/** What such a statement answers besides: whom it has told. */
export const toldColumn = sql`(
  select string_agg(user_id || ':' || last_seq, ',') from heads) as told`;
export const TOLD_COLUMNS = { told: maybe(deliveriesIn) };

/** Wakes whom a statement has told. */
export function wakeTold(ctx: Ctx, { told = [] }: { told: Delivery[] | undefined }): void {
  wake(ctx, { deliveries: told, loggedInGroup: undefined });
}

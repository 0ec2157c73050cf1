import { sql } from "drizzle-orm";
import type { LongInteger } from "../../../config/runtime/long_integer.ts";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { int8, rows } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { HISTORY_COUNT_MAX, LOOKED_AT_COUNT_MAX } from "./rules.ts";
import { loggedFor, shownOf } from "./shown.ts";

export interface CountOfflineInput {
  tenantId: number;
  /** The person themselves; absent: the app's server asks about one of its people. */
  userId?: number | undefined;
  /** The app whose customer it is; absent: whichever. */
  appId?: number | undefined;
  /** The partner's own id of a customer. */
  customerId?: string | undefined;
  /** The person's number in the app. */
  appUid?: LongInteger | undefined;
}

/**
 * How many messages of others somebody has not fetched yet, nor been shown as history,
 * {@link HISTORY_COUNT_MAX} at most. All that is said of the person must be true of them.
 *
 * @throws {DomainError} `params_invalid` when nothing is said, `customer_missing`
 */
export async function countOffline(ctx: Ctx, input: CountOfflineInput): Promise<number> {
  const statement = sql`
    with person as materialized (
      select id from users where ${personIs(input)} and deleted_at is null limit 1
    ), read_logs as materialized (${readLogs})
    select (select count(*) from (
      (select 1 from (${shownOf(me, unfetched)}) as shown where sender_id is distinct from ${me}
        limit ${HISTORY_COUNT_MAX})
      union all
      (select 1 from (${shownOf(me, loggedFor(me, unreadLog))}) as shown
        where sender_id is distinct from ${me} limit ${HISTORY_COUNT_MAX})
      limit ${HISTORY_COUNT_MAX}
    ) as unread) as count
    from person`;
  const [person] = await rows(ctx, statement, { count: int8 });
  if (!person) throw new DomainError("customer_missing");
  return person.count;
}

const me = sql`(select id from person)`;

/** The newest message of each super group whose log a partner's client has read by itself. */
const readLogs = sql`
  select group_members.group_id, newest.message_id
  from group_members cross join lateral (
    select message_id from group_logs
    where group_logs.group_id = group_members.group_id
      and group_logs.seq <= group_members.synced_seq
    order by group_logs.seq desc limit 1
  ) as newest
  where group_members.user_id = ${me} and group_members.synced_seq > 0`;

const unfetched = sql`
  select message_id, seq, channel_type, channel_id, deleted_at from inbox
  where user_id = ${me} and seq > coalesce((
    select greatest(acked_seq, shown_seq) from inbox_heads
    where inbox_heads.user_id = ${me}), 0)
    and not (channel_type = ${ChannelType.group} and exists (
      select 1 from read_logs where read_logs.group_id = inbox.channel_id
        and read_logs.message_id >= inbox.message_id))
  order by seq desc limit ${LOOKED_AT_COUNT_MAX}`;

/** A partner's client may have read a super group's log by itself. */
const unreadLog = sql`greatest(group_members.log_seq, group_members.synced_seq,
  group_members.shown_seq)`;

function personIs({ tenantId, userId, appId, customerId, appUid }: CountOfflineInput) {
  const ofApp = appId === undefined ? sql`` : sql`and customers.app_id = ${appId}`;
  const known = [
    ...userId === undefined ? [] : [sql`users.id = ${userId}`],
    ...appUid === undefined ? [] : [sql`users.app_uid = ${appUid}`],
    ...customerId === undefined ? [] : [
      sql`users.id in (select customers.user_id from customers
        where customers.customer_id = ${customerId} ${ofApp})`,
    ],
  ];
  if (known.length === 0) {
    throw new DomainError("params_invalid", { message: "请填写顾客编号或用户" });
  }
  return sql.join([sql`users.app_id = ${tenantId}`, ...known], sql` and `);
}

import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { isRedisAway } from "../../redis/client.ts";
import { readDeviceFlags } from "../../redis/presence.ts";
import { SYSTEM_UID } from "../../schema/users.ts";
import { bool, built, instant, int8, maybe, rows, type Terms, text } from "../../sql.ts";
import { type Claim, postponeWork } from "../outgoing/claims.ts";
import { isReachable } from "./reachable.ts";
import { BADGE_MAX, isAway, isForPeople } from "./rules.ts";

/** Members of one group looked at by one statement. */
const MEMBER_COUNT = 1_000;
/** When Redis is looked for again, ms. */
const REDIS_WAIT_MS = 10_000;

export interface FannedOut {
  /** Pushes that were entered. */
  enteredCount: number;
  /** Messages that wait for Redis, which alone knows who is there. */
  waitingCount: number;
  /** Some of the groups have members left to look at. */
  goesOn: boolean;
}

/**
 * Enters a push for each person whom one of these messages reached and who is away: no socket of
 * the app on their phone. Of a group it looks at a bounded number of members at a time; the place
 * reached is committed together with the pushes and the badges they show, so nobody is told twice
 * however often this dies on the way. Messages taken back by now are nobody's business.
 */
export async function fanOutMessages(
  ctx: Ctx,
  claims: Claim<"message_sent">[],
  { memberCount = MEMBER_COUNT }: { memberCount?: number } = {},
): Promise<FannedOut> {
  const parts = await readParts(ctx, claims, memberCount);
  const meant = parts.filter(({ payload }) => isForPeople(payload));
  const away = await awayAmong(ctx, meant).catch(async (error) => {
    if (!isRedisAway(error)) throw error;
    await postponeWork(ctx, claims, REDIS_WAIT_MS);
  });
  if (!away) return { enteredCount: 0, waitingCount: claims.length, goesOn: false };
  const going = new Map(
    meant.flatMap(({ workId, lastId, isLast }) => isLast ? [] : [[workId, lastId]]),
  );
  const works = claims.map(({ id, fence }) => ({
    id,
    fence,
    after: going.get(id) ?? null,
    is_last: !going.has(id),
  }));
  const values = {
    works: JSON.stringify(works),
    away: JSON.stringify(away),
    at: ctx.now().toISOString(),
  };
  const [entered] = await rows(ctx, enteringStatement(values), { count: int8 });
  return { enteredCount: entered!.count, waitingCount: 0, goesOn: going.size > 0 };
}

interface Part {
  workId: number;
  messageId: number;
  payload: string;
  /** The last member looked at. */
  lastId: number | undefined;
  isLast: boolean;
  heard: Heard[];
}

interface Heard {
  userId: number;
  yields: boolean;
}

/** `7:true,8:false` */
const heardIn = (answered: unknown): Heard[] =>
  String(answered).split(",").map((one) => {
    const [userId, yields] = one.split(":");
    return { userId: Number(userId), yields: yields === "true" };
  });

async function readParts(
  ctx: Ctx,
  claims: Claim<"message_sent">[],
  memberCount: number,
): Promise<Part[]> {
  const works = claims.map(({ id, payload }) => ({
    id,
    message_id: payload.messageId,
    after: payload.after ?? 0,
  }));
  const values = { works: JSON.stringify(works), memberCount, at: ctx.now().toISOString() };
  const found = await rows(ctx, partsStatement(values), {
    workId: int8,
    messageId: int8,
    payload: text,
    lastId: maybe(int8),
    isLast: bool,
    heard: maybe(heardIn),
  });
  return found.map((part) => ({ ...part, heard: part.heard ?? [] }));
}

interface PartsValues {
  /** JSON. */
  works: string;
  memberCount: number;
  at: string;
}

/** One row for each message that is there still, with those of its next hearers who want pushes. */
const partsStatement = built<PartsValues>(({ works, memberCount, at }) =>
  sql`
  with said as materialized (
    select work.id as work_id, work.after, messages.* from
      jsonb_to_recordset(${works}::jsonb) as work (id bigint, message_id bigint, after bigint)
    cross join lateral (
      select id, sender_id, receiver_id, group_id, is_logged, created_at, payload from messages
      where messages.id = work.message_id and revoked_at is null limit 1
    ) as messages
  ), heard as materialized (
    select work_id, receiver_id as user_id, true as hears from said where group_id is null
    union all
    select said.work_id, member.user_id, member.hears from said cross join lateral (
      -- Who left after it was said has it as well; who came later has not.
      select user_id, case when said.is_logged
          then removed_at is null and joined_at <= said.created_at
          else exists (select from inbox where inbox.user_id = group_members.user_id
            and inbox.message_id = said.id) end as hears
      from group_members where group_id = said.group_id and user_id > said.after
      order by user_id limit ${memberCount}
    ) as member
  ), part as (
    select heard.work_id, count(*) as count, max(heard.user_id) as last_id,
      string_agg(wanting.id || ':' || wanting.yields, ',') filter (where wanting.id is not null)
        as heard
    from heard join said on said.work_id = heard.work_id
    left join lateral (${wantingPush(at)}) as wanting
      on heard.hears and heard.user_id is distinct from said.sender_id
    group by heard.work_id
  )
  select said.work_id, said.id as message_id, said.payload, part.last_id, part.heard,
    said.group_id is null or coalesce(part.count, 0) < ${memberCount} as is_last
  from said left join part on part.work_id = said.work_id`
);

/** The hearer, if they have a device, want to be told, and have silenced nobody concerned. */
function wantingPush(at: PartsTerms["at"]): SQL {
  const peer = sql`coalesce(said.sender_id, (select id from users where uid = ${SYSTEM_UID}))`;
  return sql`
    select users.id, users.phone_muted or coalesce(account.mute_of_app, false) as yields
    from users left join chat_accounts as account on account.user_id = users.id
    left join push_targets as target on target.user_id = users.id
    where users.id = heard.user_id and coalesce(account.new_msg_notice, true)
      and ${isReachable(instant(at))}
      and not exists (select from blocks
        where blocks.user_id = users.id and blocks.blocked_id = said.sender_id)
      and not case when said.group_id is null
        then exists (select from peer_settings as mine
          where mine.user_id = users.id and mine.peer_id = ${peer} and mine.mute)
        else exists (select from group_settings as mine
          where mine.user_id = users.id and mine.group_id = said.group_id and mine.mute) end
    limit 1`;
}

type PartsTerms = Terms<PartsValues>;

async function awayAmong(ctx: Ctx, parts: Part[]) {
  const userIds = new Set(parts.flatMap(({ heard }) => heard.map(({ userId }) => userId)));
  const flags = await readDeviceFlags(ctx, [...userIds]);
  return parts.flatMap(({ workId, messageId, heard }) =>
    heard.filter(({ userId, yields }) => isAway(flags.get(userId), yields))
      .map(({ userId }) => ({ work_id: workId, message_id: messageId, user_id: userId }))
  );
}

interface EnteringValues {
  /** JSON. */
  works: string;
  away: string;
  at: string;
}

/** Of work that went to somebody else meanwhile nothing is entered. */
const enteringStatement = built<EnteringValues>(({ works, away, at }) =>
  sql`
  with ours as materialized (
    select pending_work.id, given.after, given.is_last from pending_work join
      jsonb_to_recordset(${works}::jsonb)
        as given (id bigint, fence int, after bigint, is_last boolean)
      on given.id = pending_work.id and given.fence = pending_work.fence
    where done_at is null and dead_at is null
    order by pending_work.id for update of pending_work
  ), away as materialized (
    select given.message_id, given.user_id,
      row_number() over (partition by given.user_id order by given.message_id) as place
    from jsonb_to_recordset(${away}::jsonb)
      as given (work_id bigint, message_id bigint, user_id bigint)
    join ours on ours.id = given.work_id
  ), held as materialized (
    select user_id, badge from chat_accounts where user_id in (select user_id from away)
    order by user_id for no key update
  ), counted as (
    update chat_accounts set badge = least(held.badge + more.count, ${BADGE_MAX})
    from held join (
      select user_id, count(*)::int as count from away group by user_id
    ) as more on more.user_id = held.user_id
    where chat_accounts.user_id = held.user_id
  ), entered as (
    insert into pending_work (kind, payload, created_at, due_at)
    select 'message_push', jsonb_build_object('messageId', message_id, 'userId', away.user_id,
      'badge', least(held.badge + place, ${BADGE_MAX})), ${instant(at)}, ${instant(at)}
    from away left join held on held.user_id = away.user_id
    order by message_id, away.user_id
    returning id
  ), gone_on as (
    update pending_work set due_at = ${instant(at)}, attempt_count = 0, last_error = null,
      payload = pending_work.payload || jsonb_build_object('after', ours.after)
    from ours where pending_work.id = ours.id and not ours.is_last
  ), ended as (
    delete from pending_work using ours where pending_work.id = ours.id and ours.is_last
  )
  select count(*) as count from entered`
);

import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { BUILT_IN_UIDS } from "../../schema/users.ts";
import { instant, int8, listOf, rows, text } from "../../sql.ts";

export interface PairedPerson {
  userId: number;
  uid: string;
  name: string;
}

/**
 * Locks two people in the order of their ids, until the transaction ends: who begins or ends a
 * friendship with somebody takes turns.
 * @param otherId the other person's id, as a value or a subquery
 * @returns undefined when the other one is nobody, or the same person
 */
export async function lockPair(
  ctx: Ctx,
  { userId, otherId }: { userId: number; otherId: SQL },
): Promise<{ own: PairedPerson; other: PairedPerson } | undefined> {
  const statement = sql`select id as user_id, uid, nickname as name from users
    where id = ${userId} or id = ${otherId} order by id for no key update`;
  const people = await rows(ctx, statement, { userId: int8, uid: text, name: text });
  const own = people.find((person) => person.userId === userId);
  const other = people.find((person) => person.userId !== userId);
  return own && other ? { own, other } : undefined;
}

/**
 * As rows `user_id, at`: for each of these people a time later than that of any of their friend
 * rows, usually now. Their heads are locked from here on, in the order of their ids.
 * @param rowCount how many of a person's rows change; the last of them gets the time, those before
 *   it the milliseconds before it
 */
export function movedHeads(at: Date, people: number[], rowCount = 1): SQL {
  const last = new Date(at.getTime() + rowCount - 1);
  return sql`
    insert into friend_heads as known (user_id, changed_at)
    select user_id, ${instant(last)} from unnest(${listOf(people, "bigint")}) as user_id
    order by user_id
    on conflict (user_id) do update set changed_at = greatest(excluded.changed_at,
      known.changed_at + ${rowCount}::int * interval '1 millisecond')
    returning user_id, changed_at as at`;
}

/**
 * Makes two locked people friends, or friends again: two rows, whose times are the keys their syncs
 * find them by. Call {@link lockPair} first, in the same transaction.
 */
export async function placeFriendship(ctx: Ctx, pair: [number, number]): Promise<void> {
  const [one, other] = pair;
  await ctx.db.execute(sql`
    with changed as (${movedHeads(ctx.now(), pair)})
    insert into friends (user_id, friend_id, created_at, updated_at)
    select sides.user_id, sides.friend_id, changed.at, changed.at
    from (values (${one}::bigint, ${other}::bigint), (${other}, ${one}))
      as sides (user_id, friend_id) join changed on changed.user_id = sides.user_id
    on conflict (user_id, friend_id) do update
      set is_deleted = false, updated_at = excluded.updated_at`);
}

/**
 * On the person's side alone: nobody reads the other, and every newcomer would write there.
 * @returns their ids by uid
 */
export async function placeBuiltInFriends(ctx: Ctx, userId: number): Promise<Map<string, number>> {
  const statement = sql`
    with built_in as (
      select id, uid, (row_number() over (order by id desc) - 1) * interval '1 millisecond' as sooner
      from users where uid in ${[...BUILT_IN_UIDS]}
    ), changed as (
      ${movedHeads(ctx.now(), [userId], BUILT_IN_UIDS.length)}
    ), placed as (
      insert into friends (user_id, friend_id, created_at, updated_at)
      select ${userId}::bigint, built_in.id, changed.at - built_in.sooner,
        changed.at - built_in.sooner
      from built_in, changed
      order by built_in.id
      on conflict (user_id, friend_id) do nothing
    )
    select id, uid from built_in`;
  const built = await rows(ctx, statement, { id: int8, uid: text });
  return new Map(built.map(({ id, uid }) => [uid, id]));
}

import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { BUILT_IN_UIDS } from "../../schema/users.ts";
import { instant, int8, rows, text } from "../../sql.ts";

export interface PairedPerson {
  userId: number;
  uid: string;
  name: string;
}

/**
 * Locks two people in the order of their ids, until the transaction ends: whatever changes a
 * person's friends takes turns, so the times of their rows rise in the order they are committed.
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

/** A time later than that of any friend row of these people, who are locked; usually now. */
export function nextFriendTime(at: Date, people: number[]): SQL {
  const newest = people.map((userId) =>
    sql`(select max(updated_at) from friends
    where user_id = ${userId}) + interval '1 millisecond'`
  );
  return sql`greatest(${sql.join([instant(at), ...newest], sql`, `)})`;
}

/**
 * Makes two locked people friends, or friends again: two rows with one time, which is the key
 * their syncs find them by. Call {@link lockPair} first, in the same transaction.
 */
export async function placeFriendship(ctx: Ctx, pair: [number, number]): Promise<void> {
  const [one, other] = pair;
  await ctx.db.execute(sql`
    with changed as (select ${nextFriendTime(ctx.now(), pair)} as at)
    insert into friends (user_id, friend_id, created_at, updated_at)
    select sides.user_id, sides.friend_id, changed.at, changed.at
    from changed, (values (${one}::bigint, ${other}::bigint), (${other}, ${one}))
      as sides (user_id, friend_id)
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
      select id, uid, (row_number() over (order by id) - 1) * interval '1 millisecond' as later
      from users where uid in ${[...BUILT_IN_UIDS]}
    ), placed as (
      insert into friends (user_id, friend_id, created_at, updated_at)
      select ${userId}::bigint, built_in.id, changed.at + built_in.later,
        changed.at + built_in.later
      from built_in, (select ${nextFriendTime(ctx.now(), [userId])} as at) as changed
      order by built_in.id
      on conflict (user_id, friend_id) do nothing
    )
    select id, uid from built_in`;
  const built = await rows(ctx, statement, { id: int8, uid: text });
  return new Map(built.map(({ id, uid }) => [uid, id]));
}

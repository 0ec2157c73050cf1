import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client.ts";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { UserStatus } from "../../schema/users.ts";
import { moment } from "../moments.ts";

/** One of two people whose friendship is about to change. */
export interface PairedPerson {
  userId: number;
  uid: string;
  name: string;
}

interface PairRow extends Record<string, unknown> {
  id: string;
  uid: string;
  nickname: string;
}

/**
 * Locks two people in the order of their ids, until the transaction ends: whatever changes a
 * person's friends takes turns, so the times of their rows rise in the order they are committed.
 *
 * @param otherId the other person's id, as a value or a subquery
 * @returns undefined when the other one is nobody, or the same person
 */
export async function lockPair(
  ctx: Ctx,
  { userId, otherId }: { userId: number; otherId: SQL },
): Promise<{ own: PairedPerson; other: PairedPerson } | undefined> {
  const { rows } = await ctx.db.execute<PairRow>(sql`
    select id::text, uid, nickname from users where id = ${userId} or id = ${otherId}
    order by id for no key update`);
  const people = rows.map(({ id, uid, nickname }) => ({ userId: Number(id), uid, name: nickname }));
  const own = people.find((person) => person.userId === userId);
  const other = people.find((person) => person.userId !== userId);
  return own && other ? { own, other } : undefined;
}

/** A time later than that of any friend row of either person, who are locked; usually now. */
export function nextFriendTime(at: Date, [one, other]: [number, number]): SQL {
  const newest = (userId: number) =>
    sql`(select max(updated_at) from friends
    where user_id = ${userId}) + interval '1 millisecond'`;
  return sql`greatest(${moment(at)}, ${newest(one)}, ${newest(other)})`;
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

/** People the chat app knows of, in a query over `users`: of the house, not deleted. */
export const chatPeople = sql`users.app_id = ${sql.raw(String(HOUSE_APP_ID))}
  and users.status <> ${sql.raw(String(UserStatus.deleted))}`;

import { type SQL, sql } from "drizzle-orm";
import type { Term } from "../../sql.ts";
import { known } from "../users/who_is_there.ts";

/**
 * The person of a uid as `id` and `refusal`: money goes to friends alone. Friends on both sides, so
 * none to the built-in accounts, which could never receive it.
 */
export function payeeOf({ userId, uid }: { userId: Term<number>; uid: Term<string> }): SQL {
  return sql`select users.id, case
      when users.id = ${userId}::bigint then 'self_refused'
      when (select count(*) from friends where not is_deleted
        and ((user_id = ${userId} and friend_id = users.id)
          or (user_id = users.id and friend_id = ${userId}))) < 2 then 'friend_missing'
      end as refusal
    from users where users.uid = ${uid} and ${known}`;
}

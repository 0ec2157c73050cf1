import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { brokenConstraintOf, retry, sqlStateOf } from "../../client/errors.ts";
import { instant } from "../../sql.ts";

const RACE_COUNT_MAX = 5;
const DEADLOCK_DETECTED = "40P01";

/**
 * From now on this person is reached at this device. A device speaks for one person and a person
 * is reached at one device, so both are taken from whomever and whatever they belonged to, in either
 * app. It is the person's until the session ends that says so.
 */
export async function registerPushTarget(
  ctx: Ctx,
  { userId, jpushId, tokenHash }: { userId: number; jpushId: string; tokenHash: string },
): Promise<void> {
  // Rows are locked in the order of people before anything changes: two people who swap devices
  // would otherwise wait for each other. Reading "freed" makes the other's row go first.
  const statement = sql`
    with locked as (
      select user_id from push_targets where user_id = ${userId} or jpush_id = ${jpushId}
      order by user_id for update
    ), freed as (
      delete from push_targets where jpush_id = ${jpushId} and user_id <> ${userId}
        and (select count(*) from locked) >= 0
      returning user_id
    ), taken_from_chat as (
      update chat_accounts set device_token = null, device_type = null, bundle_id = null,
        device_session_id = null
      where device_token = ${jpushId} and user_id <> ${userId}
    )
    insert into push_targets (user_id, jpush_id, session_id, updated_at)
    select ${userId}::bigint, ${jpushId}::text,
      (select id from sessions where token_hash = ${tokenHash}), ${instant(ctx.now())}
    where (select count(*) from freed) >= 0
    on conflict (user_id)
      do update set jpush_id = excluded.jpush_id, session_id = excluded.session_id,
        updated_at = excluded.updated_at`;
  await retry(async () => await ctx.db.execute(statement), {
    // Somebody else registered the device a moment ago, unseen by this statement's snapshot.
    isLost: (error) =>
      brokenConstraintOf(error) === "push_targets_jpushId_unique" ||
      sqlStateOf(error) === DEADLOCK_DETECTED,
    countMax: RACE_COUNT_MAX,
  });
}

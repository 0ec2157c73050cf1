import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { brokenConstraintOf, retry, sqlStateOf } from "../../client/errors.ts";
import { ensureChatAccount } from "./account.ts";

const RACE_COUNT_MAX = 5;
const DEADLOCK_DETECTED = "40P01";

export interface RegisterDeviceInput {
  userId: number;
  /** Of the session that asks: the device is the person's until it ends. */
  tokenHash: string;
  device: { token: string; type: string; bundleId: string };
}

/**
 * From now on this person's pushes go to this device. A device speaks for one person and a person
 * has one, so both are taken from whomever and whatever they belonged to, in either app.
 * @throws {DomainError} `account_missing`
 */
export async function registerDevice(ctx: Ctx, input: RegisterDeviceInput): Promise<void> {
  if (await register(ctx, input)) return;
  await ensureChatAccount(ctx, input.userId);
  await register(ctx, input);
}

/** @returns false: the person has no chat account yet */
async function register(
  ctx: Ctx,
  { userId, tokenHash, device: { token, type, bundleId } }: RegisterDeviceInput,
): Promise<boolean> {
  // Rows are locked in the order of people before anything changes: two people who swap devices
  // would otherwise wait for each other. Reading "freed" makes the other's row go first.
  const statement = sql`
    with locked as (
      select user_id from chat_accounts where user_id = ${userId} or device_token = ${token}
      order by user_id for update
    ), freed as (
      update chat_accounts set device_token = null, device_type = null, bundle_id = null,
        device_session_id = null
      where device_token = ${token} and user_id <> ${userId}
        and (select count(*) from locked) >= 0
      returning user_id
    ), taken_from_gateway as (
      delete from push_targets where jpush_id = ${token} and user_id <> ${userId}
    )
    update chat_accounts set device_token = ${token}, device_type = ${type},
      bundle_id = ${bundleId},
      device_session_id = (select id from sessions where token_hash = ${tokenHash})
    where user_id = ${userId} and (select count(*) from freed) >= 0
    returning user_id`;
  const { rows } = await retry(async () => await ctx.db.execute(statement), {
    // Somebody else named the device a moment ago, unseen by this statement's snapshot.
    isLost: (error) =>
      brokenConstraintOf(error) === "chat_accounts_device" ||
      sqlStateOf(error) === DEADLOCK_DETECTED,
    countMax: RACE_COUNT_MAX,
  });
  return rows.length > 0;
}

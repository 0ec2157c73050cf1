import { type SQL, sql } from "drizzle-orm";
import type { Keys } from "../../../config/keys.ts";
import { blindIndex } from "../../../config/runtime/sealed.ts";
import type { Ctx } from "../../client/ctx.ts";
import { instant } from "../../sql.ts";
import { CUSTOMER_DEVICE_COUNT_MAX } from "./customer_rules.ts";

/** A customer's device as it is kept: the same device is another one of another customer. */
export function hashDevice(
  keys: Keys,
  device: { appId: number; customerId: string; deviceId: string },
): string {
  const { appId, customerId, deviceId } = device;
  return blindIndex(keys, "customer_device", JSON.stringify([appId, customerId, deviceId]));
}

/** A new customer's first device, as a CTE; `customer` has one row with `user_id`, or none. */
export function firstDevice(
  at: Date,
  { deviceHash, isProven }: { deviceHash: string | undefined; isProven: boolean },
): SQL {
  return sql`device as (
      insert into customer_devices (user_id, device_hash, is_proven, created_at)
      select user_id, ${deviceHash ?? null}::text, ${isProven}::boolean, ${instant(at)}
      from customer where ${deviceHash !== undefined}::boolean
    )`;
}

/**
 * Renames a customer and, where they have proved who they are, makes the device they are on theirs
 * and forgets those that came without a proof.
 */
export async function settleCustomer(
  ctx: Ctx,
  customer: {
    userId: number;
    /** Absent: as it was. */
    name: string | undefined;
    avatar: string | undefined;
    deviceHash: string | undefined;
    isProven: boolean;
  },
): Promise<void> {
  const { userId, name, avatar, deviceHash, isProven } = customer;
  const now = instant(ctx.now());
  const device = sql`${deviceHash ?? null}::text`;
  const binds = sql`${isProven && deviceHash !== undefined}::boolean`;
  await ctx.db.execute(sql`
    with renamed as (
      update users set updated_at = ${now},
        nickname = coalesce(${name ?? null}, nickname), avatar = coalesce(${avatar ?? null}, avatar)
      where id = ${userId} and (nickname, avatar) is distinct from
        (coalesce(${name ?? null}, nickname), coalesce(${avatar ?? null}, avatar))
    ), others as (
      select device_hash, is_proven,
        row_number() over (partition by is_proven order by created_at desc, device_hash) as place
      from customer_devices where user_id = ${userId} and device_hash is distinct from ${device}
    ), dropped as (
      delete from customer_devices where ${isProven}::boolean and user_id = ${userId}
        and device_hash in (
          select device_hash from others
          where not is_proven or place >= ${CUSTOMER_DEVICE_COUNT_MAX}::bigint
        )
    ), marked as (
      update customers set gave_device = true
      where ${binds} and user_id = ${userId} and not gave_device
    )
    insert into customer_devices (user_id, device_hash, is_proven, created_at)
    select ${userId}::bigint, ${device}, true, ${now} where ${binds}
    on conflict (user_id, device_hash) do update set is_proven = true`);
}

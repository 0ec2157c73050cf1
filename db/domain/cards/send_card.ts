import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { NotificationOrigin } from "../../schema/notifications.ts";
import { instant } from "../../sql.ts";
import { appPath } from "../app_links.ts";
import { DomainError } from "../errors.ts";
import { notifying } from "../notifications/notify.ts";
import { visibleUsers } from "../users/who_is_there.ts";

/**
 * Gives a person one's card. Who already holds it hears nothing again; for who has blocked the
 * sender it is thrown away at once, which nothing the sender can read tells.
 * @throws {DomainError} `self_refused`, `user_missing`
 */
export async function sendCard(
  ctx: Ctx,
  { from, uid }: { from: { userId: number; uid: string }; uid: string },
): Promise<void> {
  const now = instant(ctx.now());
  const told = notifying(ctx, {
    origin: NotificationOrigin.interactive,
    originUserId: from.userId,
    title: "有人给你发了名片",
    content: sql`select nickname from users where id = ${from.userId}`,
    url: appPath("profile", from.uid),
    push: true,
  }, {
    receivers: sql`select to_user_id as user_id from given where deleted_at is null`,
    alsoSet: sql`, card_count = users.card_count + 1`,
  });
  // A card that is live is not touched, so "given" has it only when it became so just now.
  const { rows: [receiver] } = await ctx.db.execute<{ own: boolean }>(sql`
    with receiver as (
      select id, exists (select 1 from blocks
        where blocks.user_id = users.id and blocks.blocked_id = ${from.userId}) as refuses
      from users where uid = ${uid} and ${visibleUsers}
    ), given as (
      insert into cards (from_user_id, to_user_id, created_at, deleted_at, is_refused)
      select ${from.userId}, id, ${now}, case when refuses then ${now} end, refuses
      from receiver where id <> ${from.userId}
      on conflict (from_user_id, to_user_id)
        do update set created_at = excluded.created_at, deleted_at = excluded.deleted_at,
          is_refused = excluded.is_refused
        where cards.deleted_at is not null
      returning to_user_id, deleted_at
    ), ${told}
    select id = ${from.userId} as own from receiver`);
  if (!receiver) throw new DomainError("user_missing");
  if (receiver.own) throw new DomainError("self_refused");
}

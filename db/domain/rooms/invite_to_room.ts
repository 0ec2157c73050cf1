import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { NotificationOrigin } from "../../schema/notifications.ts";
import { bool, instant, rows } from "../../sql.ts";
import { appPath } from "../app_links.ts";
import { DomainError } from "../errors.ts";
import { notifying } from "../notifications/notify.ts";
import { visibleUsers } from "../users/who_is_there.ts";
import { isInside, isKeptOut } from "./presence.ts";
import { ROOM_INVITE_ONCE_MS } from "./rules.ts";
import { mayEnter } from "./view.ts";

export interface InviteToRoomInput {
  roomId: string;
  inviterId: number;
  uid: string;
}

/**
 * Invites a person to a room the inviter may enter: a private room is visible to them from now on.
 * They are told, once in ten minutes, only if they have given the inviter a card that was kept, are
 * not there already, and no host keeps them out. The inviter cannot tell whether they were.
 * @throws {DomainError} `room_missing`, also for one the inviter may not see; `user_missing`
 */
export async function inviteToRoom(
  ctx: Ctx,
  { roomId, inviterId, uid }: InviteToRoomInput,
): Promise<void> {
  const now = ctx.now();
  const notice = notifying(ctx, {
    origin: NotificationOrigin.interactive,
    originUserId: inviterId,
    title: "有人邀请你参加活动",
    content: sql`select users.nickname || ' 邀请你参加「' || room.name || '」'
      from users, room where users.id = ${inviterId}`,
    url: appPath("room", roomId),
    push: true,
  }, { receivers: sql`select guest.id as user_id from guest, once` });
  const statement = sql`
    with room as (
      select rooms.id, rooms.host_id, rooms.name, rooms.invite_only from rooms
      where rooms.id = ${roomId} and ${mayEnter(inviterId, now)}
    ), person as (
      select users.id from users where users.uid = ${uid} and ${visibleUsers}
    ), guest as (
      select id from person where id <> ${inviterId} and not exists (select 1 from blocks
        where blocks.user_id = person.id and blocks.blocked_id = ${inviterId})
    ), invited as (
      insert into room_invites (room_id, user_id, inviter_id, created_at)
      select room.id, guest.id, ${inviterId}, ${instant(now)} from room, guest
      where room.invite_only
      on conflict (room_id, user_id) do nothing
    ), once as (
      insert into call_guards (key, expires_at)
      select 'room_invite:' || ${inviterId}::bigint || ':' || room.id || ':' || guest.id,
        ${instant(new Date(now.getTime() + ROOM_INVITE_ONCE_MS))}
      from room, guest
      where exists (select 1 from cards where cards.from_user_id = guest.id
          and cards.to_user_id = ${inviterId} and cards.deleted_at is null)
        and not exists (select 1 from room_members where room_members.room_id = room.id
          and room_members.user_id = guest.id and ${isInside(now)})
        and not ${isKeptOut(sql`room`, sql`guest.id`)}
      on conflict (key) do update set expires_at = excluded.expires_at
        where call_guards.expires_at <= ${instant(now)}
      returning key
    ), ${notice}
    select exists (select 1 from room) as found, exists (select 1 from person) as known`;
  const [answer] = await rows(ctx, statement, { found: bool, known: bool });
  if (!answer!.found) throw new DomainError("room_missing");
  if (!answer!.known) throw new DomainError("user_missing");
}

import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { NotificationOrigin } from "../../schema/notifications.ts";
import { instant } from "../../sql.ts";
import { appPath } from "../app_links.ts";
import { notifying } from "../notifications/notify.ts";
import { visibleUsers } from "../users/who_is_there.ts";
import { absentSince } from "./rules.ts";
import { isOpenTo } from "./view.ts";

export interface InviteToRoomInput {
  roomId: string;
  inviterId: number;
  uid: string;
}

/**
 * Invites a person to a room the inviter may enter: a private room is visible to them from now on.
 * They are told only if they have given the inviter a card that was kept, are not there already,
 * and the room lets them in. The inviter cannot tell what came of it, so nothing fails here.
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
  }, {
    receivers: sql`
      select guest.id as user_id from guest, room
      where exists (select 1 from cards where cards.from_user_id = guest.id
          and cards.to_user_id = ${inviterId} and cards.deleted_at is null)
        and not exists (select 1 from room_members where room_members.room_id = room.id
          and room_members.user_id = guest.id
          and room_members.seen_at > ${instant(absentSince(now))})
        and (room.club_id is null or exists (select 1 from club_members
          where club_members.club_id = room.club_id and club_members.user_id = guest.id))`,
  });
  await ctx.db.execute(sql`
    with room as (
      select rooms.id, rooms.name, rooms.club_id, rooms.invite_only from rooms
      where rooms.id = ${roomId} and ${isOpenTo(inviterId)}
    ), guest as (
      select users.id from users where users.uid = ${uid} and ${visibleUsers}
        and users.id <> ${inviterId} and not exists (select 1 from blocks
          where blocks.user_id = users.id and blocks.blocked_id = ${inviterId})
    ), invited as (
      insert into room_invites (room_id, user_id, inviter_id, created_at)
      select room.id, guest.id, ${inviterId}, ${instant(now)} from room, guest
      where room.invite_only
      on conflict (room_id, user_id) do nothing
    ), ${notice}
    select count(*) from notices`);
}

import { sql } from "drizzle-orm";
import { randomHex32 } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { ChannelType } from "../../schema/messages.ts";
import { built, rows, text, typed } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { ContentType } from "../messages/rules.ts";
import { sendMoment } from "../messages/send_moment.ts";
import { changeGroup, type GroupActor } from "./change.ts";
import { readPlace } from "./reads.ts";
import { actorOf, can } from "./rules.ts";

/** A member as a group's picture shows them. */
export interface Face {
  uid: string;
  name: string;
}

/** Members a group's picture shows at most. */
const FACE_COUNT_MAX = 9;

// By the members' ids, so that a large group is read no further than its first ones.
const avatarOf = built<{ groupNo: string }>(({ groupNo }) =>
  sql`select name, avatar, coalesce((
      select json_agg(json_build_object('uid', face.uid, 'name', face.nickname) order by face.id)
      from (
        select users.id, users.uid, users.nickname
        from group_members join users on users.id = group_members.user_id
        where group_members.group_id = groups.id and group_members.removed_at is null
        order by group_members.user_id limit ${sql.raw(String(FACE_COUNT_MAX))}
      ) as face), '[]') as faces
    from groups where group_no = ${groupNo} and app_id = ${sql.raw(String(HOUSE_APP_ID))}`
);

/** A group's name, the address of its picture, empty where it has none, and its first members. */
export async function readGroupAvatar(
  ctx: Ctx,
  groupNo: string,
): Promise<{ name: string; avatar: string; faces: Face[] } | undefined> {
  const columns = { name: text, avatar: text, faces: typed<Face[]>() };
  const [found] = await rows(ctx, avatarOf({ groupNo }), columns);
  return found;
}

/**
 * Before something is done that takes long.
 *
 * @throws {DomainError} `group_missing`, `group_not_member`, `group_no_right`
 */
export async function checkMayEdit(
  ctx: Ctx,
  place: { groupNo: string; userId: number },
): Promise<void> {
  const { role } = await readPlace(ctx, place);
  if (!can(actorOf(role), "edit")) throw new DomainError("group_no_right");
}

/**
 * Gives a group another picture, and tells the members who are there.
 *
 * @throws {DomainError} `group_missing`, `group_not_member`, `group_no_right`
 */
export async function setGroupAvatar(
  ctx: Ctx,
  { groupNo }: { groupNo: string },
  { by, avatar }: { by: GroupActor; avatar: string },
): Promise<void> {
  const groupId = await changeGroup(ctx, { groupNo }, { by, action: "edit" }, async (change) => {
    const { id } = change.group;
    await change.ctx.db.execute(sql`update groups set avatar = ${avatar} where id = ${id}`);
    return id;
  });
  await sendMoment(ctx, {
    channel: { type: ChannelType.group, groupId },
    clientMsgNo: randomHex32(),
    payload: JSON.stringify({
      type: ContentType.command,
      cmd: "groupAvatarUpdate",
      param: { group_no: groupNo },
    }),
    redDot: false,
    syncOnce: true,
  });
}

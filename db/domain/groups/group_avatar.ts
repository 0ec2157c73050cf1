import { sql } from "drizzle-orm";
import { randomHex32 } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { ChannelType } from "../../schema/messages.ts";
import { built, rows, text } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { ContentType } from "../messages/rules.ts";
import { sendMoment } from "../messages/send_moment.ts";
import { changeGroup, type GroupActor } from "./change.ts";
import { readPlace } from "./reads.ts";
import { actorOf, can } from "./rules.ts";

const avatarOf = built<{ groupNo: string }>(({ groupNo }) =>
  sql`select name, avatar from groups
    where group_no = ${groupNo} and app_id = ${sql.raw(String(HOUSE_APP_ID))}`
);

/** A group's name and the address of its picture, empty where it has none. */
export async function readGroupAvatar(
  ctx: Ctx,
  groupNo: string,
): Promise<{ name: string; avatar: string } | undefined> {
  const [found] = await rows(ctx, avatarOf({ groupNo }), { name: text, avatar: text });
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

import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { UserStatus } from "../../schema/users.ts";
import { built, instant, rows, text } from "../../sql.ts";
import { announceAvatar } from "./commands.ts";

const avatarOf = built<{ uid: string }>(({ uid }) =>
  sql`select nickname as name, avatar from users
    where uid = ${uid} and status <> ${sql.raw(String(UserStatus.deleted))}`
);

/** A person's name and the address of their picture, empty where they have none. */
export async function readAvatar(
  ctx: Ctx,
  uid: string,
): Promise<{ name: string; avatar: string } | undefined> {
  const [found] = await rows(ctx, avatarOf({ uid }), { name: text, avatar: text });
  return found;
}

/** Gives a person another picture, the room app's too, and tells the friends who are there. */
export async function setAvatar(
  ctx: Ctx,
  { userId, uid, avatar }: { userId: number; uid: string; avatar: string },
): Promise<void> {
  await ctx.db.execute(sql`
    update users set avatar = ${avatar}, updated_at = ${instant(ctx.now())} where id = ${userId}`);
  await announceAvatar(ctx, { userId, uid });
}

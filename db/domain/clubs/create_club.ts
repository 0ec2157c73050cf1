import { sql } from "drizzle-orm";
import { randomHex32 } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { instant } from "../../sql.ts";
import type { Club } from "./reads.ts";

export async function createClub(
  ctx: Ctx,
  { owner, name, cover }: { owner: { userId: number; uid: string }; name: string; cover: string },
): Promise<Club> {
  const clubId = randomHex32();
  const createdAt = ctx.now();
  await ctx.db.execute(sql`
    with club as (
      insert into clubs (id, owner_id, name, cover, member_count, created_at)
      values (${clubId}, ${owner.userId}, ${name}, ${cover}, 1, ${instant(createdAt)})
      returning id, owner_id, created_at
    )
    insert into club_members (club_id, user_id, joined_at)
    select id, owner_id, created_at from club`);
  return { clubId, name, cover, ownerUid: owner.uid, createdAt, memberCount: 1, joined: true };
}

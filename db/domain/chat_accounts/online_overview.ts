import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { type Presence, readOnline } from "../../redis/presence.ts";
import { BUILT_IN_UIDS } from "../../schema/users.ts";
import { bool, int8, rows, text } from "../../sql.ts";
import { FRIENDS_COUNT_MAX } from "../friends/rules.ts";

export interface OnlineOverview {
  /** Friends who are there, or of whom it is known when they last were. */
  friends: { uid: string; presence: Presence }[];
  /** A web or desktop client of the person's own; without a flag none is there. */
  computer: { deviceFlag: number | undefined; lastOfflineAt: Date | undefined };
  muteOfApp: boolean;
}

const PHONE = 0;

/** Who is there of a person's friends, and of their own devices. */
export async function readOnlineOverview(
  ctx: Ctx,
  { userId }: { userId: number },
): Promise<OnlineOverview> {
  const people = await rows(
    ctx,
    sql`
      select users.id, users.uid, coalesce((select mute_of_app from chat_accounts
        where user_id = ${userId}), false) as mute_of_app
      from users where users.id = ${userId} or users.id in (
          select friend_id from friends where user_id = ${userId} and not is_deleted)
        and users.uid not in ${[...BUILT_IN_UIDS]}
      order by users.id = ${userId} desc, users.id limit ${FRIENDS_COUNT_MAX + 1}`,
    { id: int8, uid: text, muteOfApp: bool },
  );
  const presences = await readOnline(ctx, people.map(({ id }) => id));
  const own = presences.get(userId);
  return {
    friends: people.flatMap(({ id, uid }) => {
      const presence = presences.get(id);
      const isKnown = presence?.online || presence?.lastOfflineAt !== undefined;
      return presence && isKnown && id !== userId ? [{ uid, presence }] : [];
    }),
    computer: {
      deviceFlag: own?.deviceFlags.find((flag) => flag !== PHONE),
      lastOfflineAt: own?.lastOfflineAt,
    },
    muteOfApp: people[0]?.muteOfApp ?? false,
  };
}

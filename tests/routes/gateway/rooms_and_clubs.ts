import { eq } from "drizzle-orm";
import { randomHex32 } from "../../../config/keys.ts";
import { clubMembers, clubs } from "../../../db/schema/clubs.ts";
import { users } from "../../../db/schema/users.ts";
import type { GatewayLogin } from "../../clients/gateway.ts";
import type { TestApp } from "../../harness.ts";

/** The internal id behind a login. */
export async function userIdOf(app: TestApp, { uid }: GatewayLogin): Promise<number> {
  const [row] = await app.database.db.select({ id: users.id }).from(users).where(
    eq(users.uid, uid),
  );
  return row!.id;
}

/** A club of its owner and `others`, put straight into the tables. */
export async function insertClub(
  app: TestApp,
  owner: GatewayLogin,
  others: GatewayLogin[] = [],
  clubId = randomHex32(),
): Promise<string> {
  const now = app.clock.now();
  const ids = await Promise.all([owner, ...others].map((person) => userIdOf(app, person)));
  await app.database.db.insert(clubs).values({
    id: clubId,
    ownerId: ids[0]!,
    name: "产品交流圈",
    cover: "c.png",
    memberCount: ids.length,
    createdAt: now,
  });
  await app.database.db.insert(clubMembers)
    .values(ids.map((userId) => ({ clubId, userId, joinedAt: now })));
  return clubId;
}

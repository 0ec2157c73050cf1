import { randomHex32 } from "../../config/keys.ts";
import type { Ctx } from "../../db/client/ctx.ts";
import { hashToken } from "../../db/domain/sessions/access_secret.ts";
import { SESSION_LIFE_MS } from "../../db/domain/sessions/session.ts";
import { SessionKind, sessions } from "../../db/schema/sessions.ts";

/** A login of the app, straight in the database; its token's hash. */
export async function makeSession(ctx: Ctx, userId: number) {
  const createdAt = ctx.now();
  const [session] = await ctx.db.insert(sessions).values({
    tokenHash: hashToken(randomHex32()),
    userId,
    kind: SessionKind.app,
    createdAt,
    expiresAt: new Date(createdAt.getTime() + SESSION_LIFE_MS),
  }).returning({ id: sessions.id, tokenHash: sessions.tokenHash });
  return session!;
}

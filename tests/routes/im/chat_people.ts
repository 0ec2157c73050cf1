import { asc, eq } from "drizzle-orm";
import { randomHex32 } from "../../../config/keys.ts";
import { withTx } from "../../../db/client/ctx.ts";
import { placeFriendship } from "../../../db/domain/friends/pair.ts";
import { hashToken } from "../../../db/domain/sessions/access_secret.ts";
import { SESSION_LIFE_MS } from "../../../db/domain/sessions/session.ts";
import { inbox, messages } from "../../../db/schema/messages.ts";
import { SessionKind, sessions } from "../../../db/schema/sessions.ts";
import { SYSTEM_UID, users } from "../../../db/schema/users.ts";
import type { TestApp } from "../../harness.ts";
import { makeUser } from "../../people/factories.ts";

export interface ChatPerson {
  userId: number;
  uid: string;
  name: string;
  token: string;
}

/** A person with a token, straight in the database: these tests are not about logging in. */
export async function makeChatPerson({ ctx }: TestApp, name = "Toby"): Promise<ChatPerson> {
  const { id, uid } = await makeUser(ctx, name);
  const token = randomHex32();
  const createdAt = ctx.now();
  await ctx.db.insert(sessions).values({
    tokenHash: hashToken(token),
    userId: id,
    kind: SessionKind.app,
    createdAt,
    expiresAt: new Date(createdAt.getTime() + SESSION_LIFE_MS),
  });
  return { userId: id, uid, name, token };
}

/** Makes two people friends without a word to either. */
export async function makeFriends({ ctx }: TestApp, one: ChatPerson, other: ChatPerson) {
  await withTx(ctx, (ctx) => placeFriendship(ctx, [one.userId, other.userId]));
}

/** The built-in account that tells people of their own affairs. */
export async function systemAccountId({ ctx }: TestApp): Promise<number> {
  const [account] = await ctx.db.select({ id: users.id }).from(users)
    .where(eq(users.uid, SYSTEM_UID));
  return account!.id;
}

/** What a person has received and sent, oldest first. */
export async function readTold({ ctx }: TestApp, { userId }: { userId: number }) {
  const rows = await ctx.db
    .select({
      senderId: messages.senderId,
      channelId: inbox.channelId,
      redDot: messages.redDot,
      payload: messages.payload,
    })
    .from(inbox).innerJoin(messages, eq(messages.id, inbox.messageId))
    .where(eq(inbox.userId, userId)).orderBy(asc(inbox.seq));
  return rows.map((row) => ({ ...row, payload: JSON.parse(row.payload) }));
}

import { sql } from "drizzle-orm";
import { randomHex32 } from "../../config/keys.ts";
import type { Ctx } from "../../db/client/ctx.ts";
import { hashToken } from "../../db/domain/sessions/access_secret.ts";
import { SESSION_LIFE_MS } from "../../db/domain/sessions/session.ts";
import { friends } from "../../db/schema/chat.ts";
import { paymentMethods, PaymentType, realNames } from "../../db/schema/people.ts";
import { SessionKind, sessions } from "../../db/schema/sessions.ts";
import { users } from "../../db/schema/users.ts";
import { wallets } from "../../db/schema/wallets.ts";
import { makeOperator } from "../clients/ops.ts";
import { hashCheaply } from "../people/cheap_password.ts";
import { makeGroup } from "../people/factories.ts";

/** Everybody's. */
export const PAY_PASSWORD = "246810";
export const HOLDER_NAME = "徐辉";

/** The password as it is kept, by the least cost there is: it is asked for thousands of times. */
const PASSWORD_HASH = hashCheaply(PAY_PASSWORD);

export interface CastPerson {
  userId: number;
  uid: string;
  token: string;
  /** Absent: neither a card nor a real name. */
  cardId: number | undefined;
}

export interface Cast {
  people: CastPerson[];
  groupNo: string;
  operatorId: number;
}

/**
 * People with sessions, pay passwords and bank cards, all in one group and friends of each other:
 * but for the last, who is in no group, has no card, and is no friend of the first.
 */
export async function engageCast(ctx: Ctx, count: number): Promise<Cast> {
  const at = ctx.now();
  const logins = Array.from(
    { length: count },
    () => ({ uid: randomHex32(), token: randomHex32() }),
  );
  const rows = await ctx.db.insert(users).values(logins.map(({ uid }, place) => ({
    id: sql`nextval('users_id_seq')`,
    appUid: sql`currval('users_id_seq')`,
    uid,
    nickname: `Person ${place}`,
    profileAt: at,
    createdAt: at,
    updatedAt: at,
  }))).returning({ userId: users.id, uid: users.uid });
  const userIds = logins.map(({ uid }) => rows.find((row) => row.uid === uid)!.userId);
  const [members, stranger] = [userIds.slice(0, -1), userIds.at(-1)!];
  await ctx.db.insert(sessions).values(
    logins.map(({ token }, place) => ({
      tokenHash: hashToken(token),
      userId: userIds[place]!,
      kind: SessionKind.app,
      createdAt: at,
      expiresAt: new Date(at.getTime() + SESSION_LIFE_MS),
    })),
  );
  await ctx.db.insert(wallets)
    .values(userIds.map((userId) => ({ userId, payPasswordHash: PASSWORD_HASH, createdAt: at })));
  await ctx.db.insert(friends).values(
    userIds.flatMap((userId) =>
      userIds.filter((friendId) => friendId !== userId)
        .filter((friendId) =>
          ![userId, friendId].every((id) => [userIds[0], stranger].includes(id))
        )
        .map((friendId) => ({ userId, friendId, createdAt: at, updatedAt: at }))
    ),
  );
  const cards = await giveCards(ctx, members);
  const { groupNo } = await makeGroup(ctx, members.map((id) => ({ id })));
  const { operatorId } = await makeOperator(ctx, "operator");
  const people = logins.map((login, place) => {
    const userId = userIds[place]!;
    return { userId, ...login, cardId: cards.get(userId) };
  });
  return { people, groupNo, operatorId };
}

/** Real names and bank cards; what is sealed is not read here. */
async function giveCards(ctx: Ctx, userIds: number[]): Promise<Map<number, number>> {
  const createdAt = ctx.now();
  await ctx.db.insert(realNames).values(
    userIds.map((userId) => ({
      userId,
      name: HOLDER_NAME,
      idType: "idcard",
      idNoSealed: "",
      idNoIndex: "",
      createdAt,
    })),
  );
  const cards = await ctx.db.insert(paymentMethods).values(
    userIds.map((userId) => ({
      userId,
      type: PaymentType.bankCard,
      name: HOLDER_NAME,
      extra0: "招商银行",
      bankCode: "CMB",
      accountSealed: "",
      accountIndex: randomHex32(),
      accountLast4: "1234",
      createdAt,
    })),
  ).returning();
  return new Map(cards.map(({ id, userId }) => [userId, id]));
}

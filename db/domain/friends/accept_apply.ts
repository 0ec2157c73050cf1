import { sql } from "drizzle-orm";
import { sha256Hex } from "../../../config/keys.ts";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { instant } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { ContentType } from "../messages/rules.ts";
import { known } from "../users/who_is_there.ts";
import { command, sendNotice } from "./notices.ts";
import { lockPair, placeFriendship } from "./pair.ts";
import { greetingOf } from "./rules.ts";

const TIP = "我们已经是好友了，可以愉快地聊天了！";

/**
 * Accepts the friend request this token came with: both are friends, once, however often it is
 * sent. A request the other way round is settled by it too. Afterwards both are told, and their
 * chat begins with a tip and the applicant's remark.
 * @throws {DomainError} `friend_apply_invalid` for a token that is unknown, used, expired, or
 *   somebody else's
 */
export async function acceptApply(
  ctx: Ctx,
  { userId, token }: { userId: number; token: string },
): Promise<void> {
  const tokenHash = sha256Hex(token);
  const { own, other, remark } = await withTx(ctx, async (ctx) => {
    const pair = await lockPair(ctx, {
      userId,
      otherId: sql`(select from_user_id from friend_applies join users on users.id = from_user_id
        where token_hash = ${tokenHash} and to_user_id = ${userId} and ${known})`,
    });
    // Asked again behind the lock: of two calls at once one finds the token used.
    const remark = pair && await claimApply(ctx, { userId, tokenHash });
    if (remark === undefined) throw new DomainError("friend_apply_invalid");
    await placeFriendship(ctx, [pair!.own.userId, pair!.other.userId]);
    return { ...pair!, remark };
  });

  const fromReceiver = { senderId: own.userId, receiverId: other.userId };
  const fromApplicant = { senderId: other.userId, receiverId: own.userId };
  await sendNotice(ctx, {
    ...fromReceiver,
    payload: command("friendAccept", { to_uid: other.uid, from_uid: own.uid }),
    redDot: false,
  });
  await sendNotice(ctx, {
    ...fromReceiver,
    payload: { type: ContentType.tip, content: TIP },
    redDot: true,
  });
  await sendNotice(ctx, {
    ...fromApplicant,
    payload: { type: ContentType.text, content: greetingOf({ remark, name: other.name }) },
    redDot: true,
    ownReads: false,
  });
}

/**
 * Uses the token up, and with it a request of the receiver's own to the applicant.
 * @returns the remark, or undefined when the token is not good any more
 */
async function claimApply(
  ctx: Ctx,
  { userId, tokenHash }: { userId: number; tokenHash: string },
): Promise<string | undefined> {
  const now = instant(ctx.now());
  const { rows: [claimed] } = await ctx.db.execute<{ remark: string }>(sql`
    with claimed as (
      update friend_applies set accepted_at = ${now}
      where token_hash = ${tokenHash} and to_user_id = ${userId}
        and accepted_at is null and refused_at is null and expires_at > ${now}
      returning from_user_id, to_user_id, remark
    ), settled as (
      update friend_applies set accepted_at = ${now} from claimed
      where friend_applies.from_user_id = claimed.to_user_id
        and friend_applies.to_user_id = claimed.from_user_id
        and friend_applies.accepted_at is null and friend_applies.refused_at is null
    )
    select remark from claimed`);
  return claimed?.remark;
}

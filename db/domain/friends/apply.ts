import { sql } from "drizzle-orm";
import { randomHex32, sha256Hex } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { BUILT_IN_UIDS } from "../../schema/users.ts";
import { bool, instant, int8, rows, text } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { known } from "../users/who_is_there.ts";
import { sealApplyToken } from "./apply_token.ts";
import { command, sendNotice } from "./notices.ts";
import { APPLY_LIFE_MS } from "./rules.ts";

export interface ApplyInput {
  applicant: { userId: number; uid: string };
  uid: string;
  remark: string;
}

/**
 * Asks a person to be one's friend. They get a command with the token that accepts the request;
 * asking again replaces the token. Who has blocked the applicant gets nothing, which the applicant
 * cannot tell.
 * @throws {DomainError} `user_missing`, `self_refused`, `friend_already`
 */
export async function applyForFriendship(
  ctx: Ctx,
  { applicant, uid, remark }: ApplyInput,
): Promise<void> {
  // Everybody's friends from the beginning, on one side alone: see placeBuiltInFriends.
  if (BUILT_IN_UIDS.includes(uid)) throw new DomainError("friend_already");
  const token = randomHex32();
  const tokenHash = sha256Hex(token);
  const now = ctx.now();
  const { userId } = applicant;
  const statement = sql`
    with target as (
      select users.id, users.id = ${userId} as is_self,
        -- Whoever is missing on one side may ask again.
        (select count(*) = 2 from friends where not is_deleted
          and ((user_id = ${userId} and friend_id = users.id)
            or (user_id = users.id and friend_id = ${userId}))) as is_friend
      from users where users.uid = ${uid} and ${known}
    ), applied as (
      insert into friend_applies
        (from_user_id, to_user_id, token_hash, token_sealed, remark, expires_at, created_at)
      select ${userId}, id, ${tokenHash}, ${sealApplyToken(ctx, { token, tokenHash })}, ${remark},
        ${instant(new Date(now.getTime() + APPLY_LIFE_MS))}, ${instant(now)}
      from target where not is_self and not is_friend
      on conflict (from_user_id, to_user_id) do update
        set token_hash = excluded.token_hash, token_sealed = excluded.token_sealed,
          remark = excluded.remark, expires_at = excluded.expires_at,
          created_at = excluded.created_at, accepted_at = null, refused_at = null
    )
    select target.id, is_self, is_friend,
      (select nickname from users where id = ${userId}) as own_name
    from target`;
  const columns = { id: int8, isSelf: bool, isFriend: bool, ownName: text };
  const [found] = await rows(ctx, statement, columns);
  if (!found) throw new DomainError("user_missing");
  if (found.isSelf) throw new DomainError("self_refused");
  if (found.isFriend) throw new DomainError("friend_already");
  await sendNotice(ctx, {
    senderId: userId,
    receiverId: found.id,
    payload: command("friendRequest", {
      apply_uid: applicant.uid,
      apply_name: found.ownName,
      to_uid: uid,
      remark,
      token,
    }),
    redDot: false,
    pushes: true,
    copyToSender: false,
  });
}

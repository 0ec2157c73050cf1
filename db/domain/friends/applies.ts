import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { instant, int4, int8, maybe, milliseconds, rows, text, time } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { userIdOf } from "../paging/keyset.ts";
import { known } from "../users/who_is_there.ts";
import { openApplyToken } from "./apply_token.ts";

/** What has become of a friend request. */
export const ApplyState = { open: 0, accepted: 1, refused: 2 } as const;

/** A friend request as its receiver sees it. */
export interface ReceivedApply {
  id: number;
  /** Who asks. */
  uid: string;
  name: string;
  remark: string;
  state: 0 | 1 | 2;
  /** Accepts it. */
  token: string;
  createdAt: Date;
}

/** Requests from before this place are not looked at: nobody turns that many pages. */
const OFFSET_MAX = 10_000;

/** Requests to one person that they may see: of whom they blocked they hear nothing. */
function received(userId: number): SQL {
  return sql`friend_applies join users on users.id = friend_applies.from_user_id
    where friend_applies.to_user_id = ${userId} and ${known} and not exists (
      select 1 from blocks where blocks.user_id = ${userId} and blocks.blocked_id = users.id)`;
}

/** The requests a person received, the newest first, without those that ran out unanswered. */
export async function listApplies(
  ctx: Ctx,
  { userId, page, pageSize }: { userId: number; page: number; pageSize: number },
): Promise<ReceivedApply[]> {
  const offset = Math.min((page - 1) * pageSize, OFFSET_MAX);
  const found = await rows(
    ctx,
    sql`
      select friend_applies.id, users.uid, users.nickname as name, friend_applies.remark,
        friend_applies.token_hash, friend_applies.token_sealed,
        ${milliseconds(sql`friend_applies.created_at`)} as created_at,
        case when friend_applies.accepted_at is not null then ${ApplyState.accepted}::int
          when friend_applies.refused_at is not null then ${ApplyState.refused}::int
          else ${ApplyState.open}::int end as state
      from ${received(userId)}
        and (friend_applies.expires_at > ${instant(ctx.now())}
          or coalesce(friend_applies.accepted_at, friend_applies.refused_at) is not null)
      order by friend_applies.created_at desc, friend_applies.id desc
      limit ${pageSize} offset ${offset}`,
    {
      id: int8,
      uid: text,
      name: text,
      remark: text,
      tokenHash: text,
      tokenSealed: maybe(text),
      createdAt: time,
      state: int4,
    },
  );
  return found.map(({ tokenHash, tokenSealed, state, ...apply }) => ({
    ...apply,
    state: state as ReceivedApply["state"],
    token: state === ApplyState.open ? openApplyToken(ctx, { tokenSealed, tokenHash }) : "",
  }));
}

/** How many open requests came since the person last looked. */
export async function countNewApplies(ctx: Ctx, { userId }: { userId: number }): Promise<number> {
  const [found] = await rows(
    ctx,
    sql`
      select count(*) as count from (
        select 1 from ${received(userId)}
          and friend_applies.accepted_at is null and friend_applies.refused_at is null
          and friend_applies.expires_at > ${instant(ctx.now())}
          and friend_applies.created_at > coalesce((select applies_seen_at from chat_accounts
            where user_id = ${userId}), '-infinity')
        limit ${NEW_COUNT_MAX}) as fresh`,
    { count: int4 },
  );
  return found!.count;
}

/** Beyond it nobody counts. */
const NEW_COUNT_MAX = 999;

/**
 * Takes a request off its receiver's list; its token is worth nothing any more, and whoever asked
 * hears nothing. Of what is not there is nothing to take off.
 */
export async function deleteApply(
  ctx: Ctx,
  { userId, uid }: { userId: number; uid: string },
): Promise<void> {
  await ctx.db.execute(sql`
    delete from friend_applies where to_user_id = ${userId} and from_user_id = ${userIdOf(uid)}`);
}

/**
 * Refuses a request that is open, or was refused already; whoever asked hears nothing.
 * @throws {DomainError} `friend_apply_invalid` when there is none
 */
export async function refuseApply(
  ctx: Ctx,
  { userId, uid }: { userId: number; uid: string },
): Promise<void> {
  const now = instant(ctx.now());
  const refused = await rows(
    ctx,
    sql`
      update friend_applies set refused_at = coalesce(refused_at, ${now})
      where to_user_id = ${userId} and from_user_id = ${userIdOf(uid)} and accepted_at is null
        and (refused_at is not null or expires_at > ${now})
      returning id`,
    { id: int8 },
  );
  if (refused.length === 0) throw new DomainError("friend_apply_invalid");
}

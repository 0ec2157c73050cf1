import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { bool, instant, int8, maybe, rows } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { friendsAmong } from "./label_members.ts";
import { LABEL_COUNT_MAX } from "./label_rules.ts";

export interface LabelInput {
  userId: number;
  name: string;
  /** Whom it names; who is no friend is skipped. */
  memberUids: string[];
}

/**
 * A person's labels have different names.
 * @throws {DomainError} `label_taken`; `params_invalid` when there are too many already
 */
export async function createLabel(
  ctx: Ctx,
  { userId, name, memberUids }: LabelInput,
): Promise<number> {
  const statement = sql`
    with own as (
      select count(*) >= ${LABEL_COUNT_MAX} as is_full from labels where user_id = ${userId}
    ), label as (
      insert into labels (user_id, name, created_at)
      select ${userId}, ${name}, ${instant(ctx.now())} from own where not is_full
      on conflict (user_id, name) do nothing
      returning id
    ), named as (
      insert into label_members (label_id, friend_id)
      select label.id, chosen.friend_id
      from label, (${friendsAmong({ userId, uids: memberUids })}) as chosen
    )
    select own.is_full, label.id from own left join label on true`;
  const [label] = await rows(ctx, statement, { isFull: bool, id: maybe(int8) });
  if (label!.isFull) {
    throw new DomainError("params_invalid", { message: `标签不能超过${LABEL_COUNT_MAX}个` });
  }
  if (label!.id === undefined) throw new DomainError("label_taken");
  return label!.id;
}

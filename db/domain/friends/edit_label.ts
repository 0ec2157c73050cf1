import { sql } from "drizzle-orm";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { brokenConstraintOf } from "../../client/errors.ts";
import { DomainError } from "../errors.ts";
import type { LabelInput } from "./create_label.ts";
import { friendsAmong } from "./label_members.ts";

interface LabelEdit extends Omit<LabelInput, "memberUids"> {
  labelId: number;
  /** Undefined: they stay. */
  memberUids: string[] | undefined;
}

/**
 * Gives a label of one's own another name, and other members if they are given. Its row is locked
 * before the members are looked at, so of two edits at once the later one's stand, never a mixture.
 * @throws {DomainError} `label_missing`, `label_taken`
 */
export async function editLabel(
  ctx: Ctx,
  { userId, labelId, name, memberUids }: LabelEdit,
): Promise<void> {
  try {
    await withTx(ctx, async (ctx) => {
      const { rows } = await ctx.db.execute(sql`
        update labels set name = ${name} where id = ${labelId} and user_id = ${userId}
        returning id`);
      if (rows.length === 0) throw new DomainError("label_missing");
      if (memberUids === undefined) return;
      await ctx.db.execute(sql`
        with chosen as (${friendsAmong({ userId, uids: memberUids })}), gone as (
          delete from label_members where label_id = ${labelId}
            and friend_id not in (select friend_id from chosen)
        )
        insert into label_members (label_id, friend_id)
        select ${labelId}, friend_id from chosen
        on conflict do nothing`);
    });
  } catch (error) {
    if (brokenConstraintOf(error) !== "labels_name") throw error;
    throw new DomainError("label_taken");
  }
}

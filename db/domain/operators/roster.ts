import { and, eq, isNotNull, isNull, ne, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { operators } from "../../schema/operators.ts";
import { DomainError } from "../errors.ts";

/**
 * Of two who change the roster at once the second finds what the first left: no key keeps names
 * apart, and no row says which admin is the last. Logins wait meanwhile, calls do not.
 */
export async function lockRoster(tx: Ctx): Promise<void> {
  await tx.db.execute(sql`lock table ${operators} in share row exclusive mode`);
}

/**
 * Before an admin is disabled or demoted, under the roster's lock.
 * @throws {DomainError} `operator_last_admin` when there is no other who is not disabled
 */
export async function keepAnAdmin(tx: Ctx, operatorId: number): Promise<void> {
  const [another] = await tx.db.select({ id: operators.id }).from(operators)
    .where(and(
      eq(operators.role, "admin"),
      isNull(operators.disabledAt),
      ne(operators.id, operatorId),
    )).limit(1);
  if (!another) throw new DomainError("operator_last_admin");
}

/**
 * Takes a Mixin user from a disabled operator, under the roster's lock; one who is not keeps theirs.
 * @returns the name of another operator who has it
 */
export async function freeMixinUser(
  tx: Ctx,
  { mixinUserId, operatorId }: { mixinUserId: string; operatorId: number | undefined },
): Promise<string | undefined> {
  const theirs = eq(operators.mixinUserId, mixinUserId);
  await tx.db.update(operators).set({ mixinUserId: null })
    .where(and(theirs, isNotNull(operators.disabledAt)));
  const [holder] = await tx.db.select({ id: operators.id, name: operators.name }).from(operators)
    .where(theirs).limit(1);
  return holder && holder.id !== operatorId ? holder.name : undefined;
}

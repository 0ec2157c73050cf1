import { and, asc, eq, isNotNull, isNull, sql } from "drizzle-orm";
import { nameText } from "../../../config/runtime/name_text.ts";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { type OperatorRole, operators } from "../../schema/operators.ts";
import { DomainError } from "../errors.ts";
import { tellOperatorChanged } from "./standing_cache.ts";

const NAME_LENGTH_MAX = 64;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export interface NewOperator {
  name: string;
  role: OperatorRole;
  /** The Mixin user who may log in; undefined: nobody, or whoever could before. */
  mixinUserId: string | undefined;
}

/**
 * Makes an operator or, when one who is not disabled has the name already, changes their role and
 * Mixin user: tokens for another role end at once. Disabled operators stay so; whoever comes back
 * is a new one, and takes the Mixin user along.
 * @returns the operator's id, and whether there was none of that name
 * @throws {DomainError} `params_invalid` for a blank or long name, one that several have, what is no
 *   UUID, and a Mixin user who logs in as somebody else
 */
export async function addOperator(
  ctx: Ctx,
  { name: givenName, role, mixinUserId: given }: NewOperator,
): Promise<{ operatorId: number; isNew: boolean }> {
  const name = nameText(givenName);
  const mixinUserId = given?.toLowerCase();
  if (name === "" || [...name].length > NAME_LENGTH_MAX) throw refusal("a name of 1 to 64 letters");
  if (mixinUserId !== undefined && !UUID.test(mixinUserId)) throw refusal("a Mixin user is a UUID");
  const added = await withTx(ctx, async (tx) => {
    // No key keeps names apart: of two who add the same one, the second is to find the first.
    await tx.db.execute(sql`lock table ${operators} in share row exclusive mode`);
    const [found, another] = await tx.db.select({ id: operators.id }).from(operators)
      .where(and(eq(operators.name, name), isNull(operators.disabledAt)))
      .orderBy(asc(operators.id)).limit(2);
    if (another) throw refusal(`several operators are called ${name}`);
    if (mixinUserId !== undefined) await freeMixinUser(tx, mixinUserId, found?.id);
    const set = { role, ...mixinUserId !== undefined && { mixinUserId } };
    if (found) {
      await tx.db.update(operators).set(set).where(eq(operators.id, found.id));
      return { operatorId: found.id, isNew: false };
    }
    const [made] = await tx.db.insert(operators).values({ ...set, name, createdAt: tx.now() })
      .returning({ id: operators.id });
    return { operatorId: made!.id, isNew: true };
  });
  await tellOperatorChanged(ctx.redis, added.operatorId);
  return added;
}

/** Takes a Mixin user from a disabled operator; one who is not keeps theirs. */
async function freeMixinUser(tx: Ctx, mixinUserId: string, operatorId: number | undefined) {
  const theirs = eq(operators.mixinUserId, mixinUserId);
  await tx.db.update(operators).set({ mixinUserId: null })
    .where(and(theirs, isNotNull(operators.disabledAt)));
  const [holder] = await tx.db.select({ id: operators.id, name: operators.name }).from(operators)
    .where(theirs).limit(1);
  if (holder && holder.id !== operatorId) {
    throw refusal(`this Mixin user logs in as ${holder.name}`);
  }
}

const refusal = (message: string) => new DomainError("params_invalid", { message });

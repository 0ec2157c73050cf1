import { and, asc, desc, eq, isNull, sql } from "drizzle-orm";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { type OperatorRole, operators } from "../../schema/operators.ts";
import { DomainError } from "../errors.ts";
import { freeMixinUser, lockRoster } from "./roster.ts";
import { isName } from "./rules.ts";
import { tellOperatorChanged } from "./standing_cache.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** An operator as the command line names them: by name, not by a number one would have to know. */
export interface NamedOperator {
  name: string;
  role: OperatorRole;
  /** The Mixin user who may log in; undefined: nobody, or whoever could before. */
  mixinUserId: string | undefined;
}

/**
 * Makes an operator or, when one who is not disabled has the name already, changes their role and
 * Mixin user: another role ends their tokens at once. Disabled operators stay so; whoever comes back
 * is a new one, and takes the Mixin user along. May demote the last admin: who has the database
 * itself can always make another.
 * @returns the operator's id and generation, and whether there was none of that name
 * @throws {DomainError} `params_invalid` for a blank or long name, one that several have, what is no
 *   UUID, and a Mixin user who logs in as somebody else
 */
export async function setOperator(
  ctx: Ctx,
  { name, role, mixinUserId: given }: NamedOperator,
): Promise<{ operatorId: number; generation: number; isNew: boolean }> {
  const mixinUserId = given?.toLowerCase();
  if (!isName(name)) throw refusal("a name of 1 to 64 letters");
  if (mixinUserId !== undefined && !UUID.test(mixinUserId)) throw refusal("a Mixin user is a UUID");
  const stands = await withTx(ctx, async (tx) => {
    await lockRoster(tx);
    const found = await findPresent(tx, name);
    const operatorId = found?.id;
    const holder = mixinUserId && await freeMixinUser(tx, { mixinUserId, operatorId });
    if (holder) throw refusal(`this Mixin user logs in as ${holder}`);
    const set = { name, role, ...mixinUserId !== undefined && { mixinUserId } };
    const [row] = found
      ? await tx.db.update(operators).set({
        ...set,
        generation: sql`${operators.generation} + ${found.role === role ? 0 : 1}`,
      }).where(eq(operators.id, found.id)).returning()
      : await tx.db.insert(operators).values({ ...set, createdAt: tx.now() }).returning();
    return { operatorId: row!.id, generation: row!.generation, isNew: !found };
  });
  await tellOperatorChanged(ctx.redis, stands.operatorId);
  return stands;
}

/**
 * The operator of that name who is not disabled, or else the latest who is.
 * @throws {DomainError} `operator_missing`, and `params_invalid` for a name that several have
 */
export async function findOperator(ctx: Ctx, name: string): Promise<number> {
  const present = await findPresent(ctx, name);
  if (present) return present.id;
  const [disabled] = await ctx.db.select({ id: operators.id }).from(operators)
    .where(eq(operators.name, name)).orderBy(desc(operators.id)).limit(1);
  if (!disabled) throw new DomainError("operator_missing");
  return disabled.id;
}

async function findPresent(ctx: Ctx, name: string) {
  const [found, another] = await ctx.db.select({ id: operators.id, role: operators.role })
    .from(operators).where(and(eq(operators.name, name), isNull(operators.disabledAt)))
    .orderBy(asc(operators.id)).limit(2);
  if (another) throw refusal(`several operators are called ${name}`);
  return found;
}

const refusal = (message: string) => new DomainError("params_invalid", { message });

import { eq, sql } from "drizzle-orm";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { operators } from "../../schema/operators.ts";
import { DomainError } from "../errors.ts";
import type { OpsActor } from "./actor.ts";
import { type ListedOperator, operatorColumns, readOperator } from "./reads.ts";
import { recordAction } from "./record_action.ts";
import { freeMixinUser, keepAnAdmin, lockRoster } from "./roster.ts";
import { isName } from "./rules.ts";
import { tellOperatorChanged } from "./standing_cache.ts";

/** What becomes of an operator; absent stays as it is. */
export interface OperatorChange {
  operatorId: number;
  name?: string | undefined;
  role?: ListedOperator["role"] | undefined;
  /** A UUID in lower case; null: nobody logs in with Mixin any more. */
  mixinUserId?: string | null | undefined;
  actor: OpsActor;
}

type Parts = Pick<ListedOperator, "name" | "role" | "mixinUserId">;

/**
 * Changes an operator. A new role ends all their tokens at once; what is so already leaves no trace.
 * @throws {DomainError} `operator_missing`; `operator_disabled`; `params_invalid` for a blank or long
 *   name; `operator_mixin_taken`; `operator_last_admin` when nobody else is admin
 */
export async function changeOperator(
  ctx: Ctx,
  { operatorId, actor, ...given }: OperatorChange,
): Promise<ListedOperator> {
  if (given.name !== undefined && !isName(given.name)) throw new DomainError("params_invalid");
  const { operator, isChanged } = await withTx(ctx, async (tx) => {
    await lockRoster(tx);
    const before = await readOperator(tx, operatorId);
    if (before.disabledAt) throw new DomainError("operator_disabled");
    const names = (["name", "role", "mixinUserId"] as const)
      .filter((name) => given[name] !== undefined && given[name] !== before[name]);
    if (names.length === 0) return { operator: before, isChanged: false };
    const after = pick(given as Parts, names);
    await refuse(tx, before, after);
    const [operator] = await tx.db.update(operators).set({
      ...after,
      ...after.role && { generation: sql`${operators.generation} + 1` },
    }).where(eq(operators.id, operatorId)).returning(operatorColumns);
    await recordAction(tx, {
      actor,
      action: "operators.change",
      target: `operator:${operatorId}`,
      before: pick(before, names),
      after,
    });
    return { operator: operator!, isChanged: true };
  });
  if (isChanged) await tellOperatorChanged(ctx.redis, operatorId);
  return operator;
}

async function refuse(tx: Ctx, before: ListedOperator, { role, mixinUserId }: Partial<Parts>) {
  if (role && before.role === "admin") await keepAnAdmin(tx, before.id);
  if (!mixinUserId) return;
  const holder = await freeMixinUser(tx, { mixinUserId, operatorId: before.id });
  if (holder) throw new DomainError("operator_mixin_taken");
}

function pick(parts: Parts, names: (keyof Parts)[]): Partial<Parts> {
  return Object.fromEntries(names.map((name) => [name, parts[name]]));
}

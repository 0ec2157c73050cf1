import { type Ctx, withTx } from "../../client/ctx.ts";
import { type OperatorRole, operators } from "../../schema/operators.ts";
import { DomainError } from "../errors.ts";
import type { OpsActor } from "./actor.ts";
import { type ListedOperator, operatorColumns } from "./reads.ts";
import { recordAction } from "./record_action.ts";
import { freeMixinUser, lockRoster } from "./roster.ts";
import { isName } from "./rules.ts";

export interface NewOperator {
  name: string;
  role: OperatorRole;
  /** The Mixin user who may log in, a UUID in lower case; undefined: nobody. */
  mixinUserId: string | undefined;
  actor: OpsActor;
}

/**
 * Makes an operator, whatever others are called. A disabled one's Mixin user may be taken over.
 * @throws {DomainError} `params_invalid` for a blank or long name, `operator_mixin_taken`
 */
export async function addOperator(
  ctx: Ctx,
  { actor, ...given }: NewOperator,
): Promise<ListedOperator> {
  const { name, role, mixinUserId } = given;
  if (!isName(name)) throw new DomainError("params_invalid");
  return await withTx(ctx, async (tx) => {
    await lockRoster(tx);
    if (mixinUserId !== undefined) {
      const holder = await freeMixinUser(tx, { mixinUserId, operatorId: undefined });
      if (holder) throw new DomainError("operator_mixin_taken");
    }
    const [operator] = await tx.db.insert(operators).values({ ...given, createdAt: tx.now() })
      .returning(operatorColumns);
    await recordAction(tx, {
      actor,
      action: "operators.add",
      target: `operator:${operator!.id}`,
      before: null,
      after: { name, role, mixinUserId: mixinUserId ?? null },
    });
    return operator!;
  });
}

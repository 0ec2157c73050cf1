import { desc, eq } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { type OperatorRole, operators } from "../../schema/operators.ts";
import { DomainError } from "../errors.ts";
import { countedPage } from "../paging/counted_page.ts";
import { OPERATORS_START_MAX } from "./rules.ts";

export interface ListedOperator {
  id: number;
  name: string;
  role: OperatorRole;
  /** Who logs in as this operator; null: nobody. */
  mixinUserId: string | null;
  createdAt: Date;
  /** With Mixin; null: never. */
  lastLoginAt: Date | null;
  disabledAt: Date | null;
}

export const operatorColumns = {
  id: operators.id,
  name: operators.name,
  role: operators.role,
  mixinUserId: operators.mixinUserId,
  createdAt: operators.createdAt,
  lastLoginAt: operators.lastLoginAt,
  disabledAt: operators.disabledAt,
};

/** @throws {DomainError} `operator_missing`; a disabled operator is there */
export async function readOperator(ctx: Ctx, operatorId: number): Promise<ListedOperator> {
  const [operator] = await ctx.db.select(operatorColumns).from(operators)
    .where(eq(operators.id, operatorId)).limit(1);
  if (!operator) throw new DomainError("operator_missing");
  return operator;
}

export function listOperators(
  ctx: Ctx,
  { start, limit }: { start: number; limit: number },
): Promise<{ total: number; items: ListedOperator[] }> {
  return countedPage(ctx, {
    of: operators,
    where: undefined,
    countMax: OPERATORS_START_MAX,
    page: ctx.db.select(operatorColumns).from(operators).orderBy(desc(operators.id))
      .limit(limit).offset(start),
    by: ["id"],
  });
}

import { sql } from "drizzle-orm";
import { sha256Hex } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import type { OperatorRole } from "../../schema/operators.ts";
import { instant, int4, int8, rows, typed } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { readSessionAndUseKeys } from "../sessions/reads.ts";
import { issueOperatorToken } from "./tokens.ts";

/** Longer than Mixin lets any code live, ms. */
const CODE_USED_MS = 24 * 60 * 60 * 1000;

export interface MixinLogin {
  code: string;
  exchangeCode(code: string): Promise<{ userId: string }>;
}

/**
 * Logs in the operator whose Mixin user brings a code. A code is good once, whatever Mixin thinks:
 * it is used up before Mixin is asked, so that of two uses at once one gets a token.
 * @returns the operator's token
 * @throws {DomainError} `auth_code_invalid` for a used code, `operator_unknown` for a Mixin user who
 *   is no operator, or none any more; and what `exchangeCode` throws
 */
export async function logInWithMixin(
  ctx: Ctx,
  { code, exchangeCode }: MixinLogin,
): Promise<string> {
  const key = { key: `mixin-code:${sha256Hex(code)}`, windowMs: CODE_USED_MS };
  const { unused } = await readSessionAndUseKeys(ctx, undefined, [key]);
  if (!unused) throw new DomainError("auth_code_invalid");
  const { userId } = await exchangeCode(code);
  const operator = await noteLogin(ctx, userId);
  if (!operator) throw new DomainError("operator_unknown");
  return await issueOperatorToken(ctx, operator);
}

async function noteLogin(ctx: Ctx, mixinUserId: string) {
  const statement = sql`
    update operators set last_login_at = ${instant(ctx.now())}
    where mixin_user_id = ${mixinUserId} and disabled_at is null
    returning id as operator_id, role, generation`;
  const [operator] = await rows(ctx, statement, {
    operatorId: int8,
    role: typed<OperatorRole>(),
    generation: int4,
  });
  return operator;
}

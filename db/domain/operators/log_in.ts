import { eq, sql } from "drizzle-orm";
import { sha256Hex } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { callGuards } from "../../schema/guards.ts";
import type { OperatorRole } from "../../schema/operators.ts";
import { instant, int4, int8, rows, typed } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { readSessionAndUseKeys } from "../sessions/reads.ts";
import { issueOperatorToken } from "./tokens.ts";

/** Longer than Mixin lets any code live, ms. */
const CODE_USED_MS = 24 * 60 * 60 * 1000;
/** Longer than Mixin may take to say whether it knows a code, ms. */
const CODE_ASKED_MS = 60 * 1000;

export interface MixinLogin {
  code: string;
  exchangeCode(code: string): Promise<{ userId: string }>;
}

/**
 * Logs in the operator whose Mixin user brings a code. A code is good once, whatever Mixin thinks:
 * it is used up before Mixin is asked, so that of two uses at once one gets a token. Codes Mixin did
 * not accept are not kept: anybody can make them up.
 * @returns the operator's token
 * @throws {DomainError} `auth_code_invalid` for a used code, `operator_unknown` for a Mixin user who
 *   is no operator, or none any more; and what `exchangeCode` throws
 */
export async function logInWithMixin(
  ctx: Ctx,
  { code, exchangeCode }: MixinLogin,
): Promise<string> {
  const key = `mixin-code:${sha256Hex(code)}`;
  const { used } = await readSessionAndUseKeys(ctx, undefined, [
    { key, windowMs: CODE_ASKED_MS },
  ]);
  if (used.length === 0) throw new DomainError("auth_code_invalid");
  let mixinUserId: string;
  try {
    mixinUserId = (await exchangeCode(code)).userId;
  } catch (error) {
    // Not worth another failure: it is forgotten within the minute anyway.
    await ctx.db.delete(callGuards).where(eq(callGuards.key, key)).catch(() => {});
    throw error;
  }
  const operator = await noteLogin(ctx, { mixinUserId, key });
  if (!operator) throw new DomainError("operator_unknown");
  return await issueOperatorToken(ctx, operator);
}

/** Keeps the code Mixin accepted, and writes down the login of the operator there is, if any. */
async function noteLogin(
  ctx: Ctx,
  { mixinUserId, key }: { mixinUserId: string; key: string },
) {
  const now = ctx.now();
  const usedUntil = new Date(now.getTime() + CODE_USED_MS);
  const statement = sql`
    with kept as (
      insert into call_guards (key, expires_at) values (${key}, ${instant(usedUntil)})
      on conflict (key) do update set expires_at = excluded.expires_at
    )
    update operators set last_login_at = ${instant(now)}
    where mixin_user_id = ${mixinUserId} and disabled_at is null
    returning id as operator_id, role, generation`;
  const [operator] = await rows(ctx, statement, {
    operatorId: int8,
    role: typed<OperatorRole>(),
    generation: int4,
  });
  return operator;
}

import { and, eq, isNull, sql } from "drizzle-orm";
import { hmacHex, sameSecret } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { type OperatorRole, operators, opsKeys, revokedTokens } from "../../schema/operators.ts";
import { DomainError } from "../errors.ts";
import type { KeyActor, OperatorActor } from "./actor.ts";
import type { OperatorClaims } from "./tokens.ts";

export interface Standing {
  role: OperatorRole;
  name: string;
  isRevoked: boolean;
}

/** How the operator stands, and the token; undefined for one who may do nothing any more. */
export async function readStanding(
  ctx: Ctx,
  { operatorId, jti }: OperatorClaims,
): Promise<Standing | undefined> {
  const [row] = await ctx.db
    .select({
      role: operators.role,
      name: operators.name,
      isRevoked: sql<boolean>`exists (select from ${revokedTokens} where jti = ${jti})`,
    })
    .from(operators).where(and(eq(operators.id, operatorId), isNull(operators.disabledAt)))
    .limit(1);
  return row;
}

/**
 * @throws {DomainError} `session_invalid` for a revoked token, a disabled operator, and a role that
 *   is another by now: a token never says more, or less, than its operator may
 */
export function operatorBehind(
  { operatorId, role, jti }: OperatorClaims,
  standing: Standing | undefined,
): OperatorActor {
  if (!standing || standing.isRevoked || standing.role !== role) {
    throw new DomainError("session_invalid");
  }
  return { kind: "operator", operatorId, role, name: standing.name, jti };
}

export interface KeyStanding {
  secretHash: string;
  name: string;
  groupIds: number[] | null;
}

/** Undefined for a key that is disabled or was never there. */
export async function readKeyStanding(ctx: Ctx, keyId: string): Promise<KeyStanding | undefined> {
  const [row] = await ctx.db
    .select({ secretHash: opsKeys.secretHash, name: opsKeys.name, groupIds: opsKeys.groupIds })
    .from(opsKeys).where(and(eq(opsKeys.id, keyId), isNull(opsKeys.disabledAt))).limit(1);
  return row;
}

/** @throws {DomainError} `session_invalid` */
export function keyBehind(
  { config }: Pick<Ctx, "config">,
  { keyId, secret }: { keyId: string; secret: string },
  standing: KeyStanding | undefined,
): KeyActor {
  const given = hmacHex(config.keys.opsKey, secret);
  if (!standing || !sameSecret(given, standing.secretHash)) {
    throw new DomainError("session_invalid");
  }
  return { kind: "key", keyId, name: standing.name, groupIds: standing.groupIds };
}

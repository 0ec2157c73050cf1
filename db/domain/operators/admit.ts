import { and, eq, isNull, sql } from "drizzle-orm";
import { hmacHex, sameSecret } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { type OperatorRole, operators, opsKeys, revokedTokens } from "../../schema/operators.ts";
import { DomainError } from "../errors.ts";
import type { KeyActor, OperatorActor } from "./actor.ts";
import type { OperatorClaims } from "./tokens.ts";

export interface Standing {
  role: OperatorRole;
  generation: number;
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
      generation: operators.generation,
      name: operators.name,
      isRevoked: sql<boolean>`exists (select from ${revokedTokens} where jti = ${jti})`,
    })
    .from(operators).where(and(eq(operators.id, operatorId), isNull(operators.disabledAt)))
    .limit(1);
  return row;
}

/**
 * @throws {DomainError} `session_invalid` for a revoked token, a disabled operator, a token of
 *   another generation, and a role that is another by now: a token never says more, or less, than
 *   its operator may
 */
export function operatorBehind(
  { operatorId, role, generation, jti }: OperatorClaims,
  standing: Standing | undefined,
): OperatorActor {
  const isGood = standing && !standing.isRevoked && standing.generation === generation &&
    standing.role === role;
  if (!isGood) throw new DomainError("session_invalid");
  return { kind: "operator", operatorId, role, name: standing.name, jti };
}

export interface KeyStanding {
  secretHash: string;
  /** The secret before, while it is good; until when, ms since 1970. */
  previous: { secretHash: string; untilMs: number } | null;
  name: string;
  groupIds: number[] | null;
}

/** Undefined for a key that is disabled or was never there. */
export async function readKeyStanding(ctx: Ctx, keyId: string): Promise<KeyStanding | undefined> {
  const [row] = await ctx.db.select().from(opsKeys)
    .where(and(eq(opsKeys.id, keyId), isNull(opsKeys.disabledAt))).limit(1);
  if (!row) return undefined;
  const { secretHash, secretHashPrevious, previousUntil, name, groupIds } = row;
  const previous = secretHashPrevious && previousUntil &&
    { secretHash: secretHashPrevious, untilMs: previousUntil.getTime() };
  return { secretHash, previous: previous || null, name, groupIds };
}

/** @throws {DomainError} `session_invalid` */
export function keyBehind(
  { config, now }: Pick<Ctx, "config" | "now">,
  { keyId, secret }: { keyId: string; secret: string },
  standing: KeyStanding | undefined,
): KeyActor {
  if (!standing) throw new DomainError("session_invalid");
  const { secretHash, previous, name, groupIds } = standing;
  const given = hmacHex(config.keys.opsKey, secret);
  const isGood = sameSecret(given, secretHash) ||
    previous !== null && now().getTime() < previous.untilMs &&
      sameSecret(given, previous.secretHash);
  if (!isGood) throw new DomainError("session_invalid");
  return { kind: "key", keyId, name, groupIds };
}

import { jwtVerify, SignJWT } from "jose";
import { randomHex32 } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { type OperatorRole, operatorRoles } from "../../schema/operators.ts";
import { DomainError } from "../errors.ts";

export interface OperatorClaims {
  operatorId: number;
  role: OperatorRole;
  /** A token is good in the generation of its operator that it was made in. */
  generation: number;
  jti: string;
  expiresAt: Date;
}

export const OPERATOR_TOKEN_LIFE_MS = 7 * 24 * 60 * 60 * 1000;

const ALGORITHM = "HS256";
const ISSUER = "plaza";
const AUDIENCE = "plaza-operators";
const TYPE = "JWT";

/** @param of generation 0, that of an operator none of whose tokens were ever ended, unless it says */
export async function issueOperatorToken(
  ctx: Pick<Ctx, "config" | "now">,
  of: { operatorId: number; role: OperatorRole; generation?: number },
): Promise<string> {
  const { operatorId, role, generation = 0 } = of;
  const nowMs = ctx.now().getTime();
  return await new SignJWT({ role, gen: generation, mode: "client", typ: "operator", oap: "mixin" })
    .setProtectedHeader({ alg: ALGORITHM, typ: TYPE })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setSubject(String(operatorId))
    .setJti(randomHex32())
    .setIssuedAt(Math.floor(nowMs / 1000))
    .setExpirationTime(Math.floor((nowMs + OPERATOR_TOKEN_LIFE_MS) / 1000))
    .sign(ctx.config.keys.operatorJwt);
}

/**
 * Checks a token as RFC 8725 asks: one algorithm for the key, issuer, audience, lifetime, type and
 * every claim we set. Whether it was revoked is the caller's to ask.
 * @throws {DomainError} `session_invalid`, whatever was wrong with it
 */
export async function verifyOperatorToken(
  ctx: Pick<Ctx, "config" | "now">,
  token: string,
): Promise<OperatorClaims> {
  try {
    const { payload } = await jwtVerify(token, ctx.config.keys.operatorJwt, {
      algorithms: [ALGORITHM],
      issuer: ISSUER,
      audience: AUDIENCE,
      typ: TYPE,
      currentDate: ctx.now(),
      requiredClaims: ["sub", "jti", "iat", "exp", "role"],
    });
    const operatorId = Number(payload.sub);
    const role = operatorRoles.find((known) => known === payload.role);
    // Tokens from before there were generations are of the first.
    const generation = payload.gen ?? 0;
    const isWhole = Number.isSafeInteger(operatorId) && Number.isSafeInteger(generation);
    if (!role || !isWhole || operatorId < 1) throw new Error("bad claims");
    return {
      operatorId,
      role,
      generation: Number(generation),
      jti: payload.jti!,
      expiresAt: new Date(payload.exp! * 1000),
    };
  } catch (cause) {
    throw new DomainError("session_invalid", { cause });
  }
}

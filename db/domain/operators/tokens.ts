import { jwtVerify, SignJWT } from "jose";
import { randomHex32 } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { type OperatorRole, operatorRoles } from "../../schema/operators.ts";
import { DomainError } from "../errors.ts";

export interface OperatorClaims {
  operatorId: number;
  role: OperatorRole;
  jti: string;
}

export const OPERATOR_TOKEN_LIFE_MS = 7 * 24 * 60 * 60 * 1000;

const ALGORITHM = "HS256";
const ISSUER = "plaza";
const AUDIENCE = "plaza-operators";
const TYPE = "JWT";

export async function issueOperatorToken(
  ctx: Pick<Ctx, "config" | "now">,
  { operatorId, role }: { operatorId: number; role: OperatorRole },
): Promise<string> {
  const nowMs = ctx.now().getTime();
  return await new SignJWT({ role, mode: "client", typ: "operator", oap: "mixin" })
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
    if (!role || !Number.isSafeInteger(operatorId) || operatorId < 1) throw new Error("bad claims");
    return { operatorId, role, jti: payload.jti! };
  } catch (cause) {
    throw new DomainError("session_invalid", { cause });
  }
}

import { sha256Hex } from "../../config/keys.ts";
import { DomainError } from "../../db/domain/errors.ts";
import { accessSecretsOf } from "../../db/domain/sessions/access_secret.ts";
import { readBasic } from "../../middleware/authorization.ts";
import { signedString, verifySignature } from "../../middleware/signature.ts";
import type { RawInput } from "../input.ts";
import type { Call } from "../spec.ts";

/** Query and body together: what is signed, and what the schemas see. */
export function paramsOf(
  { query, body }: Pick<RawInput, "query" | "body">,
): Record<string, unknown> {
  const isObject = typeof body === "object" && body !== null && !Array.isArray(body);
  return isObject ? { ...query, ...body } : query;
}

/** Who calls, as they say. */
export interface Credentials {
  uid: string;
  token: string;
}

/** `Basic b64(uid:token)`: exactly two parts. */
export function credentialsOf(headers: Headers): Credentials | undefined {
  if (!headers.has("authorization")) return undefined;
  const { user: uid = "", password: token = "" } = readBasic(headers) ?? {};
  if (![uid, token].every((part) => /^[a-f0-9]{32}$/.test(part))) {
    throw new DomainError("session_invalid");
  }
  return { uid, token };
}

/** The signature a call rightly carries. */
export function signatureOf(
  { ctx, query, body, repeatedNames }: Call,
  params: Record<string, unknown>,
  credentials: Credentials | undefined,
): string {
  const inBoth = body === undefined
    ? []
    : Object.keys(Object(body)).filter((name) => Object.hasOwn(query, name));
  return verifySignature({
    params,
    repeatedNames: [...repeatedNames, ...inBoth],
    secrets: credentials
      ? accessSecretsOf(ctx.config.keys, credentials.uid, credentials.token)
      : [ctx.config.gatewayDefaultSecret],
    nowMs: ctx.now().getTime(),
    windowMs: ctx.config.signWindowMs,
  });
}

/** How long a call is known again by its signature, whatever `ts` it carries, ms. */
const SIGNATURE_MEMORY_MS = 20 * 60 * 1_000;

/**
 * What a call is known again by: this signature, and the same parameters by the same caller at
 * once, whatever the clock said. No signature covers method and path, and the same parameters there
 * are another call.
 */
export function useOnce(call: Call, caller: string, params: Record<string, unknown>, sign: string) {
  const { ts: _ts, ...stable } = params;
  const place = `${call.method} ${call.path}`;
  return [
    { key: `sign:${caller}:${sha256Hex(`${place} ${sign}`)}`, windowMs: SIGNATURE_MEMORY_MS },
    {
      key: `call:${caller}:${sha256Hex(`${place} ${signedString(stable, "")}`)}`,
      windowMs: call.ctx.config.duplicateWindowMs,
    },
  ].filter(({ windowMs }) => windowMs > 0);
}

import { md5Hex, sameSecret } from "../config/keys.ts";
import { DomainError } from "../db/domain/errors.ts";

export type SignedParams = Record<string, unknown>;

const SEPARATOR = "$$$";

/**
 * The string a call is signed over: `key=value` of every parameter but `sign`, the pairs sorted,
 * `accessSecret=<secret>` behind them, joined by `$$$` (docs/contracts/gateway.md#calling-it).
 */
export function signedString(params: SignedParams, secret: string): string {
  const pairs = Object.entries(params)
    .filter(([name]) => name !== "sign")
    .map(([name, value]) => `${name}=${valueText(value)}`)
    .sort(byCodeUnit);
  return [...pairs, `accessSecret=${secret}`].join(SEPARATOR);
}

export function signatureOf(params: SignedParams, secret: string): string {
  return md5Hex(signedString(params, secret));
}

/** Scalars as they print, objects and arrays as compact JSON with sorted keys. */
function valueText(value: unknown): string {
  return typeof value === "object" && value !== null
    ? JSON.stringify(value, sortedKeys)
    : String(value);
}

function sortedKeys(_: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => byCodeUnit(a, b)));
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export interface VerifyOptions {
  params: SignedParams;
  repeatedNames: string[];
  /** Any of these may have signed. */
  secrets: string[];
  nowMs: number;
  /** How far `ts` may be from `nowMs`, ms. */
  windowMs: number;
}

/**
 * Checks a call's `ts` and `sign` without any I/O.
 *
 * @returns the signature in the form it is compared in, for the guard against a second use
 * @throws {DomainError} `signature_missing`, `signature_ambiguous`, `signature_stale` or
 *   `signature_wrong`
 */
export function verifySignature(options: VerifyOptions): string {
  const { params, repeatedNames, secrets, nowMs, windowMs } = options;
  const sign = typeof params.sign === "string" ? params.sign.replaceAll(/[\r\n]/g, "") : "";
  // Of what a JSON body may hold, an object can throw when it is made a number.
  const ts = ["number", "string"].includes(typeof params.ts) ? Number(params.ts) : NaN;
  if (sign === "" || !Number.isSafeInteger(ts)) {
    throw new DomainError("signature_missing");
  }
  if (repeatedNames.length > 0 || isAmbiguous(params)) throw new DomainError("signature_ambiguous");
  if (Math.abs(nowMs - ts) > windowMs) throw new DomainError("signature_stale");
  const given = sign.toLowerCase();
  if (!secrets.some((secret) => sameSecret(signatureOf(params, secret), given))) {
    throw new DomainError("signature_wrong");
  }
  return given;
}

/**
 * `{a:"1", b:"2"}` and `{a:"1$$$b=2"}` join to the same string; only one of them may be signed. What
 * holds no `=` is no parameter, so a value may hold `$$$` in front of it.
 */
function isAmbiguous(params: SignedParams): boolean {
  return Object.entries(params).some(([name, value]) =>
    name.includes("=") || name.includes(SEPARATOR) || holdsParameter(valueText(value))
  );
}

function holdsParameter(value: string): boolean {
  const at = value.indexOf(SEPARATOR);
  return at >= 0 && value.includes("=", at + SEPARATOR.length);
}

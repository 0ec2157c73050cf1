import { hmacHex, type Keys, sha256Hex } from "../../../config/keys.ts";
import { Recent } from "../../../config/runtime/recent.ts";

/** Callers whose secrets are not worked out again ({@link Recent}). */
const CALLERS_COUNT_MAX = 10_000;
/** Of tokens of ours; others, which strangers may send, are not kept in mind. */
const TOKEN_LENGTH_MAX = 64;
/** Hex digits. */
const ACCESS_SECRET_LENGTH = 32;
const secretsByKeys = new WeakMap<Keys, Recent<string, string[]>>();
const hashes = new Recent<string, string>(CALLERS_COUNT_MAX);

/**
 * The secrets a session may sign gateway calls with: the first 32 hex digits of HMAC-SHA256 over
 * uid and token, under the newest server key and, during a rotation, the one before. Nothing is
 * stored, so a signature is checked before any I/O.
 */
export function accessSecretsOf(keys: Keys, uid: string, token: string): string[] {
  const known = secretsByKeys.get(keys) ?? new Recent<string, string[]>(CALLERS_COUNT_MAX);
  secretsByKeys.set(keys, known);
  const caller = `${uid}:${token}`;
  return known.getOr(
    caller,
    () => keys.session.map((key) => hmacHex(key, caller).slice(0, ACCESS_SECRET_LENGTH)),
  );
}

export function hashToken(token: string): string {
  if (token.length > TOKEN_LENGTH_MAX) return sha256Hex(token);
  return hashes.getOr(token, () => sha256Hex(token));
}

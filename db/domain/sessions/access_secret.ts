import { hmacHex, type Keys, sha256Hex } from "../../../config/keys.ts";

/**
 * The secrets a session may sign gateway calls with: the first 32 hex digits of HMAC-SHA256 over
 * uid and token, under the newest server key and, during a rotation, the one before. Nothing is
 * stored, so a signature is checked before any I/O.
 */
export function accessSecretsOf(keys: Keys, uid: string, token: string): string[] {
  return keys.session.map((key) => hmacHex(key, `${uid}:${token}`).slice(0, 32));
}

export function hashToken(token: string): string {
  return sha256Hex(token);
}

import { hmacHex, type Keys, randomHex32 } from "../../../config/keys.ts";

/** A key's secret, told this once, and what is kept of it. */
export function makeKeySecret(keys: Keys): { secret: string; secretHash: string } {
  const secret = randomHex32();
  return { secret, secretHash: hmacHex(keys.opsKey, secret) };
}

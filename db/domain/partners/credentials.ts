import { hmacHex, type Keys, sameSecret } from "../../keys.ts";
import type { App } from "./rules.ts";

/** A secret as it is kept: what the contract sends, its MD5, behind a key. */
export function hashSecret(keys: Keys, secretMd5: string): string {
  return hmacHex(keys.partnerSecret, secretMd5.toLowerCase());
}

/** Whether it is one of the app's live secrets; all are compared, in constant time. */
export function isSecret(keys: Keys, { secretHashes }: App, secretMd5: string): boolean {
  const given = hashSecret(keys, secretMd5);
  return secretHashes.map((hash) => sameSecret(hash, given)).includes(true);
}

/** Whether the app's server may call from this address. */
export function isAllowedAddress({ addresses }: App, address: string): boolean {
  return addresses === null || addresses.includes(address);
}

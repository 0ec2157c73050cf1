import { hmacHex, type Keys, md5Hex, randomHex32, sameSecret } from "../../../config/keys.ts";
import { parseAddress } from "../../../config/runtime/address.ts";
import { DomainError } from "../errors.ts";
import type { App } from "./rules.ts";

export function makeSecret(keys: Keys): { secret: string; secretHash: string } {
  const secret = randomHex32();
  return { secret, secretHash: hashSecret(keys, md5Hex(secret)) };
}

/** A secret as it is kept: what the contract sends, its MD5, behind a key. */
export function hashSecret(keys: Keys, secretMd5: string): string {
  return hmacHex(keys.partnerSecret, secretMd5.toLowerCase());
}

export function isSecret(keys: Keys, { secretHashes }: App, secretMd5: string): boolean {
  const given = hashSecret(keys, secretMd5);
  return secretHashes.map((hash) => sameSecret(hash, given)).includes(true);
}

export function isAllowedAddress({ addresses }: App, address: string): boolean {
  return addresses === null || addresses.includes(address);
}

/** @throws {DomainError} `params_invalid` for what is no address */
export function checkAddress(address: string): string {
  const known = parseAddress(address);
  if (known === undefined) throw new DomainError("params_invalid");
  return known;
}

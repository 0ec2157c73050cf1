import { isIP, isIPv6 } from "node:net";
import { hmacHex, type Keys, md5Hex, randomHex32, sameSecret } from "../../../config/keys.ts";
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
  return addresses === null || addresses.includes(plainAddress(address));
}

/** @throws {DomainError} `params_invalid` for what is no address */
export function checkAddress(address: string): string {
  if (isIP(address) === 0) throw new DomainError("params_invalid");
  return plainAddress(address);
}

/** One spelling per address: IPv6 as RFC 5952 has it, IPv4 behind IPv6 as IPv4. */
function plainAddress(address: string): string {
  if (!isIPv6(address) || address.includes("%")) return address;
  const plain = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(plain) ?? [];
  if (!high || !low) return plain;
  return [high, low].flatMap((word) => [parseInt(word, 16) >> 8, parseInt(word, 16) & 255])
    .join(".");
}

import { hmacHex, type Keys, md5Hex, randomHex32, sameSecret } from "../../../config/keys.ts";
import { parseAddress } from "../../../config/runtime/address.ts";
import { seal, unseal } from "../../../config/runtime/sealed.ts";
import { DomainError } from "../errors.ts";
import type { App } from "./rules.ts";

/** A new secret, and how an app's row keeps it. */
export function makeSecret(keys: Keys) {
  const secret = randomHex32();
  return { secret, kept: keepSecret(keys, secret) };
}

/** A secret is sealed to its hash, so that a rotation can move both to their second columns. */
export function keepSecret(
  keys: Keys,
  secret: string,
): { secretHash: string; secretSealed: string } {
  const secretHash = hashSecret(keys, md5Hex(secret));
  return { secretHash, secretSealed: seal(keys, secret, sealedTo(secretHash)) };
}

function sealedTo(secretHash: string): string {
  return `apps.secret:${secretHash}`;
}

/** @returns undefined for one that was not kept, or whose key is gone */
function openSecret(keys: Keys, { hash, sealed }: KeptSecret): string | undefined {
  if (hash === undefined || sealed === undefined) return undefined;
  try {
    return unseal(keys, sealed, sealedTo(hash));
  } catch {
    return undefined;
  }
}

export interface KeptSecret {
  hash: string | undefined;
  sealed: string | undefined;
}

/**
 * Whether `sign` is the lower hex HMAC-SHA256 of a text under one of an app's secrets.
 * @returns undefined when none of them is there to check it with
 */
export function isSigned(
  keys: Keys,
  { text, sign, secrets }: { text: string; sign: string; secrets: KeptSecret[] },
): boolean | undefined {
  const opened = secrets.map((secret) => openSecret(keys, secret))
    .filter((secret) => secret !== undefined);
  if (opened.length === 0) return undefined;
  return opened.map((secret) => sameSecret(hmacHex(Buffer.from(secret), text), sign))
    .includes(true);
}

/** A secret as it is kept: what the contract sends, its MD5, behind a key. */
export function hashSecret(keys: Keys, secretMd5: string): string {
  return hmacHex(keys.partnerSecret, secretMd5.toLowerCase());
}

/** What an app, as this process knows it, came with last, so that its next call needs no HMAC. */
const lastRight = new WeakMap<App, string>();

export function isSecret(keys: Keys, app: App, secretMd5: string): boolean {
  const last = lastRight.get(app);
  if (last !== undefined && sameSecret(last, secretMd5)) return true;
  const given = hashSecret(keys, secretMd5);
  const isRight = app.secretHashes.map((hash) => sameSecret(hash, given)).includes(true);
  if (isRight) lastRight.set(app, secretMd5);
  return isRight;
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

export { CUSTOMER_PROOFS, type CustomerProof } from "../../schema/apps.ts";

export interface App {
  id: number;
  /** Whose users and groups it speaks for: its own, or the house's. */
  tenantId: number;
  /** Keyed hashes of the MD5 of each secret that is good, the newest first. */
  secretHashes: string[];
  addresses: string[] | null;
}

/** Of people and desks; groups have the same (`GROUP_NAME_LENGTH_MAX`). */
export const NAME_LENGTH_MAX = 255;
export const APP_NAME_LENGTH_MAX = 64;
export const AVATAR_LENGTH_MAX = 1024;
export const CUSTOMER_ID_LENGTH_MAX = 128;
export const ADDRESS_COUNT_MAX = 100;
export const STORE_COUNT_MAX = 1000;
export const SELLER_COUNT_MAX = 100;
export const APPS_START_MAX = 10_000;

/**
 * Who helps a customer: the one who did before, else one of those online, else the first.
 * @param draw a random whole number from 0 up to, but not including, its argument
 */
export function chooseSeller<Seller extends { isLast: boolean; isOnline: boolean }>(
  sellers: readonly [Seller, ...Seller[]],
  draw: (count: number) => number,
): Seller {
  const last = sellers.find(({ isLast }) => isLast);
  if (last) return last;
  const online = sellers.filter(({ isOnline }) => isOnline);
  return online.length > 0 ? online[draw(online.length)]! : sellers[0];
}

/** A seller's name as customers see it: partners add where somebody works, behind an `@`. */
export function sellerName(name: string): string {
  return name.split("@")[0]!;
}

import { createHash } from "node:crypto";
import { Decimal } from "decimal.js";

/** Why a record waits for somebody to act (ops contract's sample). */
export const NO_ACCOUNT = "bank account not found";

/** A part of a sum, to four places, halves to the even neighbour; a decimal string. */
export function shareOf(sum: string, rate: string): string {
  return new Decimal(sum).times(rate).toDecimalPlaces(4, Decimal.ROUND_HALF_EVEN).toFixed();
}

/** Ours alone, so that no other program's names meet ours. */
const NAMESPACE = "6d7d9c1e5f0e5b0c9f3c0a6f3a1c7b52";

export interface ProfitName {
  /** `yyyyMM` */
  period: string;
  groupId: number;
  category: string;
  userId: number;
}

/**
 * `serial_id` of a record: a UUID of version 5 (RFC 9562, 5.5) of what it is for, so that however
 * often a month is worked out, a record is the same record.
 */
export function serialIdOf({ period, groupId, category, userId }: ProfitName): string {
  const hash = createHash("sha1").update(Buffer.from(NAMESPACE, "hex"))
    .update(`${period}:${groupId}:${category}:${userId}`).digest();
  hash[6] = hash[6]! & 0x0f | 0x50;
  hash[8] = hash[8]! & 0x3f | 0x80;
  const hex = hash.toString("hex");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20, 32),
  ].join("-");
}

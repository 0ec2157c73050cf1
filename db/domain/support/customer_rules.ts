import type { CustomerProof } from "../../schema/apps.ts";

/** The devices of a customer that are remembered, the newest. */
export const CUSTOMER_DEVICE_COUNT_MAX = 20;

/** What came along to prove who somebody is: nothing, what holds, or only what does not. */
export type Proof = "none" | "right" | "wrong";

export interface Claim {
  asked: CustomerProof;
  proof: Proof;
  /** Undefined: nobody has that id. */
  known: { gaveDevice: boolean; isOnTheirDevice: boolean } | undefined;
}

export interface Admittance {
  mayRename: boolean;
  /** The device they are on is theirs from now on, and those of before without a proof are not. */
  isProven: boolean;
}

/**
 * Whether somebody is the customer whose id they say, and what they may then.
 * @returns undefined when they are refused
 */
export function judgeCustomer({ asked, proof, known }: Claim): Admittance | undefined {
  if (asked === "never") return { mayRename: true, isProven: false };
  if (proof === "wrong") return undefined;
  if (proof === "right") return { mayRename: true, isProven: true };
  if (!known) return { mayRename: true, isProven: false };
  if (asked === "always") return undefined;
  if (known.isOnTheirDevice) return { mayRename: true, isProven: false };
  // The contract's plain form: an id alone, of somebody who has never given a device.
  return known.gaveDevice ? undefined : { mayRename: false, isProven: false };
}

/** One proof that holds is enough; what does not hold beside it is forgotten. */
export function proofOf(checks: (boolean | undefined)[]): Proof {
  if (checks.includes(true)) return "right";
  return checks.includes(false) ? "wrong" : "none";
}

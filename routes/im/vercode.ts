import { sha256Hex } from "../../config/keys.ts";

/**
 * What deployed clients want to have before they offer to ask somebody for friendship: the same for
 * a person by every way to them. It grants nothing, and is not looked at when it comes back.
 */
export function vercodeOf(uid: string): string {
  return sha256Hex(`vercode ${uid}`).slice(0, 32);
}

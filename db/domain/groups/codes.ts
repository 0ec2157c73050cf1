import { seal, unseal } from "../../../config/runtime/sealed.ts";
import type { Ctx } from "../../client/ctx.ts";

type Keyed = Pick<Ctx, "config" | "now">;

interface Made {
  /** When the QR code was made; absent in codes from before that was noted. */
  madeAtMs?: number;
}

/** What a sealed code stands for, by what it is good for; nothing of it is stored. */
export interface Codes {
  /** A group's QR code, and who showed it. */
  "qrcode.group": { groupId: number; generatorId: number } & Made;
  /** One person, having scanned such a code, may join. */
  "group.join": { groupNo: string; generatorId: number; userId: number } & Made;
  /** An owner or manager may confirm one invitation. */
  "group.invite": { groupNo: string; inviteNo: string; userId: number };
}

/** A code for addresses: url-safe, and good for `lifeMs`. */
export function sealCode<Use extends keyof Codes>(
  { config, now }: Keyed,
  use: Use,
  { value, lifeMs }: { value: Codes[Use]; lifeMs: number },
): string {
  const expiresAtMs = now().getTime() + lifeMs;
  const sealed = seal(config.keys, JSON.stringify({ ...value, expiresAtMs }), use);
  return sealed.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * What a code says; undefined when it is none of ours, for another use, or has run out. The use is
 * sealed with it: a QR code confirms no invitation.
 */
export function openCode<Use extends keyof Codes>(
  { config, now }: Keyed,
  use: Use,
  code: string,
): Codes[Use] | undefined {
  try {
    const sealed = code.replaceAll("-", "+").replaceAll("_", "/");
    const value: Codes[Use] & { expiresAtMs: number } = JSON.parse(
      unseal(config.keys, sealed, use),
    );
    return value.expiresAtMs > now().getTime() ? value : undefined;
  } catch {
    return undefined;
  }
}

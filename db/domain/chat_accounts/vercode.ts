import { blindIndex } from "../../../config/runtime/sealed.ts";
import type { Ctx } from "../../client/ctx.ts";

/**
 * What the client wants to see of somebody before it offers to ask them to be a friend: always the
 * same of one person, and nothing that could be found out without us. It proves nothing.
 */
export function vercodeOf({ config }: Pick<Ctx, "config">, uid: string): string {
  return blindIndex(config.keys, "vercode", uid);
}

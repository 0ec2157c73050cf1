import type { Config } from "../config/config.ts";

/** Where the caller reached us, so that a phone in the same network gets there again. */
export function originOf({ publicUrl }: Pick<Config, "publicUrl">, request: { url: string }) {
  return publicUrl ?? new URL(request.url).origin;
}

import type { Config } from "../config/config.ts";
import { imBaseOf } from "./surfaces.ts";

/** Where the caller reached us, so that a phone in the same network gets there again. */
export function originOf({ publicUrl }: Pick<Config, "publicUrl">, request: { url: string }) {
  return publicUrl ?? new URL(request.url).origin;
}

/** The same with what stands before the chat app's paths in this one; they go on from there. */
export function imBaseUrlOf(config: Pick<Config, "publicUrl">, request: { url: string }): string {
  return originOf(config, request) + imBaseOf(new URL(request.url).pathname);
}

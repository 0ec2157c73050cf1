import type { Context } from "hono";
import type { Config } from "../config/config.ts";
import { isLoopback, isWithin } from "../config/runtime/address.ts";
import { clientAddress, peerAddress } from "./request.ts";

/**
 * The doors of development: `/dev/outbox`, WeChat's stand-in, operators' `dev:` codes, and recharges
 * credited at once. Who comes through one can be anybody, so they open on a developer's own machine
 * alone. This file decides whether a request stands at one; `config/config.ts` whether there are any.
 */
type DoorConfig = Pick<Config, "devDoors" | "trustedProxyCount" | "publicUrl">;

/** Whether the doors are open to who makes this request, from where, and under which name. */
export function isAtDevDoor(c: Context, config: DoorConfig): boolean {
  if (config.devDoors === undefined) return false;
  const { from } = config.devDoors;
  const mayCome = (address: string) => isLoopback(address) || isWithin(address, from);
  const [forwardedFor, forwarded] = [c.req.header("x-forwarded-for"), c.req.header("forwarded")];
  // Through a proxy nobody has told us of, or one that says who the client is in a way we cannot read.
  if (forwardedFor !== undefined ? config.trustedProxyCount === 0 : forwarded !== undefined) {
    return false;
  }
  const isOurs = (host: string) => isOurName(host, config) || mayCome(host);
  return mayCome(peerAddress(c)) && mayCome(clientAddress(c, config.trustedProxyCount)) &&
    namesOf(c).every((name) => name !== undefined && isOurs(name));
}

/** Whether a path leads to nothing but a door; uploads are signed and need none. */
export function isDevDoorPath(path: string): boolean {
  return /^\/dev(\/(?!upload\/)|$)/.test(path);
}

/**
 * Under which name we are called, and by a page of which. A name somebody else gives us may be
 * theirs, leading to our address for the moment (DNS rebinding); a page may be anybody's.
 */
function namesOf(c: Context): (string | undefined)[] {
  const host = c.req.header("host");
  const origin = c.req.header("origin");
  return [
    hostnameOf(c.req.url),
    ...host === undefined ? [] : [hostnameOf(`http://${host}`)],
    ...origin === undefined ? [] : [hostnameOf(origin)],
  ];
}

function hostnameOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}

function isOurName(host: string, { publicUrl }: DoorConfig): boolean {
  return host === "localhost" || publicUrl !== undefined && host === new URL(publicUrl).hostname;
}

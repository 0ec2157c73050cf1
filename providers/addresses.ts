import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/** Where IPv6 hosts of the internet live. Ranges outside it are tunnels, tests or not handed out. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR("2000::/3");
/** Public by its number, yet the host's own service inside Azure. */
const HOST_SERVICES = ["168.63.129.16"];

/**
 * Whether an address, as a resolver or a parsed URL spells it, is an ordinary host of the internet.
 * Everything else is not: private, local, shared, reserved and multicast ranges, and every IPv6
 * form that carries an IPv4 address inside, whichever that is.
 */
export function isPublicAddress(text: string): boolean {
  // Short, octal and hex spellings, and zones, have no business in an answer of a resolver.
  if (isIP(text) === 0 || text.includes("%") || HOST_SERVICES.includes(text)) return false;
  const address = ipaddr.parse(text);
  if (address.range() !== "unicast") return false;
  // `::7f00:1`, the old IPv4-compatible form of 127.0.0.1, counts as unicast in the package.
  return address instanceof ipaddr.IPv4 || address.match(GLOBAL_UNICAST);
}

import ipaddr from "ipaddr.js";
import { Recent } from "./recent.ts";

/** Bits of the IPv6 networks callers are counted by: what one home has, and what one site has. */
const HOME_BITS = 64;
const SITE_BITS = 48;
/** Addresses not looked into again ({@link Recent}). */
const ADDRESSES_COUNT_MAX = 10_000;
/** Longer texts, which strangers may send, are not worth keeping in mind. */
const TEXT_LENGTH_MAX = 64;
const spellings = new Recent<string, { address: string | undefined }>(ADDRESSES_COUNT_MAX);
const networks = new Recent<string, Network[]>(ADDRESSES_COUNT_MAX);
/** How many times as much a site may as a home. */
const SITE_FACTOR = 10;

/**
 * An address in its one spelling, whichever way it was written: RFC 5952; IPv4 behind IPv6 as IPv4;
 * without brackets, the port behind it and the zone.
 *
 * @returns undefined for what is no address
 */
export function parseAddress(text: string): string | undefined {
  if (text.length > TEXT_LENGTH_MAX) return spellingOf(text);
  return spellings.getOr(text, () => ({ address: spellingOf(text) })).address;
}

function spellingOf(text: string): string | undefined {
  const address = parsed(text);
  return address && spelled(address);
}

/** A network somebody is counted with, and how many times as much it may as one of them. */
export interface Network {
  name: string;
  factor: number;
}

/**
 * The networks a caller is counted by, the smallest first: IPv4 by the address, IPv6 by /64 and by
 * /48, as whoever has one IPv6 address has 2^64 of them. What is no address is counted as it is.
 */
export function networksOf(address: string): readonly Network[] {
  if (address.length > TEXT_LENGTH_MAX) return networksAround(address);
  return networks.getOr(address, () => networksAround(address));
}

function networksAround(address: string): Network[] {
  const known = parsed(address);
  if (!(known instanceof ipaddr.IPv6)) return [{ name: address, factor: 1 }];
  return [[HOME_BITS, 1] as const, [SITE_BITS, SITE_FACTOR] as const].map(([bits, factor]) => {
    const network = ipaddr.IPv6.networkAddressFromCIDR(`${known.toNormalizedString()}/${bits}`);
    return { name: `${spelled(network)}/${bits}`, factor };
  });
}

/** Whether an address lies in one of these networks (`10.0.0.0/8`). */
export function isWithin(address: string, networks: readonly string[]): boolean {
  const known = parsed(address);
  return known !== undefined && networks.some((network) => {
    const [base, bits] = ipaddr.parseCIDR(network);
    return base.kind() === known.kind() && known.match([base, bits] as never);
  });
}

/** Whether a text is a network: an address, a slash, and its bits. */
export function isNetwork(text: string): boolean {
  return ipaddr.isValidCIDR(text);
}

/** Whether only this machine can have such an address. */
export function isLoopback(address: string): boolean {
  return parsed(address)?.range() === "loopback";
}

function parsed(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  const bare = text.trim().replace(/^\[([^\]]*)\](?::\d{1,5})?$/, "$1")
    .replace(/^([\d.]+):\d{1,5}$/, "$1").replace(/%.*$/s, "");
  // Short, octal and hex spellings of IPv4 are somebody's trick, never a proxy's.
  if (!ipaddr.IPv6.isValid(bare) && !ipaddr.IPv4.isValidFourPartDecimal(bare)) return undefined;
  return ipaddr.process(bare);
}

function spelled(address: ipaddr.IPv4 | ipaddr.IPv6): string {
  return address instanceof ipaddr.IPv6 ? address.toRFC5952String() : address.toString();
}

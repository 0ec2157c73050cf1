import { DomainError } from "../errors.ts";

/** Shortest password, characters (im contract's server). */
export const PASSWORD_LENGTH_MIN = 6;
/** Longest password, characters: hashing is dear, and nobody types more. */
export const PASSWORD_LENGTH_MAX = 128;
/** `category` of customer service. */
export const CUSTOMER_SERVICE = "客服";
export const LOGIN_COUNT_MAX = 20;
export const LOGIN_WINDOW_MS = 10 * 60 * 1000;
export const PENDING_DEVICE_MS = 5 * 60 * 1000;
export const BLACKLIST_COUNT_MAX = 1000;
export const DEVICES_COUNT_MAX = 100;
export const CUSTOMER_SERVICES_COUNT_MAX = 100;
/** `zone` as the chat app writes it: `0086`. */
export function zoneOf(countryCode: string | null): string {
  return countryCode === null ? "" : `00${countryCode}`;
}

/** @throws {DomainError} `password_invalid` */
export function checkPassword(password: string): void {
  const length = [...password].length;
  if (length < PASSWORD_LENGTH_MIN) throw new DomainError("password_invalid");
  if (length > PASSWORD_LENGTH_MAX) {
    throw new DomainError("password_invalid", { message: `密码不能超过${PASSWORD_LENGTH_MAX}位` });
  }
}

/**
 * A number of one's own: 6 to 20 letters, digits, `_` and `-`, a letter first, a digit somewhere.
 * @throws {DomainError} `short_no_invalid`
 */
export function checkShortNo(shortNo: string): void {
  if (!/^[A-Za-z](?=.*\d)[\w-]{5,19}$/.test(shortNo)) throw new DomainError("short_no_invalid");
}

/** A login name of one's own; a letter first, so that it is never a number's. */
export const USERNAME = /^[A-Za-z][\w.@-]{3,31}$/;

/** Whether a login name is one of one's own: others say a phone number. */
export function isOwnName(username: string): boolean {
  return USERNAME.test(username);
}

/** The name of somebody who gave none, from a number drawn below 10^6. */
export function nicknameOf(drawn: number): string {
  return `用户${String(drawn).padStart(6, "0")}`;
}

/** `host:port` for native clients: at the host they have called by; empty where there is none. */
export function tcpAddress(
  tcp: { port: number; publicAddress: string | undefined } | undefined,
  host: string,
): string {
  return tcp ? tcp.publicAddress ?? `${host.replace(/:\d+$/, "")}:${tcp.port}` : "";
}

export function socketAddresses(
  { publicWsUrl, publicUrl, host, protocol }: {
    publicWsUrl: string | undefined;
    publicUrl: string | undefined;
    host: string;
    protocol: string | undefined;
  },
): { ws: string; wss: string } {
  const origin = publicUrl ?? `${protocol === "https" ? "https" : "http"}://${host}`;
  const url = publicWsUrl ?? `${origin.replace(/^http/, "ws")}/ws`;
  // The deployed web client takes `wss_addr` whenever there is one.
  return url.startsWith("wss:") ? { ws: "", wss: url } : { ws: url, wss: "" };
}

import type { Context, Next } from "hono";
import { parseAddress } from "../config/runtime/address.ts";
import type { Trips } from "../config/runtime/trips.ts";

const SANE_ID = /^[A-Za-z0-9._-]{8,64}$/;

/** The caller's own if it is fit for a log. */
export function requestIdOf(given: string | undefined): string {
  return given !== undefined && SANE_ID.test(given) ? given : crypto.randomUUID();
}

/** Where a connection comes from, as Deno says it, in its one spelling. */
export function peerAddress(c: Context): string {
  const peer = (c.env as { remoteAddr?: { hostname?: string } } | undefined)?.remoteAddr?.hostname;
  return parseAddress(peer ?? "") ?? "unknown";
}

/**
 * The client's address. Each trusted proxy has appended the address it saw to `X-Forwarded-For`;
 * what stands further left was written by whoever called, and is not believed. Where a proxy has
 * written no address it is the proxy's own.
 */
export function clientAddress(c: Context, trustedProxyCount: number): string {
  const seen = (c.req.header("x-forwarded-for") ?? "").split(",");
  const address = trustedProxyCount > 0
    ? parseAddress(seen.at(-trustedProxyCount) ?? "")
    : undefined;
  return address ?? peerAddress(c);
}

interface LoggedVariables {
  Variables: { surface: string; endpoint: string; log: (line: Record<string, unknown>) => void };
}

/**
 * Runs the request and writes its one line: where it went and what it cost. No query, no headers,
 * no bodies: they hold numbers, codes and tokens.
 */
export async function accessLog<E extends LoggedVariables>(
  c: Context<E>,
  next: Next,
  trips: Trips,
): Promise<void> {
  const startedAt = performance.now();
  await next();
  const get = (name: "surface" | "endpoint"): unknown => c.get(name as never);
  (c.get("log" as never) as LoggedVariables["Variables"]["log"])({
    level: "info",
    msg: "request",
    method: c.req.method,
    path: c.req.path,
    status: c.res.status,
    ms: Math.round((performance.now() - startedAt) * 10) / 10,
    surface: get("surface"),
    endpoint: get("endpoint"),
    sql: trips.sql.count,
    redis: trips.redis.count,
  });
}

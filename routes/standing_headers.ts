import { Hono, type MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import { secureHeaders } from "hono/secure-headers";
import type { Config } from "../config/config.ts";
import { isDevDoorPath } from "../middleware/dev_doors.ts";

const CROSS_ORIGIN = {
  allowHeaders: ["Authorization", "Content-Type", "token", "group_id", "Idempotency-Key"]
    .concat("X-Request-Id", "Client-Type", "Version-Name", "Version-Code"),
  allowMethods: ["GET", "POST", "PUT", "PATCH", "DELETE"],
  exposeHeaders: ["X-Request-Id", "Retry-After", "Server-Timing"]
    .concat("Content-Disposition", "Allow"),
  maxAge: 86_400,
};
const forAnybody = cors({ origin: "*", ...CROSS_ORIGIN });

/** A public API: other origins may read it. Pages of our own set their policy themselves. */
const secured = secureHeaders({
  crossOriginResourcePolicy: false,
  crossOriginOpenerPolicy: false,
});

/** What every answer says to browsers, and the answers to their preflights. */
export function standingHeaders({ h5Url }: Pick<Config, "h5Url">): MiddlewareHandler[] {
  // H5 pages have their session in a cookie, which a browser sends to a named origin only.
  const h5Origin = h5Url && new URL(h5Url).origin;
  const forH5 = h5Origin && cors({ origin: h5Origin, credentials: true, ...CROSS_ORIGIN });
  return [
    (c, next) => {
      // Any page a developer looks at would read the codes of their own machine.
      if (isDevDoorPath(c.req.path)) return next();
      return (forH5 && isOfH5(c.req.path) ? forH5 : forAnybody)(c, next);
    },
    secured,
  ];
}

/** Whether an answer under this path depends on who asks, and from which page. */
export function isOfH5(path: string): boolean {
  return path.startsWith("/h5/");
}

/**
 * The same as one list, for answers whose headers are always these: set one by one on an answer
 * that is made already they cost more than the rest of it.
 */
export async function apiHeaders(): Promise<Record<string, string>> {
  const hono = new Hono().use(forAnybody, secured).get("/", (c) => c.body(null));
  return Object.fromEntries((await hono.request("/")).headers);
}

import { Hono } from "hono";
import { cors } from "hono/cors";
import { secureHeaders } from "hono/secure-headers";
import { withTrips } from "../config/runtime/trips.ts";
import { contextFor } from "../db/client/ctx.ts";
import { DomainError } from "../db/domain/errors.ts";
import { isAtDevDoor, isDevDoorPath } from "../middleware/dev_doors.ts";
import { accessLog, clientAddress, requestIdOf } from "../middleware/request.ts";
import type { Deps } from "./deps.ts";
import { metaRoutes } from "./meta.ts";
import { type Chat, openChat } from "./realtime/ws.ts";
import { answerFailure, type Env, serve } from "./serve.ts";
import { candidatesFor, loadSurface } from "./surfaces.ts";

/** The status of a WebSocket's first answer. */
const SWITCHING = 101;

/** The whole of Plaza as one Hono app; whoever gives it no chat socket has none to stop. */
export function createApp(deps: Deps, chat: Chat = openChat(deps)): Hono<Env> {
  const { config, providers, jobs } = deps;
  const hono = new Hono<Env>({ getPath: pathOf });

  // Raw, and in front of everything: an upgrade's answer has to leave as Deno made it.
  hono.get("/ws", async (c) => {
    const response = await chat.upgrade(c.req.raw, clientAddress(c, config.trustedProxyCount));
    if (response.status !== SWITCHING) {
      response.headers.set("X-Request-Id", requestIdOf(c.req.header("x-request-id")));
    }
    return response;
  });

  let knowsOfProxy = config.trustedProxyCount > 0;
  hono.use(async (c, next) => {
    if (!knowsOfProxy && c.req.header("x-forwarded-for") !== undefined) {
      knowsOfProxy = true;
      const msg = "calls come through a proxy, and TRUSTED_PROXY_COUNT is 0: all share its address";
      deps.log({ level: "notice", msg });
    }
    const requestId = requestIdOf(c.req.header("x-request-id"));
    c.set("log", (line) => deps.log({ ...line, id: requestId }));
    c.set("ctx", contextFor(deps, requestId));
    c.set("providers", providers);
    c.set("jobs", jobs);
    c.set("address", clientAddress(c, config.trustedProxyCount));
    c.set("isAtDevDoor", isAtDevDoor(c, config));
    c.header("X-Request-Id", requestId);
    await withTrips(async (trips) => {
      await accessLog(c, next, trips, { showTiming: config.env !== "production" });
    });
  });
  hono.use(async (c, next) => {
    if (isWhole(c.req.raw)) return await next();
    return answerFailure(c, await loadSurface("gateway"), new DomainError("request_malformed"));
  });
  const crossOrigin = {
    allowHeaders: ["Authorization", "Content-Type", "token", "group_id", "Idempotency-Key"]
      .concat("X-Request-Id", "Client-Type", "Version-Name", "Version-Code"),
    allowMethods: ["GET", "POST", "PUT", "PATCH", "DELETE"],
    exposeHeaders: ["X-Request-Id", "Retry-After", "Server-Timing"]
      .concat("Content-Disposition", "Allow"),
    maxAge: 86_400,
  };
  const forAnybody = cors({ origin: "*", ...crossOrigin });
  // H5 pages have their session in a cookie, which a browser sends to a named origin only.
  const h5Origin = config.h5Url && new URL(config.h5Url).origin;
  const forH5 = h5Origin && cors({ origin: h5Origin, credentials: true, ...crossOrigin });
  hono.use((c, next) => {
    // Any page a developer looks at would read the codes of their own machine.
    if (isDevDoorPath(c.req.path)) return next();
    return (forH5 && c.req.path.startsWith("/h5/") ? forH5 : forAnybody)(c, next);
  });
  // A public API: other origins may read it. Pages of our own set their policy themselves.
  hono.use(secureHeaders({ crossOriginResourcePolicy: false, crossOriginOpenerPolicy: false }));

  hono.route("/", metaRoutes(deps));
  hono.all("*", async (c) => {
    const path = c.req.path;
    const method = c.req.method === "HEAD" ? "GET" : c.req.method;
    const names = candidatesFor(path, c.req.raw.headers);
    const allowed = new Set<string>();
    for (const name of names) {
      const surface = await loadSurface(name);
      const found = surface.find(method, path);
      if (found) return await serve(c, surface, found);
      for (const other of surface.allowedMethods(path)) allowed.add(other);
    }
    const surface = await loadSurface(names[0]!);
    if (allowed.size === 0) return answerFailure(c, surface, new DomainError("path_unknown"));
    c.header("Allow", [...allowed].join(", "));
    return answerFailure(c, surface, new DomainError("method_not_allowed"));
  });
  hono.onError(async (error, c) => answerFailure(c, await loadSurface("gateway"), error));
  return hono;
}

/**
 * Whether the address is one. Deno joins the Host header and the path unseen: some hosts make no
 * address of it, and one with a slash in it another path than proxies saw.
 */
function isWhole({ url, headers }: Request): boolean {
  return URL.canParse(url) && !/[/\\?#@]/.test(headers.get("host") ?? "");
}

/** Doubled and trailing slashes, which clients of the contracts do send, change nothing. */
function pathOf(request: Request): string {
  if (!isWhole(request)) return "/";
  const path = new URL(request.url).pathname.replaceAll(/\/{2,}/g, "/");
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}

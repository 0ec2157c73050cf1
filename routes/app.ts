import { Hono } from "hono";
import { serverTiming, type Trips, withTrips } from "../config/runtime/trips.ts";
import { contextFor } from "../db/client/ctx.ts";
import { DomainError } from "../db/domain/errors.ts";
import { accessLog, clientAddress, requestIdOf } from "../middleware/request.ts";
import type { Deps } from "./deps.ts";
import { metaRoutes } from "./meta.ts";
import { type Chat, openChat } from "./realtime/ws.ts";
import { answerFailure, type Env, serve } from "./serve.ts";
import { apiHeaders, isOfH5, standingHeaders } from "./standing_headers.ts";
import { loadSurface, type Places, placesFor, refuserOf } from "./surfaces.ts";
import { pathOf, urlOf } from "./url.ts";

/** The status of a WebSocket's first answer. */
const SWITCHING = 101;

/**
 * The whole of Plaza as one Hono app; whoever gives it no chat socket has none to stop. Operations
 * of surfaces are answered first, with their headers at once; what is left goes through Hono's own
 * middleware: preflights, pages, failures to find anything.
 */
export function createApp(deps: Deps, chat: Chat = openChat(deps)): Hono<Env> {
  const { config, providers, jobs, stopping } = deps;
  const hono = new Hono<Env>({ getPath: pathOf });
  const showTiming = config.env !== "production";

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
    c.set("requestId", requestId);
    c.set("log", (line) => deps.log({ ...line, id: requestId }));
    c.set("ctx", contextFor(deps, requestId));
    c.set("providers", providers);
    c.set("jobs", jobs);
    c.set("stopping", stopping);
    c.set("address", clientAddress(c, config.trustedProxyCount));
    await withTrips(async (trips) => {
      c.set("trips", trips);
      await accessLog(c, next, trips);
    });
  });

  function ownHeaders(requestId: string, trips: Trips): Record<string, string> {
    return showTiming
      ? { "X-Request-Id": requestId, "Server-Timing": serverTiming(trips) }
      : { "X-Request-Id": requestId };
  }

  let standing: Record<string, string> | undefined;
  hono.use(async (c, next) => {
    const isWhole = urlOf(c.req.raw) !== undefined;
    const { path, method, raw: { headers } } = c.req;
    const isOurs = isWhole && !isOfH5(path);
    const found = isOurs ? await findOperation(method, placesFor(path, headers)) : undefined;
    if (isWhole && !found) return await next();
    const always = standing ??= await apiHeaders();
    c.set(
      "directHeaders",
      () => ({ ...always, ...ownHeaders(c.get("requestId"), c.get("trips")) }),
    );
    if (found) return await serve(c, found.surface, found.found);
    return answerFailure(c, await loadSurface("gateway"), new DomainError("request_malformed"));
  });

  hono.use(async (c, next) => {
    await next();
    const own = ownHeaders(c.get("requestId"), c.get("trips"));
    for (const [name, value] of Object.entries(own)) c.header(name, value);
  });
  hono.use(...standingHeaders(config));
  hono.route("/", metaRoutes(deps));
  hono.all("*", async (c) => {
    const { path, method, raw: { headers } } = c.req;
    const places = placesFor(path, headers);
    const found = await findOperation(method, places);
    if (found) return await serve(c, found.surface, found.found);
    const surfaces = await Promise.all(places.names.map(loadSurface));
    const allowed = new Set(surfaces.flatMap((surface) => surface.allowedMethods(places.path)));
    const kind = allowed.size === 0 ? "path_unknown" : "method_not_allowed";
    if (allowed.size > 0) c.header("Allow", [...allowed].join(", "));
    return answerFailure(c, await loadSurface(refuserOf(places, headers)), new DomainError(kind));
  });
  hono.onError(async (error, c) => {
    const { path, raw: { headers } } = c.req;
    return answerFailure(c, await loadSurface(refuserOf(placesFor(path, headers), headers)), error);
  });
  return hono;
}

async function findOperation(method: string, { names, path }: Places) {
  for (const name of names) {
    const surface = await loadSurface(name);
    const found = surface.find(method === "HEAD" ? "GET" : method, path);
    if (found) return { surface, found };
  }
  return undefined;
}

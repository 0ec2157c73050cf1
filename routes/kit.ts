import { RegExpRouter } from "hono/router/reg-exp-router";
import { SmartRouter } from "hono/router/smart-router";
import { TrieRouter } from "hono/router/trie-router";
import type { z } from "zod";
import type { Alias, Endpoint, EndpointSpec, Shape } from "./endpoint.ts";
import type { SurfaceSpec } from "./spec.ts";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/** A surface with its endpoints on a router. */
export interface MountedSurface {
  // deno-lint-ignore no-explicit-any -- the surface's own types end where its endpoints are mounted
  spec: SurfaceSpec<any, any>;
  endpoints: Endpoint[];
  find(method: string, path: string): Found | undefined;
  /** Methods, upper case, this path has here. */
  allowedMethods(path: string): string[];
}

export interface Found {
  endpoint: Endpoint;
  params: Record<string, string>;
}

/** One place to say what a surface is; everything its chapters need comes out of it. */
export function defineSurface<Actor, Options extends object = object>(
  spec: SurfaceSpec<Actor, Options>,
) {
  function endpoint<
    D extends z.ZodType,
    P extends Shape = undefined,
    Q extends Shape = undefined,
    B extends Shape = undefined,
  >(written: EndpointSpec<Actor, P, Q, B, D> & Options): Endpoint<Options> {
    return { ...written, open: false };
  }

  function openEndpoint<
    D extends z.ZodType,
    P extends Shape = undefined,
    Q extends Shape = undefined,
    B extends Shape = undefined,
  >(written: EndpointSpec<Actor | undefined, P, Q, B, D> & Options): Endpoint<Options> {
    return { ...written, open: true };
  }

  return {
    spec,
    /** An operation for a caller with credentials. */
    endpoint,
    /** An operation anybody may call; `actor` is there if credentials came along. */
    openEndpoint,
    mount: (endpoints: Endpoint<Options>[]): MountedSurface => mount(spec, endpoints),
  };
}

function mount<Actor, Options>(
  spec: SurfaceSpec<Actor, Options>,
  endpoints: Endpoint<Options>[],
): MountedSurface {
  const router = new SmartRouter<Endpoint>({ routers: [new RegExpRouter(), new TrieRouter()] });
  const places = endpoints.flatMap((endpoint) =>
    [{}, ...endpoint.aliases ?? []].map((alias: Alias) => ({
      endpoint,
      method: (alias.method ?? endpoint.method).toUpperCase(),
      path: routerPath(alias.path ?? endpoint.path, spec.patterns ?? {}),
    }))
  );
  for (const place of places.sort(literalsFirst)) {
    router.add(place.method, place.path, place.endpoint);
  }

  const find = (method: string, path: string): Found | undefined => {
    const [matches, stash] = router.match(method, path);
    const first = matches[0];
    if (!first) return undefined;
    const params: Record<string, string> = {};
    for (const [name, at] of Object.entries(first[1])) {
      params[name] = decode(stash ? stash[at as number]! : at as string);
    }
    return { endpoint: first[0], params };
  };
  return {
    spec,
    endpoints: endpoints as Endpoint[],
    find,
    allowedMethods: (path) => METHODS.filter((method) => find(method, path)),
  };
}

/** `/club/{clubId}` → `/club/:clubId`, or `/club/:clubId{<pattern>}` where the surface has one. */
function routerPath(path: string, patterns: Record<string, string>): string {
  return path.replaceAll(
    /\{(\w+)\}/g,
    (_, name) => patterns[name] ? `:${name}{(?:${patterns[name]})}` : `:${name}`,
  );
}

/** `/users/current` must be tried before `/users/{uid}`, wherever the contract lists them. */
function literalsFirst(a: { path: string }, b: { path: string }): number {
  const left = a.path.split("/"), right = b.path.split("/");
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const order = Number(left[at]!.startsWith(":")) - Number(right[at]!.startsWith(":"));
    if (order !== 0) return order;
  }
  return 0;
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

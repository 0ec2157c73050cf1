import { RegExpRouter } from "hono/router/reg-exp-router";
import { SmartRouter } from "hono/router/smart-router";
import { TrieRouter } from "hono/router/trie-router";
import type { z } from "zod";
import type { Ctx } from "../db/client/ctx.ts";
import type { Family, Kind } from "../db/domain/errors.ts";
import type { JobDesk } from "../db/domain/jobs/runner.ts";
import type { Rate } from "../middleware/rate_limit.ts";
import type { Providers } from "../providers/providers.ts";
import type { RawInput } from "./input.ts";

export type Method = "get" | "post" | "put" | "patch" | "delete";
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/** How one failure looks on the wire: HTTP status, the envelope's code, and its text. */
export interface WireError {
  status: number;
  code: number;
  /** Absent: the failure's own public text; `{}` in it stands for that text. */
  message?: string;
}

/** Every family answers somehow; kinds the contract gives a code of their own are extra rows. */
export type ErrorTable = Record<Family, WireError> & Partial<Record<Kind, WireError>>;

/** What guards may know of an endpoint. */
export interface Guarded {
  method: Method;
  path: string;
  /** No credentials asked for. */
  open: boolean;
  rate: Rate | undefined;
}

/** A call before anything about it is believed: what guards look at. */
export interface Call extends RawInput {
  method: Method;
  path: string;
  headers: Headers;
  /** The client's address as far as our proxies vouch for it. */
  address: string;
  ctx: Ctx;
}

/** What makes a surface a surface: its envelope, its guards, its error table. */
export interface SurfaceSpec<Actor, Options> {
  name: string;
  title: string;
  description: string;
  /** Regular expressions for path parameters; a path that does not fit is an unknown path. */
  patterns?: Record<string, string>;
  /** OpenAPI security schemes; every endpoint but the open ones needs them. */
  security: Record<string, object>;
  /** Which of the schemes such an endpoint takes; absent: any. */
  schemesOf?(endpoint: Guarded & Options): string[];
  /** Query parameters such a call carries besides its own, for the documents. */
  commonQuery?(endpoint: Guarded & Options): z.ZodObject | undefined;
  errors: ErrorTable;
  /** Failures that go without saying for such an endpoint, for the documents. */
  commonErrors(endpoint: Guarded & Options): Kind[];
  /** Which data the `query` and `body` schemas see; absent: query and body as sent. */
  parameters?(input: RawInput): { query: unknown; body: unknown };
  /**
   * Checks credentials and guards, with at most one trip to Redis.
   * @returns the caller; undefined only on an open endpoint
   */
  admit(call: Call, endpoint: Guarded & Options): Promise<Actor | undefined>;
  ok(data: unknown, endpoint: Options, said: string | undefined): unknown;
  fail(error: Required<WireError> & { fields?: Record<string, unknown> }): unknown;
  /** The envelopes as schemas, for the documents. */
  okSchema(data: z.ZodType, endpoint: Options): z.ZodType;
  failSchema: z.ZodType;
}

/** Data with the text the envelope shall carry, where that depends on what happened. */
export class Said<Data> {
  constructor(readonly text: string, readonly data: Data) {}
}

/** An answer that is no envelope: a file, sent as it is made. */
export class Streamed {
  constructor(
    readonly body: ReadableStream<Uint8Array<ArrayBuffer>>,
    readonly headers: Record<string, string>,
  ) {}
}

type Shape = z.ZodType | undefined;
type Out<S extends Shape> = S extends z.ZodType ? z.output<S> : undefined;

export interface HandleInput<Params, Query, Body, Actor> {
  params: Params;
  query: Query;
  body: Body;
  actor: Actor;
  ctx: Ctx;
  providers: Providers;
  jobs: JobDesk;
  /** The client's address. */
  address: string;
  headers: Headers;
  /** The request itself, its body unread where the endpoint `takesFile`. */
  request: Request;
}

/** Another path, or another method on it, that clients use for the same operation. */
export interface Alias {
  method?: Method;
  path?: string;
}

/** One operation as its chapter writes it: schemas, documents, limits and handler together. */
export interface EndpointSpec<
  Actor,
  P extends Shape,
  Q extends Shape,
  B extends Shape,
  D extends z.ZodType,
> {
  method: Method;
  /** As the contract writes it, parameters in braces: `/club/{clubId}/join`. */
  path: string;
  aliases?: Alias[];
  summary: string;
  description?: string;
  params?: P;
  query?: Q;
  body?: B;
  /** The answer; what it does not name never leaves. */
  data: D;
  errors?: Kind[];
  rate?: Rate;
  /** Largest body, bytes; {@link BODY_BYTES_MAX} unless said. */
  bodyBytesMax?: number;
  /** The handler reads the body itself, as it comes: a form with a file. */
  takesFile?: boolean;
  /** The answer is a file of this type; `data` is its schema for the documents alone. */
  answersFile?: string;
  handle(
    input: HandleInput<Out<P>, Out<Q>, Out<B>, Actor>,
  ): Promise<z.input<D> | Said<z.input<D>> | Streamed>;
}

/** An operation with its types erased, so that two hundred of them stay cheap to check. */
export interface Endpoint<Options = unknown> extends Guarded {
  aliases: Alias[];
  summary: string;
  description: string | undefined;
  params: Shape;
  query: Shape;
  body: Shape;
  data: z.ZodType;
  errors: Kind[];
  bodyBytesMax: number;
  takesFile: boolean;
  answersFile: string | undefined;
  options: Options;
  // deno-lint-ignore no-explicit-any -- the input's types were checked where the endpoint is written
  handle(input: any): Promise<unknown>;
}

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

/** Largest body an endpoint takes unless it says otherwise. */
export const BODY_BYTES_MAX = 1024 * 1024;

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
    return erase(written, false);
  }

  function openEndpoint<
    D extends z.ZodType,
    P extends Shape = undefined,
    Q extends Shape = undefined,
    B extends Shape = undefined,
  >(written: EndpointSpec<Actor | undefined, P, Q, B, D> & Options): Endpoint<Options> {
    return erase(written, true);
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

function erase<
  A,
  P extends Shape,
  Q extends Shape,
  B extends Shape,
  D extends z.ZodType,
  Options,
>(written: EndpointSpec<A, P, Q, B, D> & Options, open: boolean): Endpoint<Options> {
  return {
    method: written.method,
    path: written.path,
    open,
    rate: written.rate,
    aliases: written.aliases ?? [],
    summary: written.summary,
    description: written.description,
    params: written.params,
    query: written.query,
    body: written.body,
    data: written.data,
    errors: written.errors ?? [],
    bodyBytesMax: written.bodyBytesMax ?? BODY_BYTES_MAX,
    takesFile: written.takesFile ?? false,
    answersFile: written.answersFile,
    options: written,
    handle: written.handle,
  };
}

function mount<Actor, Options>(
  spec: SurfaceSpec<Actor, Options>,
  endpoints: Endpoint<Options>[],
): MountedSurface {
  const router = new SmartRouter<Endpoint>({ routers: [new RegExpRouter(), new TrieRouter()] });
  const places = endpoints.flatMap((endpoint) =>
    [{}, ...endpoint.aliases].map((alias: Alias) => ({
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

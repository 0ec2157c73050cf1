import type { z } from "zod";
import type { Ctx } from "../db/client/ctx.ts";
import type { Kind } from "../db/domain/errors.ts";
import type { JobRunner } from "../db/domain/jobs/runner.ts";
import type { Rate } from "../middleware/rate_limit.ts";
import type { Providers } from "../providers/providers.ts";
import type { Method } from "./spec.ts";

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

/** An answer that is somewhere else. */
export class Redirected {
  constructor(readonly location: string, readonly headers: Record<string, string> = {}) {}
}

/** Of an endpoint that says nothing else, bytes. */
export const BODY_BYTES_MAX = 1024 * 1024;

export type Shape = z.ZodType | undefined;
type Out<S extends Shape> = S extends z.ZodType ? z.output<S> : undefined;

export interface HandleInput<Params, Query, Body, Actor> {
  params: Params;
  query: Query;
  body: Body;
  actor: Actor;
  ctx: Ctx;
  providers: Providers;
  jobs: JobRunner;
  address: string;
  /** Whether the doors of development are open to them. */
  isAtDevDoor: boolean;
  headers: Headers;
  /** The caller has gone, or the process is to stop: nobody is to be kept waiting any longer. */
  ended: AbortSignal;
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
  bodyBytesMax?: number;
  /** The handler reads the body itself, as it comes: a form with a file. */
  takesFile?: boolean;
  /** The answer is a file of such a type; `data` is its schema for the documents alone. */
  answersFile?: string | readonly string[];
  /** The answer may be somewhere else. */
  redirects?: boolean;
  handle(
    input: HandleInput<Out<P>, Out<Q>, Out<B>, Actor>,
  ): Promise<z.input<D> | Said<z.input<D>> | Streamed | Redirected>;
}

/**
 * An operation as its surface sees it: whatever is in it, so that two hundred of them stay cheap to
 * check. The types were checked where it is written.
 */
export type Endpoint<Options = object> =
  // deno-lint-ignore no-explicit-any -- an actor is what its own surface admits
  & EndpointSpec<any, Shape, Shape, Shape, z.ZodType>
  & { open: boolean }
  & Options;

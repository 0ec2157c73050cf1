import type { z } from "zod";
import type { Ctx } from "../db/client/ctx.ts";
import type { DomainError, Family, Kind } from "../db/domain/errors.ts";
import type { Counter, Rate } from "../middleware/rate_limit.ts";
import type { RawInput } from "./input.ts";

export type Method = "get" | "post" | "put" | "patch" | "delete";

/** How one failure looks on the wire: HTTP status, the envelope's code, and its text. */
export interface WireError {
  status: number;
  code: number;
  /** Absent: the failure's own public text; `{}` in it stands for that text. */
  message?: string;
}

/** Every family answers somehow; kinds the contract gives a code of their own are extra rows. */
export type ErrorTable = Record<Family, WireError> & Partial<Record<Kind, WireError>>;

export interface Guarded {
  method: Method;
  path: string;
  /** No credentials asked for. */
  open: boolean;
  rate?: Rate;
}

/** A call before anything about it is believed: what guards look at. */
export interface Call extends RawInput {
  method: Method;
  path: string;
  headers: Headers;
  /** The client's address as far as our proxies vouch for it. */
  address: string;
  ctx: Ctx;
  /**
   * What the call counts under when it is `caller` who makes it: the surface's rates (`rate` in
   * the place of its `rates.caller`) and the endpoint's own, or `ownRate` in the place of it, null
   * being none.
   */
  counters(caller: string, rate?: Rate, ownRate?: Rate | null): Counter[];
  /** What is to be undone before a failure of this call is answered. */
  onFailure(undo: () => Promise<void>): void;
}

/** Failures that go without saying for every endpoint of every surface. */
export const COMMON_ERRORS: readonly Kind[] = [
  "params_invalid",
  "request_malformed",
  "request_too_large",
  "request_timeout",
  "rate_exceeded",
  "service_unavailable",
  "unexpected",
];

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
  /** The same for such an endpoint, besides {@link COMMON_ERRORS}. */
  impliedErrors(endpoint: Guarded & Options): Kind[];
  /** What one caller, and one address, may do over all operations together. */
  rates: { caller: Rate; address: Rate };
  /**
   * The text of a failure for those who rather read English, as their headers say; undefined for
   * others. Absent: every failure is told in Chinese.
   */
  english?(error: DomainError, headers: Headers): string | undefined;
  /** Which data the `query` and `body` schemas see; absent: query and body as sent. */
  parameters?(input: Pick<RawInput, "query" | "body">): { query: unknown; body: unknown };
  /** Changes (PATCH and PUT) that name nothing are refused. */
  refusesEmptyChanges?: boolean;
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

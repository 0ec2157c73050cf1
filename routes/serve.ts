import type { Context } from "hono";
import type { StatusCode } from "hono/utils/http-status";
import type { z } from "zod";
import { withDeadline } from "../config/runtime/deadline.ts";
import { logStackOf, logTextOf } from "../config/runtime/log_text.ts";
import type { Trips } from "../config/runtime/trips.ts";
import type { Ctx } from "../db/client/ctx.ts";
import { isDatabaseAway } from "../db/client/errors.ts";
import { DomainError, type Kind } from "../db/domain/errors.ts";
import type { JobRunner } from "../db/domain/jobs/runner.ts";
import { isAtDevDoor } from "../middleware/dev_doors.ts";
import { countersOf } from "../middleware/rate_limit.ts";
import type { Providers } from "../providers/providers.ts";
import { asWanted, namesAny } from "./as_wanted.ts";
import { CallerGoneError } from "./body.ts";
import { BODY_BYTES_MAX, type Endpoint, Redirected, Said, Streamed } from "./endpoint.ts";
import { failureOf } from "./failures.ts";
import { type RawInput, readInput } from "./input.ts";
import type { Found, MountedSurface } from "./kit.ts";
import { validate } from "./refusals.ts";
import { type Call, COMMON_ERRORS, type Method } from "./spec.ts";

export interface Env {
  Variables: {
    ctx: Ctx;
    providers: Providers;
    jobs: JobRunner;
    stopping: AbortSignal | undefined;
    address: string;
    log: Log;
    requestId: string;
    trips: Trips;
    /**
     * All an answer carries besides its own headers, which tells what it has cost; absent where
     * Hono's middleware adds that.
     */
    directHeaders?: () => Record<string, string>;
    /** What the access log says of where the request went. */
    surface: string;
    endpoint: string;
  };
}

/** How long the answer of a failure waits for what is undone before it, ms. */
const UNDO_TIMEOUT_MS = 700;

export type Log = (line: Record<string, unknown>) => void;

/**
 * One request's way: read, admit (credentials and guards), validate, handle, parse the answer by
 * its schema, wrap it. Whatever is thrown on the way becomes the surface's own failure.
 */
export async function serve(
  c: Context<Env>,
  surface: MountedSurface,
  found: Found,
): Promise<Response> {
  const { spec } = surface;
  const { endpoint } = found;
  c.set("surface", spec.name);
  const undos: (() => Promise<void>)[] = [];
  c.set("endpoint", `${endpoint.method.toUpperCase()} ${endpoint.path}`);
  try {
    const ctx = c.get("ctx");
    const input = await readInput(c.req.raw, found.params, {
      bodyBytesMax: BODY_BYTES_MAX,
      ...endpoint,
    });
    const call: Call = {
      ...input,
      method: (c.req.method === "HEAD" ? "get" : c.req.method.toLowerCase()) as Method,
      path: c.req.path,
      headers: c.req.raw.headers,
      address: c.get("address"),
      ctx,
      counters: (caller, callerRate = spec.rates.caller, ownRate = endpoint.rate ?? null) =>
        countersOf([
          { of: spec.name, rate: callerRate },
          { of: spec.name, rate: spec.rates.address },
          ...ownRate ? [{ of: endpoint.path, rate: ownRate }] : [],
        ], { caller, address: c.get("address"), factor: ctx.config.rateFactor }),
      onFailure: (undo) => undos.push(undo),
    };
    const actor = await spec.admit(call, endpoint);
    if (spec.refusesEmptyChanges) refuseEmptyChange(endpoint, input.body);
    const answer = await endpoint.handle({
      params: validate(
        endpoint.params,
        endpoint.params && asWanted(endpoint.params, found.params, { isText: true }),
      ),
      query: validate(endpoint.query, seenBy(spec, endpoint.query, input).query),
      body: endpoint.takesFile
        ? undefined
        : validate(endpoint.body, seenBy(spec, endpoint.body, input).body),
      actor,
      ctx,
      providers: c.get("providers"),
      jobs: c.get("jobs"),
      address: call.address,
      // Asked by those few who want to know.
      get isAtDevDoor() {
        return isAtDevDoor(c, ctx.config);
      },
      headers: call.headers,
      // Asked by those few who keep callers waiting.
      get ended() {
        const stopping = c.get("stopping");
        const { signal } = c.req.raw;
        return stopping ? AbortSignal.any([signal, stopping]) : signal;
      },
      request: c.req.raw,
    });
    if (answer instanceof Streamed) {
      return answerWith(c, watched(answer.body, c.get("log")), { headers: answer.headers });
    }
    if (answer instanceof Redirected) {
      const headers = { ...answer.headers, Location: answer.location };
      return answerWith(c, "", { status: 302, headers });
    }
    const [said, data] = answer instanceof Said ? [answer.text, answer.data] : [undefined, answer];
    return answerJson(c, spec.ok(endpoint.data.parse(data), endpoint, said));
  } catch (error) {
    // What cannot be undone ends by itself.
    await Promise.allSettled(undos.map((undo) => withDeadline("undo", UNDO_TIMEOUT_MS, undo)));
    return answerFailure(c, surface, error, endpoint);
  }
}

/** A file on its way: it breaks off for the client where it does, and that is written down. */
function watched(body: Streamed["body"], log: Log): Streamed["body"] {
  const chunks = async function* () {
    try {
      yield* body;
    } catch (error) {
      const level = isDatabaseAway(error) ? "notice" : "error";
      log({ level, msg: "a file broke off", error: logTextOf(error) });
      throw error;
    }
  };
  return ReadableStream.from(chunks());
}

/** Query and body in the types a schema of theirs wants. What is signed is what was sent. */
function seenBy(
  spec: MountedSurface["spec"],
  schema: z.ZodType | undefined,
  input: RawInput,
): { query: unknown; body: unknown } {
  if (!schema) return input;
  const seen = {
    query: asWanted(schema, input.query, { isText: true }) as RawInput["query"],
    body: asWanted(schema, input.body, { isText: !input.isJson }),
  };
  return spec.parameters?.(seen) ?? seen;
}

/** Somebody believes to have changed something: a name misspelt, or a body of another type. */
function refuseEmptyChange({ method, body: schema }: Endpoint, body: unknown): void {
  if (!schema || method !== "patch" && method !== "put" || namesAny(schema, body)) return;
  throw new DomainError("params_invalid", {
    message: "没有要修改的内容",
    english: "There is nothing to change",
  });
}

/** Answers a failure in the surface's envelope and logs what nobody expected. */
export function answerFailure(
  c: Context<Env>,
  surface: MountedSurface,
  thrown: unknown,
  endpoint?: Endpoint,
): Response {
  // Phones do this all day; the status is nginx's, for the log alone.
  if (thrown instanceof CallerGoneError) return new Response(null, { status: 499 });
  const failure = failureOf(surface.spec, thrown, c.req.raw.headers);
  const log = c.get("log");
  if (failure.alarm !== undefined) log({ level: "alarm", msg: failure.alarm });
  if (failure.unexpected !== undefined) {
    log({
      level: "error",
      msg: "unexpected failure",
      error: logStackOf(failure.unexpected),
      cause: logTextOf(failure.unexpected),
    });
  } else if (failure.awayBecause !== undefined) {
    log({
      level: "notice",
      msg: "unavailable",
      kind: failure.kind,
      cause: logTextOf(failure.awayBecause),
    });
  } else if (endpoint && !declares(surface, endpoint, failure.kind)) {
    log({ level: "warn", msg: "undeclared failure", kind: failure.kind });
  }
  const headers = { ...failure.headers };
  // What is left of the body may go on arriving for ever.
  if (failure.kind === "request_timeout") headers["Connection"] = "close";
  return answerJson(c, failure.body, { status: failure.status, headers });
}

interface AnswerOptions {
  status?: number;
  headers?: Record<string, string>;
}

function answerJson(
  c: Context<Env>,
  body: unknown,
  { status, headers }: AnswerOptions = {},
): Response {
  const json = { "Content-Type": "application/json", ...headers };
  return answerWith(c, JSON.stringify(body), { status, headers: json });
}

/** Made at once with its headers, where that can be: each set afterwards costs as much as all. */
function answerWith(
  c: Context<Env>,
  body: string | ReadableStream,
  { status = 200, headers }: AnswerOptions,
): Response {
  const direct = c.get("directHeaders");
  return direct
    ? new Response(body, { status, headers: { ...direct(), ...headers } })
    : c.newResponse(body, status as StatusCode, headers);
}

/** The documents promise which failures an endpoint answers; one they lack is a fault of ours. */
function declares(
  { spec }: MountedSurface,
  endpoint: Endpoint,
  kind: Kind,
): boolean {
  return [COMMON_ERRORS, spec.impliedErrors(endpoint), endpoint.errors ?? []]
    .some((declared) => declared.includes(kind));
}

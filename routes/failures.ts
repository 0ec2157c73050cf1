import { isDatabaseAway, isSchemaBehind } from "../db/client/errors.ts";
import { DomainError, type Kind, publicTextOf } from "../db/domain/errors.ts";
import { isRedisAway } from "../db/redis/client.ts";
import type { ErrorTable, SurfaceSpec, WireError } from "./spec.ts";

/** A failure as its surface shows it, and what the log should know that the caller must not. */
export interface Failure {
  kind: Kind;
  status: number;
  body: unknown;
  headers: Record<string, string>;
  unexpected: unknown;
  /** Why a part of ours or of others was away; for the log. */
  awayBecause: unknown;
  /** What somebody has to be woken for. */
  alarm: string | undefined;
}

/** Turns whatever was thrown into the surface's own words, in a language of `asked`, the headers. */
export function failureOf(
  // deno-lint-ignore no-explicit-any -- any surface's table has the same shape
  { errors, english, fail }: SurfaceSpec<any, any>,
  thrown: unknown,
  asked: Headers,
): Failure {
  const error = expected(thrown);
  const wire = wireErrorOf(errors, error);
  wire.message = english?.(error, asked) ?? wire.message;
  return {
    kind: error.kind,
    status: wire.status,
    body: fail({ ...wire, fields: error.fields }),
    headers: error.retryAfterSeconds === undefined
      ? {}
      : { "Retry-After": String(error.retryAfterSeconds) },
    unexpected: error.kind === "unexpected" ? thrown : undefined,
    awayBecause: error.family === "unavailable" ? error.cause : undefined,
    alarm: error.alarm,
  };
}

function expected(thrown: unknown): DomainError {
  if (thrown instanceof DomainError) return thrown;
  if (isDatabaseAway(thrown) || isSchemaBehind(thrown) || isRedisAway(thrown)) {
    return new DomainError("service_unavailable", { cause: thrown });
  }
  return new DomainError("unexpected", { cause: thrown });
}

/** Whether a failure says that a store is away, which is nothing to look into. */
export function isStoreAway(error: unknown): boolean {
  return isDatabaseAway(error) || isRedisAway(error) ||
    (error instanceof DomainError && error.family === "unavailable");
}

/** The row for this kind, or for its family; the text is the row's or the failure's own. */
export function wireErrorOf(table: ErrorTable, error: DomainError): Required<WireError> {
  const row = table[error.kind] ?? table[error.family];
  const message = row.message?.replace("{}", error.message) ?? error.message;
  return { status: row.status, code: row.code, message };
}

/** The same for documents, where there is a kind but no failure yet. */
export function wireErrorOfKind(table: ErrorTable, kind: Kind): Required<WireError> {
  return wireErrorOf(table, new DomainError(kind, { message: publicTextOf(kind) }));
}

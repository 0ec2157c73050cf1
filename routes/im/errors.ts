import type { ErrorTable } from "../spec.ts";

/** The chat app knows two failures: 401 without a session, 400 for everything else. */
export const imErrors: ErrorTable = {
  invalid: { status: 400, code: 400 },
  unauthenticated: { status: 401, code: 401 },
  forbidden: { status: 400, code: 400 },
  not_found: { status: 400, code: 400 },
  conflict: { status: 400, code: 400 },
  limited: { status: 400, code: 400 },
  unavailable: { status: 503, code: 503 },
  internal: { status: 500, code: 500 },

  device_check_needed: { status: 400, code: 110 },
  path_unknown: { status: 404, code: 404 },
  method_not_allowed: { status: 405, code: 405 },
  request_too_large: { status: 413, code: 413 },
  request_timeout: { status: 408, code: 408 },
  rate_exceeded: { status: 429, code: 429 },
  tries_spent: { status: 429, code: 429 },
};

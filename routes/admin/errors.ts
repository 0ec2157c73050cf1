import type { ErrorTable } from "../spec.ts";

/** Plain HTTP: the code repeats the status. */
export const adminErrors: ErrorTable = {
  invalid: { status: 400, code: 400 },
  unauthenticated: { status: 401, code: 401 },
  forbidden: { status: 403, code: 403 },
  not_found: { status: 404, code: 404 },
  conflict: { status: 409, code: 409 },
  limited: { status: 429, code: 429 },
  unavailable: { status: 503, code: 503 },
  internal: { status: 500, code: 500 },

  method_not_allowed: { status: 405, code: 405 },
  request_too_large: { status: 413, code: 413 },
  request_timeout: { status: 408, code: 408 },
};

import type { ErrorTable } from "../spec.ts";

/**
 * Partners get 400 for whatever they did wrong, credentials included
 * (docs/contracts/partner.md#calling-it).
 */
export const partnerErrors: ErrorTable = {
  invalid: { status: 400, code: 400 },
  unauthenticated: { status: 400, code: 400 },
  forbidden: { status: 400, code: 400 },
  not_found: { status: 400, code: 400 },
  conflict: { status: 400, code: 400 },
  limited: { status: 429, code: 429 },
  unavailable: { status: 503, code: 503 },
  internal: { status: 500, code: 500 },

  path_unknown: { status: 404, code: 404 },
  method_not_allowed: { status: 405, code: 405 },
  request_too_large: { status: 413, code: 413 },
  request_timeout: { status: 408, code: 408 },
};

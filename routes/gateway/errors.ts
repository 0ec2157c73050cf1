import type { ErrorTable } from "../spec.ts";

/**
 * Codes of docs/contracts/gateway.md#calling-it. A failure of the business is HTTP 200, status 0,
 * and code 0 with a message unless it has a number of its own.
 */
export const gatewayErrors: ErrorTable = {
  invalid: { status: 200, code: 0 },
  unauthenticated: { status: 401, code: 0, message: "Authorized Failed" },
  forbidden: { status: 403, code: 0, message: "Forbidden" },
  not_found: { status: 200, code: 0 },
  conflict: { status: 200, code: 0 },
  limited: { status: 200, code: 0 },
  unavailable: { status: 503, code: 0, message: "Service Unavailable" },
  internal: { status: 500, code: 0, message: "Internal Server Error" },

  request_malformed: { status: 400, code: 0, message: "Params Not Valid: {}" },
  request_too_large: { status: 413, code: 0 },
  // Its contract knows no 408.
  request_timeout: { status: 504, code: 0 },
  signature_missing: { status: 400, code: 0, message: "Params Not Valid: {}" },
  signature_stale: { status: 400, code: 0, message: "Params Not Valid: {}" },
  signature_ambiguous: { status: 400, code: 0, message: "Params Not Valid: {}" },
  path_unknown: { status: 404, code: 0, message: "Not Found" },
  method_not_allowed: { status: 405, code: 0, message: "Method Not Allowed" },
  // Its contract knows no 429 either.
  rate_exceeded: { status: 200, code: 0, message: "操作太频繁，请稍后再试" },
  sms_failed: { status: 503, code: 0 },
  captcha_unavailable: { status: 503, code: 0 },

  call_repeated: { status: 200, code: -1 },
  account_missing: { status: 200, code: 100000 },
  account_exists: { status: 200, code: 100001 },
  account_frozen: { status: 200, code: 100002 },
  profile_missing: { status: 200, code: 200000 },
  profile_exists: { status: 200, code: 200001 },
  user_missing: { status: 200, code: 200002 },
  notification_missing: { status: 200, code: 200003 },
  room_missing: { status: 200, code: 400000 },
  room_refused: { status: 200, code: 400001 },
  club_missing: { status: 200, code: 500000 },
  event_missing: { status: 200, code: 600000 },
  event_not_yours: { status: 200, code: 0 },
};

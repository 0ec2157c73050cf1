import type { ErrorTable } from "../spec.ts";

/** Codes and texts of docs/contracts/ops.md#calling-it. */
export const opsErrors: ErrorTable = {
  invalid: { status: 400, code: 4001 },
  unauthenticated: { status: 401, code: 4003, message: "无效签名 Invalid API token" },
  forbidden: { status: 403, code: 4003, message: "请求被拒绝" },
  not_found: { status: 404, code: 4004, message: "请求资源不存在" },
  conflict: { status: 409, code: 4003 },
  limited: { status: 429, code: 4003 },
  unavailable: { status: 503, code: 5005, message: "服务当前不可用" },
  internal: { status: 500, code: 5000, message: "服务端未知错误" },

  method_not_allowed: { status: 405, code: 4001 },
  request_too_large: { status: 413, code: 4001 },
  request_timeout: { status: 408, code: 4001 },
};

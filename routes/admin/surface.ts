import { z } from "zod";
import type { Kind } from "../../db/domain/errors.ts";
import type { OperatorActor } from "../../db/domain/operators/actor.ts";
import type { Permission } from "../../db/domain/operators/permissions.ts";
import { admitAnybody, admitOperator } from "../../middleware/operator_admission.ts";
import { defineSurface } from "../kit.ts";
import { adminErrors } from "./errors.ts";

export interface AdminOptions {
  /** What the caller must be allowed to do; null: to be an operator is enough. */
  needs: Permission | null;
  /** What `code` says of success, where the contract's sample has one. */
  code?: number;
}

/** The surface of operators managing users and their payment methods (contract: admin). */
export const { endpoint, openEndpoint, mount } = defineSurface<OperatorActor, AdminOptions>({
  name: "admin",
  title: "Admin: operators managing users",
  description: "The surface of operators managing users and their payment methods",
  security: { operator: { type: "http", scheme: "bearer", bearerFormat: "JWT" } },
  errors: adminErrors,
  commonErrors: (
    { open, needs },
  ) => [
    "params_invalid",
    "request_malformed",
    "request_too_large",
    "rate_exceeded",
    "service_unavailable",
    "unexpected",
    ...(open ? [] : ["session_invalid"] as Kind[]),
    ...(needs === null ? [] : ["operator_no_right"] as Kind[]),
  ],
  async admit(call, { open, path, rate, needs }) {
    const guards = { surface: "admin", path, rate, needs, keys: false as const };
    if (!open) return await admitOperator(call, guards);
    await admitAnybody(call, guards);
    return undefined;
  },
  ok: (data, { code }) => ({ ...code !== undefined && { code }, data }),
  fail: ({ code, message }) => ({ code, message }),
  okSchema: (data, { code }) =>
    code === undefined ? z.object({ data }) : z.object({ code: z.literal(code), data }),
  failSchema: z.object({ code: z.number(), message: z.string() }),
});

import { z } from "zod";
import type { Kind } from "../../db/domain/errors.ts";
import type { OpsActor } from "../../db/domain/operators/actor.ts";
import type { Permission } from "../../db/domain/operators/permissions.ts";
import { admitAnybody, admitOperator } from "../../middleware/operator_admission.ts";
import { defineSurface } from "../kit.ts";
import { opsErrors } from "./errors.ts";

export interface OpsOptions {
  /** What the caller must be allowed to do; null: to be an operator is enough. */
  needs: Permission | null;
  /** A payout script's key (HTTP Basic `id:secret`) is as good as an operator's token. */
  keys?: boolean;
}

/** The surface of operators running groups and paying profits (contract: ops). */
export const { endpoint, openEndpoint, mount } = defineSurface<OpsActor, OpsOptions>({
  name: "ops",
  title: "Ops: operators running groups",
  description: "The surface of operators running groups and paying profits",
  security: {
    operator: { type: "http", scheme: "bearer", bearerFormat: "JWT" },
    key: { type: "http", scheme: "basic", description: "A payout script's key: id and secret" },
  },
  schemesOf: ({ keys }) => keys ? ["operator", "key"] : ["operator"],
  errors: opsErrors,
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
  async admit(call, { open, path, rate, needs, keys = false }) {
    const guards = { surface: "ops", path, rate, needs, keys };
    if (!open) return await admitOperator(call, guards);
    await admitAnybody(call, guards);
    return undefined;
  },
  ok: (data) => data,
  fail: ({ code, message }) => ({ code, msg: message }),
  okSchema: (data) => data,
  failSchema: z.object({ code: z.number(), msg: z.string() }),
});

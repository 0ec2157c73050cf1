import { z } from "zod";
import type { OpsActor } from "../../db/domain/operators/actor.ts";
import type { Permission } from "../../db/domain/operators/permissions.ts";
import { admitAnybody } from "../../middleware/admission.ts";
import { admitOperator } from "../../middleware/operator_admission.ts";
import { perAddress, perUser } from "../../middleware/rate_limit.ts";
import { englishOf } from "../english.ts";
import { Field } from "../fields.ts";
import { defineSurface } from "../kit.ts";
import { opsErrors } from "./errors.ts";

export interface OpsOptions {
  /** What the caller must be allowed to do; null: to be an operator is enough. */
  needs: Permission | null;
  /** A payout script's key (HTTP Basic `id:secret`) is as good as an operator's token. */
  keys?: boolean;
}

/** The surface of operators running groups and paying profits (docs/contracts/ops.md). */
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
  refusesEmptyChanges: true,
  impliedErrors: ({ open, needs }) => [
    ...open ? [] : ["session_invalid" as const],
    ...needs === null ? [] : ["operator_no_right" as const],
  ],
  rates: { caller: perUser(300, "10 s"), address: perAddress(3000, "10 s") },
  admit: async (call, { open, needs, keys = false }) =>
    open ? await admitAnybody(call) : await admitOperator(call, { needs, keys }),
  ok: (data) => data,
  english: englishOf,
  fail: ({ code, message, fields }) => ({ code, msg: message, ...fields }),
  okSchema: (data) => data,
  failSchema: z.object({ code: z.number(), msg: z.string(), field: Field }),
});

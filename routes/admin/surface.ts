import { z } from "zod";
import type { OperatorActor } from "../../db/domain/operators/actor.ts";
import type { Permission } from "../../db/domain/operators/permissions.ts";
import { admitAnybody } from "../../middleware/admission.ts";
import { admitOperator } from "../../middleware/operator_admission.ts";
import { perAddress, perUser } from "../../middleware/rate_limit.ts";
import { englishOf } from "../english.ts";
import { Field } from "../fields.ts";
import { defineSurface } from "../kit.ts";
import { adminErrors } from "./errors.ts";

export interface AdminOptions {
  /** What the caller must be allowed to do; null: to be an operator is enough. */
  needs: Permission | null;
  /** What `code` says of success, where the contract's sample has one. */
  code?: number;
}

/** The surface of operators managing users and their payment methods (docs/contracts/admin.md). */
export const { endpoint, openEndpoint, mount } = defineSurface<OperatorActor, AdminOptions>({
  name: "admin",
  title: "Admin: operators managing users",
  description: "The surface of operators managing users and their payment methods",
  security: { operator: { type: "http", scheme: "bearer", bearerFormat: "JWT" } },
  errors: adminErrors,
  refusesEmptyChanges: true,
  impliedErrors: ({ open, needs }) => [
    ...open ? [] : ["session_invalid" as const],
    ...needs === null ? [] : ["operator_no_right" as const],
  ],
  rates: { caller: perUser(300, "10 s"), address: perAddress(3000, "10 s") },
  admit: async (call, { open, needs }) =>
    open ? await admitAnybody(call) : await admitOperator(call, { needs, keys: false }),
  ok: (data, { code }) => ({ ...code !== undefined && { code }, data }),
  english: englishOf,
  fail: ({ code, message, fields }) => ({ code, message, ...fields }),
  okSchema: (data, { code }) =>
    code === undefined ? z.object({ data }) : z.object({ code: z.literal(code), data }),
  failSchema: z.object({ code: z.number(), message: z.string(), field: Field }),
});

import { z } from "zod";
import { DomainError } from "../../db/domain/errors.ts";
import { defineSurface } from "../kit.ts";
import { opsErrors } from "./errors.ts";

/** The surface of operators running groups and paying profits (contract: ops). */
export const { mount } = defineSurface({
  name: "ops",
  title: "Ops: operators running groups",
  description: "The surface of operators running groups and paying profits",
  security: { operator: { type: "http", scheme: "bearer", bearerFormat: "JWT" } },
  errors: opsErrors,
  commonErrors: () => [],
  // Nobody is let in before there is an operation to let them into.
  admit: () => Promise.reject(new DomainError("session_invalid")),
  ok: (data) => data,
  fail: ({ code, message }) => ({ code, msg: message }),
  okSchema: (data) => data,
  failSchema: z.object({ code: z.number(), msg: z.string() }),
});

import { z } from "zod";
import { DomainError } from "../../db/domain/errors.ts";
import { defineSurface } from "../kit.ts";
import { adminErrors } from "./errors.ts";

/** The surface of operators managing users and their payment methods (contract: admin). */
export const { mount } = defineSurface({
  name: "admin",
  title: "Admin: operators managing users",
  description: "The surface of operators managing users and their payment methods",
  security: { operator: { type: "http", scheme: "bearer", bearerFormat: "JWT" } },
  errors: adminErrors,
  commonErrors: () => [],
  // Nobody is let in before there is an operation to let them into.
  admit: () => Promise.reject(new DomainError("session_invalid")),
  ok: (data) => ({ data }),
  fail: ({ code, message }) => ({ code, message }),
  okSchema: (data) => z.object({ data }),
  failSchema: z.object({ code: z.number(), message: z.string() }),
});

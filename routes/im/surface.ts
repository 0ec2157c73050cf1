import { z } from "zod";
import { DomainError } from "../../db/domain/errors.ts";
import { defineSurface } from "../kit.ts";
import { imErrors } from "./errors.ts";

/** The chat app's surface (contract: im). */
export const { mount } = defineSurface({
  name: "im",
  title: "IM: the chat app",
  description: "The chat app's surface",
  security: { token: { type: "apiKey", in: "header", name: "token" } },
  errors: imErrors,
  commonErrors: () => [],
  // Nobody is let in before there is an operation to let them into.
  admit: () => Promise.reject(new DomainError("session_invalid")),
  ok: (data) => data,
  fail: ({ code, message }) => ({ status: code, msg: message }),
  okSchema: (data) => data,
  failSchema: z.object({ status: z.number(), msg: z.string() }),
});

import { z } from "zod";
import { DomainError } from "../../db/domain/errors.ts";
import { defineSurface } from "../kit.ts";
import { partnerErrors } from "./errors.ts";

const Meta = z.object({ code: z.number(), message: z.string() });

/** The surface of other companies' servers and their clients (contract: partner). */
export const { mount } = defineSurface({
  name: "partner",
  title: "Partner: other companies' servers and clients",
  description: "The surface of other companies' servers and their clients",
  security: {
    server: { type: "http", scheme: "basic", description: "\`appid\` and \`md5(appsecret)\`" },
    client: { type: "http", scheme: "bearer" },
  },
  errors: partnerErrors,
  commonErrors: () => [],
  // Nobody is let in before there is an operation to let them into.
  admit: () => Promise.reject(new DomainError("session_invalid")),
  ok: (data) => ({ meta: { code: 200, message: "success" }, data }),
  fail: ({ code, message }) => ({ meta: { code, message } }),
  okSchema: (data) => z.object({ meta: Meta, data }),
  failSchema: z.object({ meta: Meta }),
});

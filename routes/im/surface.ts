import { z } from "zod";
import { DomainError } from "../../db/domain/errors.ts";
import { hashToken } from "../../db/domain/sessions/access_secret.ts";
import type { Session } from "../../db/domain/sessions/session.ts";
import { admit } from "../../middleware/admission.ts";
import { perAddress, perUser } from "../../middleware/rate_limit.ts";
import { Field } from "../fields.ts";
import { defineSurface } from "../kit.ts";
import type { Call, Guarded } from "../spec.ts";
import { imErrors } from "./errors.ts";

export interface ImOptions {
  /** Keeps its facts in Redis alone, so it answers 503 while Redis is away. */
  needsRedis?: boolean;
}

/** The chat app's surface (docs/contracts/im.md). */
export const { endpoint, openEndpoint, mount } = defineSurface<Session, ImOptions>({
  name: "im",
  title: "IM: the chat app",
  description: "Calls carry the login's token in the header `token`; a gateway login's is as good.",
  security: { token: { type: "apiKey", in: "header", name: "token" } },
  errors: imErrors,
  impliedErrors: ({ open }) => open ? [] : ["session_invalid"],
  rates: { caller: perUser(300, "10 s"), address: perAddress(3000, "10 s") },
  admit: admitIm,
  ok: (data) => data,
  fail: ({ code, message, fields }) => ({ status: code, msg: message, ...fields }),
  okSchema: (data) => data,
  failSchema: z.object({ status: z.number(), msg: z.string(), field: Field }),
});

async function admitIm(call: Call, endpoint: Guarded & ImOptions): Promise<Session | undefined> {
  const token = call.headers.get("token");
  if (!token && !endpoint.open) throw new DomainError("session_invalid");
  // An open operation is nobody's: a stale token sent along must not stand in a login's way.
  const tokenHash = token && !endpoint.open ? hashToken(token) : undefined;
  return await admit(call.ctx, {
    tokenHash,
    counters: call.counters(tokenHash ?? call.address),
    needsRedis: endpoint.needsRedis,
  });
}

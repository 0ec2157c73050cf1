import { z } from "zod";
import { DomainError, type Kind } from "../../db/domain/errors.ts";
import { hashToken } from "../../db/domain/sessions/access_secret.ts";
import type { Session } from "../../db/domain/sessions/session.ts";
import { admit } from "../../middleware/admission.ts";
import { counterOf, perAddress, perUser } from "../../middleware/rate_limit.ts";
import { type Call, defineSurface, type Guarded } from "../kit.ts";
import { imErrors } from "./errors.ts";

export interface ImOptions {
  /** Keeps its facts in Redis alone, so it answers 503 while Redis is away. */
  needsRedis?: boolean;
}

const HEX_ID = "[a-f0-9]{32}";
/** What any caller may do, over all operations together. */
const CALLER_RATE = perUser(300, "10 s");
const ADDRESS_RATE = perAddress(3000, "10 s");

/** The chat app's surface (contract: im). */
export const { endpoint, openEndpoint, mount } = defineSurface<Session, ImOptions>({
  name: "im",
  title: "IM: the chat app",
  description: "Calls carry the login's token in the header `token`; a gateway login's is as good.",
  patterns: { group_no: HEX_ID },
  security: { token: { type: "apiKey", in: "header", name: "token" } },
  errors: imErrors,
  commonErrors: (
    { open },
  ) => [
    "params_invalid",
    "request_malformed",
    "request_too_large",
    "rate_exceeded",
    "service_unavailable",
    "unexpected",
    ...(open ? [] : ["session_invalid"] as Kind[]),
  ],
  admit: admitIm,
  ok: (data) => data,
  fail: ({ code, message, fields }) => ({ status: code, msg: message, ...fields }),
  okSchema: (data) => data,
  failSchema: z.object({ status: z.number(), msg: z.string() }),
});

async function admitIm(call: Call, endpoint: Guarded & ImOptions): Promise<Session | undefined> {
  const { ctx, address, headers } = call;
  const token = headers.get("token");
  if (!token && !endpoint.open) throw new DomainError("session_invalid");
  // An open operation is nobody's: a stale token sent along must not stand in a login's way.
  const tokenHash = token && !endpoint.open ? hashToken(token) : undefined;
  const caller = tokenHash ?? address;
  const rates = [
    { of: "im", rate: CALLER_RATE },
    { of: "im", rate: ADDRESS_RATE },
    ...endpoint.rate ? [{ of: endpoint.path, rate: endpoint.rate }] : [],
  ];
  return await admit(ctx, {
    tokenHash,
    useOnce: [],
    counters: rates.flatMap((counted) =>
      counterOf({ ...counted, caller, address, factor: ctx.config.rateFactor })
    ),
    needsRedis: endpoint.needsRedis ?? false,
  });
}

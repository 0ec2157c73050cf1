import { z } from "zod";
import { DomainError } from "../../db/domain/errors.ts";
import { hashToken } from "../../db/domain/sessions/access_secret.ts";
import type { Session } from "../../db/domain/sessions/session.ts";
import { admit } from "../../middleware/admission.ts";
import { perAddress, perUser } from "../../middleware/rate_limit.ts";
import { Field } from "../fields.ts";
import { defineSurface } from "../kit.ts";
import type { Call, Guarded, Method } from "../spec.ts";
import { wechatOpenIdOf } from "./cookie.ts";
import { gatewayErrors } from "./errors.ts";
import { credentialsOf, paramsOf, signatureOf, useOnce } from "./signed_call.ts";

export interface GatewayOptions {
  /** `message` of a successful answer. */
  message?: string;
  /** May be called before the profile is filled in. */
  beforeProfile?: boolean;
  /** Changes nothing, or nothing more when done again, though not a GET: never answered -1. */
  repeatable?: boolean;
  /** Keeps its facts in Redis alone, so it answers 503 while Redis is away. */
  needsRedis?: boolean;
  /** Neither signed nor for anybody in particular; credentials are not read. */
  unsigned?: boolean;
  /** For H5 pages: for whoever has logged in with WeChat. */
  wechat?: boolean;
}

const HEX_ID = "[a-f0-9]{24}(?:[a-f0-9]{8})?";

const SIGNATURE = z.object({
  ts: z.string().describe("The client's clock, ms; in the query or the body"),
  sign: z.string().describe("MD5 over the sorted parameters and the access secret"),
});

const SIGNED_ERRORS = [
  "signature_missing",
  "signature_stale",
  "signature_ambiguous",
  "signature_wrong",
  "session_invalid",
] as const;

/** The social audio-room app's surface (docs/contracts/gateway.md). */
export const { spec, endpoint, openEndpoint, mount } = defineSurface<Session, GatewayOptions>({
  name: "gateway",
  title: "Gateway: the social audio-room app",
  description: "Every call is signed with `ts` and `sign`; see docs/contracts/gateway.md for how.",
  patterns: {
    uid: HEX_ID,
    clubId: HEX_ID,
    roomId: HEX_ID,
    eventId: HEX_ID,
    roomCacheId: HEX_ID,
    linkMD5: "[a-f0-9]{32}",
  },
  security: {
    basic: { type: "http", scheme: "basic", description: "`uid` and `accessToken` of the login" },
  },
  commonQuery: ({ unsigned }) => unsigned ? undefined : SIGNATURE,
  errors: gatewayErrors,
  impliedErrors: (endpoint) => [
    ...endpoint.unsigned ? [] : SIGNED_ERRORS,
    ...endpoint.wechat ? ["wechat_login_needed" as const] : [],
    ...isGuarded(endpoint) ? ["call_repeated" as const] : [],
    ...endpoint.open || endpoint.beforeProfile ? [] : ["profile_missing" as const],
  ],
  rates: { caller: perUser(300, "10 s"), address: perAddress(3000, "10 s") },
  parameters(input) {
    const { ts: _ts, sign: _sign, ...params } = paramsOf(input);
    return { query: params, body: params };
  },
  admit: admitGateway,
  ok: (data, options, said) => ({
    status: 1,
    message: said ?? options.message ?? "Success",
    result: data,
  }),
  fail: ({ code, message, fields }) => ({
    status: 0,
    message,
    result: code,
    errorCode: code,
    ...fields,
  }),
  okSchema: (data) => z.object({ status: z.literal(1), message: z.string(), result: data }),
  failSchema: z.object({
    status: z.literal(0),
    message: z.string(),
    result: z.number(),
    errorCode: z.number(),
    field: Field,
  }),
});

/** Whether the duplicate-call guard watches over it. */
function isGuarded(
  { method, repeatable, unsigned }: { method: Method } & GatewayOptions,
): boolean {
  return method !== "get" && !repeatable && !unsigned;
}

/** Signature first, without I/O, so that nobody can burn another person's calls; then the guards. */
async function admitGateway(
  call: Call,
  endpoint: Guarded & GatewayOptions,
): Promise<Session | undefined> {
  const { ctx, address } = call;
  const credentials = endpoint.unsigned ? undefined : credentialsOf(call.headers);
  const params = paramsOf(call);
  const sign = endpoint.unsigned ? "" : signatureOf(call, params, credentials);
  if (!credentials && !endpoint.open) throw new DomainError("session_invalid");
  const openId = endpoint.wechat ? wechatOpenIdOf(call) : undefined;

  const caller = credentials ? hashToken(credentials.token) : openId ?? address;
  const session = await admit(ctx, {
    tokenHash: credentials ? caller : undefined,
    useOnce: isGuarded({ ...endpoint, method: call.method })
      ? useOnce(call, caller, params, sign)
      : [],
    onUse: call.onFailure,
    counters: call.counters(caller),
    needsRedis: endpoint.needsRedis,
  });
  if (session && session.uid !== credentials?.uid) throw new DomainError("session_invalid");
  if (session && !session.hasProfile && !endpoint.open && !endpoint.beforeProfile) {
    throw new DomainError("profile_missing");
  }
  return session;
}

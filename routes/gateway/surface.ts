import { parse as parseCookies } from "hono/utils/cookie";
import { z } from "zod";
import { sha256Hex } from "../../config/keys.ts";
import { DomainError, type Kind } from "../../db/domain/errors.ts";
import { accessSecretsOf, hashToken } from "../../db/domain/sessions/access_secret.ts";
import type { Client } from "../../db/domain/sessions/open_session.ts";
import type { Session } from "../../db/domain/sessions/session.ts";
import { openWechatSession } from "../../db/domain/wechat/session.ts";
import { admit } from "../../middleware/admission.ts";
import { counterOf, perAddress, perUser } from "../../middleware/rate_limit.ts";
import { signedString, verifySignature } from "../../middleware/signature.ts";
import type { RawInput } from "../input.ts";
import { type Call, defineSurface, type Guarded, type Method } from "../kit.ts";
import { WECHAT_COOKIE } from "./cookie.ts";
import { gatewayErrors } from "./errors.ts";

export interface GatewayOptions {
  /** `message` of a successful answer. */
  message?: string;
  /** May be called before the profile is filled in. */
  beforeProfile?: boolean;
  /** Changes nothing, or nothing more when done again, though not a GET: no -1 for a repetition. */
  repeatable?: boolean;
  /** Keeps its facts in Redis alone, so it answers 503 while Redis is away. */
  needsRedis?: boolean;
  /** Neither signed nor for anybody in particular (contract: 参数校验 否); credentials are not read. */
  unsigned?: boolean;
  /** For H5 pages: for whoever has logged in with WeChat (contract: 微信登录). */
  wechat?: boolean;
}

const HEX_ID = "[a-f0-9]{24}(?:[a-f0-9]{8})?";
/** What any caller may do, over all operations together. */
const CALLER_RATE = perUser(300, "10 s");
const ADDRESS_RATE = perAddress(3000, "10 s");

const SIGNATURE = z.object({
  ts: z.string().describe("The client's clock, ms; in the query or the body"),
  sign: z.string().describe("MD5 over the sorted parameters and the access secret"),
});

/** The social audio-room app's surface (contract: gateway). */
export const { spec, endpoint, openEndpoint, mount } = defineSurface<Session, GatewayOptions>({
  name: "gateway",
  title: "Gateway: the social audio-room app",
  description: "Every call is signed with `ts` and `sign`; see the README for how.",
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
  commonErrors(endpoint) {
    const kinds: Kind[] = [
      "params_invalid",
      "request_malformed",
      "request_too_large",
      "rate_exceeded",
      "service_unavailable",
      "unexpected",
    ];
    if (!endpoint.unsigned) {
      kinds.push("signature_missing", "signature_stale", "signature_ambiguous");
      kinds.push("signature_wrong", "session_invalid");
    }
    if (endpoint.wechat) kinds.push("wechat_login_needed");
    if (isGuarded(endpoint)) kinds.push("call_repeated");
    if (!endpoint.open && !endpoint.beforeProfile) kinds.push("profile_missing");
    return kinds;
  },
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
  fail: ({ code, message }) => ({ status: 0, message, result: code, errorCode: code }),
  okSchema: (data) => z.object({ status: z.literal(1), message: z.string(), result: data }),
  failSchema: z.object({
    status: z.literal(0),
    message: z.string(),
    result: z.number(),
    errorCode: z.number(),
  }),
});

/** Query and body together: what is signed, and what the schemas see. */
function paramsOf({ query, body }: RawInput): Record<string, unknown> {
  const isObject = typeof body === "object" && body !== null && !Array.isArray(body);
  return { ...Object.fromEntries(query), ...(isObject ? body : {}) };
}

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
    counters: [
      { of: "gateway", rate: CALLER_RATE },
      { of: "gateway", rate: ADDRESS_RATE },
      ...endpoint.rate ? [{ of: endpoint.path, rate: endpoint.rate }] : [],
    ].flatMap((counted) =>
      counterOf({ ...counted, caller, address, factor: ctx.config.rateFactor })
    ),
    needsRedis: endpoint.needsRedis ?? false,
  });
  if (session && session.uid !== credentials?.uid) throw new DomainError("session_invalid");
  if (session && !session.hasProfile && !endpoint.open && !endpoint.beforeProfile) {
    throw new DomainError("profile_missing");
  }
  return session;
}

/** The signature a call rightly carries. */
function signatureOf(
  { ctx, query, body, repeatedNames }: Call,
  params: Record<string, unknown>,
  credentials: Credentials | undefined,
): string {
  const inBoth = Object.keys(params).filter((name) =>
    query.has(name) && Object.hasOwn(Object(body), name)
  );
  return verifySignature({
    params,
    repeatedNames: [...repeatedNames, ...inBoth],
    secrets: credentials
      ? accessSecretsOf(ctx.config.keys, credentials.uid, credentials.token)
      : [ctx.config.gatewayDefaultSecret],
    nowMs: ctx.now().getTime(),
    windowMs: ctx.config.signWindowMs,
  });
}

/**
 * The duplicate-call guard: this signature within the `ts` window, and the same parameters by the
 * same caller within a second, whatever the clock said.
 */
function useOnce(call: Call, caller: string, params: Record<string, unknown>, sign: string) {
  const { signWindowMs, duplicateWindowMs } = call.ctx.config;
  const { ts: _ts, ...stable } = params;
  const fingerprint = sha256Hex(`${call.method} ${call.path} ${signedString(stable, "")}`);
  return [
    // `ts` may be as far ahead as behind, so a signature is fresh for twice the window.
    { key: `sign:${caller}:${sign}`, windowMs: signWindowMs * 2 },
    { key: `call:${caller}:${fingerprint}`, windowMs: duplicateWindowMs },
  ];
}

interface Credentials {
  uid: string;
  token: string;
}

/** Whose WeChat login the cookie carries: sealed by us, so checked without I/O as well. */
function wechatOpenIdOf({ headers, ctx }: Call): string {
  const cookie = parseCookies(headers.get("cookie") ?? "", WECHAT_COOKIE)[WECHAT_COOKIE];
  const openId = openWechatSession(ctx, cookie);
  if (openId === undefined) throw new DomainError("wechat_login_needed");
  return openId;
}

/** `Basic b64(uid:token)`: exactly two parts. */
function credentialsOf(headers: Headers): Credentials | undefined {
  const header = headers.get("authorization");
  if (header === null) return undefined;
  const [, encoded] = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(header) ?? [];
  const [, uid, token] = /^([a-f0-9]{32}):([a-f0-9]{32})$/.exec(decodeBase64(encoded ?? "")) ?? [];
  if (!uid || !token) throw new DomainError("session_invalid");
  return { uid, token };
}

function decodeBase64(text: string): string {
  try {
    return atob(text);
  } catch {
    return "";
  }
}

const CLIENT_HEADERS = z.object({
  clientType: z.coerce.number().int().min(0).max(2).optional().catch(undefined),
  versionName: z.string().max(50).optional().catch(undefined),
  versionCode: z.coerce.number().int().min(0).max(2 ** 31 - 1).optional().catch(undefined),
});

/** What the client says of itself; headers that make no sense are as good as absent. */
export function clientOf(headers: Headers, address: string): Client {
  const { clientType, versionName, versionCode } = CLIENT_HEADERS.parse({
    clientType: headers.get("client-type") ?? undefined,
    versionName: headers.get("version-name") ?? undefined,
    versionCode: headers.get("version-code") ?? undefined,
  });
  return { clientType, versionName, versionCode, address };
}

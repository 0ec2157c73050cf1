import { z } from "zod";
import { DomainError, type Kind } from "../../db/domain/errors.ts";
import { appCacheKey, readApp } from "../../db/domain/partners/app_cache.ts";
import { isAllowedAddress, isSecret } from "../../db/domain/partners/credentials.ts";
import { hashToken } from "../../db/domain/sessions/access_secret.ts";
import { isOfPartner, type Session } from "../../db/domain/sessions/session.ts";
import { admitReading } from "../../middleware/admission.ts";
import { readBasic, readBearer } from "../../middleware/authorization.ts";
import { type Counter, counterOf, perAddress, perUser } from "../../middleware/rate_limit.ts";
import { type Call, defineSurface, type Guarded } from "../kit.ts";
import { partnerErrors } from "./errors.ts";

/** A partner's server, which may do anything within its app, or one of the app's people. */
export type PartnerActor =
  | { kind: "server"; appId: number; tenantId: number }
  | { kind: "client"; tenantId: number; userId: number; uid: string; appUid: number };

export interface PartnerOptions {
  /** Who may call: the app's server (`Basic`), its people (`Bearer`), or either. */
  by?: "server" | "client" | "either";
}

/** What any caller may do, over all operations together. */
const SERVER_RATE = perUser(3000, "10 s");
const CLIENT_RATE = perUser(300, "10 s");
const ADDRESS_RATE = perAddress(6000, "10 s");

const Meta = z.object({ code: z.number(), message: z.string() });

/** The surface of other companies' servers and their clients (contract: partner). */
export const { endpoint, openEndpoint, mount } = defineSurface<PartnerActor, PartnerOptions>({
  name: "partner",
  title: "Partner: other companies' servers and clients",
  description:
    "A server calls with `Basic base64(appid:md5(appsecret))`, a person of the app with " +
    "`Bearer` and the token of `/auth/grant`. Whatever goes wrong answers HTTP 400.",
  security: {
    server: { type: "http", scheme: "basic", description: "`appid` and `md5(appsecret)`" },
    client: { type: "http", scheme: "bearer" },
  },
  schemesOf: ({ by = "server" }) => by === "either" ? ["server", "client"] : [by],
  errors: partnerErrors,
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
  admit: admitPartner,
  ok: (data) => ({ meta: { code: 200, message: "success" }, data, success: true }),
  fail: ({ code, message }) => ({ meta: { code, message } }),
  okSchema: (data) => z.object({ meta: Meta, data, success: z.literal(true) }),
  failSchema: z.object({ meta: Meta }),
});

async function admitPartner(
  call: Call,
  endpoint: Guarded & PartnerOptions,
): Promise<PartnerActor | undefined> {
  const { by = "server" } = endpoint;
  const basic = by !== "client" && !endpoint.open ? readBasic(call.headers) : undefined;
  const token = by !== "server" && !endpoint.open ? readBearer(call.headers) : undefined;
  if (basic) return await admitServer(call, endpoint, basic);
  if (token === undefined && !endpoint.open) throw new DomainError("session_invalid");
  const tokenHash = token === undefined ? undefined : hashToken(token);
  const { session } = await admitReading(call.ctx, {
    tokenHash,
    useOnce: [],
    needsRedis: false,
    takesPartners: true,
    counters: countersOf(call, endpoint, { rate: CLIENT_RATE, caller: tokenHash ?? call.address }),
  });
  if (!session) return undefined;
  if (!isOfPartner(session)) throw new DomainError("session_invalid");
  return clientOf(session);
}

async function admitServer(
  call: Call,
  endpoint: Guarded,
  { user, password }: { user: string; password: string },
): Promise<PartnerActor> {
  if (!/^\d{1,15}$/.test(user)) throw new DomainError("session_invalid");
  const appId = Number(user);
  const { ctx, address } = call;
  const { values } = await admitReading(ctx, {
    tokenHash: undefined,
    useOnce: [],
    needsRedis: false,
    readKeys: [appCacheKey(appId)],
    counters: countersOf(call, endpoint, { rate: SERVER_RATE, caller: `app ${appId}` }),
  });
  const app = await readApp(ctx, { appId, cached: values?.[0] ?? null });
  const isGenuine = app && isSecret(ctx.config.keys, app, password);
  if (!isGenuine || !isAllowedAddress(app, address)) throw new DomainError("session_invalid");
  return { kind: "server", appId, tenantId: app.tenantId };
}

function clientOf({ appId, appUid, userId, uid }: Session): PartnerActor {
  return { kind: "client", tenantId: appId, userId, uid, appUid };
}

function countersOf(
  { ctx, address }: Call,
  endpoint: Guarded,
  { rate, caller }: { rate: typeof CLIENT_RATE; caller: string },
): Counter[] {
  const rates = [
    { of: "partner", rate },
    { of: "partner", rate: ADDRESS_RATE },
    ...endpoint.rate ? [{ of: endpoint.path, rate: endpoint.rate }] : [],
  ];
  return rates.flatMap((counted) =>
    counterOf({ ...counted, caller, address, factor: ctx.config.rateFactor })
  );
}

import { z } from "zod";
import { DomainError } from "../../db/domain/errors.ts";
import { appCacheKey, readApp } from "../../db/domain/partners/app_cache.ts";
import { isAllowedAddress, isSecret } from "../../db/domain/partners/credentials.ts";
import { hashToken } from "../../db/domain/sessions/access_secret.ts";
import { isOfPartner } from "../../db/domain/sessions/session.ts";
import { admit, admitAnybody, admitReading } from "../../middleware/admission.ts";
import { readBasic, readBearer } from "../../middleware/authorization.ts";
import { perAddress, perUser } from "../../middleware/rate_limit.ts";
import { defineSurface } from "../kit.ts";
import type { Call, Guarded } from "../spec.ts";
import { partnerErrors } from "./errors.ts";

/** A partner's server, which may do anything within its app, or one of the app's people. */
export type PartnerActor =
  | { kind: "server"; appId: number; tenantId: number }
  | { kind: "client"; tenantId: number; userId: number; uid: string; appUid: number };

export interface PartnerOptions {
  /** Who may call: the app's server (`Basic`), its people (`Bearer`), or either. */
  by?: "server" | "client" | "either";
}

/** What an app's server may do, over all operations together. */
const SERVER_RATE = perUser(3000, "10 s");

const Meta = z.object({ code: z.number(), message: z.string() });

/** The surface of other companies' servers and their clients (docs/contracts/partner.md). */
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
  impliedErrors: ({ open }) => open ? [] : ["session_invalid"],
  rates: { caller: perUser(300, "10 s"), address: perAddress(6000, "10 s") },
  admit: admitPartner,
  ok: (data) => ({ meta: { code: 200, message: "success" }, data, success: true }),
  fail: ({ code, message }) => ({ meta: { code, message } }),
  okSchema: (data) => z.object({ meta: Meta, data, success: z.literal(true) }),
  failSchema: z.object({ meta: Meta }),
});

async function admitPartner(
  call: Call,
  { open, by = "server" }: Guarded & PartnerOptions,
): Promise<PartnerActor | undefined> {
  if (open) return await admitAnybody(call);
  const basic = by !== "client" ? readBasic(call.headers) : undefined;
  if (basic) return await admitServer(call, basic);
  const token = by !== "server" ? readBearer(call.headers) : undefined;
  if (token === undefined) throw new DomainError("session_invalid");
  return await admitClient(call, hashToken(token));
}

async function admitServer(
  { ctx, address, counters }: Call,
  { user, password }: { user: string; password: string },
): Promise<PartnerActor> {
  if (!/^\d{1,15}$/.test(user)) throw new DomainError("session_invalid");
  const appId = Number(user);
  const { values } = await admitReading(ctx, {
    readKeys: [appCacheKey(appId)],
    counters: counters(`app ${appId}`, SERVER_RATE),
  });
  const app = await readApp(ctx, { appId, cached: values?.[0] ?? null });
  const isGenuine = app && isSecret(ctx.config.keys, app, password);
  if (!isGenuine || !isAllowedAddress(app, address)) throw new DomainError("session_invalid");
  return { kind: "server", appId, tenantId: app.tenantId };
}

async function admitClient({ ctx, counters }: Call, tokenHash: string): Promise<PartnerActor> {
  const session = await admit(ctx, {
    tokenHash,
    takesPartners: true,
    counters: counters(tokenHash),
  });
  if (!session || !isOfPartner(session)) throw new DomainError("session_invalid");
  const { appId, appUid, userId, uid } = session;
  return { kind: "client", tenantId: appId, userId, uid, appUid };
}

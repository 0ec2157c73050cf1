import { z } from "zod";
import type { LongInteger } from "../../config/runtime/long_integer.ts";
import { DomainError, type Kind } from "../../db/domain/errors.ts";
import { appCacheKey, readApp, warmApps } from "../../db/domain/partners/app_cache.ts";
import { isAllowedAddress, isSecret } from "../../db/domain/partners/credentials.ts";
import { hashToken } from "../../db/domain/sessions/access_secret.ts";
import { isOfPartner } from "../../db/domain/sessions/session.ts";
import { admit, admitAnybody, admitReading } from "../../middleware/admission.ts";
import { readBasic, readBearer } from "../../middleware/authorization.ts";
import { perAddress, perUser } from "../../middleware/rate_limit.ts";
import { CUSTOMER_UID_MAX, CUSTOMER_UID_MIN } from "../../db/schema/users.ts";
import { Field } from "../fields.ts";
import { defineSurface } from "../kit.ts";
import type { Call, Guarded } from "../spec.ts";
import { partnerErrors } from "./errors.ts";

/** A partner's server, which may do anything within its app, or one of the app's people. */
export type PartnerActor =
  | { kind: "server"; appId: number; tenantId: number }
  | { kind: "client"; tenantId: number; userId: number; uid: string; appUid: LongInteger };

export interface PartnerOptions {
  /** Who may call: the app's server (`Basic`), its people (`Bearer`), or either. */
  by?: "server" | "client" | "either";
  /** What a server with wrong credentials is told on an open operation. */
  refusal?: Kind;
}

/** What an app's server may do, over all operations together. */
const SERVER_RATE = perUser(3000, "10 s");

const Meta = z.object({ code: z.number(), message: z.string(), field: Field });

/** The surface of other companies' servers and their clients (docs/contracts/partner.md). */
export const { endpoint, openEndpoint, mount } = defineSurface<PartnerActor, PartnerOptions>({
  name: "partner",
  title: "Partner: other companies' servers and clients",
  description:
    "A server calls with `Basic base64(appid:md5(appsecret))`, a person of the app with " +
    "`Bearer` and the token of `/auth/grant`. Whatever goes wrong answers HTTP 400. People and " +
    "chat rooms have the app's own numbers, 1 to 9223372036854775807, of which no digit is lost; " +
    `${CUSTOMER_UID_MIN} to ${CUSTOMER_UID_MAX} are those of the app's customers.`,
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
  fail: ({ code, message, fields: { field, ...fields } = {} }) => ({
    meta: { code, message, ...field !== undefined && { field } },
    error: message,
    ...fields,
  }),
  okSchema: (data) => z.object({ meta: Meta, data, success: z.literal(true) }),
  failSchema: z.object({
    meta: Meta,
    error: z.string().describe("The message again: deployed clients read it here"),
  }),
});

async function admitPartner(
  call: Call,
  { open, by = "server", refusal }: Guarded & PartnerOptions,
): Promise<PartnerActor | undefined> {
  const basic = by !== "client" ? readBasic(call.headers) : undefined;
  if (open && !basic) return await admitAnybody(call);
  if (basic) {
    // An open operation's own rate is for strangers.
    const actor = await admitServer(call, basic, { ownRate: open ? null : undefined });
    if (!actor) throw new DomainError(refusal ?? "session_invalid");
    return actor;
  }
  const token = by !== "server" ? readBearer(call.headers) : undefined;
  if (token === undefined) throw new DomainError("session_invalid");
  return await admitClient(call, hashToken(token));
}

/** @returns undefined for wrong credentials, and right ones from elsewhere */
async function admitServer(
  { ctx, address, counters }: Call,
  { user, password }: { user: string; password: string },
  { ownRate }: { ownRate: null | undefined },
): Promise<PartnerActor | undefined> {
  if (!/^\d{1,15}$/.test(user)) return undefined;
  const appId = Number(user);
  const warm = warmApps(ctx).get(String(appId));
  const { values } = await admitReading(ctx, {
    readKeys: warm ? [] : [appCacheKey(appId)],
    counters: counters(`app ${appId}`, SERVER_RATE, ownRate),
  });
  const app = warm ?? await readApp(ctx, { appId, cached: values?.[0] ?? null });
  const isGenuine = app && isSecret(ctx.config.keys, app, password);
  if (!isGenuine || !isAllowedAddress(app, address)) return undefined;
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

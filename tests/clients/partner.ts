import assert from "node:assert/strict";
import { md5Hex, randomHex32 } from "../../config/keys.ts";
import type { Ctx } from "../../db/client/ctx.ts";
import { keepSecret } from "../../db/domain/partners/credentials.ts";
import { apps, type CustomerProof } from "../../db/schema/apps.ts";
import type { TestApp } from "../harness.ts";

/** A partner, as its server knows itself. */
export interface TestPartner {
  appId: number;
  secret: string;
  /** `Authorization` of its server, without the scheme. */
  basic: string;
}

export interface PartnerCall {
  /** A server's credentials: those of {@link makeApp}. */
  basic?: string;
  /** A client's token: that of {@link grantToken}. */
  bearer?: string;
  /** For `{name}` in the operation's path. */
  params?: Record<string, string | number>;
  query?: Record<string, string>;
  body?: unknown;
  headers?: Record<string, string>;
}

export interface PartnerAnswer {
  http: number;
  headers: Headers;
  /** What the envelope holds; of a failure, nothing. */
  // deno-lint-ignore no-explicit-any -- each test knows what it asked for
  data: any;
  /** The envelope as it came. */
  // deno-lint-ignore no-explicit-any -- each test knows what it asked for
  envelope: any;
  /** Its text, with all digits of its numbers. */
  text: string;
}

/** `appid:md5(appsecret)` in base64, as the contract has it. */
export function basicOf(appId: number | string, secret: string): string {
  return btoa(`${appId}:${md5Hex(secret)}`);
}

/** Calls an operation by its name: `POST /groups/{gid}/members`. */
export async function callPartner(
  app: Pick<TestApp, "fetch">,
  operation: string,
  { basic, bearer, params = {}, query = {}, body, headers = {} }: PartnerCall = {},
): Promise<PartnerAnswer> {
  const [method, template] = operation.split(" ") as [string, string];
  const path = template.replaceAll(
    /\{(\w+)\}/g,
    (_, name) => encodeURIComponent(params[name]!),
  );
  const search = new URLSearchParams(query);
  const response = await app.fetch(
    new Request(`http://plaza.test${path}${search.size > 0 ? `?${search}` : ""}`, {
      method,
      headers: {
        ...basic !== undefined && { Authorization: `Basic ${basic}` },
        ...bearer !== undefined && { Authorization: `Bearer ${bearer}` },
        ...body !== undefined && { "Content-Type": "application/json" },
        ...headers,
      },
      ...body !== undefined && { body: JSON.stringify(body) },
    }),
  );
  const text = await response.text();
  const envelope = JSON.parse(text);
  return { http: response.status, headers: response.headers, data: envelope.data, envelope, text };
}

/** A call that must work, in the surface's envelope; its data. */
// deno-lint-ignore no-explicit-any -- each test knows what it asked for
export async function askPartner(...call: Parameters<typeof callPartner>): Promise<any> {
  const { http, envelope } = await callPartner(...call);
  const said = `${call[1]}: ${JSON.stringify(envelope)}`;
  assert.equal(http, 200, said);
  assert.deepEqual(envelope.meta, { code: 200, message: "success" }, said);
  assert.equal(envelope.success, true, said);
  return envelope.data;
}

/** Asserts the surface's failure: HTTP 400 unless told, the same code, and a text. */
export function assertPartnerFailure(answer: PartnerAnswer, message?: string, http = 400): void {
  const said = JSON.stringify(answer.envelope);
  assert.equal(answer.http, http, said);
  assert.deepEqual(Object.keys(answer.envelope), ["meta", "error"], said);
  assert.equal(answer.envelope.error, answer.envelope.meta.message, said);
  assert.equal(answer.envelope.meta.code, http, said);
  assert.ok(answer.envelope.meta.message.length > 0, said);
  if (message !== undefined) assert.equal(answer.envelope.meta.message, message, said);
}

/** What naming a number of customers is told that none of them has. */
export const RESERVED_TEXT = "4000000000000000到9007199254740991的编号留给客服的顾客，没有这个顾客";

/** What credentials that are none are told. */
export const REFUSED_TEXT = "未登录或者登录已过期";

/**
 * What every operation with credentials refuses: none, a wrong secret, a token nobody has, and, for
 * an operation of servers alone or of clients alone, the other kind.
 */
export async function assertNeedsPartner(
  app: TestApp,
  operation: string,
  { by = "server", ...call }: Omit<PartnerCall, "basic" | "bearer"> & {
    by?: "server" | "client" | "either";
  } = {},
): Promise<void> {
  const partner = await makeApp(app.ctx);
  const refused: PartnerCall[] = [
    {},
    { basic: basicOf(partner.appId, randomHex32()) },
    { bearer: "0".repeat(32) },
    ...by === "client" ? [{ basic: partner.basic }] : [],
    ...by === "server" ? [{ bearer: await grantToken(app, partner, { uid: 1 }) }] : [],
  ];
  for (const credentials of refused) {
    const answer = await callPartner(app, operation, { ...call, ...credentials });
    assertPartnerFailure(answer, REFUSED_TEXT);
  }
}

/**
 * A partner, straight in the database; `house` makes it one that speaks for the house, `old` one
 * of which only the secret's hash is kept.
 */
export async function makeApp(
  ctx: Ctx,
  { house = false, addresses = null, customerProof = "never", old = false }: {
    house?: boolean;
    addresses?: string[] | null;
    customerProof?: CustomerProof;
    old?: boolean;
  } = {},
): Promise<TestPartner> {
  const secret = randomHex32();
  const kept = keepSecret(ctx.config.keys, secret);
  const [app] = await ctx.db.insert(apps).values({
    name: "partner",
    isHouse: house,
    addresses,
    createdAt: ctx.now(),
    customerProof,
    ...kept,
    ...old && { secretSealed: null },
  }).returning();
  return { appId: app!.id, secret, basic: basicOf(app!.id, secret) };
}

/** The token of one of a partner's people, by the partner's own number, as its server gets it. */
export async function grantToken(
  app: Pick<TestApp, "fetch">,
  { basic }: Pick<TestPartner, "basic">,
  { uid, name }: { uid: number; name?: string },
): Promise<string> {
  const body = { uid, ...name !== undefined && { user_name: name } };
  const { token } = await askPartner(app, "POST /auth/grant", { basic, body });
  return token;
}

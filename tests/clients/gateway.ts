import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { TestApp } from "../harness.ts";

/** What a login hands out. */
export interface GatewayLogin {
  uid: string;
  accessToken: string;
  accessSecret: string;
  expireTime: number;
}

export interface GatewayCall {
  as?: GatewayLogin;
  query?: Record<string, string>;
  body?: Record<string, unknown>;
  headers?: Record<string, string>;
  /** Replaces the signature. */
  sign?: string;
  ts?: number;
}

export interface GatewayAnswer {
  http: number;
  headers: Headers;
  status: number;
  message: string;
  // deno-lint-ignore no-explicit-any -- each test knows what it asked for
  result: any;
  errorCode?: number;
  field?: string;
}

const DEFAULT_SECRET = "Hx!0k!K}5E.]EoP";

/** The contract's rule, written a second time so that a mistake in the first shows. */
export function signCall(params: Record<string, unknown>, secret: string): string {
  const text = (value: unknown) => typeof value === "object" ? JSON.stringify(value) : `${value}`;
  const pairs = Object.keys(params).sort().map((key) => `${key}=${text(params[key])}`);
  return createHash("md5").update([...pairs, `accessSecret=${secret}`].join("$$$")).digest("hex");
}

/** A signed call as the room app makes it: parameters of a GET in the query, others as JSON. */
export function gatewayRequest(
  app: Pick<TestApp, "clock">,
  method: string,
  path: string,
  { as, query = {}, body, headers = {}, sign, ts }: GatewayCall = {},
): Request {
  const signed = { ...query, ...body, ts: ts ?? app.clock.now().getTime() };
  const secret = as?.accessSecret ?? DEFAULT_SECRET;
  const credentials = { ts: signed.ts, sign: sign ?? signCall(signed, secret) };
  const inBody = method !== "GET";
  const search = new URLSearchParams({
    ...query,
    ...inBody ? {} : { ts: String(credentials.ts), sign: credentials.sign },
  });
  return new Request(`http://plaza.test${path}${search.size > 0 ? `?${search}` : ""}`, {
    method,
    headers: {
      ...as && { Authorization: `Basic ${btoa(`${as.uid}:${as.accessToken}`)}` },
      ...inBody && { "Content-Type": "application/json" },
      ...headers,
    },
    ...inBody && { body: JSON.stringify({ ...body, ...credentials }) },
  });
}

export async function callGateway(
  app: TestApp,
  method: string,
  path: string,
  call: GatewayCall = {},
): Promise<GatewayAnswer> {
  const response = await app.fetch(gatewayRequest(app, method, path, call));
  return { http: response.status, headers: response.headers, ...await response.json() };
}

let lastMobile = 13_900_000_000;

/** Logs a new number in through captcha and outbox, as a person would. */
export async function logIn(
  app: TestApp,
  { mobile = String(++lastMobile), headers = {} }: {
    mobile?: string;
    headers?: Record<string, string>;
  } = {},
): Promise<GatewayLogin> {
  const code = await requestCode(app, mobile);
  const login = await callGateway(app, "POST", "/account/login/captcha", {
    body: { countryCode: "86", mobile, captcha: code },
    headers,
  });
  assert.equal(login.status, 1, login.message);
  return login.result;
}

/** Asks for a login code and reads it from the outbox. */
export async function requestCode(app: TestApp, mobile: string): Promise<string> {
  const asked = await callGateway(app, "POST", "/account/captcha", {
    body: { countryCode: "86", mobile },
  });
  assert.equal(asked.status, 1, asked.message);
  return app.providers.outbox!.list({ to: `86${mobile}` })[0]!.code!;
}

/** A person with a profile. */
export async function registerPerson(app: TestApp, nickname = "Toby"): Promise<GatewayLogin> {
  const person = await logIn(app);
  const profile = await callGateway(app, "POST", "/user/profile/init", {
    as: person,
    body: { nickname, avatar: "https://cdn.example.com/a.png" },
  });
  assert.equal(profile.status, 1, profile.message);
  return person;
}

/** Calls that never look like a repetition of the one before. */
export function caller(app: TestApp) {
  return (method: string, path: string, as: GatewayLogin, rest: GatewayCall = {}) => {
    app.clock.advance(2_000);
    return callGateway(app, method, path, { as, ...rest });
  };
}

/** A business failure: HTTP 200, status 0, this code, and this text if one is given. */
export function assertFailed(answer: GatewayAnswer, errorCode: number, message?: string): void {
  assert.deepEqual([answer.http, answer.status, answer.errorCode], [200, 0, errorCode]);
  if (message) assert.equal(answer.message, message);
}

import assert from "node:assert/strict";
import type { TestApp } from "../harness.ts";

/** What a registration or login of the chat app hands out, and what it was made with. */
export interface ChatLogin {
  uid: string;
  token: string;
  phone: string;
}

export interface ImCall {
  token?: string;
  query?: Record<string, string>;
  body?: unknown;
  headers?: Record<string, string>;
}

export interface ImAnswer {
  http: number;
  headers: Headers;
  /** The answer as it came: the chat app's surface wraps nothing. */
  // deno-lint-ignore no-explicit-any -- each test knows what it asked for
  data: any;
}

/** The password of everybody {@link registerChat} registers. */
export const CHAT_PASSWORD = "secret-1";

/** A call as the chat app makes it: the token in its header, the body as JSON. */
export async function callIm(
  app: Pick<TestApp, "fetch">,
  method: string,
  path: string,
  { token, query = {}, body, headers = {} }: ImCall = {},
): Promise<ImAnswer> {
  const search = new URLSearchParams(query);
  const response = await app.fetch(
    new Request(`http://plaza.test${path}${search.size > 0 ? `?${search}` : ""}`, {
      method,
      headers: {
        ...token !== undefined && { token },
        ...body !== undefined && { "Content-Type": "application/json" },
        ...headers,
      },
      ...body !== undefined && { body: JSON.stringify(body) },
    }),
  );
  return { http: response.status, headers: response.headers, data: await response.json() };
}

/** A call that must work; its data. */
// deno-lint-ignore no-explicit-any -- each test knows what it asked for
export async function askIm(...call: Parameters<typeof callIm>): Promise<any> {
  const answer = await callIm(...call);
  assert.equal(answer.http, 200, `${call[1]} ${call[2]}: ${JSON.stringify(answer.data)}`);
  return answer.data;
}

/** Asserts the chat app's failure: HTTP status, the same `status`, and a text. */
export function assertImFailure(answer: ImAnswer, status = 400, msg?: string): void {
  const said = JSON.stringify(answer.data);
  assert.equal(answer.http, status, said);
  assert.equal(answer.data.status, status, said);
  assert.ok(answer.data.msg.length > 0, said);
  if (msg !== undefined) assert.equal(answer.data.msg, msg);
}

/** The two things every operation with a token refuses: none, and one nobody has. */
export async function assertNeedsToken(
  app: TestApp,
  method: string,
  path: string,
  call: Omit<ImCall, "token"> = {},
): Promise<void> {
  assertImFailure(await callIm(app, method, path, call), 401);
  assertImFailure(await callIm(app, method, path, { ...call, token: "0".repeat(32) }), 401);
}

let lastPhone = 13_700_000_000;

export function freshPhone(): string {
  return String(++lastPhone);
}

/** Asks for a registration code and reads it from the outbox. */
export async function requestRegisterCode(app: TestApp, phone: string): Promise<string> {
  await askIm(app, "POST", "/user/sms/registercode", { body: { zone: "0086", phone } });
  return app.providers.outbox!.list({ to: `86${phone}` })[0]!.code!;
}

/** Registers a new number with code and password, as a person would; logged in with the app. */
export async function registerChat(
  app: TestApp,
  name = "Toby",
  over: Record<string, unknown> = {},
): Promise<ChatLogin> {
  const phone = freshPhone();
  const login = await askIm(app, "POST", "/user/register", {
    body: {
      zone: "0086",
      phone,
      code: await requestRegisterCode(app, phone),
      password: CHAT_PASSWORD,
      name,
      flag: 0,
      ...over,
    },
  });
  return { uid: login.uid, token: login.token, phone };
}

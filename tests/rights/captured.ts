import type { TestApp } from "../harness.ts";

/** A call as its rightful caller made it, to be made again by others. */
export interface Captured {
  url: URL;
  method: string;
  /** Of the operation's path. */
  params: Record<string, string>;
  headers: Headers;
  body: Uint8Array<ArrayBuffer> | undefined;
  /** The HTTP Basic credentials of a partner's server that were last seen before this call. */
  basic: string | undefined;
}

/** Headers that say who calls; everybody brings their own. */
const CREDENTIALS = ["authorization", "token", "cookie"];

export async function capture(
  request: Request,
  rest: Pick<Captured, "params" | "basic">,
): Promise<Captured> {
  const body = new Uint8Array(await request.arrayBuffer());
  return {
    ...rest,
    url: new URL(request.url),
    method: request.method,
    headers: request.headers,
    body: body.length > 0 ? body : undefined,
  };
}

/** The same call with other credentials, or with none. */
export function callAs(
  { url, method, headers, body }: Captured,
  credentials: Record<string, string> = {},
): Request {
  const others = [...headers].filter(([name]) => !CREDENTIALS.includes(name));
  return new Request(url, {
    method,
    headers: { ...Object.fromEntries(others), ...credentials },
    ...body && { body },
  });
}

/** The call exactly as it came. */
export function callAgain({ url, method, headers, body }: Captured): Request {
  return new Request(url, { method, headers, ...body && { body } });
}

/** The JSON in the body; an empty object where there is none. */
export function jsonOf({ body }: Captured): Record<string, unknown> {
  return body ? JSON.parse(new TextDecoder().decode(body)) : {};
}

/** The refusal of a caller whom some operations serve and others do not: rows have to say it. */
export const MUST_BE_SAID = "unsaid";

/** Somebody who may make a call, or may not. */
export interface Caller {
  name: string;
  /** The captured call, as this caller makes it. */
  request(call: Captured): Request | Promise<Request>;
  /** How the surface refuses them, unless the table says otherwise: `401`, `200:200000`. */
  refusal: string;
  /** Of another surface: where paths are shared, that one may answer. */
  isForeign?: boolean;
}

/** Makes a caller for a call: somebody with a part in what the call is about. */
export type MakeCaller = (app: TestApp, call: Captured) => Promise<Caller>;

/** Everybody who calls a surface. */
export interface Callers {
  /** Made once; refused by every operation unless its row says that they succeed. */
  standing: Caller[];
  /** Made for one call, where its row names them. */
  made: Record<string, MakeCaller>;
  /** A changed call of whoever made it, where that takes more than its headers. */
  again?(call: Captured): Request;
}

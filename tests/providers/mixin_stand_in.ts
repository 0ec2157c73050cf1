import { createHash, createPublicKey, verify } from "node:crypto";

export const CLIENT_ID = "b7347ca4-186e-4e54-9db6-755a4ab0b5d4";
export const CLIENT_SECRET = "5e1b3c0d9f2a4e6b8c7d1f0a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e";
export const CODE = "9edc8487f361207fe33942901a7cb437a93b01f9e0cfe456c6d950bdc94f08ee";
export const USER_ID = "88cc2ec5-bdbe-4278-ad1d-063b3290712f";
const AUTHORIZATION_ID = "42ef73da-9e7a-4abf-9708-2d44a1618fa9";

export interface MixinServer {
  endpoint: string;
  /** `POST /messages`, in order. */
  asked: string[];
  /** Message ids taken. */
  // deno-lint-ignore no-explicit-any -- each test knows what it sent
  messages: any[];
  /** Public keys a call may be signed with, by who signs. */
  signers: Map<string, Uint8Array>;
}

/** Mixin answers with HTTP 200 whatever it has to say. */
const refused = (code: number, description: string) =>
  Response.json({ error: { status: 202, code, description } });

/** Runs `body` against a stand-in that checks calls, and who signed them, as Mixin documents it. */
export async function withMixin(
  body: (mixin: MixinServer) => Promise<void>,
  answer: (path: string) => Response | Promise<Response> | undefined = () => undefined,
): Promise<void> {
  const mixin: MixinServer = { endpoint: "", asked: [], messages: [], signers: new Map() };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const path = new URL(request.url).pathname;
    mixin.asked.push(`${request.method} ${path}`);
    const text = await request.text();
    const replaced = await answer(path);
    if (replaced) return replaced;
    if (path === "/oauth/token") return grant(mixin, JSON.parse(text));
    const signer = signerOf(mixin, request, { path, text });
    if (signer === undefined) return refused(401, "Unauthorized");
    if (path === "/me" && signer === AUTHORIZATION_ID) {
      return Response.json({ data: { type: "user", user_id: USER_ID, full_name: "徐辉" } });
    }
    if (path === "/messages") {
      const messages = JSON.parse(text);
      if (messages.length > 100) return refused(10002, "too many");
      mixin.messages.push(...messages);
      return Response.json({});
    }
    return refused(404, "The endpoint is not found.");
  });
  mixin.endpoint = `http://127.0.0.1:${server.addr.port}`;
  try {
    await body(mixin);
  } finally {
    await server.shutdown();
  }
}

function grant({ signers }: MixinServer, given: Record<string, string>): Response {
  if (given.client_id !== CLIENT_ID || given.client_secret !== CLIENT_SECRET) {
    return refused(10002, `bad client_secret ${given.client_secret}`);
  }
  if (given.code !== CODE) return refused(10002, `invalid code ${given.code}`);
  signers.set(AUTHORIZATION_ID, Buffer.from(given.ed25519!, "base64url"));
  const scope = "PROFILE:READ PHONE:READ";
  return Response.json({ data: { authorization_id: AUTHORIZATION_ID, scope, ed25519: "x" } });
}

/** Whose signature a call carries, over its method, address and body; undefined: nobody's. */
function signerOf(
  { signers }: MixinServer,
  request: Request,
  { path, text }: { path: string; text: string },
): string | undefined {
  const token = request.headers.get("authorization")?.replace("Bearer ", "") ?? "";
  const [header, payload, signature] = token.split(".");
  if (!signature) return undefined;
  const claims = JSON.parse(Buffer.from(payload!, "base64url").toString());
  const signer: string = claims.aid ?? claims.sid;
  const x = signers.get(signer);
  const sum = createHash("sha256").update(`${request.method}${path}${text}`).digest("hex");
  if (!x || claims.sig !== sum) return undefined;
  const jwk = { kty: "OKP", crv: "Ed25519", x: Buffer.from(x).toString("base64url") };
  const key = createPublicKey({ key: jwk, format: "jwk" });
  const isGood = verify(
    null,
    Buffer.from(`${header}.${payload}`),
    key,
    Buffer.from(signature, "base64url"),
  );
  return isGood ? signer : undefined;
}

import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";

export const KEY_ID = "LTAI5tTestKeyIdentifier";
export const SECRET = "dGhlIHNlY3JldCBvZiB0aGUgdGVzdA";

/** What the stand-in for Aliyun was asked to send, decoded. */
type Sent = Record<string, string>;

export interface StandIn {
  endpoint: string;
  sent: Sent[];
}

/** Checks a call the way Aliyun documents it, sharing no code with the provider. */
async function checkCall(request: Request, nonces: Set<string>): Promise<Response | undefined> {
  const [, rawTarget] = /^https?:\/\/[^/]+(.*)$/.exec(request.url)!;
  const [path, rawQuery = ""] = rawTarget!.split("?");
  const given =
    /^ACS3-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([^,]+),Signature=([0-9a-f]{64})$/
      .exec(request.headers.get("authorization") ?? "");
  if (!given) return answerWith(400, "MissingAuthorization", "no authorization header");
  const [, keyId, names, signature] = given;
  for (const name of ["host", "x-acs-action", "x-acs-content-sha256", "x-acs-date"]) {
    if (!names!.split(";").includes(name)) return answerWith(400, "IncompleteSignature", name);
  }
  const body = new Uint8Array(await request.arrayBuffer());
  const bodyHash = createHash("sha256").update(body).digest("hex");
  if (request.headers.get("x-acs-content-sha256") !== bodyHash) {
    return answerWith(400, "InvalidContentHash", "the body is another one");
  }
  let lines = `${request.method}\n${path}\n${rawQuery.split("&").sort().join("&")}\n`;
  for (const name of names!.split(";")) lines += `${name}:${request.headers.get(name)?.trim()}\n`;
  lines += `\n${names}\n${bodyHash}`;
  const expected = createHmac("sha256", SECRET)
    .update("ACS3-HMAC-SHA256\n" + createHash("sha256").update(lines).digest("hex")).digest("hex");
  if (keyId !== KEY_ID) return answerWith(404, "InvalidAccessKeyId.NotFound", "unknown key");
  if (signature !== expected) {
    return answerWith(403, "SignatureDoesNotMatch", `server CanonicalRequest is [${lines}]`);
  }
  const date = request.headers.get("x-acs-date")!;
  const age = Math.abs(Date.now() - Date.parse(date));
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(date) || age > 15 * 60_000) {
    return answerWith(400, "InvalidTimeStamp.Expired", `${date} is too far away`);
  }
  const nonce = request.headers.get("x-acs-signature-nonce")!;
  if (nonces.has(nonce)) return answerWith(400, "SignatureNonceUsed", "nonce was used before");
  nonces.add(nonce);
}

/** An answer in Aliyun's form; code `OK` is its only success. */
export function answerWith(status: number, code: string, message: string): Response {
  const body = { RequestId: "8906582E-6722-4D16-B5A6-3E6A1F0A5B7C", Code: code, Message: message };
  return Response.json(body, { status });
}

/** Runs `body` against a stand-in that checks every call and then answers with `answer`. */
export async function withAliyun(
  body: (aliyun: StandIn) => Promise<void>,
  answer: (sent: Sent) => Response | Promise<Response> = () => answerWith(200, "OK", "OK"),
): Promise<void> {
  const sent: Sent[] = [];
  const nonces = new Set<string>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const refused = await checkCall(request, nonces);
    if (refused) return refused;
    assert.equal(request.headers.get("x-acs-action"), "SendSms");
    assert.equal(request.headers.get("x-acs-version"), "2017-05-25");
    const message = Object.fromEntries(new URL(request.url).searchParams);
    sent.push(message);
    return await answer(message);
  });
  try {
    await body({ endpoint: `http://127.0.0.1:${server.addr.port}`, sent });
  } finally {
    await server.shutdown();
  }
}

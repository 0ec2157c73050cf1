import { SignJWT } from "jose";
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import type { Config } from "../../config/config.ts";
import { deriveKeys } from "../../config/keys.ts";
import { issueOperatorToken, verifyOperatorToken } from "../../db/domain/operators/tokens.ts";

const now = new Date("2026-03-01T00:00:00Z");
const keysOf = (secretKey: string) => deriveKeys({ secretKey });
const ctxOf = (secretKey: string, at = now) => ({
  config: { keys: keysOf(secretKey) } as Config,
  now: () => at,
});
const ctx = ctxOf("the server's own secret key, 32 or more");
const key = ctx.config.keys.operatorJwt;

const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const seconds = Math.floor(now.getTime() / 1000);
const good = {
  role: "admin",
  iss: "plaza",
  aud: "plaza-operators",
  sub: "7",
  jti: "j",
  iat: seconds,
  exp: seconds + 60,
};

/** A token put together by hand, signed with HMAC over any hash. */
function forge(header: object, claims: object, { hash = "sha256", secret = key } = {}): string {
  const body = `${base64(header)}.${base64(claims)}`;
  return `${body}.${createHmac(hash, secret).update(body).digest("base64url")}`;
}
const HEADER = { alg: "HS256", typ: "JWT" };
const without = (name: keyof typeof good) => {
  const { [name]: _left, ...rest } = good;
  return rest;
};

Deno.test("an operator's token says who they are until it runs out", async () => {
  const token = await issueOperatorToken(ctx, { operatorId: 7, role: "auditor" });
  const claims = await verifyOperatorToken(ctx, token);
  assert.deepEqual([claims.operatorId, claims.role], [7, "auditor"]);
  assert.match(claims.jti, /^[a-f0-9]{32}$/);
  const later = ctxOf(
    "the server's own secret key, 32 or more",
    new Date(now.getTime() + 8 * 864e5),
  );
  await assert.rejects(verifyOperatorToken(later, token));
});

Deno.test("a token is of a generation, one from before there were any of the first", async () => {
  const token = await issueOperatorToken(ctx, { operatorId: 7, role: "admin", generation: 3 });
  assert.equal((await verifyOperatorToken(ctx, token)).generation, 3);
  assert.equal((await verifyOperatorToken(ctx, forge(HEADER, good))).generation, 0);
});

Deno.test("a token made by hand the right way is accepted, so the refusals below mean something", async () => {
  assert.equal((await verifyOperatorToken(ctx, forge(HEADER, good))).operatorId, 7);
});

Deno.test("no bad token is accepted", async (t) => {
  const signed = forge(HEADER, good);
  const [head, body, signature] = signed.split(".");
  const tampered = base64({ ...good, role: "admin", sub: "1" });
  const bad: Record<string, string | Promise<string>> = {
    "nothing": "",
    "not a token": "abc",
    "two parts": `${head}.${body}`,
    "four parts": `${signed}.x`,
    "empty signature": `${head}.${body}.`,
    "alg none": `${base64({ alg: "none" })}.${body}.`,
    "alg None with signature": `${base64({ alg: "None" })}.${body}.${signature}`,
    "alg NONE": forge({ alg: "NONE", typ: "JWT" }, good),
    "alg missing": forge({ typ: "JWT" }, good),
    "alg HS384": forge({ alg: "HS384", typ: "JWT" }, good, { hash: "sha384" }),
    "alg HS512": forge({ alg: "HS512", typ: "JWT" }, good, { hash: "sha512" }),
    "alg RS256 over our key": forge({ alg: "RS256", typ: "JWT" }, good),
    "alg ES256 over our key": forge({ alg: "ES256", typ: "JWT" }, good),
    "alg in lower case": forge({ alg: "hs256", typ: "JWT" }, good),
    "header says HS384, signed HS256": forge({ alg: "HS384", typ: "JWT" }, good),
    "typ missing": forge({ alg: "HS256" }, good),
    "typ of another kind": forge({ alg: "HS256", typ: "at+jwt" }, good),
    "crit": forge({ ...HEADER, crit: ["exp"] }, good),
    "kid is a path, other key": forge({ ...HEADER, kid: "../../dev/null" }, good, {
      secret: new Uint8Array(32),
    }),
    "jwk in the header": forge({ ...HEADER, jwk: { kty: "oct", k: "AA" } }, good, {
      secret: new Uint8Array(1),
    }),
    "another server's key": forge(HEADER, good, {
      secret: keysOf("some other server's secret key").operatorJwt,
    }),
    "another purpose's key": forge(HEADER, good, { secret: ctx.config.keys.session[0]! }),
    "changed claims": `${head}.${tampered}.${signature}`,
    "changed header": `${base64({ ...HEADER, x: 1 })}.${body}.${signature}`,
    "signature of another token": `${head}.${body}.${
      forge(HEADER, { ...good, sub: "8" }).split(".")[2]
    }`,
    "truncated signature": signed.slice(0, -2),
    "expired": forge(HEADER, { ...good, exp: seconds - 1 }),
    "exp is text": forge(HEADER, { ...good, exp: "tomorrow" }),
    "no exp": forge(HEADER, without("exp")),
    "not before tomorrow": forge(HEADER, { ...good, nbf: seconds + 86_400 }),
    "another issuer": forge(HEADER, { ...good, iss: "evil" }),
    "no issuer": forge(HEADER, without("iss")),
    "another audience": forge(HEADER, { ...good, aud: "plaza" }),
    "no audience": forge(HEADER, without("aud")),
    "no subject": forge(HEADER, without("sub")),
    "subject no number": forge(HEADER, { ...good, sub: "7 or 1=1" }),
    "subject zero": forge(HEADER, { ...good, sub: "0" }),
    "no id": forge(HEADER, without("jti")),
    "no iat": forge(HEADER, without("iat")),
    "no role": forge(HEADER, without("role")),
    "unknown role": forge(HEADER, { ...good, role: "root" }),
    "generation is text": forge(HEADER, { ...good, gen: "0" }),
    "generation is half": forge(HEADER, { ...good, gen: 0.5 }),
    "role as a list": forge(HEADER, { ...good, role: ["admin"] }),
    "claims are no object": `${head}.${base64("admin")}.${signature}`,
    "signed by jose with another key": new SignJWT(good).setProtectedHeader(HEADER)
      .sign(new TextEncoder().encode("another key of at least 32 bytes")),
  };
  for (const [name, token] of Object.entries(bad)) {
    await t.step(name, async () => {
      await assert.rejects(verifyOperatorToken(ctx, await token), { kind: "session_invalid" });
    });
  }
});

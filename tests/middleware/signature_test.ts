import assert from "node:assert/strict";
import { DomainError } from "../../db/domain/errors.ts";
import { signatureOf, signedString, verifySignature } from "../../middleware/signature.ts";
import { topKeys } from "../../routes/input.ts";

const DEFAULT_SECRET = "Hx!0k!K}5E.]EoP";
const USER_SECRET = "e31bc25bcc6641a1a998eacb6ca9d244";

Deno.test("signature: both examples of docs/contracts/gateway.md come out", () => {
  assert.equal(
    signatureOf({ mobile: "13800138000", countryCode: "86", ts: 1608207590160 }, DEFAULT_SECRET),
    "bf393afa67703b6b1e0f4a21ceb1e79b",
  );
  assert.equal(
    signatureOf({
      name: "测试日程",
      eventTime: 1620748800000,
      memberUidList: ["6ce4443c8fcd4a2b8b407bda86ab4408"],
      ts: 1620732258091,
      sign: "takes no part",
    }, USER_SECRET),
    "5b2c75d487e4d590fbb07a8cfade6e48",
  );
});

Deno.test("signature: nested objects are compact JSON with sorted keys, null is the word", () => {
  assert.equal(
    signedString({ b: { z: 1, a: [{ y: 2, x: "é" }] }, a: null, c: true }, "s"),
    'a=null$$$b={"a":[{"x":"é","y":2}],"z":1}$$$c=true$$$accessSecret=s',
  );
});

const nowMs = 1_700_000_000_000;

function verify(params: Record<string, unknown>, over: { repeatedNames?: string[] } = {}) {
  return verifySignature({
    params,
    repeatedNames: over.repeatedNames ?? [],
    secrets: ["new", "old"],
    nowMs,
    windowMs: 600_000,
  });
}

function refusal(params: Record<string, unknown>, over = {}): string {
  try {
    verify(params, over);
  } catch (error) {
    return (error as DomainError).kind;
  }
  return "accepted";
}

const signed = (params: Record<string, unknown>, secret = "new") => ({
  ...params,
  sign: signatureOf(params, secret),
});

Deno.test("signature: the newest secret and the one before it both sign", () => {
  assert.equal(refusal(signed({ a: "1", ts: nowMs }, "new")), "accepted");
  assert.equal(refusal(signed({ a: "1", ts: nowMs }, "old")), "accepted");
  assert.equal(refusal(signed({ a: "1", ts: nowMs }, "other")), "signature_wrong");
});

Deno.test("signature: case and line breaks in the given sign do not matter", () => {
  const { sign } = signed({ ts: nowMs });
  assert.equal(refusal({ ts: nowMs, sign: `${sign.toUpperCase()}\r\n` }), "accepted");
});

Deno.test("signature: without ts or sign there is none", () => {
  assert.equal(refusal({ ts: nowMs }), "signature_missing");
  assert.equal(refusal({ sign: "x" }), "signature_missing");
  assert.equal(refusal({ ts: "soon", sign: "x" }), "signature_missing");
  for (const ts of [{ toString: 1 }, [nowMs], true, null]) {
    assert.equal(refusal({ ts, sign: "x" }), "signature_missing");
  }
  assert.equal(refusal({ ts: nowMs, sign: 5 }), "signature_missing");
});

Deno.test("signature: ts may be ten minutes off, either way, and no more", () => {
  for (const off of [-600_000, 600_000]) {
    assert.equal(refusal(signed({ ts: nowMs + off })), "accepted");
    assert.equal(refusal(signed({ ts: nowMs + off + Math.sign(off) })), "signature_stale");
  }
});

Deno.test("signature: two calls that would sign the same bytes are refused, one and the other", () => {
  const twin = { a: "1$$$b=2", ts: nowMs };
  assert.equal(signedString({ a: "1", b: "2", ts: nowMs }, "s"), signedString(twin, "s"));
  assert.equal(refusal(signed(twin)), "signature_ambiguous");
  assert.equal(refusal(signed({ "a=1$$$b": "2", ts: nowMs })), "signature_ambiguous");
  assert.equal(refusal(signed({ "a=b": "2", ts: nowMs })), "signature_ambiguous");
  assert.equal(refusal(signed({ a: { deep: "x$$$y=z" }, ts: nowMs })), "signature_ambiguous");
  assert.equal(refusal(signed({ a: "=$$$x$$$y=z", ts: nowMs })), "signature_ambiguous");
  assert.equal(refusal(signed({ "a$$$b": "2", ts: nowMs })), "signature_ambiguous");
  assert.equal(
    refusal(signed({ a: "1", ts: nowMs }), { repeatedNames: ["a"] }),
    "signature_ambiguous",
  );
});

Deno.test("signature: what cannot be read in two ways may hold $$$", () => {
  for (const a of ["花了我$$$太贵了", "x=y$$$", "$$$", "$$$$$$$", { deep: "x$$$y" }, ["a$$$"]]) {
    assert.equal(refusal(signed({ a, ts: nowMs })), "accepted", JSON.stringify(a));
  }
});

Deno.test("topKeys names the keys of the top object as often as they stand there, escaped or not", () => {
  assert.deepEqual([...topKeys('{"a":1,"b":{"a":2,"a":3},"a":4}')], ["a", "b", "a"]);
  assert.deepEqual([...topKeys('{"a":"\\"a\\":", "\\u0061" : 2}')], ["a", "a"]);
  assert.deepEqual([...topKeys('[{"a":1,"a":2}]')], []);
  assert.deepEqual([...topKeys('{"a":["x","a"],"b":"a"}')], ["a", "b"]);
});

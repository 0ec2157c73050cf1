import assert from "node:assert/strict";
import { readConfig } from "../../config/config.ts";
import { isServed, refusalOf, SEND_LIMITS } from "../../db/domain/captchas/rules.ts";

const MINUTE_MS = 60_000;

Deno.test("the services of no country are never served, the countries beside them are", () => {
  const mobile = (countryCode: string) => ({ countryCode, number: "12345678" });
  const services = ["870", "871", "874", "878", "879", "881", "882", "883", "888", "979"];
  for (const code of services) {
    for (const served of [undefined, [code]]) assert.ok(!isServed(mobile(code), served), code);
  }
  for (const code of ["880", "886", "971", "972", "977"]) {
    assert.ok(isServed(mobile(code), undefined), code);
    assert.ok(isServed(mobile(code), ["86", code]), code);
    assert.ok(!isServed(mobile(code), ["86"]), code);
  }
});

Deno.test("a country of North America may be served by its area alone", () => {
  const bahamas = { countryCode: "1", number: "2423591234" };
  assert.ok(isServed(bahamas, ["1"]));
  assert.ok(isServed(bahamas, ["1242"]));
  assert.ok(!isServed(bahamas, ["1876", "86"]));
});

Deno.test("SMS_COUNTRIES is a list of calling codes", () => {
  const read = (SMS_COUNTRIES: string) => readConfig({ SMS_COUNTRIES }, () => ({ secretKey: "k" }));
  assert.deepEqual(read("86, +852,0044 1242").smsCountries, ["86", "852", "44", "1242"]);
  for (const wrong of ["CN", "86;852", ","]) {
    assert.throws(() => read(wrong), { name: "ConfigError", message: /^SMS_COUNTRIES/ });
  }
});

Deno.test("a refused send says when to come back", () => {
  const nowMs = 100 * 60 * MINUTE_MS;
  const ago = (minutes: number) => nowMs - minutes * MINUTE_MS;
  const refusal = (minuteAtMs: number | undefined, sentAtMs: number[]) => {
    const refused = refusalOf({ minuteAtMs, sentAtMs }, SEND_LIMITS, nowMs);
    return refused && [refused.kind, refused.retryAfterSeconds];
  };
  assert.equal(refusal(undefined, []), undefined);
  assert.equal(refusal(ago(1), [ago(1)]), undefined);
  assert.deepEqual(refusal(ago(0.5), [ago(0.5)]), ["captcha_too_soon", 30]);
  assert.deepEqual(refusal(undefined, [2, 3, 4, 5, 50].map(ago)), ["captcha_spent", 600]);
  const tenOfADay = Array.from({ length: 10 }, (_, at) => ago(100 + at * 60));
  assert.deepEqual(refusal(undefined, tenOfADay), ["captcha_spent", (24 * 60 - 640) * 60]);
});

import assert from "node:assert/strict";
import {
  JSON_DEPTH_MAX,
  parseBoundedJson,
  parseExactBoundedJson,
} from "../../config/runtime/bounded_json.ts";
import { jsonNumberOf, longIntegerOf } from "../../config/runtime/long_integer.ts";

Deno.test("integers that a double would round come out of JSON as their digits", () => {
  const read: [json: string, value: unknown][] = [
    ["9007199254740991", 9007199254740991],
    ["9007199254740992", "9007199254740992"],
    ["-9007199254740993", "-9007199254740993"],
    ["9223372036854775807", "9223372036854775807"],
    ["99999999999999999999999", "99999999999999999999999"],
    ["1795957151000000000.5", 1795957151000000000.5],
    ["1795957151000000000e2", 1795957151000000000e2],
    ['"1795957151000000001"', "1795957151000000001"],
    ['"\\"1795957151000000001"', '"1795957151000000001'],
    ['[1, {"a": [1795957151000000001], "b": "x"}]', [1, { a: ["1795957151000000001"], b: "x" }]],
  ];
  for (const [json, value] of read) {
    assert.deepEqual(parseExactBoundedJson(json), value, json);
    assert.deepEqual(parseBoundedJson(json), JSON.parse(json), json);
  }
});

Deno.test("what is no JSON, or too deep, is refused however long its numbers are", () => {
  const deep = "[".repeat(JSON_DEPTH_MAX + 1) + "1795957151000000001" +
    "]".repeat(JSON_DEPTH_MAX + 1);
  for (
    const text of [deep, "{1795957151000000001}", "01795957151000000001", "1795957151000000001,"]
  ) {
    assert.throws(() => parseExactBoundedJson(text), SyntaxError, text);
  }
  const own = parseExactBoundedJson('{"__proto__": 1795957151000000001}');
  assert.deepEqual(Object.keys(own as object), ["__proto__"]);
});

Deno.test("a long integer has one form, which is equal to itself and keeps its digits in JSON", () => {
  assert.equal(longIntegerOf("42"), 42);
  assert.equal(longIntegerOf("9007199254740991"), 9007199254740991);
  for (const digits of ["9007199254740992", "9007199254740993", "9223372036854775807"]) {
    assert.equal(longIntegerOf(digits), digits);
    assert.equal(longIntegerOf(BigInt(digits)), digits);
    assert.equal(JSON.stringify([jsonNumberOf(longIntegerOf(digits))]), `[${digits}]`);
  }
});

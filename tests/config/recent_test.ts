import assert from "node:assert/strict";
import { Recent } from "../../config/runtime/recent.ts";

Deno.test("what was lately set or asked for stays, and there is a bound to the rest", () => {
  const recent = new Recent<number, string>(10);
  recent.set(0, "kept");
  for (let at = 1; at <= 1_000; at++) {
    recent.set(at, `${at}`);
    assert.equal(recent.get(0), "kept");
  }
  const held = Array.from({ length: 1_001 }, (_, at) => at).filter((at) => recent.get(at));
  assert.ok(held.length <= 20, `${held.length}`);
  assert.ok(held.includes(1_000));
});

Deno.test("what is not there is made once", () => {
  const recent = new Recent<string, string>(10);
  let count = 0;
  const make = () => `made ${++count}`;
  assert.deepEqual([recent.getOr("a", make), recent.getOr("a", make)], ["made 1", "made 1"]);
  recent.clear();
  assert.equal(recent.getOr("a", make), "made 2");
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { DomainError } from "../../db/domain/errors.ts";
import { cursorText, parseCursor } from "../../db/domain/paging/rules.ts";

Deno.test("every cursor is read back as it was written", () => {
  const hex = fc.stringMatching(/^[a-f0-9]{1,32}$/);
  fc.assert(fc.property(fc.integer({ min: 0, max: 10 ** 15 - 1 }), hex, (ms, id) => {
    assert.deepEqual(parseCursor(cursorText({ at: new Date(ms), id })), { at: new Date(ms), id });
  }));
});

Deno.test("no cursor means the first page, anything else is refused", () => {
  assert.equal(parseCursor(undefined), undefined);
  assert.equal(parseCursor(""), undefined);
  for (
    const text of ["x", "1", "1:", ":a", "-1:a", "1:g", "1:A", `${10 ** 15}:a`, "1:a\n", "1:a:a"]
  ) {
    assert.throws(
      () => parseCursor(text),
      (error) => error instanceof DomainError && error.kind === "params_invalid",
      text,
    );
  }
});

import assert from "node:assert/strict";
import { DomainError } from "../../db/domain/errors.ts";
import { parseNotificationId } from "../../db/domain/notifications/rules.ts";

Deno.test("the id a page of notifications ended with is read back exactly", () => {
  for (const id of [1, 1617987103601000, Number.MAX_SAFE_INTEGER]) {
    assert.equal(parseNotificationId(String(id)), id);
  }
});

Deno.test("no id means the first page", () => {
  assert.equal(parseNotificationId(undefined), undefined);
  assert.equal(parseNotificationId(""), undefined);
});

Deno.test("what is no id of a notification is refused", () => {
  const beyond = String(2n ** 53n);
  for (const text of ["x", " 1", "1 ", "-1", "1.5", "1e3", "0x1", "1:00", beyond, "9".repeat(40)]) {
    assert.throws(
      () => parseNotificationId(text),
      (error) => error instanceof DomainError && error.kind === "params_invalid",
      text,
    );
  }
});

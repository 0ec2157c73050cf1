import assert from "node:assert/strict";
import { dayStart } from "../../db/domain/china_time.ts";
import { GROUP_NAME_LENGTH_MAX, nameOf } from "../../db/domain/groups/rules.ts";
import { literal, NAMED_COUNT_MAX, placeholders } from "../../db/domain/messages/template.ts";

Deno.test("a group's name is the given one or its people's, as far as there is room", () => {
  assert.equal(nameOf("读书会", ["甲", "乙"]), "读书会");
  assert.equal(nameOf("", ["甲", "", "乙"]), "甲、乙");
  assert.equal(nameOf("", [""]), "群聊");
  const long = "👍".repeat(GROUP_NAME_LENGTH_MAX);
  assert.equal(nameOf(long, ["甲"]), long);
  assert.equal(nameOf("", [long, "乙"]), long);
});

Deno.test("an announcement names so many people and counts the others", () => {
  assert.equal(placeholders(2), "{0}、{1}");
  assert.equal(placeholders(2, 1), "{1}、{2}");
  assert.ok(placeholders(NAMED_COUNT_MAX + 1).endsWith(`{${NAMED_COUNT_MAX - 1}}等41人`));
  assert.equal(literal("a{0}b"), "a｛0｝b");
});

Deno.test("a day begins at midnight in UTC+8", () => {
  assert.equal(
    dayStart(new Date("2026-05-01T15:59:59Z")).toISOString(),
    "2026-04-30T16:00:00.000Z",
  );
  assert.equal(
    dayStart(new Date("2026-05-01T16:00:00Z")).toISOString(),
    "2026-05-01T16:00:00.000Z",
  );
});

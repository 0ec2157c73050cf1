import assert from "node:assert/strict";
import fc from "fast-check";
import { DomainError } from "../../db/domain/errors.ts";
import {
  greetingOf,
  isRecentlyOnline,
  newestSeenFirst,
  parseSyncKey,
  RECENTLY_ONLINE_MS,
  syncTimeText,
} from "../../db/domain/friends/rules.ts";

Deno.test("a sync key made of any row's time and id is read back as the same", () => {
  const dates = fc.date({
    min: new Date("1970-01-01"),
    max: new Date("9999-12-30"),
    noInvalidDate: true,
  });
  fc.assert(fc.property(dates, fc.nat(), (at, id) => {
    assert.deepEqual(parseSyncKey(`${syncTimeText(at)}@${id}`), { at, id });
  }));
});

Deno.test("a sync key's time is UTC+8, with or without milliseconds", () => {
  const at = new Date("2026-01-01T16:00:01.000Z");
  assert.deepEqual(parseSyncKey("2026-01-02 00:00:01@7"), { at, id: 7 });
  assert.deepEqual(parseSyncKey("2026-01-02 00:00:01.000@7"), { at, id: 7 });
  assert.equal(parseSyncKey(""), undefined);
  assert.equal(parseSyncKey(undefined), undefined);
});

Deno.test("what is no sync key is refused", () => {
  const wrong = ["x", "@1", "2026-01-02@1", "2026-01-02 00:00:01", "2026-01-02 00:00:01@"];
  const impossible = ["2026-02-29 00:00:00@1", "2026-00-01 00:00:00@1", "2026-01-01 24:00:00@1"];
  for (const text of [...wrong, ...impossible, "2026-01-02T00:00:01@1", "2026-01-02 00:00:01@-1"]) {
    assert.throws(
      () => parseSyncKey(text),
      (error) => error instanceof DomainError && error.kind === "params_invalid",
      text,
    );
  }
  fc.assert(fc.property(fc.string(), (text) => {
    try {
      parseSyncKey(text);
    } catch (error) {
      assert.ok(error instanceof DomainError);
    }
  }));
});

Deno.test("a request without a remark introduces the applicant", () => {
  assert.equal(greetingOf({ remark: "", name: "Toby" }), "我是Toby");
  assert.equal(greetingOf({ remark: "你好", name: "Toby" }), "你好");
});

Deno.test("who left within the hour was recently online; the newest comes first", () => {
  const now = new Date("2026-01-01T12:00:00Z");
  const leftAgo = (ms: number) => ({
    online: false,
    lastOfflineAt: new Date(now.getTime() - ms),
  });
  const there = { online: true, lastOfflineAt: undefined };
  assert.ok(isRecentlyOnline(there, now));
  assert.ok(isRecentlyOnline(leftAgo(RECENTLY_ONLINE_MS), now));
  assert.ok(!isRecentlyOnline(leftAgo(RECENTLY_ONLINE_MS + 1), now));
  assert.ok(!isRecentlyOnline({ online: false, lastOfflineAt: undefined }, now));
  const [early, late] = [leftAgo(2_000), leftAgo(1_000)];
  assert.deepEqual([early, there, late].sort(newestSeenFirst), [there, late, early]);
});

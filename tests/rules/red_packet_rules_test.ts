import assert from "node:assert/strict";
import fc from "fast-check";
import { DomainError } from "../../db/domain/errors.ts";
import {
  checkOpening,
  checkTerms,
  type Draw,
  drawShares,
  luckiestOf,
  type OpeningFacts,
  PacketStatus,
  type PacketTerms,
  SHARE_AMOUNT_MAX,
  SHARE_COUNT_MAX,
  statusFor,
  statusOf,
  yearOf,
  yearStartMs,
} from "../../db/domain/red_packets/rules.ts";

const [FIXED, RANDOM] = [1, 2];
const counts = fc.integer({ min: 1, max: SHARE_COUNT_MAX });
/** Everything {@link checkTerms} lets through, the edges often. */
const randomTerms = counts.chain((shareCount) => {
  const most = shareCount * SHARE_AMOUNT_MAX;
  const amounts = fc.oneof(
    fc.integer({ min: shareCount, max: most }),
    fc.constantFrom(shareCount, most),
    fc.integer({ min: Math.max(shareCount, most - shareCount), max: most }),
  );
  return amounts.map((amount): PacketTerms => ({ type: RANDOM, amount, shareCount }));
});
const equalTerms = fc.tuple(counts, fc.integer({ min: 1, max: SHARE_AMOUNT_MAX }))
  .map(([shareCount, each]): PacketTerms => ({
    type: FIXED,
    amount: shareCount * each,
    shareCount,
  }));

function assertShared({ amount, shareCount }: PacketTerms, shares: number[]): void {
  assert.equal(shares.length, shareCount);
  assert.equal(shares.reduce((sum, share) => sum + share, 0), amount);
  for (const share of shares) {
    assert.ok(Number.isInteger(share) && share >= 1 && share <= SHARE_AMOUNT_MAX, `${share}`);
  }
}

const least: Draw = (from) => from;
const most: Draw = (_from, to) => to;

Deno.test("random shares are whole, at least 1, at most the limit, and exactly the amount", () => {
  fc.assert(
    fc.property(
      randomTerms,
      fc.array(fc.double({ min: 0, max: 1, noNaN: true })),
      (terms, dice) => {
        checkTerms(terms);
        const draw: Draw = (from, to) => {
          assert.ok(from <= to, `nothing between ${from} and ${to}`);
          const die = Math.min(dice.shift() ?? 0.5, 1 - Number.EPSILON);
          return from + Math.floor(die * (to - from + 1));
        };
        assertShared(terms, drawShares(terms, draw));
      },
    ),
    { numRuns: 2000 },
  );
});

Deno.test("also where the least, or the most, is drawn each time", () => {
  fc.assert(fc.property(randomTerms, fc.constantFrom(least, most), (terms, draw) => {
    assertShared(terms, drawShares(terms, draw));
  }));
});

Deno.test("at the edges every share is the same", () => {
  for (const shareCount of [1, 2, 3, 99, SHARE_COUNT_MAX]) {
    for (const each of [1, SHARE_AMOUNT_MAX]) {
      const terms = { type: RANDOM, amount: shareCount * each, shareCount };
      checkTerms(terms);
      for (const draw of [least, most]) {
        assert.deepEqual(drawShares(terms, draw), new Array(shareCount).fill(each));
      }
    }
  }
});

Deno.test("a share is drawn from 1 to twice the average of what is left, less one", () => {
  const asked: [number, number][] = [];
  const draw: Draw = (from, to) => {
    asked.push([from, to]);
    return from;
  };
  assert.deepEqual(drawShares({ type: RANDOM, amount: 100, shareCount: 4 }, draw), [1, 1, 1, 97]);
  assert.deepEqual(asked, [[1, 49], [1, 65], [1, 97]]);
});

Deno.test("equal shares are equal, and none is the luckiest", () => {
  fc.assert(fc.property(equalTerms, (terms) => {
    checkTerms(terms);
    const shares = drawShares(terms, most);
    assertShared(terms, shares);
    assert.equal(new Set(shares).size, 1);
    assert.equal(luckiestOf(terms, shares), 0);
  }));
});

Deno.test("the luckiest is the first of the largest", () => {
  assert.equal(luckiestOf({ type: RANDOM }, [3, 7, 1, 7]), 2);
  assert.equal(luckiestOf({ type: RANDOM }, [5]), 1);
});

const refuses = (kind: string, run: () => void) =>
  assert.throws(run, (error) => error instanceof DomainError && error.kind === kind);

Deno.test("what cannot be shared out is refused", () => {
  for (
    const [type, amount, shareCount] of [
      [FIXED, 10, 3],
      [FIXED, 0, 0],
      [RANDOM, 10, 0],
      [RANDOM, 10, -1],
      [RANDOM, 2, 3],
      [RANDOM, 101, SHARE_COUNT_MAX + 1],
      [RANDOM, SHARE_AMOUNT_MAX + 1, 1],
      [FIXED, 3 * (SHARE_AMOUNT_MAX + 1), 3],
      [RANDOM, 10.5, 2],
      [RANDOM, 10, 2.5],
      [RANDOM, NaN, 2],
      [RANDOM, Infinity, 2],
    ] as const
  ) refuses("redpacket_invalid", () => checkTerms({ type, amount, shareCount }));
});

const now = new Date("2026-05-01T00:00:00Z");
const before = new Date(now.getTime() - 1);
const after = new Date(now.getTime() + 1);
const openPacket: OpeningFacts = {
  state: "open",
  openedCount: 1,
  shareCount: 3,
  expiresAt: after,
  hasOpened: false,
  isInScene: true,
};

Deno.test("an opening is refused with the reason that helps most", () => {
  checkOpening(openPacket, now);
  const refused = (kind: string, over: Partial<OpeningFacts>) =>
    refuses(kind, () => checkOpening({ ...openPacket, ...over }, now));
  refused("redpacket_refused", { isInScene: false, hasOpened: true, state: "finished" });
  refused("redpacket_unpaid", { state: "unpaid" });
  refused("redpacket_opened", { hasOpened: true, state: "finished" });
  refused("redpacket_opened", { hasOpened: true, state: "refunded" });
  refused("redpacket_empty", { state: "finished", expiresAt: before });
  refused("redpacket_empty", { openedCount: 3 });
  refused("redpacket_expired", { state: "refunded" });
  refused("redpacket_expired", { expiresAt: now });
});

Deno.test("a packet has a status of its own, also before anybody gives it back", () => {
  const status = (over: Partial<OpeningFacts>) => statusOf({ ...openPacket, ...over }, now);
  assert.equal(status({}), PacketStatus.open);
  assert.equal(status({ state: "unpaid" }), PacketStatus.unpaid);
  assert.equal(status({ state: "unpaid", expiresAt: now }), PacketStatus.expired);
  assert.equal(status({ expiresAt: now }), PacketStatus.expired);
  assert.equal(status({ state: "refunded", expiresAt: after }), PacketStatus.expired);
  assert.equal(status({ state: "finished", expiresAt: before }), PacketStatus.finished);
});

Deno.test("and another for who has taken a share", () => {
  for (const state of ["open", "finished", "refunded"] as const) {
    const packet = { state, expiresAt: before, hasOpened: true };
    assert.equal(statusFor(packet, now), PacketStatus.taken);
    assert.equal(statusFor({ ...packet, hasOpened: false }, now), statusOf(packet, now));
  }
});

Deno.test("a year begins at midnight in UTC+8, the first millisecond of it is in it", () => {
  assert.equal(new Date(yearStartMs(2027)).toISOString(), "2026-12-31T16:00:00.000Z");
  assert.equal(new Date(yearStartMs(50)).toISOString(), "0049-12-31T16:00:00.000Z");
  fc.assert(fc.property(fc.integer({ min: 0, max: 9999 }), (year) => {
    assert.equal(yearOf(new Date(yearStartMs(year))), year);
    assert.equal(yearOf(new Date(yearStartMs(year) - 1)), year - 1);
  }));
});

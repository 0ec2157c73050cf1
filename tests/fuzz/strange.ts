import fc from "fast-check";

/** A number no double is, or none of this spelling, as it stands in a JSON text. */
// deno-lint-ignore no-explicit-any -- part of the language, and not yet of its types
const rawJson = (text: string): unknown => (JSON as any).rawJSON(text);

const TYPES = [null, true, false, "", [], {}, [[]], [null], { a: 1 }, "null", "[]", "{}", "true"];

const NUMBERS = [
  ...[0, -1, 1, 0.1, 1e-7, 1e21, 1e308, 2 ** 31, -(2 ** 31) - 1, 2 ** 53, 2 ** 63, -(2 ** 63)],
  // Around the first and last instants of JavaScript, PostgreSQL and ISO 8601.
  ...[8.64e15, 8.64e15 + 1, 253402300800000, -62135596800001, 9224318016000000],
  ...["1e999", "-1e999", "-0", "0.00000000000000000000001", "9".repeat(400)].map(rawJson),
];

const NUMBERS_AS_TEXT = [
  ...["0", "-0", "+1", "-1", "1.0", "1e5", "0x10", "1_000", " 1 ", "1 2", "NaN", "Infinity"],
  ...["2147483648", "9007199254740993", "9223372036854775807", "9223372036854775808"],
  ...["1".repeat(30), `0.${"1".repeat(30)}`, "１２", "٣", "²"],
];

const DATES = [
  ...["2021-02-30", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "2021-13"],
  ...["+275760-09-13T00:00:00.001Z", "-000001-01-01T00:00:00Z", "2021-01-01T24:00:00+99:99"],
];

const CHARACTERS = [
  ...["\0", "a\0b", "\ud800", "a\udfff", "\ufffe", "\ufeff", "\u00ff", "\u007f", "\u001b[0m"],
  ...["\u200b", "\u202e", "👩‍👩‍👧", "e" + "\u0301".repeat(500), "\r\n", "\u2028", " "],
  ...["%", "_", "\\", "'", "' or 1=1 --", '"', "$$$", "a=b", "${a}", "{0}", "<b>", "../..", "//"],
  ...["javascript:alert(1)", "http://[", "http://a:99999", "data:,", "http://127.0.0.1/", "a@b"],
];

const LENGTHS = [31, 33, 64, 255, 256, 1_000, 1_001, 5_000, 65_536];
const ITEM_COUNTS = [2, 101, 1_001];
const DEPTHS = [31, 32, 33, 500];

const longTexts = fc.tuple(fc.constantFrom("a", "1", "长", "😀", "["), fc.constantFrom(...LENGTHS))
  .map(([letter, length]) => letter.repeat(length));

const longLists = fc.tuple(
  fc.constantFrom<unknown>(...["", "a", 1, null, "a".repeat(32), {}, []]),
  fc.constantFrom(...ITEM_COUNTS),
).map(([item, count]) => Array.from({ length: count }, () => item));

const deepValues = fc.tuple(fc.boolean(), fc.constantFrom(...DEPTHS)).map(([isList, depth]) => {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = isList ? [value] : { a: value };
  return value;
});

const deepTexts = fc.constantFrom(...DEPTHS).map((depth) => "[".repeat(depth) + "]".repeat(depth));

const oddKeys = fc.dictionary(
  fc.constantFrom(
    "",
    "__proto__",
    "constructor",
    "toString",
    "a\0",
    "\ud800",
    "$$$",
    "a".repeat(300),
  ),
  fc.constantFrom<unknown>(1, "a", null, {}),
  { minKeys: 1, maxKeys: 2 },
);

/** What nobody who read a document would send, by kind; small kinds first, as shrinking wants it. */
export const strange: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(...TYPES),
  fc.constantFrom<unknown>(...NUMBERS),
  fc.constantFrom<unknown>(...NUMBERS_AS_TEXT, ...DATES),
  fc.constantFrom<unknown>(...CHARACTERS),
  fc.string({ unit: "binary", maxLength: 20 }),
  oddKeys,
  longTexts,
  longLists,
  deepValues,
  deepTexts,
);

/** The same for places that hold a text alone. */
export const strangeTexts: fc.Arbitrary<string> = strange.map(textOf);

/** As a client puts a value into a query or a form. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value) ?? "";
}

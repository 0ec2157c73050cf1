import fc from "fast-check";
import assert from "node:assert/strict";
import table from "../../db/domain/payment_methods/banks.json" with { type: "json" };
import { banks, cardTypes, findBank, findOrigin } from "../../db/domain/payment_methods/banks.ts";
import {
  idCheckOf,
  isLuhn,
  maskCard,
  maskIdNo,
  parseCardNumber,
  parseIdNo,
} from "../../db/domain/payment_methods/card_rules.ts";
import { recognizeCard } from "../../db/domain/payment_methods/recognize_card.ts";
import { cardNumber, idNumber } from "../routes/im/card_numbers.ts";

const NOW = new Date("2026-03-01T00:00:00Z");
const digits = (min: number, max: number) =>
  fc.array(fc.integer({ min: 0, max: 9 }), { minLength: min, maxLength: max })
    .map((list) => list.join(""));
const numbers = digits(10, 17).map((body) => cardNumber(body, body.length + 2));

Deno.test("the well-known examples of Luhn's rule pass, and no neighbours of theirs", () => {
  for (const right of ["79927398713", "4111111111111111"]) assert.ok(isLuhn(right), right);
  for (const wrong of ["79927398710", "4111111111111112"]) assert.ok(!isLuhn(wrong), wrong);
});

Deno.test("exactly one last digit makes a card number of any others", () => {
  fc.assert(fc.property(digits(11, 18), (body) => {
    const right = Array.from({ length: 10 }, (_, it) => body + it).filter(parseCardNumber);
    assert.equal(right.length, 1);
  }));
});

Deno.test("no card number survives one wrong digit, or two neighbours that changed places", () => {
  fc.assert(fc.property(numbers, fc.nat(), fc.integer({ min: 1, max: 9 }), (card, at, by) => {
    const place = at % card.length;
    const wrong = (Number(card[place]) + by) % 10;
    assert.equal(parseCardNumber(card.slice(0, place) + wrong + card.slice(place + 1)), undefined);
  }));
  fc.assert(fc.property(numbers, fc.nat(), (card, at) => {
    const place = at % (card.length - 1);
    const [a, b] = [card[place]!, card[place + 1]!];
    // Luhn's one blind spot.
    fc.pre(a !== b && !["09", "90"].includes(a + b));
    const swapped = card.slice(0, place) + b + a + card.slice(place + 2);
    assert.equal(parseCardNumber(swapped), undefined);
  }));
});

Deno.test("spaces of a card number do not count; letters and other lengths make none", () => {
  fc.assert(fc.property(numbers, (card) => {
    assert.equal(parseCardNumber(` ${card.replaceAll(/(\d{4})/g, "$1 ")}`), card);
  }));
  const wrong = ["", " ", "x", cardNumber("6", 11), cardNumber("6", 20), "６225880000000000"];
  for (const text of [...wrong, "-" + cardNumber("6", 12), cardNumber("6", 16) + "x"]) {
    assert.equal(parseCardNumber(text), undefined, text);
  }
});

Deno.test("the examples of GB 11643 have their check characters, also a small x", () => {
  assert.equal(idCheckOf("11010519491231002"), "X");
  assert.equal(idCheckOf("44052418800101001"), "4");
  assert.equal(parseIdNo(" 11010519491231002x ", NOW), "11010519491231002X");
});

const days = fc.date({
  min: new Date("1900-01-01"),
  max: new Date("2026-02-28"),
  noInvalidDate: true,
})
  .map((at) => at.toISOString().slice(0, 10).replaceAll("-", ""));
const idNumbers = fc.tuple(fc.integer({ min: 110_000, max: 659_999 }), days, fc.nat(999))
  .map(([region, day, serial]) => idNumber(String(region), day, serial));

Deno.test("every day there was has id numbers, and none survives one wrong character", () => {
  fc.assert(fc.property(idNumbers, (idNo) => {
    assert.equal(parseIdNo(idNo, NOW), idNo);
    assert.equal(parseIdNo(idNo.toLowerCase(), NOW), idNo);
  }));
  fc.assert(fc.property(idNumbers, fc.nat(17), fc.integer({ min: 0, max: 10 }), (idNo, at, by) => {
    const other = "0123456789X"[by]!;
    fc.pre(other !== idNo[at]);
    const wrong = idNo.slice(0, at) + other + idNo.slice(at + 1);
    assert.throws(() => parseIdNo(wrong, NOW), { kind: "params_invalid" }, wrong);
  }));
});

Deno.test("an id number has a day somebody can be born on, in China", () => {
  for (const day of ["19900230", "19901301", "19900100", "19900001", "18991231", "20260302"]) {
    assert.throws(
      () => parseIdNo(idNumber("310225", day, 1), NOW),
      { kind: "params_invalid" },
      day,
    );
  }
  for (const day of ["20000229", "19000101", "20260301"]) {
    parseIdNo(idNumber("310225", day, 1), NOW);
  }
  const born = idNumber("310225", "20260302", 1);
  assert.equal(parseIdNo(born, new Date("2026-03-01T16:00:00Z")), born);
  assert.throws(() => parseIdNo(born, new Date("2026-03-01T15:59:59Z")));
  for (const text of ["", "3102251990010112", "310225900101123", "0".repeat(18), "X".repeat(18)]) {
    assert.throws(() => parseIdNo(text, NOW), { kind: "params_invalid" }, text);
  }
});

Deno.test("what is shown of a card and of an id number", () => {
  assert.equal(maskCard("1234"), "**** **** **** 1234");
  assert.equal(maskIdNo("11010519491231002X"), "110***********002X");
});

Deno.test("there are banks enough, each once, and each with cards", () => {
  assert.ok(banks.length >= 45, `${banks.length}`);
  assert.equal(new Set(banks.map(({ code }) => code)).size, banks.length);
  assert.equal(new Set(banks.map(({ name }) => name)).size, banks.length);
  for (const { code, name, bins } of table) {
    assert.match(code, /^[A-Z0-9]{3,8}$/);
    assert.deepEqual(findBank(code), { code, name });
    assert.ok(bins.length > 0, code);
  }
  assert.equal(findBank("icbc"), undefined);
});

Deno.test("every prefix leads to its bank and type, and none belongs to two banks", () => {
  const bankOf = new Map<string, string>();
  for (const { code, bins } of table) {
    for (const { type, length, prefixes } of bins) {
      assert.ok(cardTypes.some((it) => it === type) && length >= 12 && length <= 19, code);
      for (const prefix of prefixes.split(" ")) {
        assert.match(prefix, /^\d{4,7}$/);
        assert.equal(bankOf.get(prefix) ?? code, code, prefix);
        bankOf.set(prefix, code);
        const origin = recognizeCard(cardNumber(prefix, length, 7));
        assert.deepEqual([origin?.bank.code, origin?.type], [code, type], prefix);
      }
    }
  }
});

Deno.test("well-known cards are who they are", () => {
  const known = [
    ...[["622202", 19, "ICBC", "DC"], ["9558", 19, "ICBC", "DC"], ["622848", 19, "ABC", "DC"]],
    ...[["621700", 19, "CCB", "DC"], ["621661", 19, "BOC", "DC"], ["622260", 19, "COMM", "DC"]],
    ...[["622588", 16, "CMB", "DC"], ["439225", 16, "CMB", "CC"], ["622908", 18, "CIB", "DC"]],
    ...[["690755", 15, "CMB", "DC"], ["690755", 18, "CMB", "DC"], ["370246", 15, "ICBC", "CC"]],
  ] as const;
  for (const [prefix, length, code, type] of known) {
    const origin = recognizeCard(cardNumber(prefix, length));
    assert.deepEqual([origin?.bank.code, origin?.type], [code, type], prefix);
  }
});

Deno.test("a prefix nobody has, or on a card of another length, tells nothing", () => {
  for (const [prefix, length] of [["000000", 16], ["622588", 19], ["690755", 16]] as const) {
    assert.equal(findOrigin(cardNumber(prefix, length)), undefined, prefix);
  }
  assert.equal(findOrigin(""), undefined);
});

import assert from "node:assert/strict";
import { parseMobile, plainNumber } from "../../db/domain/users/mobile.ts";
import { loginNameOf, parseMobileText, soughtMobiles } from "../../db/domain/users/mobile_text.ts";

const CHINESE = { countryCode: "86", number: "13912345678" };
const BAHAMAS = { countryCode: "1", number: "2423591234" };
const wrong = { kind: "mobile_invalid" };

Deno.test("a number is read as phones paste it", () => {
  for (
    const [zone, phone] of [
      ["0086", "\u202d13912345670\u202c"],
      ["+86", "139 1234-5670"],
      ["86", "(139) 1234.5670"],
      ["086", "139\u00a01234\u20115670"],
      ["\u202a+86\u202c", "１３９１２３４５６７０"],
      ["+ 86", "\ufeff139\u200b1234\u200d5670"],
      ["86", "+86 139 1234 5670"],
      ["86", "0086-139-1234-5670"],
      ["86", "8613912345670"],
      ["86", "١٣٩١٢٣٤٥٦٧٠"],
    ] as const
  ) {
    const read = parseMobile(zone, phone);
    assert.deepEqual(read, { ...CHINESE, number: "13912345670" }, `${zone} ${phone}`);
  }
});

Deno.test("a slip does not become somebody else's number", () => {
  for (
    const [zone, phone] of [
      ["86", "1391234567O"],
      ["86", "139I2345678"],
      ["86", "139****5678"],
      ["86", "+852 13912345678"],
      ["86", "+1 242 359 1234"],
      ["86", "+86+8613912345678"],
      ["8x6", "13912345678"],
      ["", "13912345678"],
      ["0", "13912345678"],
      ["8613", "912345678"],
      ["86", ""],
      ["86", "139123456789"],
    ] as const
  ) assert.throws(() => parseMobile(zone, phone), wrong, `${zone} ${phone}`);
});

Deno.test("North America's countries may have their area, before or in the number", () => {
  for (
    const [zone, phone] of [
      ["1242", "3591234"],
      ["+1-242", "359 1234"],
      ["+1 (242)", "242 359 1234"],
      ["1242", "+1 242 359 1234"],
      ["1", "242-359-1234"],
      ["1", "+1 242 359 1234"],
    ] as const
  ) assert.deepEqual(parseMobile(zone, phone), BAHAMAS, `${zone} ${phone}`);
});

Deno.test("a number that begins like its country is not cut", () => {
  const italian = { countryCode: "39", number: "3912345678" };
  assert.deepEqual(parseMobile("39", "391 234 5678"), italian);
  assert.deepEqual(parseMobile("44", "07911 123456"), { countryCode: "44", number: "7911123456" });
});

Deno.test("operators' numbers, login names and searches are read alike", () => {
  for (const text of ["139 1234 5678", "+86 139-1234-5678", "0086 13912345678", "8613912345678"]) {
    assert.deepEqual(parseMobileText(text), CHINESE, text);
    assert.equal(loginNameOf(text), "008613912345678", text);
    assert.deepEqual(soughtMobiles(text).whole, CHINESE, text);
  }
  assert.equal(loginNameOf("0086\u202d+8613912345678\u202c"), "008613912345678");
  assert.equal(loginNameOf("00868613912345678"), "008613912345678");
  for (const name of ["toby-1", "t139 1234", "0086123", "nobody", ""]) {
    assert.equal(loginNameOf(name), name);
  }
  assert.deepEqual(soughtMobiles("7911 123456").national, "7911123456");
  assert.deepEqual(soughtMobiles("+44 7911 123456").national, "");
  // As a number of China it is possible: nobody in Miami is meant.
  assert.deepEqual(soughtMobiles("13052345678").whole, {
    countryCode: "86",
    number: "13052345678",
  });
  assert.equal(plainNumber("+86 (139) x"), "+86139x");
});

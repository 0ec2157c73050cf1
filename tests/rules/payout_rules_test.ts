import assert from "node:assert/strict";
import fc from "fast-check";
import { attributeOf, csvLine, guardCell, unguardCell } from "../../db/domain/payouts/csv_rules.ts";
import { periodAfter, periodOf } from "../../db/domain/payouts/months.ts";
import { decimalOf, isAmount, resultOf, shareOf, unitsOf } from "../../db/domain/payouts/rules.ts";
import { scopeOf } from "../../db/domain/payouts/scope.ts";
import { serialIdOf } from "../../db/domain/payouts/serial_id.ts";
import { DomainError } from "../../db/domain/errors.ts";
import { readCsv } from "../../routes/ops/profits/read_csv.ts";

Deno.test("a share is exact to four places, halves going to the even neighbour", () => {
  const shares = [
    ["100.1234", "0.7", "70.0864"],
    ["0.0005", "0.1", "0"],
    ["0.0015", "0.1", "0.0002"],
    ["0.0025", "0.1", "0.0002"],
    ["0.0035", "0.1", "0.0004"],
    ["0.0005", "0.1001", "0.0001"],
    ["7054.0379", "0.7", "4937.8265"],
    ["0.675", "0.1", "0.0675"],
    ["300", "0.7", "210"],
    ["100", "0", "0"],
    ["100.1234", "1", "100.1234"],
    // More digits than floating point, or decimals of twenty places, would keep.
    ["9999999999999999.9999", "0.3333", "3333000000000000"],
    ["1234567890123456.7895", "0.5000", "617283945061728.3948"],
  ];
  for (const [sum, rate, share] of shares) {
    assert.equal(shareOf(sum!, rate!), share, `${sum} × ${rate}`);
  }
});

Deno.test("a share is never further than half a unit from the true one, nor are shares more than the sum", () => {
  const units = fc.bigInt({ min: 0n, max: 10n ** 20n });
  const rates = fc.bigInt({ min: 0n, max: 10_000n });
  fc.assert(fc.property(units, rates, (sum, rate) => {
    const share = unitsOf(shareOf(decimalOf(sum), decimalOf(rate)));
    const off = share * 10_000n - sum * rate;
    assert.ok(off <= 5_000n && off >= -5_000n);
    if (off === 5_000n || off === -5_000n) assert.equal(share % 2n, 0n);
    assert.ok(share <= sum);
  }));
});

Deno.test("amounts are decimals above none of at most ten digits and four places", () => {
  for (const amount of ["1", "0.0001", "100.1234", "9999999999.9999", "10", "0.10"]) {
    assert.ok(isAmount(amount), amount);
  }
  const wrong = ["0", "0.0", "0.0000", "", "-1", "+1", "1.", ".5", "1.00001", "10000000000"]
    .concat("1e3", "1,000", " 1", "1\n", "01", "１", "NaN", "0x1");
  for (const amount of wrong) assert.ok(!isAmount(amount), amount);
});

Deno.test("decimals survive the way to units and back without zeros at their end", () => {
  assert.deepEqual(["0.2700", "100.0000", "4937.8265", "0"].map(unitsOf).map(decimalOf), [
    ...["0.27", "100", "4937.8265", "0"],
  ]);
});

Deno.test("a serial id is a UUID of version 5 that only month, group, category and person decide", () => {
  const name = { period: "202102", groupId: 7000103413, category: "Group", userId: 100000001 };
  // Records in databases have it: it may never become another.
  assert.equal(serialIdOf(name), "20881254-c739-546f-aa86-dbf4180e8b79");
  assert.match(
    serialIdOf(name),
    /^[\da-f]{8}-[\da-f]{4}-5[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/,
  );
  const others = [
    ...[{ period: "202103" }, { groupId: 7000103414 }, { category: "Inviter" }, { userId: 1 }],
  ].map((other) => serialIdOf({ ...name, ...other }));
  assert.equal(new Set([serialIdOf(name), ...others]).size, 5);
});

Deno.test("a month is China's", () => {
  assert.equal(periodOf(new Date("2021-01-31T15:59:59.999Z")), "202101");
  assert.equal(periodOf(new Date("2021-01-31T16:00:00.000Z")), "202102");
  assert.deepEqual(["202101", "202112"].map(periodAfter), ["202102", "202201"]);
});

Deno.test("a result is success, a reason, or nothing", () => {
  for (const word of ["成功", " 已发放 ", "claimed", "Claimed", "CLAIMED"]) {
    assert.deepEqual(resultOf(word), { state: "claimed", description: word.trim() });
  }
  for (const word of ["", " ", "\t", "\u3000"]) assert.equal(resultOf(word), undefined);
  for (const word of ["银行卡错误", "成功了", "不成功", "失败", "unclaimed"]) {
    assert.deepEqual(resultOf(word), { state: "error", description: word });
  }
});

Deno.test("a limited key speaks for its groups alone, whatever its call says", () => {
  const key = (groupIds: number[] | null) => ({
    kind: "key" as const,
    keyId: "k" as const,
    name: "script" as const,
    groupIds,
  });
  const operator = {
    kind: "operator",
    operatorId: 1,
    role: "operator",
    name: "O",
    jti: "j",
  } as const;
  assert.equal(scopeOf(operator, undefined), null);
  assert.deepEqual(scopeOf(operator, 5), [5]);
  assert.equal(scopeOf(key(null), undefined), null);
  assert.deepEqual(scopeOf(key([1, 2]), undefined), [1, 2]);
  assert.deepEqual(scopeOf(key([1, 2]), 2), [2]);
  const refused = (error: unknown) =>
    error instanceof DomainError && error.kind === "operator_no_right";
  assert.throws(() => scopeOf(key([1, 2]), 3), refused);
  assert.throws(() => scopeOf(key([]), 3), refused);
});

const PLAIN = { isForSpreadsheet: false };
const SPREADSHEET = { isForSpreadsheet: true };

Deno.test("what a spreadsheet might run stands behind a quote, what it might not as it is", () => {
  const dangerous = [
    "=1+1",
    "+1",
    "-1",
    "@张",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "\u00a0=1",
    "\ufeff=1",
  ]
    .concat("＝1", "＋1", "－1", "＠张", "\u3000＝1", "﹦1", "\u200b=1", "\tx", "\rx", " \tx", "=")
    .concat("'", "'=1", "''");
  for (const text of dangerous) assert.equal(guardCell(text, PLAIN), `'${text}`);
  for (
    const text of ["", "张三", "a=b", "1-2", "张@三", "310225199001011234", "x\t=1", "4937.8265"]
  ) {
    assert.equal(guardCell(text, PLAIN), text);
  }
});

Deno.test("for a spreadsheet the numbers of cards are text too, amounts are not", () => {
  for (
    const number of ["310225199001011234", "31022519900101123X", "6225880212345678", "0".repeat(12)]
  ) {
    assert.equal(guardCell(number, SPREADSHEET), `'${number}`);
    assert.equal(unguardCell(guardCell(number, SPREADSHEET)), number);
  }
  for (const text of ["13800138000", "4937.8265", "9999999999.9999", "12345678901x"]) {
    assert.equal(guardCell(text, SPREADSHEET), text);
  }
});

Deno.test("a record is described as in the contract's sample", () => {
  const record = { period: "202102", groupId: 7000103413 };
  assert.equal(attributeOf({ ...record, category: "Group" }), "2021年02月群7000103413群主收入");
  assert.equal(attributeOf({ ...record, category: "Inviter" }), "2021年02月群7000103413鼓励金");
});

/** Signs, blanks and quotes of all kinds, alone and before others. */
const hostileText = fc.oneof(
  fc.array(
    fc.constantFrom(
      ...["=", "+", "-", "@", "\t", "\r", "\n", "\r\n", " ", ",", '"', "'", ";", "|"],
      ...["\ufeff", "\u00a0", "\u3000", "\u200b", "＝", "＋", "－", "＠", "﹦"],
      ...["1", "A1", "cmd|' /C calc'!A0", "张三", "HYPERLINK(", "𠮷", "e\u0301"],
    ),
    { maxLength: 8 },
  ).map((parts) => parts.join("")),
  fc.string({ unit: "grapheme", maxLength: 12 }),
  fc.string({ unit: "binary", maxLength: 12 }).filter((text) => text.isWellFormed()),
);

/** What a spreadsheet looks at: the first thing in a cell that is not blank. */
const STARTS_FORMULA = /^[\s\p{C}]*[=+\-@＝＋－＠]/u;

/** All lines of a text through the reader uploads are read with, in pieces of a few bytes. */
async function readAll(text: string): Promise<string[][]> {
  const bytes = new TextEncoder().encode(text);
  const lines: string[][] = [];
  const pieces = async function* () {
    for (let at = 0; at < bytes.length; at += 1_000) yield bytes.subarray(at, at + 1_000);
  };
  for await (const { cells } of readCsv(pieces())) lines.push(cells);
  return lines;
}

Deno.test("10,000 hostile cells never start a formula, and come back byte for byte", async () => {
  const rows = fc.sample(fc.tuple(hostileText, hostileText, hostileText, hostileText), 2_500);
  for (const options of [PLAIN, SPREADSHEET]) {
    const written = rows.map((row) => csvLine(["x", ...row, "x"], options)).join("");
    const cells = await readAll(written);
    for (const cell of cells.flat()) assert.ok(!STARTS_FORMULA.test(cell), JSON.stringify(cell));
    const back = cells.map((line) => line.slice(1, -1).map(unguardCell));
    assert.deepEqual(back, rows);
  }
});

Deno.test("no two texts become one cell", () => {
  fc.assert(fc.property(hostileText, hostileText, (one, other) => {
    for (const options of [PLAIN, SPREADSHEET]) {
      assert.equal(unguardCell(guardCell(one, options)), one);
      if (one !== other) assert.notEqual(guardCell(one, options), guardCell(other, options));
    }
  }));
});

Deno.test("what stands in a cell stays in its cell, whatever it holds", async () => {
  await fc.assert(fc.asyncProperty(
    fc.array(fc.array(hostileText, { minLength: 2, maxLength: 5 }), { minLength: 1, maxLength: 5 }),
    async (rows) => {
      const written = rows.map((row) => csvLine(["x", ...row], PLAIN)).join("");
      assert.deepEqual(
        (await readAll(written)).map(([, ...cells]) => cells.map(unguardCell)),
        rows,
      );
    },
  ));
});

import table from "./banks.json" with { type: "json" };

/** Debit and credit; a 准贷记卡, between the two, counts as credit. */
export const cardTypes = ["DC", "CC"] as const;
export type CardType = (typeof cardTypes)[number];

export interface Bank {
  /** As Alipay spells it: `ICBC`, `CMB`. */
  code: string;
  name: string;
}

export interface CardOrigin {
  bank: Bank;
  type: CardType;
}

interface Bin {
  bank: Bank;
  /** By how many digits such a card has. */
  types: Map<number, CardType>;
}

export const banks: readonly Bank[] = table.map(({ code, name }) => ({ code, name }));

const bankByCode = new Map(banks.map((bank) => [bank.code, bank]));

/**
 * Issuers' first digits as public tables list them. Prepaid cards are left out, as are prefixes
 * that several banks claim: a card of those is of whichever bank its holder says.
 */
const binByPrefix = new Map<string, Bin>();
for (const { code, bins } of table) {
  for (const { type, length, prefixes } of bins) {
    for (const prefix of prefixes.split(" ")) {
      const bin = binByPrefix.get(prefix) ?? { bank: bankByCode.get(code)!, types: new Map() };
      bin.types.set(length, type as CardType);
      binByPrefix.set(prefix, bin);
    }
  }
}
const prefixLengthMax = Math.max(...[...binByPrefix.keys()].map((prefix) => prefix.length));

export function findBank(code: string): Bank | undefined {
  return bankByCode.get(code);
}

/**
 * Whose card a number is, by its longest prefix known for cards of that many digits (some prefixes
 * were given to two banks, for cards of different lengths); undefined when nobody knows.
 */
export function findOrigin(digits: string): CardOrigin | undefined {
  for (let length = prefixLengthMax; length > 0; length--) {
    const bin = binByPrefix.get(digits.slice(0, length));
    const type = bin?.types.get(digits.length);
    if (bin && type) return { bank: bin.bank, type };
  }
  return undefined;
}

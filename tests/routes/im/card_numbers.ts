import { idCheckOf, isLuhn } from "../../../db/domain/payment_methods/card_rules.ts";

/** A card number with these first digits and a right check digit; another for every `serial`. */
export function cardNumber(prefix: string, length: number, serial = 0): string {
  const body = prefix + String(serial).padStart(length - prefix.length - 1, "0");
  return Array.from({ length: 10 }, (_, digit) => `${body}${digit}`).find(isLuhn)!;
}

/** An id number of this region, day (`yyyymmdd`) and serial with its check character. */
export function idNumber(region: string, birthday: string, serial: number): string {
  const digits = region + birthday + String(serial).padStart(3, "0");
  return digits + idCheckOf(digits);
}

export const TOBY_ID_NO = idNumber("310225", "19900101", 123);

/** What the app sends for a first card: a debit card of the China Merchants Bank. */
export const FIRST_CARD = {
  bankcard: cardNumber("622588", 16),
  bankcode: "CMB",
  bankname: "招商银行",
  bankcard_type: "DC",
  phone: "13800138000",
  holder_name: "徐辉",
  cert_no: TOBY_ID_NO,
  cert_type: 1,
};

/** A later card of the same bank: whose it is need not be said again. */
export function nextCard(serial: number) {
  const { holder_name: _name, cert_no: _no, cert_type: _type, ...card } = FIRST_CARD;
  return { ...card, bankcard: cardNumber("622588", 16, serial) };
}

import { parseExactly } from "./long_integer.ts";

/** How deep what others send may be nested. */
export const JSON_DEPTH_MAX = 32;

/**
 * Parses JSON that others sent. Deeper than {@link JSON_DEPTH_MAX} it is refused before it is
 * parsed: what walks through it afterwards may do so by calling itself.
 *
 * @throws {SyntaxError} also when it is too deep
 */
export function parseBoundedJson(text: string): unknown {
  check(text);
  return JSON.parse(text);
}

/**
 * The same of what others' numbers stand in: integers that a double would round come out as their
 * digits (`LongInteger`). Only a text with such a number costs more.
 *
 * @throws {SyntaxError}
 */
export function parseExactBoundedJson(text: string): unknown {
  return check(text).mayRound ? parseExactly(text) : JSON.parse(text);
}

/** Fewer digits are below 2^53. */
const ROUNDED_DIGITS_MIN = 16;

/**
 * Counts brackets outside of strings, and digits; one pass, whatever the text is.
 *
 * @throws {SyntaxError}
 */
function check(text: string): { mayRound: boolean } {
  let depth = 0;
  let isInString = false;
  let mayRound = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (isInString) {
      if (code === BACKSLASH) at++;
      else if (code === QUOTE) isInString = false;
    } else if (code === QUOTE) isInString = true;
    else if (code <= NINE && code >= ZERO) {
      const from = at;
      while (isDigit(text.charCodeAt(at + 1))) at++;
      if (at - from + 1 >= ROUNDED_DIGITS_MIN) mayRound = true;
    } else if (code === BRACKET || code === BRACE) {
      if (++depth > JSON_DEPTH_MAX) {
        throw new SyntaxError(`nested deeper than ${JSON_DEPTH_MAX} levels`);
      }
    } else if (code === BRACKET_END || code === BRACE_END) depth--;
  }
  return { mayRound };
}

const isDigit = (code: number) => code <= NINE && code >= ZERO;

const [QUOTE, BACKSLASH, BRACKET, BRACKET_END, BRACE, BRACE_END] = [...'"\\[]{}'].map((sign) =>
  sign.charCodeAt(0)
);
const [ZERO, NINE] = ["0".charCodeAt(0), "9".charCodeAt(0)] as const;

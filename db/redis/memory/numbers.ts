import { ReplyError } from "./reply.ts";

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);
const NOT_AN_INTEGER = "ERR value is not an integer or out of range";

/** Redis's own strict form: no sign but `-`, no leading zero, no blanks, 64 bits. */
export function parseInteger(text: string, refusal = NOT_AN_INTEGER): bigint {
  if (!/^(0|-?[1-9]\d{0,18})$/.test(text)) throw new ReplyError(refusal);
  const value = BigInt(text);
  if (value > INT64_MAX || value < INT64_MIN) throw new ReplyError(refusal);
  return value;
}

export function addInteger(current: bigint, by: bigint): bigint {
  const sum = current + by;
  if (sum > INT64_MAX || sum < INT64_MIN) {
    throw new ReplyError("ERR increment or decrement would overflow");
  }
  return sum;
}

/** A position or a count: beyond 2^53 every such number means "past the end" alike. */
export function parseIndex(text: string): number {
  return Number(parseInteger(text));
}

/** A score: a decimal number or `inf`, `+inf`, `-inf`. */
export function parseScore(text: string, refusal = "ERR value is not a valid float"): number {
  const infinite = /^([+-]?)inf(inity)?$/i.exec(text);
  if (infinite) return infinite[1] === "-" ? -Infinity : Infinity;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) throw new ReplyError(refusal);
  return Number(text);
}

export function formatScore(score: number): string {
  if (Number.isFinite(score)) return String(score);
  return score > 0 ? "inf" : "-inf";
}

/** Of operators and of keys, in code points. */
export const NAME_LENGTH_MAX = 64;
/** How far operators and keys can be paged, and are counted. */
export const OPERATORS_START_MAX = 10_000;
export const KEYS_START_MAX = 10_000;
/** Groups one key may be made for; a key for more is one for all of them. */
export const KEY_GROUP_COUNT_MAX = 1_000;
/** How long a rotated key's old secret may stay good, minutes. */
export const KEEP_OLD_MINUTES_MAX = 24 * 60;

export function isName(name: string): boolean {
  return name !== "" && [...name].length <= NAME_LENGTH_MAX;
}

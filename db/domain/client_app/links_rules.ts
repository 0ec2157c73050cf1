/** UTF-16 units. */
export const LINK_LENGTH_MAX = 2_048;

/** The link its MD5 is taken of: with `http://` in front unless it has a scheme. */
export function withScheme(link: string): string {
  return /^https?:\/\//i.test(link) ? link : `http://${link}`;
}

/** Longest names and introductions, in characters as people count them (code points). */
export const NICKNAME_LENGTH_MAX = 20;
export const BIO_LENGTH_MAX = 1000;
export const AVATAR_LENGTH_MAX = 500;

/** Login name of a number: `0086138…`. */
export function usernameOf(mobile: { countryCode: string; number: string }): string {
  return `00${mobile.countryCode}${mobile.number}`;
}

/** `138****8000`: enough to know one's own number by. */
export function maskPhone(phone: string): string {
  if (phone.length < 7) return "*".repeat(phone.length);
  return phone.slice(0, 3) + "*".repeat(phone.length - 7) + phone.slice(-4);
}

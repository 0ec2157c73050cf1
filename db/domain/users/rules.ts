/** Longest names and introductions, in characters as people count them (code points). */
export const NICKNAME_LENGTH_MAX = 20;
export const BIO_LENGTH_MAX = 1000;
export const AVATAR_LENGTH_MAX = 500;

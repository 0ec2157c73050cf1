/** Longest names and cover addresses, in characters as people count them (code points). */
export const CLUB_NAME_LENGTH_MAX = 50;
export const COVER_LENGTH_MAX = 500;

/** Longest name of a label, in characters as people count them (code points). */
export const LABEL_NAME_LENGTH_MAX = 20;
export const LABEL_COUNT_MAX = 100;
export const LABEL_MEMBER_COUNT_MAX = 500;

/** Line breaks and tabs, in all their spellings. */
const BREAKS = /[\t\n\v\f\r\u0085\u2028\u2029]+/g;
/** Controls, and what turns the direction of the text around it. */
const CONTROLS = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
/** Nothing to see, and nothing that holds others together as joiners and variation selectors do. */
const ZERO_WIDTH = /[\u00ad\u180e\u200b\u2060-\u2064\ufeff]/g;
const EDGES = /^[\p{Z}\u200c\u200d]+|[\p{Z}\u200c\u200d]+$/gu;
/** Something that leaves ink. A blank Braille cell counts as a symbol, but leaves none. */
const VISIBLE = /(?![\p{C}\p{Z}\p{M}\p{Default_Ignorable_Code_Point}\u2800])./u;

/**
 * A text as a name: one line, without what only acts on others, trimmed. Joined emoji, Persian and
 * Indic joiners, accents of their own and flags stay as they are.
 *
 * @returns empty when nothing of it can be seen
 */
export function nameText(text: string): string {
  const name = text.toWellFormed().replace(BREAKS, " ").replace(CONTROLS, "")
    .replace(ZERO_WIDTH, "").replace(EDGES, "");
  return VISIBLE.test(name) ? name : "";
}

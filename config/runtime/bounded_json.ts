/** How deep what others send may be nested. */
export const JSON_DEPTH_MAX = 32;

/**
 * Parses JSON that others sent. Deeper than {@link JSON_DEPTH_MAX} it is refused before it is
 * parsed: what walks through it afterwards may do so by calling itself.
 *
 * @throws {SyntaxError} also when it is too deep
 */
export function parseBoundedJson(text: string): unknown {
  if (!isShallow(text)) throw new SyntaxError(`nested deeper than ${JSON_DEPTH_MAX} levels`);
  return JSON.parse(text);
}

/** Counts brackets outside of strings; one pass, whatever the text is. */
function isShallow(text: string): boolean {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (isInString) {
      if (code === BACKSLASH) at++;
      else if (code === QUOTE) isInString = false;
    } else if (code === QUOTE) isInString = true;
    else if (code === BRACKET || code === BRACE) {
      if (++depth > JSON_DEPTH_MAX) return false;
    } else if (code === BRACKET_END || code === BRACE_END) depth--;
  }
  return true;
}

const [QUOTE, BACKSLASH, BRACKET, BRACKET_END, BRACE, BRACE_END] = [...'"\\[]{}'].map((sign) =>
  sign.charCodeAt(0)
);

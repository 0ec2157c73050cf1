/** Most people an announcement names: more would not fit a message. */
export const NAMED_COUNT_MAX = 40;

/** `{first}、{first+1}…` for people of a message's `extra`, and how many there are beyond. */
export function placeholders(count: number, first = 0): string {
  const shown = Math.min(count, NAMED_COUNT_MAX);
  const places = Array.from({ length: shown }, (_, at) => `{${at + first}}`).join("、");
  return count > shown ? `${places}等${count}人` : places;
}

/** Text inside a template: its braces must not be taken for placeholders. */
export function literal(text: string): string {
  return text.replaceAll("{", "｛").replaceAll("}", "｝");
}

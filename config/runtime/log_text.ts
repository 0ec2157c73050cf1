const CAUSE_COUNT_MAX = 4;
const TEXT_LENGTH_MAX = 500;

/** A failure and its causes in one line fit for a log: enough to know what was wrong, no stacks. */
export function logTextOf(failure: unknown): string {
  const texts: string[] = [];
  for (let at = failure; at instanceof Error && texts.length < CAUSE_COUNT_MAX; at = at.cause) {
    texts.push(withoutParams(at.message));
  }
  return (texts.join(": ") || String(failure)).slice(0, TEXT_LENGTH_MAX);
}

export function logStackOf(failure: unknown): string {
  return withoutParams(
    failure instanceof Error ? failure.stack ?? failure.message : String(failure),
  );
}

/** Drizzle's failures list a statement's values: numbers, names and hashes no log shall have. */
function withoutParams(text: string): string {
  return text.replace(/\nparams: [\s\S]*?(?=\n {4}at |$)/, "");
}

/** How long a line waits for others to be written with, ms. */
const MOMENT_MS = 20;

export type LogLine = Record<string, unknown>;

/**
 * Writes lines of JSON, those of a moment together: a write is what a line costs. Whatever tells of
 * trouble is written at once, with what came before it, and so is all there is when the process
 * ends.
 */
export function openLog(
  { now, write = console.log }: { now: () => Date; write?: (text: string) => void },
): (line: LogLine) => void {
  let waiting: string[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (waiting.length > 0) write(waiting.join("\n"));
    waiting = [];
  };
  globalThis.addEventListener("unload", flush);
  return (line) => {
    waiting.push(JSON.stringify({ at: now(), ...line }));
    if (line.level !== "info") flush();
    else timer ??= setTimeout(flush, MOMENT_MS);
  };
}

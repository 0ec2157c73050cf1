import { flows, type Subject, surroundingsOf } from "./flows.ts";
import { openStepped } from "./stepped_database.ts";

/** What the child is to do, as one line of JSON on its standard input. */
export interface CrashOrder {
  databaseUrl: string;
  flow: string;
  subject: Subject;
  nowMs: number;
  /** Before this statement it kills itself; null: after the answer. */
  killAt: number | null;
}

/** Ends this process as a power cut would: nothing is flushed, closed or rolled back by it. */
const die = () => {
  Deno.kill(Deno.pid, "SIGKILL");
  return new Promise<never>(() => {});
};

async function readOrder(): Promise<CrashOrder> {
  const reader = Deno.stdin.readable.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.endsWith("\n")) text += (await reader.read()).value ?? "\n";
  return JSON.parse(text);
}

if (import.meta.main) {
  const { databaseUrl, flow: name, subject, nowMs, killAt } = await readOrder();
  const flow = flows.find((flow) => flow.name === name)!;
  const database = openStepped(databaseUrl, ({ at, send }) => at === killAt ? die() : send());
  try {
    await flow.run(surroundingsOf(database, { nowMs, channel: flow.channel }), subject);
  } catch (error) {
    // A refusal may be the answer; anything else is for the parent to read.
    if (flow.answersWith === undefined) console.error(error);
  }
  if (killAt === null) await die();
  // It was to be killed on the way; this end is for the parent to see.
  Deno.exit(3);
}

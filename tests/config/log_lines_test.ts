import assert from "node:assert/strict";
import { openLog } from "../../config/runtime/log_lines.ts";
import { waitUntil } from "../services/binary.ts";

const now = () => new Date(0);

Deno.test("lines of a moment are written together and in order, trouble at once", async () => {
  const written: string[] = [];
  const log = openLog({ now, write: (text) => written.push(text) });
  log({ level: "info", msg: "one" });
  log({ level: "info", msg: "two" });
  assert.deepEqual(written, []);
  await waitUntil("both lines", () => written.length > 0);
  const at = "1970-01-01T00:00:00.000Z";
  const line = (level: string, msg: string) => JSON.stringify({ at, level, msg });
  assert.deepEqual(written, [`${line("info", "one")}\n${line("info", "two")}`]);
  log({ level: "info", msg: "before" });
  log({ level: "error", msg: "trouble" });
  assert.deepEqual(written[1], `${line("info", "before")}\n${line("error", "trouble")}`);
});

Deno.test("whatever waits is written when the process ends", async () => {
  const file = new URL("../../config/runtime/log_lines.ts", import.meta.url).href;
  const script = `import { openLog } from ${JSON.stringify(file)};
    openLog({ now: () => new Date(0) })({ level: "info", msg: "last words" });
    Deno.exit(0);`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-config", script],
  }).output();
  assert.match(new TextDecoder().decode(stdout), /"msg":"last words"/);
});

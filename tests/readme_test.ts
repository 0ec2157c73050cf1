import assert from "node:assert/strict";
import { NewcomersServer } from "./servers/newcomers.ts";

/** What a command prints when something it asked for was refused, on any surface. */
const REFUSALS = [
  /"status":(0|4\d\d|5\d\d)\b/,
  /"code":(4|5)\d\d+/,
  /"msg":"[^"]+"/,
  /Internal Server Error|command not found|unbound variable|syntax error/,
];

/** Each example of the README by the heading it stands under. */
function examplesOf(readme: string): { heading: string; script: string }[] {
  let heading = "";
  return [...readme.matchAll(/^#+ (.+)$|^```bash\n([\s\S]*?)^```$/gm)].flatMap(
    ([, title, script]) => {
      if (title !== undefined) heading = title;
      return script === undefined ? [] : [{ heading, script }];
    },
  );
}

Deno.test("every example of the README does what it says, pasted one after the other", async (t) => {
  const folder = await Deno.makeTempDir();
  await using server = new NewcomersServer(`${folder}/.data`);
  await server.ready();
  const examples = examplesOf(await Deno.readTextFile(new URL("../README.md", import.meta.url)));
  assert.ok(examples.length >= 5);
  for (const { heading, script } of examples) {
    await t.step(heading, async () => {
      const { code, stdout, stderr } = await new Deno.Command("bash", {
        args: ["-euo", "pipefail", "-c", script.replaceAll("http://localhost:8000", server.url)],
        cwd: folder,
      }).output();
      const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
      assert.equal(code, 0, text);
      assert.notEqual(text.trim(), "");
      for (const refusal of REFUSALS) assert.doesNotMatch(text, refusal);
    });
  }
});

import assert from "node:assert/strict";
import { dirname } from "node:path";
import { NewcomersServer } from "./servers/newcomers.ts";

const root = new URL("..", import.meta.url);

/** What a command prints when something it asked for was refused, on any surface. */
const REFUSALS = [
  /"status":(0|4\d\d|5\d\d)\b/,
  /"code":(4|5)\d\d+/,
  /"msg":"[^"]+"/,
  /Internal Server Error|command not found|unbound variable|syntax error/,
];
/** Patience with all examples of one document, ms. */
const SHELL_TIMEOUT_MS = 120_000;
/** Stands alone in a line of the output, in front of what the next example prints. */
const MARK = "\u001e";

interface Example {
  heading: string;
  script: string;
  /** What its output ends with, if the document says so; `…` stands for anything. */
  promise: string | undefined;
}

/** A document's ```bash blocks, each with the ```text block right below it. */
function examplesOf(text: string): Example[] {
  let heading = "";
  return [...text.matchAll(/^#+ (.+)$|^```bash\n([\s\S]*?)^```\n(?:\n```text\n([\s\S]*?)\n```)?/gm)]
    .flatMap(([, title, script, promise]) => {
      if (title !== undefined) heading = title;
      return script === undefined ? [] : [{ heading, script, promise }];
    });
}

function* documents(): Generator<string> {
  for (const folder of ["", "docs/", "docs/contracts/", "docs/adr/"]) {
    for (const { name } of Deno.readDirSync(new URL(folder || ".", root))) {
      if (name.endsWith(".md")) yield folder + name;
    }
  }
}

/** Pastes the examples into one shell; answers what each printed, as far as it came. */
async function paste(examples: Example[], folder: string): Promise<string[]> {
  const script = examples.map((example) => `echo ${MARK}\n${example.script}`).join("\n");
  const { code, stdout } = await new Deno.Command("bash", {
    args: ["-euo", "pipefail", "-c", `exec 2>&1\n${script}`],
    cwd: folder,
    env: { PATH: `${dirname(Deno.execPath())}:${Deno.env.get("PATH")}`, NO_COLOR: "1" },
    signal: AbortSignal.timeout(SHELL_TIMEOUT_MS),
  }).output();
  const outputs = new TextDecoder().decode(stdout).split(`${MARK}\n`).slice(1);
  if (code !== 0) outputs.push(`${outputs.pop()}\nended with ${code}, and with it the shell`);
  return outputs;
}

/** What a first start leaves, made once and copied for each document: a start on it is far quicker. */
async function makeFirstStart(): Promise<string> {
  const folder = await Deno.makeTempDir();
  await using server = new NewcomersServer(`${folder}/.data`);
  await server.ready();
  assert.equal(await server.stop("SIGTERM"), 0);
  return folder;
}

/** A folder of its own with a copy of {@link makeFirstStart}'s data. */
async function copyOf(firstStart: string): Promise<string> {
  const folder = await Deno.makeTempDir();
  const args = ["-R", `${firstStart}/.data`, folder];
  assert.ok((await new Deno.Command("cp", { args }).output()).success);
  return folder;
}

/** `…` in a promise stands for anything, a line's end too. */
function patternOf(promise: string): RegExp {
  const parts = promise.split("…").map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`${parts.join("[\\s\\S]*")}\\s*$`);
}

const examples = new Map(
  [...documents()].map((path) => [path, examplesOf(Deno.readTextFileSync(new URL(path, root)))]),
);

Deno.test("the README has examples, and so have the pages it sends newcomers to", () => {
  for (const path of ["README.md", "docs/try.md", "docs/operate.md"]) {
    assert.ok(examples.get(path)!.some(({ promise }) => promise !== undefined), path);
  }
});

let firstStart: Promise<string> | undefined;

for (const [path, written] of examples) {
  if (written.length === 0) continue;
  Deno.test(`every example of ${path} does what it says, pasted one after the other`, async (t) => {
    const folder = await copyOf(await (firstStart ??= makeFirstStart()));
    await using server = new NewcomersServer(`${folder}/.data`);
    await server.ready();
    const here = written.map(({ script, ...example }) => ({
      ...example,
      script: script.replaceAll("http://localhost:8000", server.url),
    }));
    const outputs = await paste(here, folder);
    for (const [at, { heading, promise }] of here.entries()) {
      await t.step(`${at + 1}: ${heading}`, () => {
        const output = outputs[at];
        assert.ok(output !== undefined, "an example before this one ended the shell");
        assert.doesNotMatch(output, /and with it the shell$/);
        assert.notEqual(output.trim(), "");
        for (const refusal of REFUSALS) assert.doesNotMatch(output, refusal);
        if (promise !== undefined) assert.match(output, patternOf(promise));
      });
    }
  });
}

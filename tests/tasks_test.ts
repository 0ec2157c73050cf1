import assert from "node:assert/strict";
import project from "../deno.json" with { type: "json" };

const root = new URL("..", import.meta.url).pathname;
const tasks = Object.entries(project.tasks);

async function run(
  args: string[],
  { cwd = root, env = {} }: { cwd?: string; env?: Record<string, string> } = {},
) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd,
    env: { ...env, NO_COLOR: "1" },
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out: out!, err: err! };
}

/** The tasks, with a program that prints its words in the place of each one they run. */
async function placeOfWords(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "plaza tasks " });
  await Deno.writeTextFile(`${folder}/words.ts`, "console.log(JSON.stringify(Deno.args));");
  const spoken = tasks.map(([name, { command }]) => [
    name,
    command.replaceAll(/\bdeno (run|install|test|fmt|lint|check)\b/g, "deno run words.ts $1"),
  ]);
  await Deno.writeTextFile(
    `${folder}/deno.json`,
    JSON.stringify({ tasks: Object.fromEntries(spoken) }),
  );
  return folder;
}

Deno.test("every task keeps its words together where DATA_DIR has blanks", async (t) => {
  const cwd = await placeOfWords();
  const dataDir = "/tmp/Toby's own data $HOME";
  const folders = [`--allow-read=.,${dataDir}`, `--allow-write=${dataDir}`];
  for (const [name, { command }] of tasks) {
    await t.step(name, async () => {
      const { code, out, err } = await run(["task", "--quiet", name, "two words"], {
        cwd,
        env: { DATA_DIR: dataDir },
      });
      assert.equal(code, 0, err);
      const ran = out.trim().split("\n").map((line): string[] => JSON.parse(line));
      assert.ok(ran[0]!.includes("config/deno_version.ts"), "the version of Deno comes first");
      assert.equal(ran.at(-1)!.at(-1), "two words");
      const served = ran.filter((words) => words.includes("main.ts"));
      assert.equal(served.length > 0, /main\.ts|task start/.test(command.replace(/\w+\/main/, "")));
      for (const words of served) {
        assert.deepEqual(words.filter((word) => /^--allow-(read|write)/.test(word)), folders);
      }
    });
  }
});

Deno.test("a command runs in a folder with blanks, and prints nothing but its answer", async () => {
  const dataDir = `${await Deno.makeTempDir({ prefix: "plaza tasks " })}/my data`;
  const { code, out, err } = await run(["task", "--quiet", "app:add", "A shop"], {
    env: { DATA_DIR: dataDir },
  });
  assert.equal(code, 0, err);
  assert.deepEqual(Object.keys(JSON.parse(out)), ["appid", "appsecret"]);
  assert.ok((await Deno.stat(`${dataDir}/credentials.json`)).isFile);
});

Deno.test("an older Deno is told which one this needs, and nothing else", async () => {
  const startOn = (version: string) =>
    run([
      "eval",
      `Object.defineProperty(Deno, "version", { value: { deno: "${version}" } });` +
      `await import("./config/deno_version.ts"); console.log("on");`,
    ]);
  for (const version of ["1.46.3", "2.0.6", "2.8.3"]) {
    const { code, out, err } = await startOn(version);
    assert.deepEqual([code, out], [1, ""], version);
    const line = `Plaza needs Deno 2.9 or newer; this is ${version}: npx -y deno@2.9.6 task start`;
    assert.equal(err.trim(), line);
  }
  for (const version of ["2.9.0", "2.10.0", "3.0.0-rc.1"]) {
    assert.equal((await startOn(version)).out, "on\n", version);
  }
});

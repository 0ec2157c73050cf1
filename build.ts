import { build, type Plugin } from "esbuild";
import { basename, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import project from "./deno.json" with { type: "json" };

/**
 * `deno task build [folder]`: all of Plaza in one folder that needs nothing else, and starts in a
 * third of the time (docs/adr/lazy-surfaces.md). What is loaded lazily stays so, in files of its
 * own.
 */
const folder = Deno.args[0] ?? "dist";

/** What code finds beside itself; it is copied to where the code goes. */
const BESIDE_THE_CODE = /new URL\(\s*"([^"]+)",\s*import\.meta\.url\s*\)/g;
const ZOD = 'import { z } from "zod";';

/** From where, by the name in the folder. */
const copied = new Map<string, string>();

const sources: Plugin = {
  name: "sources",
  setup({ onLoad }) {
    onLoad({ filter: /\.m?[jt]s$/ }, async ({ path }) => {
      const contents = copyBeside(withoutUnusedZod(await Deno.readTextFile(path), path), path);
      return { contents, loader: path.endsWith("ts") ? "ts" : "js", resolveDir: dirname(path) };
    });
  },
};

function copyBeside(text: string, path: string): string {
  return text.replaceAll(BESIDE_THE_CODE, (_, relative: string) => {
    const from = fileURLToPath(new URL(relative, `file://${path}`));
    const name = basename(from);
    if ((copied.get(name) ?? from) !== from) throw new Error(`${name} is two files`);
    copied.set(name, from);
    return `new URL("./${name}", import.meta.url)`;
  });
}

/**
 * As `z`, which is exported as a value, zod is there as a whole, 50 languages included; as a
 * namespace only what is used of it. The documents' package asks for one class.
 */
function withoutUnusedZod(text: string, path: string): string {
  return path.includes("/@hono/zod-openapi/")
    ? text.replace(ZOD, 'import { ZodType } from "zod"; const z = { ZodType };')
    : text.replace(ZOD, 'import * as z from "zod";');
}

/** For packages that `require` what is built in, when they are loaded and not before. */
const REQUIRE = `const require = (name) => {
  const found = process.getBuiltinModule(name);
  if (found) return found;
  throw Object.assign(new Error("Cannot find module " + name), { code: "MODULE_NOT_FOUND" });
};`;

await Deno.mkdir(folder, { recursive: true });
// What was built before goes; somebody may have run it here, and whatever else is here is theirs.
for (const { name } of [...Deno.readDirSync(folder)]) {
  if (name.endsWith(".js")) await Deno.remove(`${folder}/${name}`);
}
await build({
  entryPoints: ["main.ts"],
  outdir: folder,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "esnext",
  plugins: [sources],
  alias: aliases(),
  banner: { js: REQUIRE },
  logLevel: "warning",
});
for (const [name, from] of copied) await copy(from, `${folder}/${name}`);
await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify(projectOfFolder(), null, 2) + "\n");

/** Names of `deno.json` that are not those of their packages. */
function aliases(): Record<string, string> {
  const named = Object.entries(project.imports).map(([name, specifier]) =>
    [name, specifier.replace(/^npm:(.+)@[^@]+$/, "$1")] as const
  );
  return Object.fromEntries(named.filter(([name, real]) => name !== real));
}

/** The tasks that run `main.ts`, for `main.js`; no packages, and so no lock. */
function projectOfFolder() {
  const tasks = Object.entries(project.tasks)
    .filter(([name, { command }]) => name === "start" || command.startsWith("deno task start "))
    .map(([name, { description, command }]) => [
      name,
      {
        description,
        command: command.replace(/^.* && (?=deno run )/, "").replace("main.ts", "main.js"),
      },
    ]);
  return { unstable: project.unstable, lock: false, tasks: Object.fromEntries(tasks) };
}

async function copy(from: string, to: string): Promise<void> {
  if (!(await Deno.stat(from)).isDirectory) return await Deno.copyFile(from, to);
  await Deno.mkdir(to, { recursive: true });
  for await (const { name } of Deno.readDir(from)) await copy(`${from}/${name}`, `${to}/${name}`);
}

import { SIZE } from "../size.ts";

const TESTS = new URL("..", import.meta.url).pathname;
const PERMISSIONS = ["net", "env", "sys", "read", "write", "run"].map((name) => `--allow-${name}`);

/**
 * `deno task soak full [part of a path…]`: the tests the suite runs in small, one file after the
 * other at their full size; @returns whether all passed
 */
export async function full(parts: string[]): Promise<boolean> {
  const files = (await sizedFiles(TESTS)).sort()
    .filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)));
  if (files.length === 0) {
    console.error(`no test with a size has ${parts.join(" or ")} in its path`);
    return false;
  }
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "--no-prompt", ...PERMISSIONS, ...files],
    env: { [SIZE]: "full" },
    stdout: "inherit",
    stderr: "inherit",
  }).spawn().status;
  return success;
}

/** Files of tests that ask how large they are. */
async function sizedFiles(folder: string): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) files.push(...await sizedFiles(`${folder}${name}/`));
    if (!name.endsWith("_test.ts")) continue;
    const text = await Deno.readTextFile(`${folder}${name}`);
    if (/from ".*\/size\.ts"/.test(text)) files.push(`${folder}${name}`);
  }
  return files;
}

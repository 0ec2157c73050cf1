import { createHash } from "node:crypto";
import { MIGRATIONS_FOLDER } from "../db/client/migrations.ts";

let madeOf: string | undefined;

/**
 * Where something costly is kept from one test to the next, and from run to run: made once for
 * what the migrations say, and for the versions of the packages.
 */
export function keptPath(name: string): string {
  madeOf ??= hashOf([LOCK, ...migrations()]);
  // Somebody else's could not be read.
  const owner = Deno.uid() ?? "anybody";
  const folder = Deno.env.get("TMPDIR") ?? "/tmp";
  return `${folder}/plaza-test-${owner}-${madeOf}-${name}`;
}

const LOCK = new URL("../deno.lock", import.meta.url).pathname;

function migrations(): string[] {
  const names = [...Deno.readDirSync(MIGRATIONS_FOLDER)].map(({ name }) => name);
  return names.filter((name) => name.endsWith(".sql")).sort()
    .map((name) => `${MIGRATIONS_FOLDER}/${name}`);
}

function hashOf(paths: string[]): string {
  const hash = createHash("sha256");
  for (const path of paths) hash.update(Deno.readFileSync(path));
  return hash.digest("hex").slice(0, 16);
}

/**
 * Gives what has been made at `made` its name. Files are tested in parallel: it must be whole
 * before it has it, and of several the first stays.
 */
export async function keep(made: string, path: string): Promise<void> {
  try {
    await Deno.rename(made, path);
  } catch (error) {
    const { isDirectory } = await Deno.stat(path);
    if (!isDirectory) throw error;
    await Deno.remove(made, { recursive: true });
  }
}

import project from "../../deno.json" with { type: "json" };

/**
 * What `deno task start` runs, `run` first, without the task runner between us and the process.
 * @param script in the place of main.ts
 */
export function startArguments(dataDir: string, script = "main.ts"): string[] {
  const run = project.tasks.start.command.split(" && deno ").at(-1)!;
  const words = run.replaceAll(/\$\([^)]*\("DATA_DIR"\)[^)]*\)/g, dataDir).match(/"[^"]*"|\S+/g);
  return [...words!.map((word) => word.replaceAll('"', "")).slice(0, -1), script];
}

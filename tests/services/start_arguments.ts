import project from "../../deno.json" with { type: "json" };

/** What `deno task start` runs, `run` first, without the task runner between us and the process. */
export function startArguments(dataDir: string): string[] {
  const run = project.tasks.start.command.split(" && deno ").at(-1)!;
  const words = run.replaceAll(/\$\([^)]*\("DATA_DIR"\)[^)]*\)/g, dataDir).match(/"[^"]*"|\S+/g);
  return words!.map((word) => word.replaceAll('"', ""));
}

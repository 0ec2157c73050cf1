import project from "../../deno.json" with { type: "json" };

/** What `deno task start` runs, `run` first, without the task runner between us and the process. */
export function startArguments(dataDir: string): string[] {
  const [, run] = project.tasks.start.command.split(" && deno ");
  return run!.replaceAll(/\$\([^)]*\("DATA_DIR"\)[^)]*\)/g, dataDir).split(" ");
}

/**
 * `deno task soak [name] [options]`: a long random run and a complete check of what came of it.
 * Each is loaded only when asked for, and says whether all was well.
 */
const soaks: Record<string, () => Promise<(args: string[]) => Promise<boolean>>> = {
  delivery: async () => (await import("./delivery.ts")).delivery,
  money: async () => (await import("./money.ts")).money,
  load: async () => (await import("./load.ts")).load,
  faults: async () => (await import("./faults.ts")).faults,
  fuzz: async () => (await import("./fuzz.ts")).fuzz,
  full: async () => (await import("./full.ts")).full,
};

const DEFAULT = "delivery";

const isNamed = Deno.args.length > 0 && !Deno.args[0]!.startsWith("--");
const [name, args] = isNamed ? [Deno.args[0]!, Deno.args.slice(1)] : [DEFAULT, Deno.args];
if (!Object.hasOwn(soaks, name)) {
  console.error(`usage: deno task soak [${Object.keys(soaks).join("|")}] [options]`);
  Deno.exit(2);
}
const run = await soaks[name]!();
// An embedded database kept for the next test would keep the process.
Deno.exit(await run(args) ? 0 : 1);

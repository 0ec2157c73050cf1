import { parseArgs } from "node:util";
import { runKills } from "../money_model/kill_load.ts";
import { runPrograms } from "../money_model/run.ts";
import { startPostgres } from "../services/postgres.ts";

/**
 * `deno task soak money`: random programs against a model in memory (`--programs`, `--seed`,
 * `--path`), then payments over connections that are cut (`--kills`); @returns whether all was well
 */
export async function money(args: string[]): Promise<boolean> {
  const { values } = parseArgs({
    args,
    options: {
      programs: { type: "string", default: "2000" },
      seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
      path: { type: "string" },
      kills: { type: "string", default: "0" },
    },
  });
  const [programCount, killCount] = [Number(values.programs), Number(values.kills)];
  const seed = Number(values.seed);
  if (programCount > 0) {
    console.log(`money: ${programCount} programs of seed ${seed}`);
    const run = async () => {
      const { outcomes, ...figures } = await runPrograms({ programCount, seed, path: values.path });
      return { ...figures, ...Object.fromEntries(Object.entries(outcomes).sort()) };
    };
    if (!await isWell(run)) return false;
  }
  if (killCount === 0) return true;
  await using postgres = await startPostgres();
  if (!postgres) return false;
  console.log(`money: ${killCount} connections cut under payments`);
  return await isWell(() => runKills(postgres, { killCount }));
}

/** Prints the figures of a run, or what was wrong, which fast-check words with seed and path. */
async function isWell(run: () => Promise<object>): Promise<boolean> {
  try {
    for (const [name, value] of Object.entries(await run())) {
      console.log(`${name.padEnd(48)}${String(value).padStart(10)}`);
    }
    return true;
  } catch (error) {
    console.error(error);
    return false;
  }
}

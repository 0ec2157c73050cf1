import { readConfig } from "./config/config.ts";
import { keepKeys, lockDataDir } from "./config/data_dir.ts";
import { openBus } from "./db/bus/over_redis.ts";
import { openDatabase } from "./db/client/open.ts";
import { openRedis } from "./db/redis/open.ts";
import { registerCron } from "./jobs/cron.ts";
import { openJobRunner } from "./jobs/runner.ts";
import { jobs } from "./jobs/schedule.ts";
import { openSoon } from "./jobs/soon.ts";
import { openProviders } from "./providers/providers.ts";
import { createApp } from "./routes/app.ts";
import type { Deps } from "./routes/deps.ts";
import { openChat } from "./routes/realtime/ws.ts";

/** Half a second less than the platform's patience between SIGINT and SIGKILL. */
const STOP_TIMEOUT_MS = 4_500;

type Command = (deps: Deps, args: string[]) => Promise<void>;

/** What may be asked for in the place of serving; its code is loaded then. */
const COMMANDS = new Map<string, () => Promise<Command>>([
  ["migrate", async () => (await import("./commands/migrate.ts")).runMigrateCommand],
  ["job", async () => (await import("./commands/run_job.ts")).runJobCommand],
  ["app:add", async () => (await import("./commands/add_app.ts")).runAppCommand],
  ["operator:add", async () => (await import("./commands/add_operator.ts")).runOperatorCommand],
  [
    "operator:disable",
    async () => (await import("./commands/disable_operator.ts")).runDisableOperatorCommand,
  ],
  ["key:add", async () => (await import("./commands/add_key.ts")).runAddKeyCommand],
  ["key:disable", async () => (await import("./commands/disable_key.ts")).runDisableKeyCommand],
]);

const [command = "serve", ...args] = Deno.args;

const now = () => new Date();
const log = (line: Record<string, unknown>) => console.log(JSON.stringify({ at: now(), ...line }));
/** What cron's handlers wait for: they have to be registered before anything is open. */
const ready = Promise.withResolvers<Deps>();
if (command === "serve") registerCron(jobs, ready.promise, log);

try {
  await main();
} catch (error) {
  const { explainStartFailure } = await import("./routes/announce.ts");
  console.error(explainStartFailure(error));
  Deno.exit(1);
}

async function main() {
  if (command !== "serve" && !COMMANDS.has(command)) {
    const { UsageError } = await import("./commands/usage.ts");
    throw new UsageError(`usage: deno task start [${[...COMMANDS.keys()].join(" | ")}]`);
  }
  const config = readConfig(Deno.env.toObject(), keepKeys);
  const isEmbedded = config.databaseUrl === undefined;
  if (isEmbedded) await lockDataDir(config.dataDir);
  const [database, redis, providers] = await Promise.all([
    openDatabase(config),
    openRedis(config),
    openProviders(config),
  ]);
  const parts = { config, database, redis, bus: openBus(redis), providers, now, log };
  const deps: Deps = { ...parts, jobs: openJobRunner(parts) };

  if (isEmbedded) {
    const { runMigrateCommand } = await import("./commands/migrate.ts");
    await runMigrateCommand(deps);
    const { firstStart } = await import("./db/domain/demo/first_start.ts");
    await firstStart(deps);
  }
  if (command === "serve") return serve(deps);
  const run = await COMMANDS.get(command)!();
  await run(deps, args);
  await close(deps);
}

function serve(deps: Deps) {
  const chat = openChat(deps);
  const hono = createApp(deps, chat);
  const soon = openSoon(deps);
  ready.resolve(deps);
  const server = Deno.serve({
    hostname: deps.config.host,
    port: deps.config.port,
    onListen: async ({ port }) => {
      const { announce, announceCountries } = await import("./routes/announce.ts");
      console.log(announce(deps, port));
      await announceCountries(deps);
    },
  }, async (request, info) => {
    const response = await hono.fetch(request, info);
    if (request.method !== "GET") soon.ask();
    return response;
  });

  let isStopping = false;
  const stop = async () => {
    if (isStopping) return;
    isStopping = true;
    const timer = setTimeout(() => Deno.exit(1), STOP_TIMEOUT_MS);
    await chat.stop();
    await server.shutdown();
    await soon.stop();
    await close(deps);
    clearTimeout(timer);
    Deno.exit(0);
  };
  Deno.addSignalListener("SIGINT", stop);
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", stop);
}

async function close({ database, redis, bus }: Deps) {
  await bus.close();
  await Promise.allSettled([database.close(), redis.close()]);
}

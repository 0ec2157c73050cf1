import "./config/deno_version.ts";
import { type Config, readConfig } from "./config/config.ts";
import { keepKeys, keepToOwner, lockDataDir } from "./config/data_dir.ts";
import { loadRest } from "./config/runtime/lazy.ts";
import { openLog } from "./config/runtime/log_lines.ts";
import { openBus } from "./db/bus/over_redis.ts";
import { openDatabase } from "./db/client/open.ts";
import { openReadiness } from "./db/client/readiness.ts";
import { openRedis } from "./db/redis/open.ts";
import { registerCron } from "./jobs/cron.ts";
import type { JobDeps } from "./jobs/run.ts";
import { openJobRunner } from "./jobs/runner.ts";
import { jobs } from "./jobs/schedule.ts";
import { busThatAsks, openSoon } from "./jobs/soon.ts";
import { openProviders } from "./providers/providers.ts";
import { createApp } from "./routes/app.ts";
import type { Deps } from "./routes/deps.ts";
import { listen } from "./routes/listen.ts";
import { openChat } from "./routes/realtime/ws.ts";

/** Half a second less than the platform's patience between SIGINT and SIGKILL. */
const STOP_TIMEOUT_MS = 4_500;

/** The request an instance is started for is answered before the rest is loaded, ms. */
const LOAD_REST_AFTER_MS = 250;

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
const log = openLog({ now });
/** What cron's handlers wait for: they have to be registered before anything is open. */
const ready = Promise.withResolvers<JobDeps>();
let config: Config | undefined;
if (command === "serve") registerCron(jobs, ready.promise, log);

await main().catch(giveUp);

async function giveUp(error: unknown) {
  const { explainStartFailure } = await import("./routes/announce.ts");
  console.error(explainStartFailure(error, config));
  Deno.exit(1);
}

async function main() {
  // What is made from here on is its owner's alone. Windows has no such thing.
  if (Deno.build.os !== "windows") Deno.umask(0o077);
  if (command !== "serve" && !COMMANDS.has(command)) {
    const { UsageError } = await import("./commands/usage.ts");
    throw new UsageError(`usage: deno task start [${[...COMMANDS.keys()].join(" | ")}]`);
  }
  config = readConfig(Deno.env.toObject(), keepKeys);
  const isEmbedded = config.databaseUrl === undefined;
  if (isEmbedded) await lockDataDir(config.dataDir);
  const mended = keepToOwner(config.dataDir);
  if (mended) console.error(mended);
  const [database, redis] = await Promise.all([openDatabase(config), openRedis(config)]);
  const providers = openProviders(config);
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

async function serve(deps: Deps) {
  const stopping = new AbortController();
  const readiness = openReadiness(deps);
  const soon = openSoon({ ...deps, readiness });
  const asking = { ...deps, bus: busThatAsks(deps.bus, soon), stopping: stopping.signal };
  const chat = openChat(asking);
  const { host, tcp } = deps.config;
  if (tcp) await chat.listen({ hostname: host, port: tcp.port });
  const hono = createApp(asking, chat);
  const server = listen({
    hostname: deps.config.host,
    port: deps.config.port,
    log,
    onListen: async (address) => {
      const { announce, announceCountries } = await import("./routes/announce.ts");
      console.log(announce(deps, address));
      setTimeout(() => loadRest().catch(giveUp), LOAD_REST_AFTER_MS);
      readiness.watch();
      await announceCountries(deps);
    },
  }, async (request, info) => {
    const response = await hono.fetch(request, info);
    if (request.method !== "GET") soon.ask();
    return response;
  });
  ready.resolve({ ...asking, readiness });

  let isStopping = false;
  const stop = async () => {
    if (isStopping) return;
    isStopping = true;
    const timer = setTimeout(() => Deno.exit(1), STOP_TIMEOUT_MS);
    readiness.stop();
    stopping.abort();
    await chat.stop();
    await server.stop();
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

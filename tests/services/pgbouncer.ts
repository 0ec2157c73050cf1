import { findBinary, freePort, waitUntil } from "./binary.ts";
import type { TestPostgres } from "./postgres.ts";

/** PgBouncer in transaction mode in front of a test's PostgreSQL. */
export interface PgBouncer extends AsyncDisposable {
  /** The address of a database behind it. */
  through(databaseUrl: string): string;
}

/** Server connections it shares out among its clients. */
const SERVER_CONNECTIONS = 8;

/** @returns undefined, after saying so, where it is not installed */
export async function startPgBouncer({ port }: TestPostgres): Promise<PgBouncer | undefined> {
  const binary = findBinary("pgbouncer", ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"]);
  if (!binary) return undefined;
  const folder = await Deno.makeTempDir({ prefix: "plaza_pgbouncer_" });
  const ownPort = freePort();
  const settings = [
    "[databases]",
    `* = host=127.0.0.1 port=${port} user=postgres`,
    "[pgbouncer]",
    "listen_addr = 127.0.0.1",
    `listen_port = ${ownPort}`,
    "unix_socket_dir =",
    "auth_type = any",
    "pool_mode = transaction",
    `default_pool_size = ${SERVER_CONNECTIONS}`,
    "max_client_conn = 200",
    // As operators have to set it: the driver asks for these when it connects.
    "ignore_startup_parameters = extra_float_digits, statement_timeout, lock_timeout, " +
    "idle_in_transaction_session_timeout",
  ];
  await Deno.writeTextFile(`${folder}/pgbouncer.ini`, settings.join("\n"));
  await Deno.chmod(folder, 0o755);
  // It refuses to be root.
  const asUser = Deno.uid() === 0
    ? ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    : [];
  const [program, ...args] = [...asUser, binary, `${folder}/pgbouncer.ini`];
  const process = new Deno.Command(program!, { args, stdout: "null", stderr: "null" }).spawn();
  await waitUntil("pgbouncer", async () => {
    (await Deno.connect({ hostname: "127.0.0.1", port: ownPort })).close();
    return true;
  });
  return {
    through(databaseUrl) {
      const url = new URL(databaseUrl);
      url.port = String(ownPort);
      return url.href;
    },
    async [Symbol.asyncDispose]() {
      process.kill("SIGKILL");
      await process.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

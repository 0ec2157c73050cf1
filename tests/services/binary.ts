/**
 * Real services for tests: each test file starts its own from installed binaries on a free port.
 * Where a binary is missing the tests say so once and are skipped, unless `REQUIRE_SERVICES=1`.
 */
const required = Deno.env.get("REQUIRE_SERVICES") === "1";

/** The first of `candidates` that exists, or undefined after saying `skipped: no <service>`. */
export function findBinary(service: string, candidates: string[]): string | undefined {
  const found = candidates.find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
  if (!found && required) throw new Error(`REQUIRE_SERVICES=1, but there is no ${service}`);
  if (!found) console.log(`skipped: no ${service}`);
  return found;
}

/** A TCP port that was free a moment ago. */
export function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}

/** Asks `ready` every 20 ms until it answers true; throws after `timeoutMs`. */
export async function waitUntil(
  what: string,
  ready: () => Promise<boolean> | boolean,
  timeoutMs = 20_000,
): Promise<void> {
  const endsAt = Date.now() + timeoutMs;
  while (Date.now() < endsAt) {
    try {
      if (await ready()) return;
    } catch {
      // Not ready yet is the expected answer while a service starts.
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${what} was not ready within ${timeoutMs} ms`);
}

import type { MountedSurface } from "../../routes/kit.ts";
import { fromHere, type TestApp } from "../harness.ts";
import type { TripsTable } from "../routes/trips_test.ts";
import { capture, type Captured } from "./captured.ts";
import { makeAccount } from "../people/chat_accounts.ts";

/** What the trips' table does behind the call is of no interest. */
class CallSeen extends Error {}

/** Time between two replays: no number is sent too many codes, and no call is a repetition. */
const PAUSE_MS = 20 * 60_000;

/**
 * Goes the way the trips' table goes to a valid call of an operation, and hands the call over
 * instead of making it.
 */
export async function replay(
  app: TestApp,
  { surface, operation, call }: {
    surface: MountedSurface;
    operation: string;
    call: TripsTable[string]["call"];
  },
  seen: (captured: Captured) => Promise<void>,
): Promise<void> {
  app.clock.advance(PAUSE_MS);
  let basic: string | undefined;
  const watched: TestApp = {
    ...app,
    door: { fetch: (request) => watched.fetch(fromHere(request)) },
    async fetch(request) {
      const authorization = request.headers.get("authorization");
      if (authorization?.startsWith("Basic ")) basic = authorization.slice("Basic ".length);
      const found = surface.find(request.method, new URL(request.url).pathname);
      const name = found && `${found.endpoint.method.toUpperCase()} ${found.endpoint.path}`;
      if (name === operation) {
        await seen(await capture(request, { params: found!.params, basic }));
        throw new CallSeen();
      }
      return name === "POST /user/register"
        ? await registerQuickly(app, request)
        : app.fetch(request);
    },
  };
  try {
    await call(watched);
  } catch (error) {
    if (error instanceof CallSeen) return;
    throw error;
  }
  throw new Error(`the trips' table makes no call of ${operation}`);
}

async function registerQuickly(app: TestApp, request: Request): Promise<Response> {
  const { phone, name } = await request.json();
  const { uid, token } = await makeAccount(app, { phone, name });
  return Response.json({ uid, token });
}

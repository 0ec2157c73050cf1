import type { Parts } from "../db/client/ctx.ts";
import type { JobRunner } from "../db/domain/jobs/runner.ts";
import type { Providers } from "../providers/providers.ts";
import type { Log } from "./serve.ts";

/** Everything the app talks to; tests and `main.ts` build the same app from it. */
export interface Deps extends Parts {
  providers: Providers;
  log: Log;
  jobs: JobRunner;
  /** Aborted when the process is to stop: whoever only waits is answered then. */
  stopping?: AbortSignal | undefined;
}

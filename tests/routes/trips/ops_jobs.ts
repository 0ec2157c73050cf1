import { claimDue, failWork } from "../../../db/domain/outgoing/claims.ts";
import { enqueue } from "../../../db/domain/outgoing/enqueue.ts";
import type { OperatorRole } from "../../../db/schema/operators.ts";
import { callOps, makeOperator } from "../../clients/ops.ts";
import type { TestApp } from "../../harness.ts";
import type { TripsTable } from "../trips_test.ts";

/** An operator whose standing is in the cache, as after any first call. */
async function warmOperator(app: TestApp, role: OperatorRole = "operator"): Promise<string> {
  const { token } = await makeOperator(app.ctx, role);
  await callOps(app, "GET /v1/jobs", { token });
  return token;
}

async function makeDeadLetter({ ctx }: TestApp): Promise<string> {
  const payload = { userId: 1, title: "a", content: "b", url: "plaza://room/1" };
  await enqueue(ctx, [{ kind: "push", payload }]);
  const [claim] = await claimDue(ctx, { kinds: ["push"], limit: 1, leaseMs: 60_000 });
  await failWork(ctx, claim!, { error: "refused", permanent: true });
  return String(claim!.id);
}

const read = (operation: string, role?: OperatorRole) => ({
  sql: 1,
  redis: 1,
  call: async (app: TestApp) => callOps(app, operation, { token: await warmOperator(app, role) }),
});

export const trips: TripsTable = {
  "GET /v1/jobs": read("GET /v1/jobs"),
  "POST /v1/jobs/{name}/run": {
    sql: 12,
    redis: 1,
    why: "begin, the run, how it stands, the record of who asked, commit; then the work: a " +
      "claim, a look for work, begin, the step, commit, a look for another run; and the answer",
    call: async (app) =>
      await callOps(app, "POST /v1/jobs/{name}/run", {
        token: await warmOperator(app),
        params: { name: "push" },
        body: {},
      }),
  },
  "GET /v1/dead-letters": read("GET /v1/dead-letters"),
  "POST /v1/dead-letters/{id}/redrive": {
    sql: 6,
    redis: 1,
    why: "begin, the letter, its tries, the record of who did it, the answer, commit",
    async call(app) {
      const [token, id] = [await warmOperator(app), await makeDeadLetter(app)];
      return await callOps(app, "POST /v1/dead-letters/{id}/redrive", { token, params: { id } });
    },
  },
  "GET /v1/audit": read("GET /v1/audit", "auditor"),
};

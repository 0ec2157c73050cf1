import { callOps, makeOperator, makeOpsKey } from "../../clients/ops.ts";
import type { TestApp } from "../../harness.ts";
import { makeCrowd } from "../../people/crowd.ts";
import type { TripsTable } from "../trips_test.ts";

/** An admin whose standing is in the cache, as after any first call. */
async function warmAdmin(app: TestApp): Promise<string> {
  const { token } = await makeOperator(app.ctx, "admin");
  await callOps(app, "GET /v1/me", { token });
  return token;
}

const byAdmin = (operation: string, body?: unknown) => async (app: TestApp) =>
  await callOps(app, operation, { token: await warmAdmin(app), body });

const onOperator = (operation: string, body?: unknown) => async (app: TestApp) => {
  const token = await warmAdmin(app);
  const { operatorId } = await makeOperator(app.ctx, "admin");
  const params = { operator_id: String(operatorId) };
  return await callOps(app, operation, { token, params, body });
};

const onKey = (operation: string) => async (app: TestApp) => {
  const token = await warmAdmin(app);
  const { keyId } = await makeOpsKey(app.ctx);
  return await callOps(app, operation, { token, params: { id: keyId } });
};

export const trips: TripsTable = {
  "GET /v1/me": { sql: 0, redis: 1, call: byAdmin("GET /v1/me") },
  "POST /v1/auth/logout": {
    sql: 4,
    redis: 2,
    why: "begin, the token's end, the record of who did it, commit; its end for every process",
    call: byAdmin("POST /v1/auth/logout"),
  },
  "GET /v1/operators": { sql: 1, redis: 1, call: byAdmin("GET /v1/operators") },
  "POST /v1/operators": {
    sql: 7,
    redis: 1,
    why:
      "begin, the roster's lock, the Mixin user of who is disabled, whose it is, the operator, " +
      "the record of who did it, commit",
    async call(app) {
      const body = { name: "Wei", role: "operator", mixin_user_id: crypto.randomUUID() };
      return await callOps(app, "POST /v1/operators", { token: await warmAdmin(app), body });
    },
  },
  "PATCH /v1/operators/{operator_id}": {
    sql: 7,
    redis: 2,
    why: "begin, the roster's lock, the operator, another admin, the change, the record of who " +
      "did it, commit; the change for every process",
    call: onOperator("PATCH /v1/operators/{operator_id}", { role: "auditor" }),
  },
  "POST /v1/operators/{operator_id}/disable": {
    sql: 7,
    redis: 2,
    why: "begin, the roster's lock, the operator, another admin, their end, the record of who " +
      "did it, commit; the change for every process",
    call: onOperator("POST /v1/operators/{operator_id}/disable"),
  },
  "POST /v1/operators/{operator_id}/logout": {
    sql: 4,
    redis: 2,
    why: "begin, the next generation, the record of who did it, commit; the change for every " +
      "process",
    call: onOperator("POST /v1/operators/{operator_id}/logout"),
  },
  "GET /v1/keys": { sql: 1, redis: 1, call: byAdmin("GET /v1/keys") },
  "POST /v1/keys": {
    sql: 5,
    redis: 1,
    why: "begin, its groups, the key, the record of who did it, commit",
    async call(app) {
      const { groupId } = await makeCrowd(app.ctx, 1);
      const body = { name: "Payer", group_ids: [groupId] };
      return await callOps(app, "POST /v1/keys", { token: await warmAdmin(app), body });
    },
  },
  "POST /v1/keys/{id}/rotate": {
    sql: 4,
    redis: 2,
    why: "begin, the secret, the record of who did it, commit; the change for every process",
    call: onKey("POST /v1/keys/{id}/rotate"),
  },
  "POST /v1/keys/{id}/disable": {
    sql: 4,
    redis: 2,
    why: "begin, its end, the record of who did it, commit; the change for every process",
    call: onKey("POST /v1/keys/{id}/disable"),
  },
};

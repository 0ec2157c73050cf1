import { operators } from "../../../db/schema/operators.ts";
import { callOps, makeOperator, type OpsCall } from "../../clients/ops.ts";
import type { TestApp } from "../../harness.ts";
import { makeBroadcast, makeCrowd } from "../../people/crowd.ts";
import type { TripsTable } from "../trips_test.ts";

/** A group of three, and a call by an operator whose standing is in the cache. */
const onGroup = (operation: string, call: Omit<OpsCall, "token" | "params"> = {}) =>
async (
  app: TestApp,
) => {
  const { token } = await makeOperator(app.ctx, "operator");
  await callOps(app, "GET /v1/groups", { token });
  const { groupId } = await makeCrowd(app.ctx, 3);
  const id = String(groupId);
  return await callOps(app, operation, { token, params: { id, group_id: id }, ...call });
};

export const trips: TripsTable = {
  "POST /v1/auth/mixin": {
    sql: 2,
    redis: 0,
    async call(app) {
      const mixinUserId = crypto.randomUUID();
      await app.ctx.db.insert(operators)
        .values({ name: "徐辉", role: "operator", mixinUserId, createdAt: app.ctx.now() });
      return await callOps(app.door, "POST /v1/auth/mixin", {
        body: { code: `dev:${mixinUserId}` },
      });
    },
  },
  "GET /v1/groups": { sql: 1, redis: 1, call: onGroup("GET /v1/groups") },
  "GET /v1/groups/{id}": { sql: 1, redis: 1, call: onGroup("GET /v1/groups/{id}") },
  "PATCH /v1/groups/{id}": {
    sql: 6,
    redis: 1,
    why: "begin, the group, its change, what its members read, the record of who did it, commit",
    call: onGroup("PATCH /v1/groups/{id}", { body: { name: "大佬测试群2", status: 0 } }),
  },
  "POST /v1/groups/{id}/start": {
    sql: 3,
    redis: 1,
    why: "begin, the group, which runs already, commit",
    call: onGroup("POST /v1/groups/{id}/start"),
  },
  "POST /v1/groups/{id}/stop": {
    sql: 5,
    redis: 1,
    why: "begin, the group, its change, the record of who did it, commit",
    call: onGroup("POST /v1/groups/{id}/stop"),
  },
  "GET /v1/groups/{group_id}/users": {
    sql: 1,
    redis: 1,
    call: onGroup("GET /v1/groups/{group_id}/users"),
  },
  "POST /v1/groups/{group_id}/send_message": {
    sql: 4,
    redis: 1,
    why: "begin, the broadcast, the record of who did it, commit",
    call: onGroup("POST /v1/groups/{group_id}/send_message", {
      body: { message: "hi", broadcast: true },
    }),
  },
  "GET /v1/broadcasts/{id}": {
    sql: 1,
    redis: 1,
    async call(app) {
      const { token } = await makeOperator(app.ctx, "operator");
      await callOps(app, "GET /v1/groups", { token });
      const { groupId } = await makeCrowd(app.ctx, 3);
      const id = String(await makeBroadcast(app.ctx, groupId));
      return await callOps(app, "GET /v1/broadcasts/{id}", { token, params: { id } });
    },
  },
};

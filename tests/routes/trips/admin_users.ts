import { addPaymentMethod, makePerson } from "../../clients/admin.ts";
import { callOps, makeOperator, type OpsCall } from "../../clients/ops.ts";
import type { TestApp } from "../../harness.ts";
import type { TripsTable } from "../trips_test.ts";

/** An operator whose token is in the cache, as after any first call, and somebody to act on. */
async function openPlace(app: TestApp) {
  const { token } = await makeOperator(app.ctx, "operator");
  await callOps(app, "GET /v1/admin/users", { token });
  const { id } = await makePerson(app.ctx);
  return { token, uid: String(id) };
}

/** A row whose call is made on somebody. */
function row(
  operation: string,
  counted: { sql: number; redis: number; why?: string },
  call: (uid: string) => OpsCall = (uid) => ({ params: { uid } }),
): TripsTable {
  return {
    [operation]: {
      ...counted,
      async call(app) {
        const { token, uid } = await openPlace(app);
        return await callOps(app, operation, { token, ...call(uid) });
      },
    },
  };
}

const READ = { sql: 1, redis: 1 };
const CHANGE = {
  sql: 5,
  redis: 2,
  why: "people are locked, changed and written down about; the end of sessions is told afterwards",
};
let lastMobile = 13_500_000_000;

export const trips: TripsTable = {
  ...row("GET /v1/admin/users", READ, () => ({})),
  ...row("GET /v1/admin/users/{uid}", READ),
  ...row("PUT /v1/admin/users/{uid}", CHANGE, (uid) => ({ params: { uid }, body: { status: 3 } })),
  ...row("DELETE /v1/admin/users/{uid}", CHANGE),
  ...row(
    "POST /v1/admin/users-bulk",
    { sql: 4, redis: 1, why: "people are made and written down about together" },
    () => ({ body: { users: [{ name: "张三", mobile: String(++lastMobile) }] } }),
  ),
  ...row("PUT /v1/admin/users-bulk", CHANGE, (uid) => ({ body: { users: [{ uid, status: 3 }] } })),
  ...row("DELETE /v1/admin/users-bulk", CHANGE, (uid) => ({ body: { uids: [uid] } })),
  ...row("GET /v1/admin/users/{uid}/payment-methods", READ),
  ...row("GET /v1/admin/userfuzzysearch", READ, () => ({ query: { nick: "张三" } })),
  "GET /v1/admin/users/{uid}/payment-methods/{id}": {
    ...READ,
    async call(app) {
      const { token, uid } = await openPlace(app);
      const card = { type: 4, position: 1, account: "5522451820999999" };
      const id = String(await addPaymentMethod(app.ctx, Number(uid), card));
      const operation = "GET /v1/admin/users/{uid}/payment-methods/{id}";
      return await callOps(app, operation, { token, params: { uid, id } });
    },
  },
};

import type { Ctx } from "../../../db/client/ctx.ts";
import { createRecharge } from "../../../db/domain/wallet/recharge.ts";
import { callOps, makeOperator } from "../../clients/ops.ts";
import type { TestApp } from "../../harness.ts";
import { makeUser } from "../../people/factories.ts";
import { askForWithdrawal, makePayee } from "../ops/withdrawing_people.ts";
import type { TripsTable } from "../trips_test.ts";

/** An operator whose standing is in the cache, as after any first call. */
async function warmOperator(app: TestApp): Promise<string> {
  const { token } = await makeOperator(app.ctx, "operator");
  await callOps(app, "GET /v1/withdrawals", { token });
  return token;
}

/** A recharge nobody has confirmed. */
async function makePendingRecharge(ctx: Ctx): Promise<string> {
  const { id: userId } = await makeUser(ctx);
  return await createRecharge(ctx, {
    userId,
    amount: 100,
    channelType: 1,
    isCreditedAtOnce: false,
    operationKey: undefined,
  });
}

const decide = (decision: "confirm" | "reject") => async (app: TestApp) => {
  const token = await warmOperator(app);
  const no = await askForWithdrawal(app.ctx, await makePayee(app.ctx));
  return await callOps(app, `POST /v1/withdrawals/{no}/${decision}`, { token, params: { no } });
};

export const trips: TripsTable = {
  "POST /v1/recharges/{no}/confirm": {
    sql: 6,
    redis: 1,
    why: "begin, the recharge, its money, the record of who did it, the answer, commit",
    async call(app) {
      const token = await warmOperator(app);
      const no = await makePendingRecharge(app.ctx);
      return await callOps(app, "POST /v1/recharges/{no}/confirm", { token, params: { no } });
    },
  },
  "GET /v1/withdrawals": {
    sql: 1,
    redis: 1,
    async call(app) {
      const token = await warmOperator(app);
      await askForWithdrawal(app.ctx, await makePayee(app.ctx));
      return await callOps(app, "GET /v1/withdrawals", { token });
    },
  },
  "POST /v1/withdrawals/{no}/confirm": {
    sql: 6,
    redis: 1,
    why: "begin, the withdrawal, its money, the record of who did it, the answer, commit",
    call: decide("confirm"),
  },
  "POST /v1/withdrawals/{no}/reject": {
    sql: 6,
    redis: 1,
    why: "begin, the withdrawal, its money, the record of who did it, the answer, commit",
    call: decide("reject"),
  },
};

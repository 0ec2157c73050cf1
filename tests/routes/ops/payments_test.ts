import { desc, eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { uuidText } from "../../../config/runtime/uuid.ts";
import { enterRuns } from "../../../db/domain/jobs/runs.ts";
import { groupMembers } from "../../../db/schema/groups.ts";
import { operatorActions } from "../../../db/schema/operators.ts";
import { subscriptionPayments } from "../../../db/schema/payouts.ts";
import {
  askOps,
  assertNeedsOperator,
  assertOpsFailure,
  callOps,
  makeOperator,
  makeOpsKey,
} from "../../clients/ops.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { makeGroup, makeUsers } from "../../people/factories.ts";

const PAY = "POST /v1/groups/{group_id}/payments";
const INVALID = { http: 400, code: 4001 };
const MISSING = { http: 404, code: 4004, msg: "请求资源不存在" };
const CONFLICT = { http: 409, code: 4003, msg: "同一凭证已用于另一笔操作" };
const FORBIDDEN = { http: 403, code: 4003, msg: "请求被拒绝" };
const PAID_AT = "2021-02-03T10:00:00+08:00";

async function openPlace(app: TestApp) {
  const people = await makeUsers(app.ctx, 4);
  const group = await makeGroup(app.ctx, people);
  const { token, operatorId } = await makeOperator(app.ctx, "operator");
  const params = { group_id: String(group.id) };
  const [owner, payer, inviter, other] = people.map(({ uid }) => uid);
  return { group, people, token, operatorId, params, owner, payer, inviter, other };
}

const stored = (app: TestApp) =>
  app.ctx.db.select().from(subscriptionPayments).orderBy(subscriptionPayments.traceId);

Deno.test("POST /v1/groups/{group_id}/payments", async (t) => {
  await using app = await startTestApp();
  const place = await openPlace(app);
  const { group, people, token, params } = place;
  const payment = (over: Record<string, unknown> = {}) => ({
    trace_id: "t-1",
    user_id: uuidText(place.payer!),
    amount: "100.1234",
    paid_at: PAID_AT,
    ...over,
  });
  const pay = (...payments: unknown[]) => callOps(app, PAY, { token, params, body: { payments } });
  const accepted = async (...payments: unknown[]) => {
    const { http, data } = await pay(...payments);
    assert.equal(http, 200, JSON.stringify(data));
    return [data.accepted, data.duplicates];
  };

  await t.step("enters what was paid, by whom and thanks to whom", async () => {
    const inviter_user_id = uuidText(place.inviter!).toUpperCase();
    const { data } = await pay(payment({ inviter_user_id }));
    assert.deepEqual(data, { accepted: 1, duplicates: 0 });
    const [row] = await stored(app);
    assert.deepEqual(row, {
      traceId: "t-1",
      groupId: group.id,
      userId: people[1]!.id,
      inviterId: people[2]!.id,
      amount: "100.1234",
      paidAt: new Date(PAID_AT),
      period: "202102",
      createdAt: row!.createdAt,
    });
  });

  await t.step("told again it is one payment, however its amount and ids are written", async () => {
    const inviter_user_id = place.inviter;
    assert.deepEqual(await accepted(payment({ inviter_user_id })), [0, 1]);
    assert.deepEqual(await accepted(payment({ user_id: place.payer })), [0, 1]);
    assert.deepEqual(await accepted(payment({ paid_at: "2021-02-03T02:00:00Z" })), [0, 1]);
    assert.equal((await stored(app)).length, 1);
  });

  await t.step(
    "told again with another content it is a conflict, and nothing is entered",
    async () => {
      const others: Record<string, unknown>[] = [
        ...[{ amount: "100.1235" }, { user_id: place.other }, { inviter_user_id: place.other }],
        { paid_at: "2021-02-03T10:00:01+08:00" },
      ];
      for (const other of others) {
        assertOpsFailure(await pay(payment({ trace_id: "t-new" }), payment(other)), CONFLICT);
      }
      const elsewhere = await makeGroup(app.ctx, people);
      assertOpsFailure(
        await callOps(app, PAY, {
          token,
          params: { group_id: String(elsewhere.id) },
          body: { payments: [payment()] },
        }),
        CONFLICT,
      );
      assert.equal((await stored(app)).length, 1);
    },
  );

  await t.step("one that stands twice in a call is one, unless they differ", async () => {
    const twice = payment({ trace_id: "t-2", amount: "1.50" });
    assert.deepEqual(await accepted(twice, { ...twice, amount: "1.5" }, payment()), [1, 2]);
    const differing = [payment({ trace_id: "t-3" }), payment({ trace_id: "t-3", amount: "2" })];
    assertOpsFailure(await pay(...differing), CONFLICT);
    assert.deepEqual((await stored(app)).map(({ traceId }) => traceId), ["t-1", "t-2"]);
  });

  await t.step(
    "who brought the payer is what their membership says, if nothing else is told",
    async () => {
      const { inviterId } = (await stored(app)).find(({ traceId }) => traceId === "t-2")!;
      assert.equal(inviterId, null);
      await app.ctx.db.update(groupMembers).set({ inviterId: people[2]!.id })
        .where(eq(groupMembers.userId, people[1]!.id));
      await accepted(
        payment({ trace_id: "t-4" }),
        payment({ trace_id: "t-5", inviter_user_id: place.other }),
        payment({ trace_id: "t-6", inviter_user_id: null }),
      );
      const rows = new Map((await stored(app)).map((row) => [row.traceId, row.inviterId]));
      assert.deepEqual(["t-4", "t-5", "t-6"].map((id) => rows.get(id)), [
        ...[people[2]!.id, people[3]!.id, people[2]!.id],
      ]);
    },
  );

  await t.step(
    "counts one for its month in China; a closed month's for the next open one",
    async () => {
      await enterRuns(app.ctx, "profit", ["202102", "202103"]);
      await accepted(
        payment({ trace_id: "m-1", paid_at: "2021-03-31T15:59:59Z" }),
        payment({ trace_id: "m-2", paid_at: "2021-03-31T16:00:00Z" }),
        payment({ trace_id: "m-3", paid_at: PAID_AT }),
        payment({ trace_id: "m-4", paid_at: "2020-11-05T00:00:00Z" }),
      );
      const rows = (await stored(app)).filter(({ traceId }) => traceId.startsWith("m-"));
      assert.deepEqual(rows.map(({ period }) => period), ["202104", "202104", "202104", "202011"]);
    },
  );

  await t.step("one told again after its month was closed stays in its month", async () => {
    assert.deepEqual(await accepted(payment()), [0, 1]);
    assert.equal((await stored(app)).find(({ traceId }) => traceId === "t-1")!.period, "202102");
  });

  await t.step("knows no strangers, and enters nothing of a call with one", async () => {
    const stranger = "0".repeat(32);
    const before = (await stored(app)).length;
    for (const over of [{ user_id: stranger }, { inviter_user_id: stranger }]) {
      const told = [payment({ trace_id: "s-1" }), payment({ trace_id: "s-2", ...over })];
      assertOpsFailure(await pay(...told), MISSING);
    }
    assert.equal((await stored(app)).length, before);
  });

  await t.step("knows no other groups, and none that is disbanded", async () => {
    const gone = await makeGroup(app.ctx, people, { disbandedAt: app.ctx.now() });
    for (const group_id of ["1", String(gone.id)]) {
      const body = { payments: [payment({ trace_id: "g-1" })] };
      assertOpsFailure(await callOps(app, PAY, { token, params: { group_id }, body }), MISSING);
    }
  });

  await t.step("refuses what cannot be a payment", async () => {
    const future = new Date(app.clock.now().getTime() + 25 * 60 * 60 * 1000).toISOString();
    const wrong: Record<string, unknown>[] = [
      ...["0", "-1", "1.00001", "10000000000", "1e3", "", " 1", 100].map((amount) => ({ amount })),
      ...["", "x".repeat(129), 5].map((trace_id) => ({ trace_id })),
      ...["", "x", "0".repeat(31), 5].map((user_id) => ({ user_id })),
      ...["", "2021-02-03", "2021-02-30T00:00:00Z", "2021-02-03T10:00:00", 1612317600000, future]
        .concat("1970-01-01T00:00:00Z").map((paid_at) => ({ paid_at })),
      { inviter_user_id: "x" },
    ];
    for (const over of wrong) {
      const told = payment({ trace_id: "w-1", ...over });
      assertOpsFailure(await pay(told), INVALID);
    }
    for (const body of [{}, { payments: [] }, { payments: {} }, { payments: [null] }]) {
      assertOpsFailure(await callOps(app, PAY, { token, params, body }), INVALID);
    }
  });

  await t.step("takes a thousand at once, and not one more", async () => {
    const many = Array.from({ length: 1_001 }, (_, at) => payment({ trace_id: `n-${at}` }));
    assertOpsFailure(await pay(...many), INVALID);
    assert.deepEqual(await accepted(...many.slice(1)), [1_000, 0]);
    assert.deepEqual(await accepted(...many.slice(0, 1_000)), [1, 999]);
  });

  await t.step("is written down with who did it, a call that entered nothing is not", async () => {
    await accepted(
      payment({ trace_id: "a-1", amount: "0.1" }),
      payment({ trace_id: "a-2", amount: "0.2" }),
    );
    await accepted(payment({ trace_id: "a-1", amount: "0.1" }));
    const [action] = await app.ctx.db.select().from(operatorActions)
      .orderBy(desc(operatorActions.id)).limit(1);
    assert.deepEqual(
      [action!.operatorId, action!.action, action!.target, action!.after],
      [place.operatorId, "payments.record", `group:${group.id}`, { accepted: 2, amount: "0.3" }],
    );
  });

  await t.step("is for scripts' keys too, of the groups they may speak for", async () => {
    const told = (trace_id: string) => ({ params, body: { payments: [payment({ trace_id })] } });
    for (const groupIds of [null, [group.id, 1]]) {
      const { authorization } = await makeOpsKey(app.ctx, groupIds);
      const call = { ...told(`k-${groupIds}`), headers: { authorization } };
      assert.deepEqual(await askOps(app, PAY, call), { accepted: 1, duplicates: 0 });
    }
    for (const groupIds of [[], [group.id + 1]]) {
      const { authorization } = await makeOpsKey(app.ctx, groupIds);
      const call = { ...told("k-no"), headers: { authorization } };
      assertOpsFailure(await callOps(app, PAY, call), FORBIDDEN);
    }
    assert.equal((await stored(app)).filter(({ traceId }) => traceId.startsWith("k-")).length, 2);
  });

  await t.step("is for operators who may", async () => {
    const body = { payments: [payment({ trace_id: "o-1" })] };
    await assertNeedsOperator(app, PAY, { params, body, refused: ["auditor"] });
    assert.ok((await stored(app)).every(({ traceId }) => traceId !== "o-1"));
  });
});

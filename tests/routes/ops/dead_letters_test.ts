import { eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { claimDue, failWork } from "../../../db/domain/outgoing/claims.ts";
import { enqueue } from "../../../db/domain/outgoing/enqueue.ts";
import { pendingWork } from "../../../db/schema/jobs.ts";
import { operatorActions } from "../../../db/schema/operators.ts";
import {
  askOps,
  assertNeedsOperator,
  assertOpsFailure,
  callOps,
  makeOperator,
} from "../../clients/ops.ts";
import { startTestApp, type TestApp } from "../../harness.ts";

const LIST = "GET /v1/dead-letters";
const REDRIVE = "POST /v1/dead-letters/{id}/redrive";

/** Pushes that were refused for good; their ids in the order they died. */
async function makeDeadLetters({ ctx, clock }: TestApp, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let at = 0; at < count; at++) {
    const payload = { userId: 1, title: `club ${at}`, content: "opened", url: "plaza://room/1" };
    await enqueue(ctx, [{ kind: "push", payload }]);
    const [claim] = await claimDue(ctx, { kinds: ["push"], limit: 1, leaseMs: 60_000 });
    await failWork(ctx, claim!, { error: `refused ${at}`, permanent: true });
    clock.advance(1_000);
    ids.push(String(claim!.id));
  }
  return ids;
}

Deno.test("GET /v1/dead-letters", async (t) => {
  await using app = await startTestApp();
  const { token } = await makeOperator(app.ctx, "auditor");
  assert.deepEqual(await askOps(app, LIST, { token }), { total: 0, items: [] });
  const ids = await makeDeadLetters(app, 5);
  await enqueue(app.ctx, [{ kind: "room_opened", payload: { roomId: "1" } }]);

  await t.step("lists what was given up, the latest first, and nothing else", async () => {
    const { total, items } = await askOps(app, LIST, { token });
    assert.equal(total, 5);
    assert.deepEqual(items.map(({ id }: { id: string }) => id), ids.toReversed());
    const { created_at, due_at, dead_at, ...letter } = items[0];
    assert.deepEqual(letter, {
      id: ids[4],
      kind: "push",
      payload: { userId: 1, title: "club 4", content: "opened", url: "plaza://room/1" },
      attempts: 1,
      last_error: "refused 4",
      done_at: null,
    });
    for (const at of [created_at, due_at, dead_at]) assert.match(at, /T.*\+08:00$/);
  });

  await t.step("in pages", async () => {
    const query = { start: "3", limit: "10" };
    const { total, items } = await askOps(app, LIST, { token, query });
    assert.equal(total, 5);
    assert.deepEqual(items.map(({ id }: { id: string }) => id), [ids[1], ids[0]]);
    const beyond = await askOps(app, LIST, { token, query: { start: "50" } });
    assert.deepEqual(beyond, { total: 5, items: [] });
    const wrong: Record<string, string>[] = [{ start: "-1" }, { limit: "101" }, { start: "10001" }];
    for (const query of wrong) {
      assertOpsFailure(await callOps(app, LIST, { token, query }), { http: 400, code: 4001 });
    }
  });

  await t.step("is for operators", () => assertNeedsOperator(app, LIST));
});

Deno.test("POST /v1/dead-letters/{id}/redrive", async (t) => {
  await using app = await startTestApp();
  const { token, operatorId } = await makeOperator(app.ctx, "operator");
  const [id] = await makeDeadLetters(app, 1) as [string];
  const redrive = (id: string) => callOps(app, REDRIVE, { token, params: { id } });
  const readActions = () =>
    app.ctx.db.select().from(operatorActions)
      .where(eq(operatorActions.target, `pending_work:${id}`));

  await t.step("makes it due with all its tries, and writes down who did", async () => {
    app.clock.advance(60 * 60_000);
    const { http, data } = await redrive(id);
    assert.deepEqual([http, data.id, data.attempts, data.dead_at], [200, id, 0, null]);
    const [action] = await readActions();
    assert.deepEqual([action!.operatorId, action!.action, action!.before, action!.after], [
      operatorId,
      "dead_letters.redrive",
      { dead: true, attempts: 1, last_error: "refused 0" },
      { dead: false, attempts: 0 },
    ]);
    assert.equal((await askOps(app, LIST, { token })).total, 0);
  });

  await t.step("again, nothing happens", async () => {
    const [before] = await app.ctx.db.select().from(pendingWork);
    app.clock.advance(60_000);
    const { http, data } = await redrive(id);
    assert.deepEqual([http, data.id], [200, id]);
    assert.deepEqual(await app.ctx.db.select().from(pendingWork), [before]);
    assert.equal((await readActions()).length, 1);
  });

  await t.step("and whoever does the work finds it", async () => {
    const claims = await claimDue(app.ctx, { kinds: ["push"], limit: 9, leaseMs: 60_000 });
    assert.deepEqual(claims.map((claim) => [String(claim.id), claim.tryCount]), [[id, 1]]);
  });

  await t.step("refuses what is not there, and what is no id", async () => {
    const missing = { http: 404, code: 4004, msg: "请求资源不存在" };
    assertOpsFailure(await redrive("999999"), missing);
    assertOpsFailure(await redrive("one"), { http: 400, code: 4001 });
  });

  await t.step(
    "is for operators, not for auditors",
    () => assertNeedsOperator(app, REDRIVE, { params: { id }, refused: ["auditor"] }),
  );
});

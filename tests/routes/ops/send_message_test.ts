import { eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { uuidText } from "../../../config/runtime/uuid.ts";
import { broadcasts } from "../../../db/schema/broadcasts.ts";
import { operatorActions } from "../../../db/schema/operators.ts";
import { users } from "../../../db/schema/users.ts";
import {
  askOps,
  assertNeedsOperator,
  assertOpsFailure,
  callOps,
  makeOperator,
} from "../../clients/ops.ts";
import { startTestApp } from "../../harness.ts";
import { makeCrowd } from "../../people/crowd.ts";
import { makeGroup, makeUser } from "../../people/factories.ts";

const SEND = "POST /v1/groups/{group_id}/send_message";
const INVALID = { http: 400, code: 4001 };
const MISSING = { http: 404, code: 4004, msg: "请求资源不存在" };
const STOPPED = { http: 409, code: 4003, msg: "群已关闭" };

Deno.test("POST /v1/groups/{group_id}/send_message", async (t) => {
  await using app = await startTestApp();
  const { token, operatorId } = await makeOperator(app.ctx, "operator");
  const { groupId, userIds } = await makeCrowd(app.ctx, 4);
  const params = { group_id: String(groupId) };
  const send = (body: unknown) => callOps(app, SEND, { token, params, body });
  const readAll = () => app.ctx.db.select().from(broadcasts).orderBy(broadcasts.id);
  const uidOf = async (userId: number) =>
    (await app.ctx.db.select().from(users).where(eq(users.id, userId)))[0]!.uid;
  const [one, two] = [await uidOf(userIds[1]!), await uidOf(userIds[3]!)];
  const stranger = await makeUser(app.ctx);

  await t.step("enters the contract's sample, for everybody, and answers at once", async () => {
    const body = { reciever_id: [uuidText(stranger.uid)], message: "hi", broadcast: true };
    const answer = await askOps(app, SEND, { token, params, body });
    const [broadcast, ...more] = await readAll();
    assert.deepEqual(more, []);
    assert.deepEqual(answer, { result: "ok", broadcast_id: String(broadcast!.id) });
    const { text, userIds: named, operatorId: by, state } = broadcast!;
    assert.deepEqual([text, named, by, state], ["hi", null, operatorId, "queued"]);
    const [action] = await app.ctx.db.select().from(operatorActions);
    const { action: what, target, after } = action!;
    assert.deepEqual([what, target], ["broadcasts.send", `group:${groupId}`]);
    assert.deepEqual(after, { broadcast_id: answer.broadcast_id, receivers: "all" });
  });

  await t.step("enters it for those named, once each, however they are spelt", async () => {
    const bodies = [
      { reciever_id: [uuidText(two), one, uuidText(one).toUpperCase()], message: "两个人" },
      { receiver_id: [one, two], message: "两个人", broadcast: false },
      { reciever_id: [one], receiver_id: [two], message: "两个人", broadcast: null },
    ];
    for (const body of bodies) {
      const answer = await askOps(app, SEND, { token, params, body });
      const broadcast = (await readAll()).at(-1)!;
      assert.equal(answer.broadcast_id, String(broadcast.id));
      assert.deepEqual(broadcast.userIds, [userIds[1], userIds[3]]);
    }
    const actions = await app.ctx.db.select().from(operatorActions).orderBy(operatorActions.id);
    assert.equal((actions.at(-1)!.after as { receivers: number }).receivers, 2);
  });

  await t.step("refuses nobody, strangers and nonsense, and enters nothing", async () => {
    const before = (await readAll()).length;
    const message = "hi";
    const wrong = [
      ...[{ message }, { message, reciever_id: [] }, {
        message,
        reciever_id: [],
        broadcast: false,
      }],
      ...[{ message, reciever_id: [stranger.uid] }, { message, reciever_id: [one, stranger.uid] }],
      ...[{ message, reciever_id: ["x"] }, { message, reciever_id: one }, {}, []],
      ...[{ broadcast: true }, { message: " ", broadcast: true }, { message: 7, broadcast: true }],
      { message, broadcast: "yes" },
      { message, reciever_id: ["0".repeat(32)] },
      { message, reciever_id: Array.from({ length: 1_001 }, () => one) },
      { message: "字".repeat(6_000), broadcast: true },
    ];
    for (const body of wrong) assertOpsFailure(await send(body), INVALID);
    const strangers = await send({ message, reciever_id: [stranger.uid] });
    assert.match(strangers.data.msg, new RegExp(stranger.uid));
    assert.equal((await readAll()).length, before);
    assert.equal(await app.ctx.db.$count(operatorActions), before);
  });

  await t.step("takes the longest text a message has room for, and any characters", async () => {
    const message = `=1+1"\\\n${"字".repeat(5_000)}😀`;
    assert.equal((await send({ message, broadcast: true })).http, 200);
    assert.equal((await readAll()).at(-1)!.text, message);
    assert.equal((await send({ message: "half \ud83d", broadcast: true })).http, 200);
    assert.equal((await readAll()).at(-1)!.text, "half \ufffd");
  });

  await t.step("refuses stopped groups, and knows the house's alone", async () => {
    const owner = await makeUser(app.ctx);
    const stopped = await makeGroup(app.ctx, [owner], { status: 0 });
    const partners = await makeGroup(app.ctx, [owner], { appId: 1001 });
    const gone = await makeGroup(app.ctx, [owner], { disbandedAt: app.ctx.now() });
    const body = { message: "hi", broadcast: true };
    const sendTo = (id: number) =>
      callOps(app, SEND, { token, params: { group_id: String(id) }, body });
    assertOpsFailure(await sendTo(stopped.id), STOPPED);
    for (const id of [partners.id, gone.id, 1]) assertOpsFailure(await sendTo(id), MISSING);
  });

  await t.step("costs the same however large the group is", async () => {
    const large = await makeCrowd(app.ctx, 3_000);
    const body = { message: "hi", broadcast: true };
    const costOf = async (id: number) => {
      const answer = await callOps(app, SEND, { token, params: { group_id: String(id) }, body });
      return /sql;desc="(\d+)"/.exec(answer.headers.get("server-timing")!)![1];
    };
    assert.equal(await costOf(large.groupId), await costOf(groupId));
  });

  await t.step("needs an operator who may write to people", async () => {
    const body = { message: "hi", broadcast: true };
    await assertNeedsOperator(app, SEND, { params, body, refused: ["auditor"] });
  });
});

import { and, eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { uuidText } from "../../../config/runtime/uuid.ts";
import { groupMembers } from "../../../db/schema/groups.ts";
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
import { makeGroup, makeUser, makeUsers } from "../../people/factories.ts";

const LIST = "GET /v1/groups/{group_id}/users";
const INVALID = { http: 400, code: 4001 };
const MISSING = { http: 404, code: 4004, msg: "请求资源不存在" };
const idsOf = ({ items }: { items: { uiam_id: number }[] }) => items.map(({ uiam_id }) => uiam_id);

Deno.test("GET /v1/groups/{group_id}/users", async (t) => {
  await using app = await startTestApp();
  const { token } = await makeOperator(app.ctx, "auditor");
  const [owner, payer, gone] = await makeUsers(app.ctx, 3);
  const elsewhere = await makeGroup(app.ctx, [owner!]);
  const group = await makeGroup(app.ctx, [owner!, payer!, gone!], { memberCount: 2 });
  const params = { group_id: String(group.id) };
  const list = (query: Record<string, string> = {}) => askOps(app, LIST, { token, params, query });
  const setMember = (userId: number, set: Partial<typeof groupMembers.$inferInsert>) =>
    app.ctx.db.update(groupMembers).set(set)
      .where(and(eq(groupMembers.groupId, group.id), eq(groupMembers.userId, userId)));
  const at = (time: string) => new Date(`2020-12-07T${time}+08:00`);

  await setMember(gone!.id, { removedAt: app.ctx.now() });
  await app.ctx.db.update(users).set({
    nickname: "OdysseyerR@Fox.ONE",
    bio: "hi",
    avatar: "https://images.example/a.png",
    createdAt: at("19:00:47.451"),
    lastLoginAt: at("23:30:00.864"),
  }).where(eq(users.id, payer!.id));
  await setMember(payer!.id, {
    version: 8,
    state: "paid",
    joinedAt: at("19:07:43.097"),
    dividedTo: elsewhere.id,
    subscribedAt: at("19:07:43.097"),
    dividedAt: at("19:07:45.912"),
    expiredAt: new Date("2021-12-07T19:07:43.097+08:00"),
  });

  await t.step("lists who is in it, with the fields of the contract's sample", async () => {
    const { total, items } = await list();
    assert.equal(total, 2);
    assert.deepEqual(items[1], {
      user_id: uuidText(payer!.uid),
      group_id: String(group.id),
      version: 8,
      full_name: "OdysseyerR@Fox.ONE",
      bio: "hi",
      identity_number: payer!.id,
      avatar_url: "https://images.example/a.png",
      state: "paid",
      blocked: 0,
      active_at: "2020-12-07T23:30:00.864+08:00",
      subscribed_at: "2020-12-07T19:07:43.097+08:00",
      expired_at: "2021-12-07T19:07:43.097+08:00",
      created_at: "2020-12-07T19:00:47.451+08:00",
      uiam_id: payer!.id,
      joined_at: "2020-12-07T19:07:43.097+08:00",
      divided_to: String(elsewhere.id),
      divided_at: "2020-12-07T19:07:45.912+08:00",
    });
    assert.match(items[1].user_id, /^[a-f0-9]{8}(-[a-f0-9]{4}){3}-[a-f0-9]{12}$/);
  });

  await t.step(
    "leaves out what is not stored; who never logged in was active on joining",
    async () => {
      const [first] = (await list()).items;
      assert.deepEqual([first.state, first.active_at], ["free", first.joined_at]);
      const absent = ["subscribed_at", "expired_at", "divided_to", "divided_at"];
      assert.deepEqual(absent.filter((name) => name in first), []);
    },
  );

  await t.step("finds by a part of the nickname, or a whole id", async () => {
    const keywords = ["fox.one", "ODYSS", String(payer!.id), payer!.uid, uuidText(payer!.uid)];
    for (const keyword of [...keywords, uuidText(payer!.uid).toUpperCase()]) {
      const found = await list({ keyword });
      assert.deepEqual([found.total, idsOf(found)], [1, [payer!.id]], keyword);
    }
    const stranger = await makeUser(app.ctx, "OdysseyerR elsewhere");
    for (const keyword of ["%", String(gone!.id), gone!.uid, String(stranger.id), "nobody"]) {
      assert.deepEqual(await list({ keyword }), { total: 0, items: [] }, keyword);
    }
  });

  await t.step("pages by start and limit, the earliest accounts first", async () => {
    const { groupId, userIds } = await makeCrowd(app.ctx, 25);
    const page = (query: Record<string, string>) =>
      askOps(app, LIST, { token, params: { group_id: String(groupId) }, query });
    const first = await page({});
    assert.deepEqual([first.total, idsOf(first)], [25, userIds.slice(0, 20)]);
    assert.deepEqual(idsOf(await page({ start: "20" })), userIds.slice(20));
    assert.deepEqual(idsOf(await page({ start: "4", limit: "3" })), userIds.slice(4, 7));
    const found = await page({ keyword: "person 1", start: "1", limit: "100" });
    assert.deepEqual([found.total, found.items.length], [11, 10]);
    assert.deepEqual(await page({ start: "25" }), { total: 25, items: [] });
  });

  await t.step("refuses what is out of bounds, and groups that are not the house's", async () => {
    const wrong: Record<string, string>[] = [{ start: "-1" }, { limit: "101" }, { limit: "-5" }, {
      start: "10001",
    }];
    for (const query of [...wrong, { keyword: "x".repeat(65) }]) {
      assertOpsFailure(await callOps(app, LIST, { token, params, query }), INVALID);
    }
    const partners = await makeGroup(app.ctx, [owner!], { appId: 1001 });
    const disbanded = await makeGroup(app.ctx, [owner!], { disbandedAt: app.ctx.now() });
    for (const id of [partners.id, disbanded.id, 1]) {
      for (const query of [{}, { keyword: "person" }] as Record<string, string>[]) {
        const hidden = { token, params: { group_id: String(id) }, query };
        assertOpsFailure(await callOps(app, LIST, hidden), MISSING);
      }
    }
    const nonsense = { token, params: { group_id: "x" } };
    assertOpsFailure(await callOps(app, LIST, nonsense), INVALID);
  });

  await t.step("needs an operator", () => assertNeedsOperator(app, LIST, { params }));
});

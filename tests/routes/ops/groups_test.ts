import { asc, eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { unseal } from "../../../config/runtime/sealed.ts";
import { keystoreBinding } from "../../../db/domain/groups/keystore.ts";
import { groups } from "../../../db/schema/groups.ts";
import { operatorActions } from "../../../db/schema/operators.ts";
import {
  askOps,
  assertNeedsOperator,
  assertOpsFailure,
  callOps,
  makeOperator,
} from "../../clients/ops.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { giveBot, KEYSTORE } from "../../people/crowd.ts";
import { makeGroup, makeUser } from "../../people/factories.ts";
import { makeChatters, openGroup } from "../../people/group.ts";

const LIST = "GET /v1/groups";
const READ = "GET /v1/groups/{id}";
const CHANGE = "PATCH /v1/groups/{id}";
const START = "POST /v1/groups/{id}/start";
const STOP = "POST /v1/groups/{id}/stop";
const INVALID = { http: 400, code: 4001 };
const MISSING = { http: 404, code: 4004, msg: "请求资源不存在" };
/** RFC 3339 in UTC+8 with a fraction, as the contract's samples. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+08:00$/;

const actionsOf = ({ ctx }: TestApp, groupId: number) =>
  ctx.db.select().from(operatorActions).where(eq(operatorActions.target, `group:${groupId}`))
    .orderBy(asc(operatorActions.id));
const namesOf = ({ items }: { items: { name: string }[] }) => items.map(({ name }) => name);

/** Groups operators know nothing of: a partner's, and one that is no more. */
async function makeHiddenGroups({ ctx }: TestApp): Promise<number[]> {
  const owner = await makeUser(ctx);
  const partners = await makeGroup(ctx, [owner], { appId: 1001, name: "测试partner" });
  const gone = await makeGroup(ctx, [owner], { disbandedAt: ctx.now(), name: "测试gone" });
  return [partners.id, gone.id];
}

Deno.test("GET /v1/groups", async (t) => {
  await using app = await startTestApp();
  const { token } = await makeOperator(app.ctx, "auditor");
  const list = (query: Record<string, string> = {}) => askOps(app, LIST, { token, query });
  assert.deepEqual(await list(), { total: 0, items: [] });

  const owner = await makeUser(app.ctx);
  const createdAt = new Date("2020-12-30T08:28:28.833Z");
  const plain = await makeGroup(app.ctx, [owner], { name: "feicoin", status: 0 });
  const whole = await makeGroup(app.ctx, [owner], {
    name: "本地测试群2",
    countryName: "cn",
    createdAt,
    updatedAt: createdAt,
  });
  await giveBot(app.ctx, whole.id);
  await makeHiddenGroups(app);

  await t.step("lists the newest first, with the fields of the contract's sample", async () => {
    const { total, items } = await list();
    assert.equal(total, 2);
    assert.deepEqual(items[0], {
      id: String(whole.id),
      created_at: "2020-12-30T16:28:28.833+08:00",
      updated_at: "2020-12-30T16:28:28.833+08:00",
      client_id: KEYSTORE.app_id,
      keystore_file: `keystores/keystore-${whole.id}.json`,
      status: 1,
      name: "本地测试群2",
      country_name: "cn",
      owner_rate: "0.7000",
      inviter_rate: "0.1000",
    });
    const { created_at, updated_at, ...rest } = items[1];
    for (const time of [created_at, updated_at]) assert.match(time, TIME);
    assert.deepEqual(rest, {
      id: String(plain.id),
      client_id: "",
      keystore_file: "",
      status: 0,
      name: "feicoin",
      owner_rate: "0.7000",
      inviter_rate: "0.1000",
    });
    assert.ok(!JSON.stringify(items).includes("session"));
  });

  await t.step("finds by a part of the name, or the whole id", async () => {
    for (const keyword of ["测试", "FEI", String(plain.id), " feicoin "]) {
      const { total, items } = await list({ keyword });
      const expected = keyword === "测试" ? whole.id : plain.id;
      assert.deepEqual([total, items.map(({ id }: { id: string }) => id)], [1, [String(expected)]]);
    }
    for (
      const keyword of ["%", "_", "\\", "nobody", String(plain.id).slice(0, -1), "9".repeat(40)]
    ) {
      assert.deepEqual(await list({ keyword }), { total: 0, items: [] }, keyword);
    }
  });

  await t.step("pages by start and limit", async () => {
    for (let at = 0; at < 21; at++) await makeGroup(app.ctx, [owner], { name: `群${at}` });
    const all = [
      ...Array.from({ length: 21 }, (_, at) => `群${20 - at}`),
      "本地测试群2",
      "feicoin",
    ];
    assert.deepEqual(namesOf(await list()), all.slice(0, 20));
    assert.deepEqual(namesOf(await list({ start: "20" })), all.slice(20));
    assert.deepEqual(namesOf(await list({ start: "3", limit: "2" })), all.slice(3, 5));
    const beyond = await list({ start: "50", limit: "100" });
    assert.deepEqual(beyond, { total: 23, items: [] });
    const found = await list({ keyword: "群1", start: "1", limit: "2" });
    assert.deepEqual([found.total, namesOf(found)], [11, ["群18", "群17"]]);
  });

  await t.step("refuses what is out of bounds", async () => {
    const wrong: Record<string, string>[] = [{ start: "-1" }, { limit: "-1" }, { limit: "0" }, {
      limit: "101",
    }, {
      start: "x",
    }];
    for (const query of [...wrong, { start: "10001" }, { keyword: "x".repeat(65) }]) {
      assertOpsFailure(await callOps(app, LIST, { token, query }), INVALID);
    }
  });

  await t.step("needs an operator", () => assertNeedsOperator(app, LIST));
});

Deno.test("GET /v1/groups/{id}", async (t) => {
  await using app = await startTestApp();
  const { token } = await makeOperator(app.ctx, "auditor");
  const group = await makeGroup(app.ctx, [await makeUser(app.ctx)], { name: "大佬测试群" });
  const params = { id: String(group.id) };

  await t.step("answers the group as the list has it", async () => {
    const { items } = await askOps(app, LIST, { token });
    assert.deepEqual(await askOps(app, READ, { token, params }), items[0]);
  });

  await t.step(
    "knows no partners' groups, none that are gone, and none that never were",
    async () => {
      for (const id of [...await makeHiddenGroups(app), 1]) {
        const hidden = { id: String(id) };
        assertOpsFailure(await callOps(app, READ, { token, params: hidden }), MISSING);
      }
      for (const id of ["x", "1.5", "-1", "9".repeat(30)]) {
        assertOpsFailure(await callOps(app, READ, { token, params: { id } }), INVALID);
      }
    },
  );

  await t.step("needs an operator", () => assertNeedsOperator(app, READ, { params }));
});

Deno.test("PATCH /v1/groups/{id}", async (t) => {
  await using app = await startTestApp();
  const { token, operatorId } = await makeOperator(app.ctx, "operator");
  const people = await makeChatters(app, "徐辉", "张三");
  const groupNo = await openGroup(app, people, "大佬测试群");
  const [group] = await app.ctx.db.select().from(groups).where(eq(groups.groupNo, groupNo));
  const groupId = group!.id;
  const params = { id: String(groupId) };
  const change = (body: unknown) => askOps(app, CHANGE, { token, params, body });

  await t.step("renames and stops, says who did it, and answers the group", async () => {
    app.clock.advance(60_000);
    const changed = await change({ name: "大佬测试群2", status: 0 });
    assert.deepEqual([changed.name, changed.status], ["大佬测试群2", 0]);
    assert.ok(changed.updated_at > changed.created_at);
    assert.deepEqual(await askOps(app, READ, { token, params }), changed);
    const [action, ...more] = await actionsOf(app, groupId);
    assert.deepEqual([action!.action, action!.operatorId, more], ["groups.change", operatorId, []]);
    assert.deepEqual(action!.before, { name: "大佬测试群", status: 1 });
    assert.deepEqual(action!.after, { name: "大佬测试群2", status: 0 });
  });

  await t.step("a new name is the chat app's, whose people read of it", async () => {
    for (const person of people) {
      const shown = await person.ask("GET", `/groups/${groupNo}`);
      assert.equal(shown.name, "大佬测试群2");
      const [said, ...more] = await person.received(1005);
      assert.deepEqual(said.data, { name: "大佬测试群2" });
      assert.match(said.content, /大佬测试群2/);
      assert.deepEqual(more, []);
    }
  });

  await t.step("what is so already leaves no trace", async () => {
    const before = await askOps(app, READ, { token, params });
    app.clock.advance(60_000);
    for (
      const body of [{ name: "大佬测试群2" }, { status: 0 }, { name: null }, {
        name: " 大佬测试群2 ",
      }]
    ) {
      assert.deepEqual(await change(body), before);
    }
    assert.equal((await actionsOf(app, groupId)).length, 1);
    assert.equal((await people[0]!.received(1005)).length, 1);
  });

  await t.step("a status alone is told to nobody, and the people go on talking", async () => {
    await change({ status: 1 });
    await change({ status: 0 });
    assert.equal((await people[1]!.received(1005)).length, 1);
    assert.equal((await actionsOf(app, groupId)).length, 3);
    const body = { name: "我们的群" };
    await people[0]!.ask("PUT", `/groups/${groupNo}`, { body });
    assert.equal((await people[1]!.received(1005)).length, 2);
  });

  await t.step("refuses what makes no sense, and changes nothing", async () => {
    const before = await askOps(app, READ, { token, params });
    const wrong = [{ name: "" }, { name: " " }, { name: "x".repeat(256) }, { name: 7 }, [], "x"];
    for (const body of [...wrong, {}, { status: 2 }, { status: "2" }, { name: "好", status: -1 }]) {
      assertOpsFailure(await callOps(app, CHANGE, { token, params, body }), INVALID);
    }
    assert.deepEqual(await askOps(app, READ, { token, params }), before);
    for (const id of await makeHiddenGroups(app)) {
      const hidden = { token, params: { id: String(id) }, body: { name: "mine" } };
      assertOpsFailure(await callOps(app, CHANGE, hidden), MISSING);
    }
  });

  await t.step("needs an operator who may change things", async () => {
    await assertNeedsOperator(app, CHANGE, { params, body: { status: 1 }, refused: ["auditor"] });
    assert.equal((await askOps(app, READ, { token, params })).status, 0);
  });
});

for (const [operation, status] of [[START, 1], [STOP, 0]] as const) {
  Deno.test(operation, async (t) => {
    await using app = await startTestApp();
    const { token } = await makeOperator(app.ctx, "operator");
    const owner = await makeUser(app.ctx);
    const group = await makeGroup(app.ctx, [owner], { status: 1 - status });
    const params = { id: String(group.id) };

    await t.step("does it once, however often it is asked, with a body or without", async () => {
      const done = await askOps(app, operation, { token, params, body: {} });
      assert.equal(done.status, status);
      app.clock.advance(60_000);
      assert.deepEqual(await askOps(app, operation, { token, params }), done);
      const actions = await actionsOf(app, group.id);
      assert.deepEqual(actions.map(({ before, after }) => [before, after]), [
        [{ status: 1 - status }, { status }],
      ]);
    });

    await t.step("knows the house's groups alone", async () => {
      for (const id of await makeHiddenGroups(app)) {
        const hidden = { token, params: { id: String(id) } };
        assertOpsFailure(await callOps(app, operation, hidden), MISSING);
      }
      const nonsense = await callOps(app, operation, { token, params: { id: "x" } });
      assertOpsFailure(nonsense, INVALID);
    });

    await t.step(
      "needs an operator who may change things",
      () => assertNeedsOperator(app, operation, { params, refused: ["auditor"] }),
    );
  });
}

Deno.test("PATCH /v1/groups/{id} sets rates and the bot, whose keystore nobody sees again", async () => {
  await using app = await startTestApp();
  const { token } = await makeOperator(app.ctx, "operator");
  const { id: groupId } = await makeGroup(app.ctx, [await makeUser(app.ctx)]);
  const params = { id: String(groupId) };
  const change = (body: unknown) => askOps(app, CHANGE, { token, params, body });
  const keystore = {
    app_id: "4AC2094B-442f-467c-b30c-2858b7156b10",
    session_id: "25e6d678-5d18-44c3-8174-b6fc9ed68610",
    session_private_key: "5e".repeat(32),
    server_public_key: "ab".repeat(32),
  };
  const changed = await change({ owner_rate: "0.65", inviter_rate: "0", keystore });
  assert.deepEqual([changed.owner_rate, changed.inviter_rate], ["0.6500", "0.0000"]);
  assert.equal(changed.client_id, keystore.app_id.toLowerCase());
  assert.equal(changed.keystore_file, `keystores/keystore-${groupId}.json`);
  const [kept] = await app.ctx.db.select().from(groups).where(eq(groups.id, groupId));
  const text = unseal(app.config.keys, kept!.keystoreSealed!, keystoreBinding(groupId));
  assert.deepEqual(JSON.parse(text), { ...keystore, app_id: changed.client_id });
  const actions = await actionsOf(app, groupId);
  assert.equal(JSON.stringify(actions).includes(keystore.session_private_key), false);
  assert.deepEqual(actions.at(-1)!.before, {
    ownerRate: "0.7000",
    inviterRate: "0.1000",
    clientId: null,
    hasKeystore: false,
  });

  await change({ owner_rate: "0.6500", inviter_rate: "0" });
  assert.equal((await actionsOf(app, groupId)).length, actions.length, "nothing new");
  assert.equal((await change({ keystore: null })).client_id, "");
  assert.equal((await change({ owner_rate: "0.7", inviter_rate: "0.1" })).keystore_file, "");
  for (const owner_rate of ["1.1", "-0.1", "0.12345", 0.7, "x"]) {
    assertOpsFailure(
      await callOps(app, CHANGE, { token, params, body: { owner_rate } }),
      INVALID,
    );
  }
  const noSession = { ...keystore, session_id: "x" };
  const refused = await callOps(app, CHANGE, { token, params, body: { keystore: noSession } });
  assertOpsFailure(refused, INVALID);
});

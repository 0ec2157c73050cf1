import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { withTrips } from "../../../config/runtime/trips.ts";
import { sendMessage } from "../../../db/domain/messages/send.ts";
import {
  assertNeedsPartner,
  assertPartnerFailure,
  type PartnerCall,
} from "../../clients/partner.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import {
  groupRow,
  heardBy,
  inboxOf,
  membersOf,
  openPartnerGroup,
  openServer,
  userIdOf,
} from "./group_place.ts";

const MISSING = "群不存在";
const NOBODY_THERE = "群成员不正确";
const NOWHERE = 7_999_999_999;
const ADD = "POST /groups/{gid}/members";
const REMOVE = "DELETE /groups/{gid}/members";
const LEAVE = "DELETE /groups/{gid}/members/{mid}";
const SET = "PATCH /groups/{gid}/members/{memberid}";

/** 1, 2, 3… as a partner might number its people. */
const numbers = (count: number, from = 1) => Array.from({ length: count }, (_, at) => from + at);

/** How many rows the tables of messages have. */
async function messageRows(app: TestApp) {
  const { rows } = await app.ctx.db.execute<Record<string, string>>(sql`
    select (select count(*) from messages) as messages, (select count(*) from inbox) as inbox,
      (select count(*) from group_logs) as logs, (select count(*) from conversations) as listed`);
  return Object.fromEntries(Object.entries(rows[0]!).map(([name, count]) => [name, Number(count)]));
}

Deno.test("POST /groups/{gid}/members", async (t) => {
  await using app = await startTestApp();
  const server = await openServer(app);
  const { tenantId } = server;
  const gid = await openPartnerGroup(server, [1, 2]);
  const add = (body: unknown, params = { gid }) => server.call(ADD, { params, body });
  const lastHeard = async (uid: number) => (await heardBy(app, tenantId, uid)).at(-1);

  await t.step("tells everybody of one who comes, by whom", async () => {
    const member = { uid: "3", name: "群组成员名", avatar: "http://a/c.png" };
    const body = { members: [member], inviter: { uid: 1, name: "Ann" } };
    assert.deepEqual((await add(body)).data, {});
    assert.deepEqual(await membersOf(app, gid), [[1, 1], [2, 0], [3, 0]]);
    for (const uid of [1, 2, 3]) {
      const { add_member: said } = await lastHeard(uid);
      assert.deepEqual(said, {
        group_id: gid,
        timestamp: said.timestamp,
        group_name: "Group",
        member_id: 3,
        name: "群组成员名",
        avatar: "http://a/c.png",
        inviter: { uid: 1, name: "Ann" },
      });
    }
  });

  await t.step("tells of several in one message, of each by themselves", async () => {
    await add({ members: [{ uid: 4, name: "Dan" }, 5] });
    const heard = (await heardBy(app, tenantId, 5)).map(({ add_member }) => add_member);
    const of = { group_id: gid, timestamp: heard[0].timestamp, group_name: "Group" };
    assert.deepEqual(heard, [{ ...of, member_id: 4, name: "Dan" }, { ...of, member_id: 5 }]);
    assert.equal((await inboxOf(app, tenantId, 4)).length, 1);
  });

  await t.step("takes one by themselves and a bare list, and passes over who is in", async () => {
    await add({ uid: 6, name: "Fay" });
    assert.equal((await lastHeard(6)).add_member.name, "Fay");
    await add([{ uid: 7 }, "8"]);
    assert.deepEqual((await membersOf(app, gid)).map(([uid]) => uid), numbers(8));
    await add([8, 9]);
    assert.equal((await lastHeard(9)).add_member.member_id, 9);
    const before = await messageRows(app);
    for (const body of [[8, 9], [], { members: [] }]) assert.equal((await add(body)).http, 200);
    assert.deepEqual(await messageRows(app), before);
  });

  await t.step("who was out comes back, the master as master", async () => {
    await server.ask(REMOVE, { params: { gid }, body: [1, 9] });
    await add([1, 9]);
    assert.deepEqual((await membersOf(app, gid)).filter(([uid]) => [1, 9].includes(uid)), [
      [1, 1],
      [9, 0],
    ]);
  });

  await t.step("of what a super group said before, who comes in hears nothing", async () => {
    const large = await openPartnerGroup(server, [1, 2], { super: true });
    const rename = (name: string) =>
      server.ask("PATCH /groups/{gid}", { params: { gid: large }, body: { name } });
    await rename("before");
    await add([20], { gid: large });
    await rename("after");
    const heard = await heardBy(app, tenantId, 20);
    assert.deepEqual(heard.map((it) => Object.keys(it)[0]), ["add_member", "update_name"]);
  });

  await t.step("refuses what are no members, unknown groups, and another app's", async () => {
    const before = await membersOf(app, gid);
    const wrong = [
      ...[undefined, {}, "x", 3, { members: "3" }, { members: [30, 0] }, [30, -1], [30, "x"]],
      ...[[30, {}], [30, null], { uid: 0 }, { members: [30], inviter: { uid: 0 } }],
    ];
    for (const body of wrong) assertPartnerFailure(await add(body));
    assertPartnerFailure(await add([30], { gid: NOWHERE }), MISSING);
    const call = { params: { gid }, body: [30] };
    assertPartnerFailure(await (await openServer(app)).call(ADD, call), MISSING);
    assert.deepEqual(await membersOf(app, gid), before);
    const { rows } = await app.ctx.db.execute(sql`select 1 from users where app_uid = 30`);
    assert.deepEqual(rows, [], "nobody was made for nothing");
    await assertNeedsPartner(app, ADD, call);
  });

  await t.step("names each of them, however many and however long their names", async () => {
    for (const letter of ["长", '"', "\u0001", "👋"]) {
      const name = letter.repeat(64);
      const crowd = await openPartnerGroup(server, [1]);
      const members = numbers(120, 1000).map((uid) => ({
        uid,
        name,
        avatar: `https://a.example/${"长".repeat(1000)}`,
      }));
      await server.ask(ADD, {
        params: { gid: crowd },
        body: { members, inviter: { uid: 1, name } },
      });
      const told = async () =>
        (await heardBy(app, tenantId, 1)).map(({ add_member }) => add_member)
          .filter((it) => it?.group_id === crowd);
      const said = await told();
      assert.deepEqual(said.map(({ member_id }) => member_id), numbers(120, 1000));
      assert.ok(said.every((it) => it.member_count === undefined));
      await server.ask(ADD, { params: { gid: crowd }, body: { ...members[0]!, uid: 1200 } });
      assert.equal((await told()).at(-1).member_id, 1200);
    }
  });
});

Deno.test("10,000 members in one call cost as many statements as ten, and come or do not", async (t) => {
  await using app = await startTestApp();
  const server = await openServer(app);
  const [few, many] = [await openPartnerGroup(server, [1]), await openPartnerGroup(server, [1])];
  const named = (count: number, from: number) =>
    numbers(count, from).map((uid) => ({ uid, name: `成员${uid}`, avatar: `http://a/${uid}.png` }));
  const add = (gid: number, members: unknown[]) =>
    server.call(ADD, { params: { gid }, body: { members } });

  await t.step("10,000 of whom half are nobody leave nothing half done", async () => {
    for (const nobody of [0, -1, "x", 1.5, 2 ** 63]) {
      const members = numbers(10_000, 10).map((uid, at) => at % 2 ? uid : { uid: nobody });
      assertPartnerFailure(await add(many, members));
    }
    assertPartnerFailure(await add(many, numbers(10_001, 10)));
    assert.deepEqual(await membersOf(app, many), [[1, 1]]);
    const { rows } = await app.ctx.db.execute(sql`
      select 1 from users where app_id = ${server.tenantId} and app_uid > 9`);
    assert.deepEqual(rows, []);
  });

  await t.step("the same statements for 10 as for 10,000", async () => {
    const tripsOf = ({ headers }: { headers: Headers }) =>
      /sql;desc="(\d+)"/.exec(headers.get("server-timing")!)![1];
    const answers = [await add(few, named(10, 100)), await add(many, named(10_000, 200))];
    assert.deepEqual(answers.map(({ http }) => http), [200, 200]);
    assert.equal(tripsOf(answers[0]!), tripsOf(answers[1]!));
    assert.equal((await groupRow(app, many)).member_count, 10_001);
  });

  await t.step("whom the crossing of the limit moved to a log has lost nothing", async () => {
    const rename = (name: string) =>
      server.ask("PATCH /groups/{gid}", { params: { gid: many }, body: { name } });
    await rename("large");
    await server.ask(REMOVE, { params: { gid: many }, body: numbers(9_900, 300) });
    await rename("small");
    assert.equal((await groupRow(app, many)).member_count, 101);
    for (const uid of [1, 200, 299, 300, 10_199]) {
      const inbox = await inboxOf(app, server.tenantId, uid);
      assert.deepEqual(inbox.map(({ seq }) => seq), numbers(inbox.length), "dense");
      const heard = (await heardBy(app, server.tenantId, uid)).filter((it) =>
        Object.values<{ group_id: number }>(it)[0]!.group_id === many
      );
      const kinds = heard.map((it) => Object.keys(it)[0]);
      assert.deepEqual(kinds.filter((kind, at) => kind !== kinds[at - 1]), [
        ...uid === 1 ? ["create"] : [],
        ...["add_member", "update_name", "quit_group"],
        ...uid < 300 ? ["update_name"] : [],
      ]);
      // Each has one row of it, and one notification for each person.
      assert.equal(heard.filter(({ add_member }) => add_member).length, 10_000);
      assert.equal(heard.filter(({ quit_group }) => quit_group).length, 9_900);
      assert.ok(inbox.length < 12, `${inbox.length}`);
    }
  });
});

Deno.test("DELETE /groups/{gid}/members", async (t) => {
  await using app = await startTestApp();
  const server = await openServer(app);
  const { tenantId } = server;
  const gid = await openPartnerGroup(server, numbers(6));
  const remove = (body: unknown, params = { gid }) => server.call(REMOVE, { params, body });

  await t.step("takes people out by numbers, digits or objects, and all hear of it", async () => {
    assert.deepEqual((await remove(["2", 3, 77])).data, {});
    assert.deepEqual((await membersOf(app, gid)).map(([uid]) => uid), [1, 4, 5, 6]);
    for (const uid of [1, 2, 3, 4]) {
      const heard = (await heardBy(app, tenantId, uid)).slice(-2).map((it) => it.quit_group);
      const of = { group_id: gid, timestamp: heard[0].timestamp, group_name: "Group" };
      assert.deepEqual(
        heard,
        [2, 3].map((member_id) => ({
          ...of,
          member_id,
          name: `Person ${member_id}`,
        })),
      );
    }
    await remove([{ uid: 4, name: "x", avatar: "y" }]);
    const { quit_group: said } = (await heardBy(app, tenantId, 1)).at(-1);
    assert.deepEqual([said.member_id, said.name, said.avatar], [4, "Person 4", undefined]);
    assert.equal((await inboxOf(app, tenantId, 2)).length, 2, "who is out hears no more");
    const before = await messageRows(app);
    assert.equal((await remove([2, 77])).http, 200);
    assert.deepEqual(await messageRows(app), before);
  });

  await t.step("refuses an empty list, what are none, unknown groups, another app's", async () => {
    const wrong = [undefined, [], {}, { members: 1 }, [0], ["x"], [1, null], "1", 1];
    for (const body of [...wrong, numbers(10_001)]) assertPartnerFailure(await remove(body));
    assertPartnerFailure(await remove([1], { gid: NOWHERE }), MISSING);
    const call = { params: { gid }, body: [1] };
    assertPartnerFailure(await (await openServer(app)).call(REMOVE, call), MISSING);
    assert.deepEqual((await membersOf(app, gid)).map(([uid]) => uid), [1, 5, 6]);
    await assertNeedsPartner(app, REMOVE, call);
  });

  await t.step("who leaves a super group takes along what they had not read", async () => {
    const large = await openPartnerGroup(server, [21, 22, 23], { super: true });
    for (const name of ["a", "b"]) {
      await server.ask("PATCH /groups/{gid}", { params: { gid: large }, body: { name } });
    }
    await inboxOf(app, tenantId, 22);
    await remove([22, 23], { gid: large });
    await server.ask("PATCH /groups/{gid}", { params: { gid: large }, body: { name: "c" } });
    for (const uid of [22, 23]) {
      const heard = await heardBy(app, tenantId, uid);
      const kinds = heard.map((it) => Object.keys(it)[0]);
      const all = ["create", "update_name", "update_name", "quit_group", "quit_group"];
      assert.deepEqual(kinds, all);
      const { rows: [listed] } = await app.ctx.db.execute<{ last: string; unread: number }>(sql`
        select last_seq as last, unread_count as unread from conversations
        where user_id = ${await userIdOf(app, tenantId, uid)}`);
      assert.deepEqual(
        [Number(listed!.last), listed!.unread],
        [3, 3],
        "the farewell moves nothing",
      );
    }
    await server.ask(ADD, { params: { gid: large }, body: [22] });
    assert.equal((await inboxOf(app, tenantId, 22)).length, 5, "and nothing twice");
  });
});

Deno.test("DELETE /groups/{gid}/members/{mid}", async (t) => {
  await using app = await startTestApp();
  const server = await openServer(app);
  const gid = await openPartnerGroup(server, [1, 2, 3]);
  const leave = (mid: unknown, at = gid) =>
    server.call(LEAVE, { params: { gid: at, mid: mid as number } });

  await t.step("lets somebody go, the master too, and all hear of it", async () => {
    assert.deepEqual((await leave(2)).data, {});
    await leave(1);
    assert.deepEqual(await membersOf(app, gid), [[3, 0]]);
    assert.equal((await groupRow(app, gid)).owner_uid, "1", "still the master");
    const { quit_group: said } = (await heardBy(app, server.tenantId, 2)).at(-1);
    assert.deepEqual(said, {
      group_id: gid,
      timestamp: said.timestamp,
      group_name: "Group",
      member_id: 2,
      name: "Person 2",
    });
  });

  await t.step("is no error for who is not in it", async () => {
    const before = await messageRows(app);
    for (const mid of [2, 99]) assert.equal((await leave(mid)).http, 200);
    assert.deepEqual(await messageRows(app), before);
  });

  await t.step("refuses unknown groups, what is no number, and another app's", async () => {
    assertPartnerFailure(await leave(3, NOWHERE), MISSING);
    for (const mid of ["x", 0]) assertPartnerFailure(await leave(mid));
    const call = { params: { gid, mid: 3 } };
    assertPartnerFailure(await (await openServer(app)).call(LEAVE, call), MISSING);
    assert.deepEqual(await membersOf(app, gid), [[3, 0]]);
    await assertNeedsPartner(app, LEAVE, call);
  });
});

Deno.test("PATCH /groups/{gid}/members/{memberid}", async (t) => {
  await using app = await startTestApp();
  const server = await openServer(app);
  const gid = await openPartnerGroup(server, [1, 2]);
  const set = (body: unknown, over: PartnerCall["params"] = {}) =>
    server.call(SET, { params: { gid, memberid: 2, ...over }, body });
  const speak = async (appUid: number) =>
    await sendMessage(app.ctx, {
      senderId: await userIdOf(app, server.tenantId, appUid),
      channel: { type: 2, appId: server.tenantId, groupId: gid },
      clientMsgNo: undefined,
      payload: '{"type":1,"content":"x"}',
      redDot: true,
    });

  await t.step("names somebody within the group and tells all", async () => {
    assert.deepEqual((await set({ nickname: "群内昵称" })).data, {});
    const { update_member_nickname: said } = (await heardBy(app, server.tenantId, 1)).at(-1);
    assert.deepEqual(said, {
      group_id: gid,
      timestamp: said.timestamp,
      group_name: "Group",
      member_id: 2,
      nickname: "群内昵称",
    });
    await set({ nickname: "" });
    assert.equal(
      (await heardBy(app, server.tenantId, 1)).at(-1).update_member_nickname.nickname,
      "",
    );
  });

  await t.step("quiets the group for somebody, and tells their own devices alone", async () => {
    const before = await messageRows(app);
    const heard = (await inboxOf(app, server.tenantId, 2)).length;
    for (const [value, mute] of [[true, true], ["0", false], [1, true]]) {
      await set({ do_not_disturb: value });
      const { rows } = await app.ctx.db.execute(sql`
        select mute from group_settings where group_id = ${gid}`);
      assert.deepEqual(rows, [{ mute }]);
    }
    const { messages, inbox, ...rest } = await messageRows(app);
    assert.deepEqual({ ...rest, messages: messages! - 3, inbox: inbox! - 3 }, before);
    const told = (await inboxOf(app, server.tenantId, 2)).slice(heard);
    assert.deepEqual(
      told.map(({ payload }) => JSON.parse(payload).cmd),
      Array(3).fill("channelUpdate"),
    );
  });

  await t.step("mutes: somebody may not speak until they may again", async () => {
    await set({ mute: true, do_not_disturb: false });
    await assert.rejects(speak(2), { kind: "group_muted" });
    await speak(1);
    app.clock.advance(400 * 24 * 3600 * 1000);
    await assert.rejects(speak(2), { kind: "group_muted" });
    await set({ mute: false });
    await speak(2);
  });

  await t.step("refuses nothing, two at once, who is not in it, and another app's", async () => {
    const wrong = [undefined, {}, { do_not_disturb: true, nickname: "x" }, { mute: "loud" }];
    for (const body of [...wrong, { nickname: "x".repeat(256) }]) {
      assertPartnerFailure(await set(body));
    }
    assertPartnerFailure(await set({ mute: true }, { memberid: 9 }), NOBODY_THERE);
    assertPartnerFailure(await set({ mute: true }, { gid: NOWHERE }), MISSING);
    const call = { params: { gid, memberid: 2 }, body: { mute: true } };
    assertPartnerFailure(await (await openServer(app)).call(SET, call), MISSING);
    await assertNeedsPartner(app, SET, call);
  });
});

Deno.test("what a message costs does not depend on how many are in a super group", async (t) => {
  await using app = await startTestApp();
  const server = await openServer(app);
  const openWith = (count: number, isSuper: boolean) =>
    openPartnerGroup(server, [1], { members: numbers(count), super: isSuper });
  /** Statements and rows of one message by the first of the group, its sender's reading included. */
  const costOf = async (groupId: number) => {
    const senderId = await userIdOf(app, server.tenantId, 1);
    await inboxOf(app, server.tenantId, 1);
    const before = await messageRows(app);
    const statements = await withTrips(async (trips) => {
      await sendMessage(app.ctx, {
        senderId,
        channel: { type: 2, appId: server.tenantId, groupId },
        clientMsgNo: undefined,
        payload: '{"type":1}',
        redDot: true,
        trusted: true,
      });
      return trips.sql.count;
    });
    const after = await messageRows(app);
    const rows = Object.entries(after).map(([name, count]) => [name, count - before[name]!]);
    return { statements, ...Object.fromEntries(rows) };
  };

  await t.step("5,000 as 5: one message, one line of the log, the sender's own copy", async () => {
    const [small, large] = [await openWith(5, true), await openWith(5_000, true)];
    const cost = { statements: 2, messages: 1, inbox: 1, logs: 1, listed: 0 };
    assert.deepEqual(await costOf(small), cost);
    assert.deepEqual(await costOf(large), cost);
  });

  await t.step("a normal group of 500 is one statement", async () => {
    const cost = { statements: 1, messages: 1, inbox: 500, logs: 0, listed: 0 };
    assert.deepEqual(await costOf(await openWith(500, false)), cost);
  });
});

import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import type { Ctx } from "../../db/client/ctx.ts";
import { addMembers } from "../../db/domain/groups/add_members.ts";
import { createGroup } from "../../db/domain/groups/create_group.ts";
import { disbandGroup } from "../../db/domain/groups/disband_group.ts";
import { editGroup, upgradeGroup } from "../../db/domain/groups/edit_group.ts";
import { leaveGroup } from "../../db/domain/groups/leave_group.ts";
import { removeMembers } from "../../db/domain/groups/remove_members.ts";
import { setMember } from "../../db/domain/groups/set_member.ts";
import { contentsOf } from "../../db/domain/messages/content.ts";
import { type InboxMessage, readInbox } from "../../db/domain/messages/read_inbox.ts";
import { sendMessage } from "../../db/domain/messages/send.ts";
import { startPostgres } from "../services/postgres.ts";
import { openPlace, race } from "./race_place.ts";

// On a real server: PGlite has one connection, on which nothing ever races.
const postgres = await startPostgres();
Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());

const TENANT = 4711;
const by = { door: "server" } as const;
const at = (groupId: number) => ({ tenantId: TENANT, groupId });
const numbers = (count: number, from = 1) => Array.from({ length: count }, (_, at) => from + at);
const pick = <T>(from: T[]): T => from[Math.floor(Math.random() * from.length)]!;
const person = (appUid: number) => ({ appUid, name: `Person ${appUid}` });

async function openGroup(
  ctx: Ctx,
  { uids, isSuper = false }: { uids: number[]; isSuper?: boolean },
) {
  const members = uids.map(person);
  const of = { by, tenantId: TENANT, masterUid: uids[0]!, name: "Group" };
  return (await createGroup(ctx, { ...of, isSuper, members })).groupId;
}

async function userIdsOf({ db }: Ctx): Promise<Map<number, number>> {
  const { rows } = await db.execute<{ id: string; app_uid: string }>(sql`
    select id, app_uid from users where app_id = ${TENANT}`);
  return new Map(rows.map(({ id, app_uid }) => [Number(app_uid), Number(id)]));
}

/** What a partner's client reads of a message. */
// deno-lint-ignore no-explicit-any -- notifications have no other type
const newsOf = (payload: string): any[] => contentsOf(payload).map((text) => JSON.parse(text));

function say(ctx: Ctx, { groupId, senderId }: { groupId: number; senderId: number }) {
  return sendMessage(ctx, {
    senderId,
    channel: { type: 2, appId: TENANT, groupId },
    clientMsgNo: undefined,
    payload: '{"type":1}',
    redDot: true,
    trusted: true,
  });
}

/** Everything in somebody's inbox, the logs of their groups included; numbered without a gap. */
async function readAll(ctx: Ctx, userId: number): Promise<InboxMessage[]> {
  const all: InboxMessage[] = [];
  for (;;) {
    const page = await readInbox(ctx, { userId, afterSeq: all.at(-1)?.seq ?? 0, limit: 200 });
    if (page.length === 0) break;
    all.push(...page);
  }
  assert.deepEqual(all.map(({ seq }) => seq), numbers(all.length), "dense");
  assert.equal(new Set(all.map(({ messageId }) => messageId)).size, all.length, "each once");
  return all;
}

async function wrongCounters({ db }: Ctx): Promise<unknown[]> {
  return (await db.execute(sql`
    select groups.id, member_count, count(user_id) as rows
    from groups left join group_members on group_id = groups.id and removed_at is null
    where app_id = ${TENANT} group by groups.id having member_count <> count(user_id)`)).rows;
}

Deno.test({
  name:
    "400 parallel additions, removals, settings and messages in a normal and a super group of " +
    "the same people leave counters right, and inboxes without a gap or a repeat",
  ignore: !postgres,
}, async () => {
  await using place = await openPlace(postgres!, { peopleCount: 1 });
  const { ctx } = place;
  const uids = numbers(12);
  const groups = [
    await openGroup(ctx, { uids }),
    await openGroup(ctx, { uids: [...uids].reverse(), isSuper: true }),
  ];
  const userIds = await userIdsOf(ctx);
  const act = (turn: number) => {
    const groupId = pick(groups);
    const named = [pick(uids), pick(uids), pick(uids)];
    const one = { appUid: named[0]! };
    const acts: (() => Promise<unknown>)[] = [
      () => addMembers(ctx, at(groupId), { by, people: { members: named.map(person) } }),
      () => removeMembers(ctx, at(groupId), { by, people: { appUids: named } }),
      () => leaveGroup(ctx, at(groupId), { by, appUid: named[0]! }),
      () => setMember(ctx, at(groupId), { by, person: one, nickname: `n${turn}`, mute: false }),
      () => editGroup(ctx, at(groupId), { by, name: `name ${turn}` }),
      () => say(ctx, { groupId, senderId: userIds.get(named[0]!)! }),
      () => readInbox(ctx, { userId: userIds.get(named[0]!)!, afterSeq: 0, limit: 10 }),
      () => addMembers(ctx, at(groupId), { by, people: { members: named.map(person) } }),
    ];
    return acts[turn % acts.length]!();
  };
  const answers = await race(
    ["group_members_invalid", "service_unavailable"],
    numbers(400).map((turn) => () => act(turn)),
  );
  assert.ok(answers.filter((answer) => answer === "done").length > 350);
  assert.deepEqual(await wrongCounters(ctx), []);
  for (const userId of userIds.values()) await readAll(ctx, userId);
});

Deno.test({
  name: "an upgrade among 200 messages loses none: each member has all, from inbox or log",
  ignore: !postgres,
}, async () => {
  await using place = await openPlace(postgres!, { peopleCount: 1 });
  const { ctx } = place;
  const uids = numbers(20);
  const groupId = await openGroup(ctx, { uids });
  const userIds = await userIdsOf(ctx);
  const sent: { messageId: number; isLogged: boolean }[] = [];
  const waiting = numbers(200);
  let upgraded: Promise<void> | undefined;
  await Promise.all(
    numbers(8).map(async () => {
      for (let turn = waiting.shift(); turn !== undefined; turn = waiting.shift()) {
        if (turn === 80) upgraded = upgradeGroup(ctx, at(groupId), { by });
        const senderId = userIds.get(pick(uids))!;
        const { messageId, loggedInGroup } = await say(ctx, { groupId, senderId });
        sent.push({ messageId, isLogged: loggedInGroup !== undefined });
      }
    }),
  );
  await upgraded;
  assert.deepEqual(new Set(sent.map(({ isLogged }) => isLogged)), new Set([false, true]));
  for (const userId of userIds.values()) {
    const has = new Set((await readAll(ctx, userId)).map(({ messageId }) => messageId));
    assert.equal(sent.filter(({ messageId }) => !has.has(messageId)).length, 0);
    assert.equal(has.size, sent.length + 2, "and the group's making and its upgrade");
  }
  const { rows: [log] } = await ctx.db.execute<{ lines: string; head: string }>(sql`
    select count(*) as lines, max(group_heads.last_seq) as head from group_logs
    join group_heads on group_heads.group_id = group_logs.group_id`);
  assert.equal(log!.lines, log!.head);
});

Deno.test({
  name: "who is taken out of a super group while it talks has all it said until then, and no more",
  ignore: !postgres,
}, async () => {
  await using place = await openPlace(postgres!, { peopleCount: 1 });
  const { ctx } = place;
  const uids = numbers(30);
  const groupId = await openGroup(ctx, { uids, isSuper: true });
  const userIds = await userIdsOf(ctx);
  const leaving = uids.slice(10);
  const runs: (() => Promise<unknown>)[] = numbers(150).map((turn) => async () => {
    await say(ctx, { groupId, senderId: userIds.get(pick(uids.slice(0, 10)))! });
    await readInbox(ctx, {
      userId: userIds.get(uids[turn % uids.length]!)!,
      afterSeq: 0,
      limit: 5,
    });
  });
  for (const [turn, appUid] of leaving.entries()) {
    const appUids = [appUid, pick(leaving)];
    runs.splice(
      20 + turn * 6,
      0,
      () => removeMembers(ctx, at(groupId), { by, people: { appUids } }),
    );
  }
  runs.push(() => disbandGroup(ctx, at(groupId), { by }));
  await race(["group_disbanded", "group_missing"], runs);
  const { rows: lines } = await ctx.db.execute<{ message_id: string; payload: string }>(sql`
    select message_id, payload from group_logs join messages on messages.id = message_id
    order by seq`);
  const log = lines.map(({ message_id }) => Number(message_id));
  const quitOf = new Map<number, number>();
  let end = log.length;
  for (const [line, { payload }] of lines.entries()) {
    const news = JSON.parse(payload).notification === undefined ? [] : newsOf(payload);
    if (news.some(({ disband }) => disband)) end = line;
    for (const { quit_group: quit } of news) if (quit) quitOf.set(quit.member_id, line);
  }
  for (const appUid of uids) {
    const all = await readAll(ctx, userIds.get(appUid)!);
    const quitAt = quitOf.get(appUid);
    if (quitAt !== undefined) {
      const farewell = all.pop()!;
      assert.equal(JSON.parse(farewell.payload).type, 1020);
      assert.ok(newsOf(farewell.payload).some((it) => it.quit_group.member_id === appUid));
    }
    // What was being accepted while the group ended may lie behind its end, where nobody is.
    const until = quitAt ?? end + 1;
    assert.deepEqual(all.map(({ messageId }) => messageId), log.slice(0, until), "in their order");
  }
  assert.deepEqual(await wrongCounters(ctx), []);
});

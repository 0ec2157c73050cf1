import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import type { BusEvent } from "../../../db/bus/bus.ts";
import { acceptMessage } from "../../../db/domain/messages/accept.ts";
import { GroupSends } from "../../../db/domain/messages/group_sends.ts";
import { sendMessage } from "../../../db/domain/messages/send.ts";
import { ChannelType } from "../../../db/schema/messages.ts";
import { assertImFailure, assertNeedsToken } from "../../clients/im.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { type Chatter, makeChatters, openGroup } from "../../people/group.ts";

const mentioning = (mention: unknown) => JSON.stringify({ type: 1, content: "@", mention });

function say(app: TestApp, from: Chatter | undefined, groupNo: string, payload: string) {
  return sendMessage(app.ctx, {
    senderId: from!.userId,
    channel: { type: ChannelType.group, groupNo },
    clientMsgNo: undefined,
    payload,
    redDot: true,
  });
}

const sync = (who: Chatter | undefined, version = 0, limit = 100) =>
  who!.ask("POST", "/message/reminder/sync", { body: { version, limit, channel_ids: [] } });
const finish = (who: Chatter | undefined, ids: unknown) =>
  who!.call("POST", "/message/reminder/done", { body: ids });
// deno-lint-ignore no-explicit-any -- the client's own fields
const messageIds = (reminders: any[]) => reminders.map(({ message_id }) => Number(message_id));

Deno.test("POST /message/reminder/sync and POST /message/reminder/done", async (t) => {
  await using app = await startTestApp();
  const [ann, bob, cid, eve] = await makeChatters(app, "Ann", "Bob", "Cid", "Eve");
  const groupNo = await openGroup(app, [ann!, bob!, cid!]);
  let told: [number[], string][] = [];
  const stop = app.bus.subscribe((event: BusEvent) => {
    if (event.kind !== "moment") return;
    const { cmd } = JSON.parse(event.payload);
    if (cmd === "syncReminders") told.push([event.userIds, cmd]);
  });

  await t.step("a message that names somebody is a reminder for them, who are told", async () => {
    await say(app, ann, groupNo, JSON.stringify({ type: 1, content: "hi" }));
    const { messageId } = await say(app, ann, groupNo, mentioning({ uids: [bob!.uid, eve!.uid] }));
    const [reminder] = await sync(bob);
    const { id, version, message_seq, ...rest } = reminder;
    assert.ok(Number.isInteger(id) && Number.isInteger(version));
    assert.deepEqual(rest, {
      channel_id: groupNo,
      channel_type: 2,
      publisher: ann!.uid,
      message_id: String(messageId),
      reminder_type: 1,
      uid: bob!.uid,
      text: "[有人@我]",
      is_locate: 1,
      done: 0,
    });
    const inbox = await bob!.ask("POST", "/message/sync", { body: {} });
    assert.equal(inbox.at(-1).message_seq, message_seq);
    for (const who of [ann, cid, eve]) assert.deepEqual(await sync(who), []);
    assert.deepEqual(told, [[[bob!.userId], "syncReminders"]]);
  });

  await t.step("everybody but the sender is named by all", async () => {
    told = [];
    const { messageId } = await say(app, bob, groupNo, mentioning({ all: 1 }));
    for (const who of [ann, cid]) assert.deepEqual(messageIds(await sync(who)), [messageId]);
    assert.equal((await sync(bob)).length, 1);
    assert.deepEqual(told, [[[ann!.userId, cid!.userId], "syncReminders"]]);
  });

  await t.step("seen once it is done, which other devices hear", async () => {
    const [first] = await sync(bob);
    told = [];
    assert.deepEqual((await finish(bob, [first.id, 999])).data, { status: 200, msg: "" });
    assert.deepEqual(told, [[[bob!.userId], "syncReminders"]]);
    const [seen] = await sync(bob, first.version);
    assert.deepEqual(seen, { ...first, done: 1, version: seen.version });
    assert.ok(seen.version > first.version);
    assert.deepEqual(await sync(bob, seen.version), []);
    told = [];
    await finish(bob, [first.id]);
    const [others] = await sync(ann);
    await finish(bob, [others.id]);
    assert.deepEqual([told, (await sync(ann))[0].done], [[], 0]);
  });

  await t.step("what one call does is one page, however many", async () => {
    const before = (await sync(cid)).at(-1).version;
    for (let at = 0; at < 3; at++) await say(app, ann, groupNo, mentioning({ all: true }));
    const page = await sync(cid, before, 2);
    assert.equal(page.length, 2);
    assert.equal((await sync(cid, page.at(-1).version, 2)).length, 1);
    // deno-lint-ignore no-explicit-any -- the client's own fields
    await finish(cid, (await sync(cid, before)).map(({ id }: any) => id));
    const done = await sync(cid, page.at(-1).version, 1);
    assert.equal(done.length, 3);
  });

  await t.step("sent again it reminds nobody again; what is not meant so is none", async () => {
    const sends = new GroupSends(app.ctx);
    const again = {
      senderId: ann!.userId,
      groupNo,
      clientMsgNo: "m-1",
      payload: mentioning({ uids: [bob!.uid, bob!.uid] }),
      redDot: true,
      syncOnce: false,
      setting: 0,
    };
    const before = (await sync(bob)).length;
    const [one, two] = [await sends.send(again), await sends.send(again)];
    assert.deepEqual([one.messageId, one.senderSeq], [two.messageId, two.senderSeq]);
    assert.equal((await sync(bob)).length, before + 1);
    for (const mention of [{ all: 0 }, { uids: "x" }, { uids: [1, ""] }, null, [], "all"]) {
      await say(app, ann, groupNo, mentioning(mention));
    }
    await say(app, ann, groupNo, JSON.stringify({ type: 1, content: '"mention"' }));
    await acceptMessage(app.ctx, {
      senderId: ann!.userId,
      channel: { type: ChannelType.person, userId: bob!.userId },
      clientMsgNo: undefined,
      payload: mentioning({ uids: [bob!.uid] }),
      redDot: true,
    });
    assert.equal((await sync(bob)).length, before + 1);
    const refused = say(app, eve, groupNo, mentioning({ all: 1 }));
    await assert.rejects(refused, { kind: "group_not_member" });
    assert.equal((await sync(bob)).length, before + 1);
  });

  await t.step("done when the message is taken back, which whoever was named hears", async () => {
    const { messageId } = await say(app, ann, groupNo, mentioning({ uids: [bob!.uid, cid!.uid] }));
    const [bobs, cids] = [(await sync(bob)).at(-1), (await sync(cid)).at(-1)];
    assert.equal(bobs.message_id, String(messageId));
    await finish(cid, [cids.id]);
    told = [];
    await ann!.ask("POST", "/message/revoke", { query: { message_id: String(messageId) } });
    // Cid has seen to it already.
    assert.deepEqual(told, [[[bob!.userId], "syncReminders"]]);
    const changed = await sync(bob, bobs.version);
    assert.deepEqual(changed, [{ ...bobs, done: 1, version: changed[0].version }]);
    assert.ok(changed[0].version > bobs.version);
    assert.ok(!messageIds(await sync(bob)).includes(messageId), "nobody new hears of it");
    told = [];
    await ann!.ask("POST", "/message/revoke", { query: { message_id: String(messageId) } });
    const { messageId: plain } = await say(app, ann, groupNo, JSON.stringify({ type: 1 }));
    await ann!.ask("POST", "/message/revoke", { query: { message_id: String(plain) } });
    assert.deepEqual([told, await sync(bob, changed[0].version)], [[], []]);
  });

  await t.step("gone with the message, and with the group", async () => {
    const { messageId: revoked } = await say(app, ann, groupNo, mentioning({ all: 1 }));
    const { messageId: deleted } = await say(app, ann, groupNo, mentioning({ all: 1 }));
    assert.deepEqual(messageIds(await sync(bob)).slice(-2), [revoked, deleted]);
    await ann!.ask("POST", "/message/revoke", { query: { message_id: String(revoked) } });
    await bob!.ask("DELETE", "/message", { query: { message_id: String(deleted) } });
    assert.ok(!messageIds(await sync(bob)).some((id) => id === revoked || id === deleted));
    assert.equal(messageIds(await sync(cid)).at(-1), deleted);
    const query = { channel_id: groupNo, channel_type: "2" };
    await bob!.ask("DELETE", "/message", { query });
    assert.deepEqual(await sync(bob), []);
    await cid!.ask("POST", `/groups/${groupNo}/exit`);
    assert.deepEqual(await sync(cid), []);
  });

  await t.step("needs a token, and ids", async () => {
    assertImFailure(await finish(ann, ["x"]));
    assertImFailure(await finish(ann, { ids: [1] }));
    assert.equal((await finish(ann, [])).http, 200);
    await assertNeedsToken(app, "POST", "/message/reminder/sync", { body: {} });
    await assertNeedsToken(app, "POST", "/message/reminder/done", { body: [1] });
  });
  stop();
});

Deno.test("POST /message/reminder/sync in a group that keeps a log", async () => {
  await using app = await startTestApp();
  const [ann, bob, cid] = await makeChatters(app, "Ann", "Bob", "Cid");
  const groupNo = await openGroup(app, [ann!, bob!, cid!]);
  await app.ctx.db.execute(sql`update groups set is_super = true where group_no = ${groupNo}`);
  const { messageId: named } = await say(app, cid, groupNo, mentioning({ uids: [bob!.uid] }));
  await say(app, cid, groupNo, mentioning({ all: 1 }));
  const { messageId: byOwner } = await say(app, ann, groupNo, mentioning({ all: 1 }));
  const reminders = await sync(bob);
  assert.deepEqual(messageIds(reminders), [named, byOwner]);
  const inbox = await bob!.ask("POST", "/message/sync", { body: {} });
  // deno-lint-ignore no-explicit-any -- the client's own fields
  const seqOf = (id: number) => inbox.find((it: any) => it.message_id === id).message_seq;
  // deno-lint-ignore no-explicit-any -- the client's own fields
  const seqs = reminders.map(({ message_seq }: any) => message_seq);
  assert.deepEqual(seqs, [seqOf(named), seqOf(byOwner)]);
  assert.deepEqual(messageIds(await sync(cid)), [byOwner]);

  const last = reminders.at(-1);
  await ann!.ask("POST", "/message/revoke", { query: { message_id: String(byOwner) } });
  const changed = await sync(bob, last.version);
  assert.deepEqual(changed, [{ ...last, done: 1, version: changed[0].version }]);
});

import assert from "node:assert/strict";
import type { BusEvent } from "../../../db/bus/bus.ts";
import { KeptSetting } from "../../../db/domain/messages/rules.ts";
import { sendMessage } from "../../../db/domain/messages/send.ts";
import { ChannelType } from "../../../db/schema/messages.ts";
import { assertImFailure, assertNeedsToken } from "../../clients/im.ts";
import { startTestApp } from "../../harness.ts";
import { type Chatter, makeChatters, openGroup } from "../../people/group.ts";

Deno.test("POST /message/readed, POST /message/extra/sync and GET /messages/{message_id}/receipt", async (t) => {
  await using app = await startTestApp();
  const [ann, bob, cid, eve] = await makeChatters(app, "Ann", "Bob", "Cid", "Eve");
  const groupNo = await openGroup(app, [ann!, bob!, cid!]);
  let told: [number[], string, string, unknown][] = [];
  const stop = app.bus.subscribe((event: BusEvent) => {
    if (event.kind !== "moment") return;
    const { cmd, param } = JSON.parse(event.payload);
    if (cmd === "syncMessageExtra") told.push([event.userIds, cmd, event.channelNo, param]);
  });

  const say = async (
    from: Chatter | undefined,
    to: Chatter | string,
    setting: number = KeptSetting.receipt,
  ) => {
    const { messageId } = await sendMessage(app.ctx, {
      senderId: from!.userId,
      channel: typeof to === "string"
        ? { type: ChannelType.group, groupNo: to }
        : { type: ChannelType.person, userId: to.userId },
      clientMsgNo: undefined,
      payload: JSON.stringify({ type: 1, content: "hi" }),
      redDot: true,
      setting,
    });
    return messageId;
  };
  const inGroup = { channel_id: groupNo, channel_type: 2 };
  const withOne = ({ uid }: Chatter) => ({ channel_id: uid, channel_type: 1 });
  const read = (who: Chatter | undefined, channel: object, ...ids: number[]) =>
    who!.call("POST", "/message/readed", { body: { ...channel, message_ids: ids.map(String) } });
  const sync = (who: Chatter | undefined, channel: object, extra_version = 0, limit = 100) =>
    who!.ask("POST", "/message/extra/sync", { body: { ...channel, extra_version, limit } });
  const history = async (who: Chatter | undefined, channel: object) => {
    const body = { ...channel, limit: 30 };
    return (await who!.ask("POST", "/message/channel/sync", { body })).messages;
  };
  const receipts = (who: Chatter | undefined, id: number) =>
    who!.call("GET", `/messages/${id}/receipt`);

  await t.step("the sender is told once of each who has read, and how many have not", async () => {
    const id = await say(ann, groupNo);
    assert.deepEqual(await sync(ann, inGroup), []);
    assert.deepEqual((await read(bob, inGroup, id)).data, { status: 200, msg: "" });
    await read(bob, inGroup, id);
    const param = { channel_id: groupNo, channel_type: 2 };
    assert.deepEqual(told, [[[ann!.userId], "syncMessageExtra", groupNo, param]]);
    const [first] = await sync(ann, inGroup);
    const { extra_version, message_seq, ...extra } = first;
    assert.ok(extra_version > 0 && message_seq > 0);
    assert.deepEqual(extra, {
      message_id: id,
      message_id_str: String(id),
      revoke: 0,
      revoker: "",
      readed: 0,
      readed_at: 0,
      readed_count: 1,
      unread_count: 1,
      edited_at: 0,
    });
    assert.deepEqual(await sync(ann, inGroup, extra_version), []);
    await read(cid, inGroup, id);
    const [second] = await sync(ann, inGroup, extra_version);
    assert.deepEqual([second.readed_count, second.unread_count], [2, 0]);
    assert.deepEqual((await history(ann, inGroup)).at(-1).message_extra, second);
    const { data: readers } = await receipts(ann, id);
    // deno-lint-ignore no-explicit-any -- the client's own fields
    assert.deepEqual(readers.map(({ name }: any) => name), ["Bob", "Cid"]);
    assert.ok(Math.abs(readers[0].readed_at - Date.now() / 1000) < 60);
  });

  await t.step("the reader's own devices see that it is read", async () => {
    const [extra] = await sync(bob, inGroup);
    assert.deepEqual([extra.readed, extra.readed_count, extra.unread_count], [1, 0, 0]);
    assert.ok(extra.readed_at > 0);
  });

  await t.step("in a chat of two the sender hears of it in the reader's channel", async () => {
    const id = await say(ann, bob!);
    assert.equal((await history(ann, withOne(bob!))).at(-1).message_extra.unread_count, 1);
    told = [];
    await read(bob, withOne(ann!), id);
    assert.deepEqual(told, [
      [[ann!.userId], "syncMessageExtra", bob!.uid, { channel_id: bob!.uid, channel_type: 1 }],
    ]);
    const [extra] = await sync(ann, withOne(bob!));
    assert.deepEqual([extra.readed_count, extra.unread_count], [1, 0]);
    const { conversations } = await ann!.ask("POST", "/conversation/sync", { body: {} });
    // deno-lint-ignore no-explicit-any -- the client's own fields
    const known = conversations.find((it: any) => it.channel_id === bob!.uid);
    assert.deepEqual(known.recents[0].message_extra, extra);
  });

  await t.step("two devices at once count once", async () => {
    const ids = [await say(ann, bob!), await say(ann, bob!)];
    await Promise.all([1, 2, 3].map(() => read(bob, withOne(ann!), ...ids)));
    const extras = await sync(ann, withOne(bob!));
    // deno-lint-ignore no-explicit-any -- the client's own fields
    assert.deepEqual(extras.map((it: any) => it.readed_count), [1, 1, 1]);
    const page = await sync(ann, withOne(bob!), 0, 1);
    assert.equal(
      page.length + (await sync(ann, withOne(bob!), page.at(-1).extra_version)).length,
      3,
    );
  });

  await t.step("nothing else counts: not asked for, one's own, elsewhere, taken back", async () => {
    const plain = await say(ann, bob!, 0);
    const own = await say(bob, ann!);
    const revoked = await say(ann, bob!);
    const inTheGroup = await say(ann, groupNo);
    await ann!.ask("POST", "/message/revoke", { query: { message_id: String(revoked) } });
    told = [];
    await read(bob, withOne(ann!), plain, own, revoked, inTheGroup, 999);
    await read(eve, inGroup, inTheGroup);
    await read(bob, { channel_id: "0".repeat(32), channel_type: 1 }, own);
    assert.deepEqual(told, []);
    assert.deepEqual((await receipts(ann, inTheGroup)).data, []);
  });

  await t.step("taking back is a change too, for everybody", async () => {
    const id = await say(ann, groupNo);
    const before = (await sync(cid, inGroup)).at(-1).extra_version;
    await ann!.ask("POST", "/message/revoke", { query: { message_id: String(id) } });
    for (const who of [ann, bob, cid]) {
      const [extra] = await sync(who, inGroup, before).then((all) => all.slice(-1));
      assert.deepEqual(
        [extra.message_id, extra.revoke, extra.revoker],
        [id, 1, ann!.uid],
      );
    }
    assert.deepEqual(await sync(eve, inGroup), []);
  });

  await t.step("only the sender sees who has read; needs a token", async () => {
    const id = await say(ann, groupNo);
    await read(bob, inGroup, id);
    assertImFailure(await receipts(bob, id), 400, "消息不存在");
    assertImFailure(await receipts(ann, 999), 400, "消息不存在");
    assertImFailure(await read(ann, { channel_id: groupNo, channel_type: 3 }));
    await assertNeedsToken(app, "GET", `/messages/${id}/receipt`);
    await assertNeedsToken(app, "POST", "/message/readed", { body: {} });
    await assertNeedsToken(app, "POST", "/message/extra/sync", { body: {} });
  });
  stop();
});

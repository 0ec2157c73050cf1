import assert from "node:assert/strict";
import { acceptMessage } from "../../../db/domain/messages/accept.ts";
import { ChannelType } from "../../../db/schema/messages.ts";
import { assertImFailure, assertNeedsToken } from "../../clients/im.ts";
import { startTestApp } from "../../harness.ts";
import { befriend, type Chatter, makeChatters, openGroup } from "../../people/group.ts";

Deno.test("POST /search/global", async (t) => {
  await using app = await startTestApp();
  const [ann, bob, cid, eve] = await makeChatters(app, "Ann", "Bob%", "Cid", "Eve");
  await befriend(app, ann!, [bob!, cid!]);
  const groupNo = await openGroup(app, [ann!, bob!, cid!], "Bob%的读书会");
  await openGroup(app, [bob!, cid!], "Bob%的密谋");
  await ann!.ask("PUT", `/users/${cid!.uid}/setting`, { body: { remark: "bob%二号" } });

  let count = 0;
  const sayText = async (from: Chatter | undefined, to: Chatter | string, payload: string) => {
    const { messageId } = await acceptMessage(app.ctx, {
      senderId: from!.userId,
      channel: typeof to === "string"
        ? { type: ChannelType.group, groupNo: to }
        : { type: ChannelType.person, userId: to.userId },
      clientMsgNo: `no-${++count}`,
      payload,
      redDot: true,
    });
    return messageId;
  };
  const say = (from: Chatter | undefined, to: Chatter | string, said: unknown) =>
    sayText(from, to, JSON.stringify(said));
  const find = (body: unknown, who = ann) => who!.ask("POST", "/search/global", { body });
  // deno-lint-ignore no-explicit-any -- the client's own fields
  const texts = ({ messages }: any) => messages.map(({ payload }: any) => payload.content);

  const channel = (id: string, type: number, name: string, remark = "") => ({
    channel_id: id,
    channel_type: type,
    channel_name: name,
    channel_remark: remark,
  });
  const [ofAnn, ofBob, ofCid, ofGroup] = [
    channel(ann!.uid, 1, "Ann"),
    channel(bob!.uid, 1, "Bob%"),
    channel(cid!.uid, 1, "Cid", "bob%二号"),
    channel(groupNo, 2, "Bob%的读书会"),
  ];

  await t.step("friends by name and remark, groups one is in, and what was said", async () => {
    const messageId = await say(bob, groupNo, { type: 1, content: "我是 BOB% 本人" });
    await say(bob, cid!, { type: 1, content: "bob% 和你的秘密" });
    const found = await find({ keyword: "bob%", page: 1, limit: 20, content_type: [] });
    assert.deepEqual(found.friends, [ofBob, ofCid]);
    assert.deepEqual(found.groups, [ofGroup]);
    const [{ message_seq, timestamp, ...message }] = found.messages;
    assert.equal(found.messages.length, 1);
    assert.ok(message_seq > 0 && Math.abs(timestamp - Date.now() / 1000) < 60);
    assert.deepEqual(message, {
      message_id: messageId,
      message_idstr: String(messageId),
      client_msg_no: "no-1",
      from_uid: bob!.uid,
      setting: 0,
      is_deleted: 0,
      payload: { type: 1, content: "我是 BOB% 本人" },
      channel: ofGroup,
      from_channel: ofBob,
    });
    const none = { friends: [], groups: [], messages: [] };
    assert.deepEqual(await find({ keyword: "bobx" }), none);
    assert.deepEqual(await find({ keyword: "bob%" }, eve), none);
  });

  await t.step("groups by what one calls them oneself", async () => {
    const setting = { body: { remark: "猫房" } };
    await ann!.ask("PUT", `/groups/${groupNo}/setting`, setting);
    const called = { ...ofGroup, channel_remark: "猫房" };
    assert.deepEqual((await find({ keyword: "猫" })).groups, [called]);
    assert.deepEqual((await find({ keyword: "读书" })).groups, [called]);
    assert.deepEqual((await find({ keyword: "本人" })).messages[0].channel, called);
    assert.deepEqual((await find({ keyword: "猫" }, bob)).groups, []);
    await ann!.ask("PUT", `/groups/${groupNo}/setting`, { body: { remark: "" } });
  });

  await t.step("newest first, a page after the other; messages alone of a channel", async () => {
    for (const at of [1, 2, 3]) await say(ann, bob!, { type: 1, content: `apfel ${at}` });
    await say(cid, ann!, { type: 1, content: "apfel 4" });
    const pageOf = (page: number) => find({ keyword: "Apfel", page, limit: 3 });
    assert.deepEqual(texts(await pageOf(1)), ["apfel 4", "apfel 3", "apfel 2"]);
    assert.deepEqual(texts(await pageOf(2)), ["apfel 1"]);
    assert.deepEqual(texts(await pageOf(3)), []);
    const bobs = { channel_id: bob!.uid, channel_type: 1, only_message: 1 };
    const inChannel = await find({ keyword: "apfel", ...bobs });
    assert.deepEqual(texts(inChannel), ["apfel 3", "apfel 2", "apfel 1"]);
    assert.deepEqual(
      [inChannel.messages[0].channel, inChannel.messages[0].from_channel],
      [ofBob, ofAnn],
    );
    const only = await find({ keyword: "bob%", only_message: 1 });
    assert.deepEqual([only.friends, only.groups], [[], []]);
    assert.equal(only.messages.length, 1);
    const elsewhere = { channel_id: "0".repeat(32), channel_type: 1 };
    assert.deepEqual(texts(await find({ keyword: "apfel", ...elsewhere })), []);
  });

  await t.step("files by name, and all of them without a word", async () => {
    await say(bob, ann!, { type: 8, name: "Haus.pdf", url: "a", size: 1 });
    await say(bob, ann!, { type: 1, content: "the haus" });
    await say(bob, ann!, { type: 2, url: "a", "x": { type: 8 } });
    // deno-lint-ignore no-explicit-any -- the client's own fields
    const names = ({ messages }: any) => messages.map(({ payload }: any) => payload.name);
    assert.deepEqual(names(await find({ keyword: "haus", content_type: [8] })), ["Haus.pdf"]);
    const all = await find({ keyword: "", content_type: [8] });
    assert.deepEqual([names(all), all.friends, all.groups], [["Haus.pdf"], [], []]);
    assert.equal((await find({ keyword: "haus" })).messages.length, 2);
    for (const body of [{ keyword: "" }, { keyword: " ", content_type: [1, 8] }, {}]) {
      assert.deepEqual(await find(body), { friends: [], groups: [], messages: [] });
    }
  });

  await t.step("however it was written", async () => {
    await sayText(bob, ann!, String.raw`{"type":1,"content":"\u4f60\u597d \"x\" a\/b \u0000"}`);
    for (const keyword of ["你好", '"x"', "a/b", '你好 "x" a/b']) {
      assert.equal((await find({ keyword })).messages.length, 1, keyword);
    }
    await say(bob, ann!, { type: 1, content: String.raw`a\b%_` });
    for (const keyword of [String.raw`a\b`, "%_"]) {
      assert.deepEqual(texts(await find({ keyword })), [String.raw`a\b%_`], keyword);
    }
  });

  await t.step("nothing taken back, thrown away, or of the system's", async () => {
    const [revoked, deleted] = [
      await say(bob, ann!, { type: 1, content: "birne 1" }),
      await say(bob, ann!, { type: 1, content: "birne 2" }),
    ];
    await say(cid, ann!, { type: 1, content: "birne 3" });
    await bob!.ask("POST", "/message/revoke", { query: { message_id: String(revoked) } });
    await ann!.ask("DELETE", "/message", { query: { message_id: String(deleted) } });
    assert.deepEqual(texts(await find({ keyword: "birne" })), ["birne 3"]);
    assert.equal((await find({ keyword: "birne" }, bob)).messages.length, 1);
    const query = { channel_id: cid!.uid, channel_type: "1" };
    await ann!.ask("DELETE", "/message", { query });
    assert.deepEqual(texts(await find({ keyword: "birne" })), []);
    assert.deepEqual(texts(await find({ keyword: "加入群聊" })), []);
    assert.deepEqual(texts(await find({ keyword: "加入群聊", content_type: [1001, 99] })), []);
  });

  await t.step("needs a token, and a word that is none too long", async () => {
    const long = { body: { keyword: "x".repeat(101) } };
    assertImFailure(await ann!.call("POST", "/search/global", long));
    await assertNeedsToken(app, "POST", "/search/global", { body: { keyword: "a" } });
  });
});

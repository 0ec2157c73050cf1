import assert from "node:assert/strict";
import { acceptMessage } from "../../../db/domain/messages/accept.ts";
import { blocks } from "../../../db/schema/blocks.ts";
import { ChannelType } from "../../../db/schema/messages.ts";
import { askIm, assertImFailure, assertNeedsToken, callIm } from "../../clients/im.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { makeGroup } from "../../people/factories.ts";
import { makeChatPerson } from "./chat_people.ts";

/** A person with a token of the chat app, and the row's own name for its number. */
async function makePerson(app: TestApp, name: string) {
  const person = await makeChatPerson(app, name);
  return { ...person, id: person.userId };
}
type Person = Awaited<ReturnType<typeof makePerson>>;

const text = (content: string) => JSON.stringify({ type: 1, content });

function say(app: TestApp, from: Person, to: Person | { groupId: number }, content: string) {
  return acceptMessage(app.ctx, {
    senderId: from.id,
    channel: "groupId" in to
      ? { type: ChannelType.group, groupId: to.groupId }
      : { type: ChannelType.person, userId: to.id },
    clientMsgNo: `${from.id}-${content}`,
    payload: text(content),
    redDot: true,
  });
}

const sync = (app: TestApp, { token }: Person, body: Record<string, unknown> = {}) =>
  askIm(app, "POST", "/message/sync", { token, body });
const contents = (messages: { payload: string }[]) =>
  messages.map(({ payload }) =>
    JSON.parse(
      new TextDecoder().decode(Uint8Array.from(atob(payload), (char) => char.charCodeAt(0))),
    )
      .content
  );

Deno.test("POST /message/sync", async (t) => {
  await using app = await startTestApp();
  const [anna, ben, cleo] = [
    await makePerson(app, "Anna"),
    await makePerson(app, "Ben"),
    await makePerson(app, "Cleo"),
  ];
  const group = await makeGroup(app.ctx, [anna, ben]);

  await t.step("answers exactly what was missed, in the contract's shape", async () => {
    await say(app, anna, ben, "你好 👋");
    await say(app, cleo, ben, "two");
    await say(app, anna, { groupId: group.id }, "three");
    const messages = await sync(app, ben);
    assert.deepEqual(contents(messages), ["你好 👋", "two", "three"]);
    const { message_id, timestamp, ...rest } = messages[0];
    assert.ok(Number.isSafeInteger(message_id));
    assert.ok(Math.abs(timestamp - Date.now() / 1000) < 60);
    assert.deepEqual(rest, {
      message_idstr: String(message_id),
      message_seq: 1,
      client_msg_no: `${anna.id}-你好 👋`,
      from_uid: anna.uid,
      to_uid: ben.uid,
      channel_id: anna.uid,
      channel_type: 1,
      payload: rest.payload,
      header: { no_persist: 0, red_dot: 1, sync_once: 0 },
      setting: 0,
      is_deleted: 0,
      revoke: 0,
      revoker: "",
    });
    assert.deepEqual(
      [messages[2].channel_id, messages[2].channel_type, messages[2].to_uid],
      [group.groupNo, 2, ""],
    );
  });

  await t.step("goes on behind max_message_seq, number or text, a page at a time", async () => {
    assert.deepEqual(contents(await sync(app, ben, { max_message_seq: "1" })), ["two", "three"]);
    assert.deepEqual(contents(await sync(app, ben, { max_message_seq: 2 })), ["three"]);
    assert.deepEqual(contents(await sync(app, ben, { limit: 2 })), ["你好 👋", "two"]);
    assert.deepEqual(contents(await sync(app, ben, { limit: 0 })), ["你好 👋", "two", "three"]);
  });

  await t.step("and POST /message/syncack/{last_message_seq} leave nothing to fetch", async () => {
    const ack = (seq: string) =>
      callIm(app, "POST", `/message/syncack/${seq}`, { token: ben.token });
    assert.deepEqual((await ack("3")).data, { status: 200, msg: "" });
    assert.deepEqual(await sync(app, ben), []);
    assert.equal((await ack("1")).http, 200);
    assert.deepEqual(await sync(app, ben), [], "the mark never goes back");
    assertImFailure(await ack("x"));
    await say(app, anna, ben, "four");
    assert.deepEqual(contents(await sync(app, ben)), ["four"]);
  });

  await t.step("of one channel answers it from its beginning under the same numbers", async () => {
    const withAnna = await sync(app, ben, { channel_id: anna.uid, channel_type: 1 });
    assert.deepEqual(contents(withAnna), ["你好 👋", "four"]);
    assert.deepEqual(withAnna.map((it: { message_seq: number }) => it.message_seq), [1, 4]);
    const ofGroup = await sync(app, ben, { channel_id: group.groupNo, channel_type: 2 });
    assert.deepEqual(contents(ofGroup), ["three"]);
  });

  await t.step("refuses channels one is not in, halves of a name, and no token", async () => {
    const refused = (body: Record<string, unknown>) =>
      callIm(app, "POST", "/message/sync", { token: cleo.token, body });
    assertImFailure(await refused({ channel_id: group.groupNo, channel_type: 2 }));
    assertImFailure(await refused({ channel_id: "0".repeat(32), channel_type: 1 }));
    assertImFailure(await refused({ channel_id: anna.uid }));
    assertImFailure(await refused({ max_message_seq: "abc" }));
    await assertNeedsToken(app, "POST", "/message/sync", { body: {} });
    await assertNeedsToken(app, "POST", "/message/syncack/1");
  });
});

Deno.test("DELETE /message", async (t) => {
  await using app = await startTestApp();
  const [anna, ben] = [await makePerson(app, "Anna"), await makePerson(app, "Ben")];
  const { messageId } = await say(app, anna, ben, "one");
  await say(app, anna, ben, "two");
  const remove = (query: Record<string, string>, { token } = ben) =>
    callIm(app, "DELETE", "/message", { token, query });
  const saidTo = async (person: Person) => contents(await sync(app, person));

  await t.step("throws one message away for the caller alone", async () => {
    assert.deepEqual((await remove({ message_id: String(messageId) })).data, {
      status: 200,
      msg: "",
    });
    assert.equal((await remove({ message_id: String(messageId) })).http, 200);
    assert.deepEqual(await saidTo(ben), ["two"]);
    assert.deepEqual(await saidTo(anna), ["one", "two"]);
  });

  await t.step("clears a channel up to now", async () => {
    assert.equal((await remove({ channel_id: anna.uid, channel_type: "1" })).http, 200);
    await say(app, anna, ben, "three");
    assert.deepEqual(await saidTo(ben), ["three"]);
    assert.deepEqual(await saidTo(anna), ["one", "two", "three"]);
  });

  await t.step("of a channel named besides only what was said there", async () => {
    const cleo = await makePerson(app, "Cleo");
    const { messageId } = await say(app, anna, ben, "four");
    const inChannel = (channel: Record<string, string>) =>
      remove({ message_id: String(messageId), ...channel });
    const elsewhere: Record<string, string>[] = [
      { channel_id: cleo.uid, channel_type: "1" },
      { channel_id: anna.uid, channel_type: "2" },
      { channel_id: ben.uid },
    ];
    for (const channel of elsewhere) assertImFailure(await inChannel(channel), 400, "消息不存在");
    assert.deepEqual(await saidTo(ben), ["three", "four"]);
    assert.equal((await inChannel({ channel_id: anna.uid, channel_type: "1" })).http, 200);
    assert.deepEqual(await saidTo(ben), ["three"]);
  });

  await t.step("refuses other people's messages, unknown channels and nothing at all", async () => {
    const cleo = await makePerson(app, "Cleo");
    assertImFailure(await remove({ message_id: String(messageId) }, cleo));
    assertImFailure(await remove({ channel_id: "0".repeat(32), channel_type: "1" }));
    assertImFailure(await remove({}));
    assertImFailure(await remove({ message_id: "x" }));
    await assertNeedsToken(app, "DELETE", "/message", { query: { message_id: "1" } });
  });
});

Deno.test("POST /message/revoke", async (t) => {
  await using app = await startTestApp();
  const [owner, manager, member, other] = [
    await makePerson(app, "Owner"),
    await makePerson(app, "Manager"),
    await makePerson(app, "Member"),
    await makePerson(app, "Other"),
  ];
  const revoke = (messageId: number, { token }: Person) =>
    callIm(app, "POST", "/message/revoke", { token, query: { message_id: String(messageId) } });
  const last = async (person: Person) => (await sync(app, person)).at(-1);
  const commandOf = (message: { payload: string }) => JSON.parse(atob(message.payload));

  await t.step("takes one's own message back for everybody, by a command", async () => {
    const { messageId } = await say(app, owner, other, "oops");
    assert.deepEqual((await revoke(messageId, owner)).data, { status: 200, msg: "" });
    const [revoked, command] = await sync(app, other);
    assert.deepEqual([revoked.revoke, revoked.revoker], [1, owner.uid]);
    const [own] = await sync(app, owner);
    for (const { payload } of [revoked, own]) {
      assert.deepEqual(JSON.parse(atob(payload)), { type: 1006, revoker: owner.uid });
    }
    assert.deepEqual(commandOf(command), {
      type: 99,
      cmd: "messageRevoke",
      param: { message_id: String(messageId) },
    });
    assert.equal((await revoke(messageId, owner)).http, 200);
    assert.equal((await sync(app, other)).length, 2, "told once");
    assertImFailure(await revoke(messageId, other));
    assertImFailure(await revoke(messageId, member), 400);
  });

  await t.step("in a group owner over all, manager over members, member over none", async () => {
    const group = await makeGroup(app.ctx, [owner, manager, member]);
    await app.ctx.db.execute(
      `update group_members set role = 2 where group_id = ${group.id} and user_id = ${manager.id}`,
    );
    const said = async (person: Person, content: string) =>
      (await say(app, person, { groupId: group.id }, content)).messageId;
    assertImFailure(await revoke(await said(manager, "m1"), member));
    assertImFailure(await revoke(await said(owner, "o1"), manager));
    assert.equal((await revoke(await said(member, "x1"), manager)).http, 200);
    assert.equal((await revoke(await said(manager, "m2"), owner)).http, 200);
    assert.equal(commandOf(await last(member)).cmd, "messageRevoke");
  });

  await t.step("takes back no money, and nothing the system says, whoever asks", async () => {
    const group = await makeGroup(app.ctx, [owner, manager, member]);
    const channel = { type: ChannelType.group, groupId: group.id };
    const said = async (senderId: number | undefined, type: number) => {
      const payload = JSON.stringify({ type, content: "x" });
      const input = { senderId, channel, clientMsgNo: undefined, payload, redDot: true };
      return (await acceptMessage(app.ctx, input)).messageId;
    };
    for (const type of [9, 10, 1000, 1011, 2000]) {
      const messageId = await said(owner.id, type);
      assertImFailure(await revoke(messageId, owner), 400, "这类消息不能撤回");
    }
    for (const type of [1, 1005]) {
      assertImFailure(await revoke(await said(undefined, type), owner), 400, "这类消息不能撤回");
    }
    assert.equal((await revoke(await said(owner.id, 999), owner)).http, 200);
    assert.equal((await revoke(await said(owner.id, 2001), owner)).http, 200);
  });

  await t.step("of a channel named besides only what was said there", async () => {
    const { messageId } = await say(app, owner, other, "here");
    const query = { message_id: String(messageId) };
    const inChannel = (channel: Record<string, string>) =>
      callIm(app, "POST", "/message/revoke", {
        token: owner.token,
        query: { ...query, ...channel },
      });
    const elsewhere: Record<string, string>[] = [
      { channel_id: member.uid, channel_type: "1" },
      { channel_id: other.uid, channel_type: "2" },
      { channel_id: owner.uid },
    ];
    for (const channel of elsewhere) assertImFailure(await inChannel(channel), 400, "消息不存在");
    assert.equal((await inChannel({ channel_id: other.uid, channel_type: "1" })).http, 200);
  });

  await t.step("works towards somebody who has blocked one since", async () => {
    const { messageId } = await say(app, owner, member, "before");
    await app.ctx.db.insert(blocks).values({
      userId: member.id,
      blockedId: owner.id,
      createdAt: new Date(),
    });
    assert.equal((await revoke(messageId, owner)).http, 200);
    const found = (await sync(app, member))
      .find((it: { message_id: number }) => it.message_id === messageId);
    assert.equal(found.revoke, 1);
  });

  await t.step("refuses a number that is none, and no token", async () => {
    assertImFailure(await revoke(NaN, owner));
    await assertNeedsToken(app, "POST", "/message/revoke", { query: { message_id: "1" } });
  });
});

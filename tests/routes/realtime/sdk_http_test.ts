import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { WELCOME } from "../../../db/domain/friends/rules.ts";
import { FILE_HELPER_UID, SYSTEM_UID } from "../../../db/schema/users.ts";
import { Reason } from "../../../routes/realtime/reasons.ts";
import { askIm, CHAT_PASSWORD, type ChatLogin, registerChat } from "../../clients/im.ts";
import { startTestApp } from "../../harness.ts";
import { startChatServer } from "../../servers/chat.ts";
import { waitUntil } from "../../services/binary.ts";
import { SdkClient } from "../../services/wukong_sdk.ts";

const PERSON = 1;
const GROUP = 2;
const WEB = 1;

// deno-lint-ignore no-explicit-any -- the contract's own fields
type Json = any;

/**
 * What a chat app does, in order, with nothing of ours in between: every call is HTTP to a real
 * server, every message goes through the unmodified npm client.
 */
Deno.test("a chat app lives on HTTP and the npm client alone", async (t) => {
  await using app = await startTestApp();
  await using server = startChatServer(app);
  const online = { ...app, fetch: server.fetch };

  const [anna, ben, cleo, dan] = [
    await registerChat(online, "Anna"),
    await registerChat(online, "Ben"),
    await registerChat(online, "Cleo"),
    await registerChat(online, "Dan"),
  ];
  const http = (
    { token }: ChatLogin,
    method: string,
    path: string,
    call: { body?: unknown; query?: Record<string, string> } = {},
  ) => askIm(online, method, path, { token, ...call });

  /** Connects as the web client does: the address is asked for first. */
  async function connect(person: ChatLogin, name: string, deviceFlag = 0, token = person.token) {
    const client = await SdkClient.load(`http ${name}`);
    const addr = async () => (await http(person, "POST", `/users/${person.uid}/im`)).ws_addr;
    const status = await client.connect({ uid: person.uid, token, deviceFlag, addr });
    return { client, status };
  }
  async function connected(person: ChatLogin, name: string) {
    const { client, status } = await connect(person, name);
    assert.deepEqual(status, { status: 1, reason: Reason.success });
    return client;
  }
  const nextCommand = async (client: SdkClient, cmd: string) =>
    (await client.next(({ content }) => content.cmd === cmd)).content.param;
  const nextText = (client: SdkClient, text: string) =>
    client.next(({ content }) => content.text === text);

  await using annas = await connected(anna, "anna");
  await using bens = await connected(ben, "ben");
  await using cleos = await connected(cleo, "cleo");

  await t.step("a wrong token is refused, for good", async () => {
    const { client, status } = await connect(anna, "nobody", 0, "0".repeat(32));
    await using _ = client;
    assert.deepEqual(status, { status: 3, reason: Reason.auth_failed });
  });

  await t.step("pings are answered", async () => {
    const { connectManager } = annas.sdk;
    connectManager.sendPing();
    assert.equal(connectManager.pingRetryCount, 1);
    await waitUntil("PONG", () => connectManager.pingRetryCount === 0);
  });

  await t.step("texts go both ways, whatever the letters, long, with the highest ids", async () => {
    await app.ctx.db.execute(sql`select setval('messages_id_seq', ${2 ** 53 - 1_000}::bigint)`);
    const texts = ["你好 😀", "ñ 𝒳 \u202eabc\u202c \0", "长".repeat(4_000)];
    for (const text of texts) {
      for (
        const [from, to, sender, receiver] of [
          [anna, ben, annas, bens],
          [ben, anna, bens, annas],
        ] as const
      ) {
        const ack = await sender.sendText(to.uid, PERSON, text);
        assert.equal(ack.reasonCode, Reason.success);
        const heard = await nextText(receiver, text);
        assert.deepEqual([heard.fromUID, heard.channel.channelID], [from.uid, from.uid]);
        assert.equal(heard.messageID, ack.messageId);
        assert.ok(Number(heard.messageID) > 2 ** 53 - 1_000);
        assert.ok(heard.header.reddot);
      }
    }
  });

  await t.step("a friend request arrives as a command; its token makes friends", async () => {
    for (const [friend, client] of [[ben, bens], [cleo, cleos]] as const) {
      const body = { to_uid: friend.uid, remark: "你好" };
      await http(anna, "POST", "/friend/apply", { body });
      const asked = await nextCommand(client, "friendRequest");
      assert.deepEqual(asked, {
        apply_uid: anna.uid,
        apply_name: "Anna",
        to_uid: friend.uid,
        remark: "你好",
        token: asked.token,
      });
      await http(friend, "POST", "/friend/sure", { body: { token: asked.token } });
      for (const told of [annas, client]) {
        const accepted = await nextCommand(told, "friendAccept");
        assert.deepEqual(accepted, { to_uid: anna.uid, from_uid: friend.uid });
      }
      assert.equal((await nextText(client, "你好")).fromUID, anna.uid);
      const uids = (await http(friend, "POST", "/friend/sync")).map((it: Json) => it.to_uid);
      assert.deepEqual(uids, [SYSTEM_UID, FILE_HELPER_UID, anna.uid]);
    }
  });

  let groupNo = "";
  await t.step("a group of three talks", async () => {
    const body = { name: "读书会", members: [ben.uid, cleo.uid] };
    groupNo = (await http(anna, "POST", "/group/create", { body })).group_no;
    for (const client of [annas, bens, cleos]) {
      const made = await client.next(({ contentType }) => contentType === 1001);
      assert.deepEqual([made.channel.channelID, made.channel.channelType], [groupNo, GROUP]);
    }
    const ack = await bens.sendText(groupNo, GROUP, "大家好");
    assert.equal(ack.reasonCode, Reason.success);
    for (const client of [annas, cleos]) {
      const heard = await nextText(client, "大家好");
      assert.deepEqual([heard.fromUID, heard.channel.channelID], [ben.uid, groupNo]);
      assert.equal(heard.messageID, ack.messageId);
    }
  });

  await t.step("but for who is not in it, and for members while it is silent", async () => {
    await using dans = await connected(dan, "dan");
    const say = async (client: SdkClient) =>
      (await client.sendText(groupNo, GROUP, "may I?")).reasonCode;
    assert.equal(await say(dans), Reason.not_a_member);
    await http(anna, "POST", `/groups/${groupNo}/forbidden/1`);
    assert.equal(await say(bens), Reason.sending_not_allowed);
    assert.equal(await say(annas), Reason.success);
    await http(anna, "POST", `/groups/${groupNo}/forbidden/0`);
    assert.equal(await say(bens), Reason.success);
  });

  await t.step("who is on the blacklist is not heard until taken off it", async () => {
    const say = async () => (await annas.sendText(ben.uid, PERSON, "and now?")).reasonCode;
    await http(ben, "POST", `/user/blacklist/${anna.uid}`);
    assert.equal(await say(), Reason.in_blacklist);
    await http(ben, "DELETE", `/user/blacklist/${anna.uid}`);
    assert.equal(await say(), Reason.success);
    await nextText(bens, "and now?");
    assert.equal(bens.messages.filter(({ content }) => content.text === "and now?").length, 1);
  });

  await t.step("what is taken back goes from every screen by a command", async () => {
    const { messageId } = await annas.sendText(groupNo, GROUP, "oops");
    const query = { message_id: messageId, channel_id: groupNo, channel_type: String(GROUP) };
    await http(anna, "POST", "/message/revoke", { query });
    for (const client of [bens, cleos]) {
      const command = await client.next(({ content }) => content.cmd === "messageRevoke");
      assert.equal(command.channel.channelID, groupNo);
      assert.deepEqual(command.content.param, { message_id: messageId });
    }
  });

  await t.step("the file helper carries things from one device to another", async () => {
    const login = await askIm(online, "POST", "/user/login", {
      body: { username: `0086${anna.phone}`, password: CHAT_PASSWORD, flag: WEB },
    });
    const { client: web, status } = await connect(anna, "anna web", WEB, login.token);
    await using _ = web;
    assert.equal(status.status, 1);
    const ack = await annas.sendText(FILE_HELPER_UID, PERSON, "for later");
    const seen = await nextText(web, "for later");
    assert.deepEqual([seen.fromUID, seen.channel.channelID], [anna.uid, FILE_HELPER_UID]);
    assert.deepEqual([seen.messageID, seen.messageSeq], [ack.messageId, ack.messageSeq]);
  });

  await t.step("what was missed offline is fetched, exactly, and once", async () => {
    const sync = async (max_message_seq?: number) =>
      await http(cleo, "POST", "/message/sync", { body: { max_message_seq } });
    const textOf = ({ payload }: Json) =>
      JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(payload), (it) => it.charCodeAt(0))))
        .content;
    const whole = await sync();
    assert.deepEqual([whole[0].from_uid, textOf(whole[0])], [SYSTEM_UID, WELCOME]);
    await cleos.disconnect();
    const lastSeen = whole.at(-1).message_seq;

    const sent = [
      await annas.sendText(cleo.uid, PERSON, "一"),
      await bens.sendText(groupNo, GROUP, "二"),
      await annas.sendText(groupNo, GROUP, "三"),
    ];
    const missed = await sync(lastSeen);
    assert.deepEqual(missed.map(textOf), ["一", "二", "三"]);
    assert.deepEqual(
      missed.map((it: Json) => [it.message_idstr, it.from_uid, it.channel_id, it.message_seq]),
      [
        [sent[0]!.messageId, anna.uid, anna.uid, lastSeen + 1],
        [sent[1]!.messageId, ben.uid, groupNo, lastSeen + 2],
        [sent[2]!.messageId, anna.uid, groupNo, lastSeen + 3],
      ],
    );
    await http(cleo, "POST", `/message/syncack/${lastSeen + 3}`);
    assert.deepEqual(await sync(), []);

    await using again = await connected(cleo, "cleo again");
    await annas.sendText(cleo.uid, PERSON, "四");
    assert.equal((await nextText(again, "四")).messageSeq, lastSeen + 4);
    assert.equal(again.messages.length, 1, "nothing that was fetched comes again");
  });

  await t.step("a second phone ends the first one's connection", async () => {
    await using second = await connected(anna, "anna's new phone");
    assert.deepEqual(await annas.nextStatus(4), { status: 4, reason: Reason.kicked });
    await bens.sendText(anna.uid, PERSON, "still there?");
    await nextText(second, "still there?");
    assert.ok(annas.messages.every(({ content }) => content.text !== "still there?"));
  });
});

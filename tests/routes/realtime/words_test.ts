import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { readInbox } from "../../../db/domain/messages/read_inbox.ts";
import { messages } from "../../../db/schema/messages.ts";
import { Reason } from "../../../routes/realtime/reasons.ts";
import { askIm } from "../../clients/im.ts";
import { Cmd } from "../../clients/gobelieve.ts";
import { payloadOf, RpcClient } from "../../clients/rpc.ts";
import { startTestApp } from "../../harness.ts";
import { issuePayToken } from "../../people/money.ts";
import { startChatServer } from "../../servers/chat.ts";
import { waitUntil } from "../../services/binary.ts";
import type { ChatPerson } from "../im/chat_people.ts";
import { forGroup, forPerson, makePlace, paid } from "../im/red_packet_place.ts";
import { contentsOf, follow, makePeople } from "./gobelieve_people.ts";
import { RawWukong } from "./raw_wukong.ts";

/** Only the server says these; the last two are commands and system types otherwise written. */
const FORBIDDEN = [
  { type: 99, cmd: "messageRevoke", param: { message_id: "1" } },
  { type: 99 },
  { type: 1000 },
  { type: 1006 },
  { type: 1011 },
  { type: 1012 },
  { type: 1020 },
  { type: 2000, content: "系统提示：群主已更换收款账号" },
];
const ALLOWED = [{ type: 999 }, { type: 2001 }, { type: 8 }, { type: 11 }, { type: -5 }];
const HEADERS = [{}, { noPersist: true }, { syncOnce: true }];

async function openPlace() {
  const app = await startTestApp();
  const server = startChatServer(app);
  const people = await makePlace(app);
  const connect = async ({ uid, token }: ChatPerson) => {
    const client = await new RpcClient(server.url).opened();
    await client.connect({ uid, token });
    return client;
  };
  return {
    app,
    connect,
    server,
    ...people,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await app[Symbol.asyncDispose]();
    },
  };
}

/** What a client has heard but for who comes and goes, which friends are told of. */
function saidTo({ received }: RpcClient) {
  return received.filter((message) => payloadOf(message).cmd !== "onlineStatus");
}

Deno.test("nobody speaks as the system, kept or passing, to a person, a group or a log", async (t) => {
  await using place = await openPlace();
  const { app, toby, tony, group, connect, server } = place;
  await using tobys = await connect(toby);
  await using tonys = await connect(tony);
  const channels = [[tony.uid, 1], [group.groupNo, 2]] as const;

  for (const isSuper of [false, true]) {
    await t.step(isSuper ? "with a log" : "without", async () => {
      await app.ctx.db.execute(sql`update groups set is_super = ${isSuper}`);
      const before = await app.ctx.db.$count(messages);
      for (const payload of FORBIDDEN) {
        for (const [channelId, channelType] of channels) {
          for (const header of HEADERS) {
            const { error } = await tobys.say(channelId, channelType, payload, { header });
            assert.equal(error?.code, Reason.payload_invalid, JSON.stringify(payload));
          }
        }
      }
      assert.equal(await app.ctx.db.$count(messages), before);
      assert.deepEqual(saidTo(tonys), []);
    });
  }

  await t.step("other types pass, and typing, which is a command like any", async () => {
    for (const payload of ALLOWED) {
      assert.equal((await tobys.say(tony.uid, 1, payload)).result.reasonCode, Reason.success);
    }
    const typing = { type: 99, cmd: "typing", param: {} };
    await tobys.say(tony.uid, 1, typing);
    await tobys.say(tony.uid, 1, typing, { header: { noPersist: true } });
    const heard = ALLOWED.length + 2;
    await waitUntil("all", () => saidTo(tonys).length === heard);
    assert.deepEqual(saidTo(tonys).slice(0, ALLOWED.length).map(payloadOf), ALLOWED);
    const [conversation] = await askIm(app, "GET", "/conversations", { token: tony.token });
    assert.equal(conversation.unread, 0, "none had a red dot");
    assert.equal(JSON.parse(atob(conversation.last_message.payload)).type, -5);
  });

  await t.step("in WuKong binary too", async () => {
    await using raw = await new RawWukong(server.url).connected(toby);
    const before = await app.ctx.db.$count(messages);
    FORBIDDEN.forEach((payload, at) => raw.socket.send(raw.sendFrame(tony, at, { said: payload })));
    const acks = () => raw.frames.flatMap((it) => it.type === "sendack" ? it.reasonCode : []);
    await waitUntil("all", () => acks().length === FORBIDDEN.length);
    assert.deepEqual(new Set(acks()), new Set([Reason.payload_invalid]));
    assert.equal(await app.ctx.db.$count(messages), before);
  });
});

Deno.test("of money people say only what the server has shown, and nobody hears it twice", async (t) => {
  await using place = await openPlace();
  const { app, toby, tony, anna, group, connect } = place;
  const inGroup = await paid(app, toby, forGroup(group));
  const toTony = await paid(app, toby, forPerson(tony));
  const { no: transfer } = await askIm(app, "POST", "/transfers", {
    token: toby.token,
    body: {
      to_uid: tony.uid,
      amount: 50,
      pay_token: await issuePayToken(app.ctx, toby, { item: "transfer", amount: 50 }),
    },
  });
  const unpaid = (await askIm(app, "POST", "/redpackets", {
    token: toby.token,
    body: forGroup(group),
  })).redpacket_no;
  await using tobys = await connect(toby);
  await using annas = await connect(anna);
  await using tonys = await connect(tony);
  const shown = await readInbox(app.ctx, { userId: toby.userId, afterSeq: 0, limit: 99 });
  const inboxOf = (no: string) => shown.find(({ payload }) => payload.includes(no))!;

  await t.step("it is answered with the server's own message", async () => {
    const before = await app.ctx.db.$count(messages);
    const repeats = [
      [group.groupNo, 2, { type: 9, redpacket_no: inGroup }, inGroup],
      [tony.uid, 1, { type: 9, redpacket_no: toTony, blessing: "x" }, toTony],
      [tony.uid, 1, { type: 10, no: transfer, amount: 8_888_800 }, transfer],
      [tony.uid, 1, { type: 10, record_no: transfer }, transfer],
    ] as const;
    for (const [channelId, channelType, payload, no] of repeats) {
      for (const header of HEADERS) {
        const { result } = await tobys.say(channelId, channelType, payload, { header });
        const { messageId, seq } = inboxOf(no);
        assert.deepEqual([result.messageId, result.messageSeq], [String(messageId), seq]);
      }
    }
    assert.equal(await app.ctx.db.$count(messages), before);
    assert.deepEqual([annas.received, tonys.received], [[], []]);
  });

  await t.step("any other is refused: another's, elsewhere, unpaid, unknown, none", async () => {
    const packet = (redpacket_no: unknown) => ({ type: 9, redpacket_no });
    const refused = [
      [annas, group.groupNo, 2, packet(inGroup)],
      [tobys, tony.uid, 1, packet(inGroup)],
      [tobys, anna.uid, 1, packet(toTony)],
      [tobys, group.groupNo, 2, packet(unpaid)],
      [tobys, group.groupNo, 2, packet("f".repeat(32))],
      [tobys, group.groupNo, 2, packet(7)],
      [tobys, group.groupNo, 2, { type: 9 }],
      [tobys, tony.uid, 1, { type: 10, no: toTony }],
      [tobys, tony.uid, 1, { type: 9, redpacket_no: transfer }],
      [tonys, toby.uid, 1, { type: 10, no: transfer }],
    ] as const;
    const before = await app.ctx.db.$count(messages);
    for (const [client, channelId, channelType, payload] of refused) {
      for (const header of HEADERS) {
        const { error } = await client.say(channelId, channelType, payload, { header });
        assert.equal(error?.code, Reason.payload_invalid, JSON.stringify(payload));
      }
    }
    assert.equal(await app.ctx.db.$count(messages), before);
  });

  await t.step(
    "in a group that keeps a log its number is the one in the sender's inbox",
    async () => {
      await app.ctx.db.execute(sql`update groups set is_super = true where id = ${group.id}`);
      const no = await paid(app, toby, forGroup(group));
      const { result } = await tobys.say(group.groupNo, 2, { type: 9, redpacket_no: no });
      const [message] = (await readInbox(app.ctx, { userId: toby.userId, afterSeq: 0, limit: 99 }))
        .slice(-1);
      assert.deepEqual([result.messageId, result.messageSeq], [
        String(message!.messageId),
        message!.seq,
      ]);
    },
  );
});

Deno.test("of a partner's client such payloads are words", async () => {
  await using app = await startTestApp();
  await using server = startChatServer(app);
  const { tokens, idOf } = await makePeople(app, 2);
  await using anna = await follow(server, tokens[1]!);
  await using ben = await follow(server, tokens[2]!);
  const contents = [...FORBIDDEN, { type: 9, redpacket_no: "f" }, { type: 10, no: "f" }]
    .map((payload) => JSON.stringify(payload));
  for (const content of contents) {
    assert.equal((await anna.tell(Cmd.im, { sender: 1, receiver: 2, content })).status, 0);
  }
  await waitUntil("them", () => ben.shown.length === contents.length);
  assert.deepEqual(contentsOf(ben.shown), contents);
  const kept = await readInbox(app.ctx, { userId: idOf(2), afterSeq: 0, limit: 99 });
  assert.deepEqual(
    kept.map(({ payload }) => JSON.parse(payload)),
    contents.map((content) => ({ type: 1, content })),
  );
});

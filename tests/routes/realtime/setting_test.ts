import assert from "node:assert/strict";
import { FAN_OUT_COUNT_MAX } from "../../../db/domain/messages/rules.ts";
import { groups } from "../../../db/schema/groups.ts";
import { Setting } from "../../../routes/realtime/wukong/frames.ts";
import { askIm } from "../../clients/im.ts";
import { RpcClient } from "../../clients/rpc.ts";
import { startTestApp } from "../../harness.ts";
import { makeGroup } from "../../people/factories.ts";
import { makeChatPerson, startChatServer } from "../../servers/chat.ts";
import { waitUntil } from "../../services/binary.ts";
import { RawWukong } from "./raw_wukong.ts";
import { eq } from "drizzle-orm";

const SAID = { type: 1, content: "读了吗" };
const MARKED = { receipt: true, signal: false, topic: false };
const PLAIN = { receipt: false, signal: false, topic: false };

Deno.test("a message carries the receipt bit of its SEND, wherever it is read", async (t) => {
  await using app = await startTestApp();
  await using server = startChatServer(app);
  const people = [
    await makeChatPerson(app.ctx, "Anna"),
    await makeChatPerson(app.ctx, "Ben"),
    await makeChatPerson(app.ctx, "Carl"),
  ];
  const [anna, ben] = [people[0]!, people[1]!];
  await using raw = await new RawWukong(server.url)
    .connected({ uid: anna.uid, token: anna.webToken });
  await using rpc = await new RpcClient(server.url).opened();
  await rpc.connect({ uid: ben.uid, token: ben.webToken });
  let seq = 0;
  const sendRaw = (over: Parameters<RawWukong["sendFrame"]>[2]) =>
    raw.socket.send(raw.sendFrame(ben, ++seq, over));
  const settingsIn = async (query: Record<string, unknown> = {}) => {
    const body = { message_seq: 0, limit: 100, ...query };
    const answer = await askIm(app, "POST", "/message/sync", { token: ben.token, body });
    return answer.map(({ setting }: { setting: number }) => setting);
  };

  await t.step(
    "of WuKong's to JSON-RPC, and without the bits that say how it was sent",
    async () => {
      sendRaw({ setting: Setting.receipt | Setting.plain });
      sendRaw({ setting: Setting.topic, topic: "x" });
      sendRaw({ setting: Setting.receipt | Setting.signal });
      await waitUntil("three", () => rpc.received.length === 3);
      assert.deepEqual(
        rpc.received.map(({ setting }) => setting),
        [MARKED, PLAIN, { ...MARKED, signal: true }],
      );
      assert.deepEqual(await settingsIn(), [0x80, 0, 0xa0]);
    },
  );

  await t.step("of JSON-RPC's to WuKong, kept and passing", async () => {
    await rpc.say(anna.uid, 1, SAID, { setting: { receipt: true } });
    await rpc.say(anna.uid, 1, SAID, { setting: { receipt: true }, header: { noPersist: true } });
    await rpc.say(anna.uid, 1, SAID);
    await waitUntil("three", () => raw.received.length === 3);
    assert.deepEqual(raw.received.map(({ setting }) => setting), [0x80, 0x80, 0]);
    assert.equal(
      new TextDecoder().decode(raw.cipher!.open(raw.received[0]!.payload)),
      JSON.stringify(SAID),
    );
  });

  await t.step("in groups of both sizes, alone and with others at once", async () => {
    const group = await makeGroup(app.ctx, people);
    const say = (receipt: boolean) =>
      rpc.say(group.groupNo, 2, SAID, { setting: receipt ? { receipt } : {} });
    await say(true);
    await Promise.all([say(true), say(false), say(true)]);
    await app.ctx.db.update(groups).set({ memberCount: FAN_OUT_COUNT_MAX + 1 })
      .where(eq(groups.id, group.id));
    await Promise.all([say(true), say(false)]);
    const channel = { channel_id: group.groupNo, channel_type: 2 };
    assert.deepEqual(await settingsIn(channel), [0x80, 0x80, 0, 0x80, 0x80, 0]);
  });

  await t.step("in the list of conversations", async () => {
    const answer = await askIm(app, "GET", "/conversations", { token: ben.token });
    const shown = answer.map((
      { last_message }: { last_message: { setting: number } },
    ) => last_message.setting);
    assert.deepEqual(shown, [0, 0]);
  });
});

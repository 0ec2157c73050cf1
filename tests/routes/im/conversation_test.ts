import assert from "node:assert/strict";
import type { BusEvent } from "../../../db/bus/bus.ts";
import { acceptMessage } from "../../../db/domain/messages/accept.ts";
import { ChannelType } from "../../../db/schema/messages.ts";
import { assertImFailure, assertNeedsToken } from "../../clients/im.ts";
import { startTestApp } from "../../harness.ts";
import { makeChatters, openGroup } from "../../people/group.ts";

Deno.test("POST /conversations/{channel_id}/{channel_type}/extra and POST /conversation/extra/sync", async (t) => {
  await using app = await startTestApp();
  const [ann, bob, eve] = await makeChatters(app, "Ann", "Bob", "Eve");
  const groupNo = await openGroup(app, [ann!, bob!]);
  const told: BusEvent[] = [];
  const stop = app.bus.subscribe((event) => told.push(event));
  const keep = (id: string, type: number, body: unknown, who = ann) =>
    who!.call("POST", `/conversations/${id}/${type}/extra`, { body });
  const sync = (version: number, who = ann) =>
    who!.ask("POST", "/conversation/extra/sync", { body: { version } });

  await t.step("is kept for one's other devices, who are told", async () => {
    const body = { browse_to: 12, keep_message_seq: "11", keep_offset_y: 10.6, draft: " 你好 " };
    const { data: { version } } = await keep(bob!.uid, 1, body);
    assert.ok(Number.isInteger(version));
    const kept = {
      channel_id: bob!.uid,
      channel_type: 1,
      browse_to: 12,
      keep_message_seq: 11,
      keep_offset_y: 11,
      draft: " 你好 ",
      version,
    };
    assert.deepEqual(await sync(0), [kept]);
    assert.deepEqual(await sync(version), []);
    await acceptMessage(app.ctx, {
      senderId: bob!.userId,
      channel: { type: ChannelType.person, userId: ann!.userId },
      clientMsgNo: undefined,
      payload: JSON.stringify({ type: 1, content: "hi" }),
      redDot: true,
    });
    const { conversations } = await ann!.ask("POST", "/conversation/sync", { body: {} });
    const { channel_id: _, channel_type: __, ...extra } = kept;
    // deno-lint-ignore no-explicit-any -- the client's own fields
    const extraOf = (id: string) => conversations.find((it: any) => it.channel_id === id).extra;
    assert.deepEqual([extraOf(bob!.uid), extraOf(groupNo)], [extra, undefined]);
    assert.deepEqual(await sync(0, bob), []);
    const moments = told.filter((event) => event.kind === "moment");
    assert.deepEqual(moments.map(({ userIds, payload }) => [userIds, JSON.parse(payload)]), [
      [[ann!.userId], { type: 99, cmd: "syncConversationExtra", param: {} }],
    ]);
  });

  await t.step("the last one wins, and comes with a newer version", async () => {
    const first = await sync(0);
    const { data: { version } } = await keep(groupNo, 2, { draft: "to all" });
    assert.ok(version > first[0].version);
    const { data: next } = await keep(bob!.uid, 1, {});
    const changed = await sync(version);
    assert.deepEqual(changed.map(({ draft }: { draft: string }) => draft), [""]);
    assert.deepEqual([changed[0].version, changed[0].browse_to], [next.version, 0]);
    assert.equal((await sync(0)).length, 2);
  });

  await t.step("many at once have a version each", async () => {
    const { version: before } = (await sync(0)).at(-1);
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, at) => keep(bob!.uid, 1, { draft: String(at) })),
    );
    const versions = answers.map(({ data }) => data.version);
    assert.equal(new Set(versions).size, 10);
    assert.deepEqual((await sync(before))[0].version, Math.max(...versions));
  });

  await t.step("a group one has left is one's own still; others' are not there", async () => {
    await bob!.ask("POST", `/groups/${groupNo}/exit`);
    assert.equal((await keep(groupNo, 2, { draft: "gone" }, bob)).http, 200);
    assertImFailure(await keep(groupNo, 2, {}, eve), 400, "频道不存在");
    assertImFailure(await keep("0".repeat(32), 1, {}), 400, "频道不存在");
    assertImFailure(await keep(bob!.uid, 3, {}));
    assertImFailure(await keep(bob!.uid, 1, { draft: "x".repeat(5_001) }));
    await assertNeedsToken(app, "POST", `/conversations/${bob!.uid}/1/extra`, { body: {} });
    await assertNeedsToken(app, "POST", "/conversation/extra/sync", { body: {} });
  });
  stop();
});

import assert from "node:assert/strict";
import { acceptMessage } from "../../../db/domain/messages/accept.ts";
import { acceptSeveral } from "../../../db/domain/messages/accept_several.ts";
import { sendMoment } from "../../../db/domain/messages/send_moment.ts";
import { ChannelType } from "../../../db/schema/messages.ts";
import { assertImFailure, assertNeedsToken } from "../../clients/im.ts";
import { startTestApp } from "../../harness.ts";
import { type Chatter, makeChatters, openGroup, syncAll } from "../../people/group.ts";

Deno.test("POST /groups/{group_no}/blacklist/add and POST /groups/{group_no}/blacklist/remove", async (t) => {
  await using app = await startTestApp();
  const [ann, bob, cid, dan] = await makeChatters(app, "Ann", "Bob", "Cid", "Dan");
  const groupNo = await openGroup(app, [ann!, bob!, cid!]);
  const path = `/groups/${groupNo}`;
  await ann!.ask("POST", `${path}/managers`, { body: [bob!.uid] });
  const set = (who: Chatter | undefined, how: "add" | "remove", ...uids: string[]) =>
    who!.call("POST", `${path}/blacklist/${how}`, { body: { uids } });
  const said = {
    channel: { type: ChannelType.group, groupNo },
    payload: JSON.stringify({ type: 1, content: "hi" }),
    redDot: true,
  };
  const say = ({ userId: senderId }: Chatter) =>
    acceptMessage(app.ctx, { ...said, senderId, clientMsgNo: undefined });
  const rowOf = async ({ uid }: Chatter) =>
    (await syncAll(ann!, groupNo)).find((member) => member.uid === uid);

  await t.step("a manager keeps a member from speaking, by every way", async () => {
    const before = await rowOf(cid!);
    assert.equal(before.status, 1);
    assert.deepEqual((await set(bob, "add", cid!.uid, dan!.uid)).data, { status: 200, msg: "" });
    const after = await rowOf(cid!);
    assert.equal(after.status, 2);
    assert.ok(after.version > before.version);
    await assert.rejects(say(cid!), { kind: "group_blacklisted" });
    const moment = { ...said, senderId: cid!.userId, clientMsgNo: "a", syncOnce: false };
    await assert.rejects(sendMoment(app.ctx, moment), { kind: "group_blacklisted" });
    const several = await acceptSeveral(app.ctx, {
      groupNo,
      said: [ann!, cid!].map(({ userId: senderId }) => ({
        ...said,
        senderId,
        clientMsgNo: undefined,
        syncOnce: false,
        setting: 0,
        at: app.ctx.now(),
      })),
    });
    assert.deepEqual(several.each.map(({ verdict }) => verdict), ["sent", "kept_out"]);
    assert.ok((await cid!.received(1)).length > 0, "who may not speak still hears");
    const [update] = (await ann!.received(99)).slice(-1);
    assert.deepEqual(update, { type: 99, cmd: "memberUpdate", param: { group_no: groupNo } });
  });

  await t.step("twice is as good as once; taken off, one speaks again", async () => {
    await set(bob, "add", cid!.uid);
    await set(bob, "remove", cid!.uid);
    assert.equal((await rowOf(cid!)).status, 1);
    await say(cid!);
    assert.equal((await set(bob, "remove", cid!.uid)).http, 200);
  });

  await t.step("who has left does not come back, by any door, until taken off", async () => {
    await set(ann, "add", cid!.uid);
    await cid!.ask("POST", `${path}/exit`);
    const { qrcode } = await ann!.ask("GET", `${path}/qrcode`);
    const add = () => ann!.call("POST", `${path}/members`, { body: { members: [cid!.uid] } });
    assertImFailure(await add(), 400, "群成员不正确");
    assertImFailure(
      await bob!.call("POST", `${path}/member/invite`, { body: { uids: [cid!.uid] } }),
      400,
      "群成员不正确",
    );
    const { data: scanned } = await cid!.ask("GET", new URL(qrcode).pathname);
    const auth_code = new URL(scanned.url).searchParams.get("auth_code")!;
    const join = () => cid!.call("GET", `${path}/scanjoin`, { query: { auth_code } });
    assertImFailure(await join(), 400, "没有权限");
    assert.deepEqual([(await rowOf(cid!)).is_deleted, (await rowOf(cid!)).status], [1, 2]);
    // With others it is passed over.
    await ann!.ask("POST", `${path}/members`, { body: { members: [cid!.uid, dan!.uid] } });
    assert.deepEqual([(await rowOf(cid!)).is_deleted, (await rowOf(dan!)).is_deleted], [1, 0]);
    await set(ann, "remove", cid!.uid);
    assert.equal((await join()).http, 200);
    await say(cid!);
  });

  await t.step("who becomes a manager, or the owner, is on it no longer", async () => {
    await set(ann, "add", cid!.uid, dan!.uid);
    await ann!.ask("POST", `${path}/managers`, { body: [dan!.uid] });
    await say(dan!);
    await ann!.ask("POST", `${path}/transfer/${cid!.uid}`);
    await say(cid!);
    assert.deepEqual([(await rowOf(cid!)).status, (await rowOf(dan!)).status], [1, 1]);
  });

  await t.step("only over plain members, by owner and managers, and of somebody", async () => {
    const eve = (await makeChatters(app, "Eve"))[0]!;
    assertImFailure(await set(ann, "add", dan!.uid), 400, "没有权限");
    assertImFailure(await set(bob, "add", cid!.uid), 400, "没有权限");
    assertImFailure(await set(bob, "add", bob!.uid), 400, "没有权限");
    assertImFailure(await set(eve, "add", ann!.uid), 400, "你不在该群");
    assertImFailure(await set(cid, "add", eve.uid), 400, "群成员不正确");
    assertImFailure(await set(cid, "add"));
    assert.equal((await rowOf(dan!)).status, 1);
    await assertNeedsToken(app, "POST", `${path}/blacklist/add`, { body: { uids: [ann!.uid] } });
    await assertNeedsToken(app, "POST", `${path}/blacklist/remove`, { body: { uids: [] } });
  });
});

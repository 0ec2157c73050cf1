import assert from "node:assert/strict";
import { assertImFailure, callIm } from "../../clients/im.ts";
import { askPartner, grantToken } from "../../clients/partner.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { befriend, type Chatter, makeChatters, openGroup, syncAll } from "../../people/group.ts";
import { blocks } from "../../../db/schema/blocks.ts";
import { membersOf, openPartnerGroup, openServer, userIdOf } from "../partner/group_place.ts";

const NOBODY = "0".repeat(32);
const INVALID = "群成员不正确";

const block = (by: Chatter, whom: Chatter) => by.ask("POST", `/user/blacklist/${whom.uid}`);
const uidsIn = async (one: Chatter, groupNo: string) =>
  (await syncAll(one, groupNo)).filter(({ is_deleted }) => !is_deleted).map(({ uid }) => uid);

/** Ann, whom Bob has blacklisted, who has blacklisted Cid, and Dan and Eve between whom is nothing. */
async function makePeople(app: TestApp) {
  const people = await makeChatters(app, "Ann", "Bob", "Cid", "Dan", "Eve");
  const [ann, bob, cid, dan, eve] = people as [Chatter, Chatter, Chatter, Chatter, Chatter];
  await befriend(app, ann, [bob, cid, dan]);
  await block(bob, ann);
  await block(ann, cid);
  return { ann, bob, cid, dan, eve };
}

Deno.test("a blacklist keeps people out of groups in both directions, by every door", async (t) => {
  await using app = await startTestApp();
  const { ann, bob, cid, dan, eve } = await makePeople(app);
  const kept = [bob.uid, cid.uid];
  let groupNo = "";

  await t.step("POST /group/create", async () => {
    const create = (members: string[]) => ann.call("POST", "/group/create", { body: { members } });
    const { group_no } = (await create([...kept, dan.uid])).data;
    groupNo = group_no;
    assert.deepEqual(await uidsIn(ann, groupNo), [ann.uid, dan.uid]);
    for (const members of [kept, [NOBODY]]) assertImFailure(await create(members), 400, INVALID);
  });

  await t.step("POST /groups/{group_no}/members", async () => {
    const add = (members: string[]) =>
      ann.call("POST", `/groups/${groupNo}/members`, { body: { members } });
    for (const members of [kept, [NOBODY]]) assertImFailure(await add(members), 400, INVALID);
    assert.equal((await add([...kept, eve.uid])).http, 200);
    assert.deepEqual(await uidsIn(ann, groupNo), [ann.uid, dan.uid, eve.uid]);
    assert.deepEqual(await bob.received(1002), []);
  });

  await t.step("POST /groups/{group_no}/member/invite, and what is confirmed later", async () => {
    const group = await openGroup(app, [dan, ann]);
    await dan.ask("PUT", `/groups/${group}`, { body: { invite: 1 } });
    const invite = (uids: string[]) =>
      ann.call("POST", `/groups/${group}/member/invite`, { body: { uids } });
    for (const uids of [kept, [NOBODY]]) assertImFailure(await invite(uids), 400, INVALID);
    assert.equal((await invite([...kept, eve.uid])).http, 200);
    const [asked] = await dan.received(1009);
    await block(eve, ann);
    const { url } = await dan.ask("GET", `/groups/${group}/member/h5confirm`, {
      query: { invite_no: asked.invite_no },
    });
    const authCode = new URL(url).searchParams.get("auth_code")!;
    const sure = { query: { auth_code: authCode } };
    assert.equal((await callIm(app, "POST", "/group/invite/sure", sure)).http, 200);
    assert.deepEqual(await uidsIn(dan, group), [dan.uid, ann.uid]);
  });

  await t.step("and of a partner's clients, not of its server", async () => {
    const server = await openServer(app);
    const gid = await openPartnerGroup(server, [1]);
    const [bearer] = [
      await grantToken(app, server, { uid: 1, name: "One" }),
      await grantToken(app, server, { uid: 2, name: "Two" }),
    ];
    const idOf = (uid: number) => userIdOf(app, server.appId, uid);
    await app.ctx.db.insert(blocks).values({
      userId: await idOf(2),
      blockedId: await idOf(1),
      createdAt: new Date(),
    });
    const body = { members: [{ uid: 2, name: "Two" }, { uid: 3, name: "Three" }] };
    const path = `POST /client/groups/${gid}/members`;
    await askPartner(app, path, { bearer, body });
    assert.deepEqual((await membersOf(app, gid)).map(([uid]) => uid), [1, 3]);
  });
});

Deno.test("with GROUP_ADD_FRIENDS_ONLY only friends are added and invited", async () => {
  await using app = await startTestApp({ env: { GROUP_ADD_FRIENDS_ONLY: "1" } });
  const [ann, bob, cid] = await makeChatters(app, "Ann", "Bob", "Cid") as [
    Chatter,
    Chatter,
    Chatter,
  ];
  const groupNo = await openGroup(app, [ann, bob]);
  const add = () =>
    bob.call("POST", `/groups/${groupNo}/members`, { body: { members: [cid.uid] } });
  assertImFailure(await add(), 400, INVALID);
  const invite = { body: { uids: [cid.uid] } };
  assertImFailure(await bob.call("POST", `/groups/${groupNo}/member/invite`, invite), 400, INVALID);
  await befriend(app, bob, [cid]);
  assert.equal((await add()).http, 200);
});

Deno.test("a QR code admits nobody who was removed since, and none by who was", async () => {
  await using app = await startTestApp();
  const [ann, bob, cid, dan] = await makeChatters(app, "Ann", "Bob", "Cid", "Dan") as [
    Chatter,
    Chatter,
    Chatter,
    Chatter,
  ];
  const groupNo = await openGroup(app, [ann, bob]);
  const codeOf = async (person: Chatter) => {
    const { qrcode } = await person.ask("GET", `/groups/${groupNo}/qrcode`);
    return new URL(qrcode).pathname.replace("/qrcode/", "");
  };
  const scan = async (person: Chatter, code: string) => {
    const { data } = await person.ask("GET", `/qrcode/${code}`);
    return new URL(data.url).searchParams.get("auth_code")!;
  };
  const join = (auth_code: string) =>
    callIm(app, "GET", `/groups/${groupNo}/scanjoin`, { query: { auth_code } });
  const drop = async (person: Chatter) => {
    app.clock.advance(1_000);
    await ann.ask("DELETE", `/groups/${groupNo}/members`, { body: { members: [person.uid] } });
    app.clock.advance(1_000);
  };
  const [anns, bobs] = [await codeOf(ann), await codeOf(bob)];
  const cids = await scan(cid, anns);
  assert.equal((await join(cids)).http, 200);
  await drop(cid);
  assertImFailure(await join(cids), 400, "授权码无效或已过期");
  assertImFailure(await join(await scan(cid, anns)), 400, "授权码无效或已过期");
  assert.equal((await join(await scan(cid, await codeOf(ann)))).http, 200, "a new one");

  const dans = await scan(dan, bobs);
  await drop(bob);
  assertImFailure(await join(dans), 400, "没有权限");
  await ann.ask("POST", `/groups/${groupNo}/members`, { body: { members: [bob.uid] } });
  assertImFailure(await join(dans), 400, "授权码无效或已过期");
  assert.equal((await join(await scan(dan, await codeOf(bob)))).http, 200);
});

Deno.test("what somebody does to a group is no news to them, with a log neither", async () => {
  await using app = await startTestApp();
  const [ann, bob] = await makeChatters(app, "Ann", "Bob") as [Chatter, Chatter];
  const groupNo = await openGroup(app, [ann, bob]);
  const unread = async (person: Chatter) =>
    (await person.ask("GET", "/conversations")).find((it: { channel_id: string }) =>
      it.channel_id === groupNo
    ).unread;
  await ann.ask("PUT", `/groups/${groupNo}`, { body: { name: "新" } });
  await ann.ask("PUT", `/groups/${groupNo}`, { body: { notice: "注意" } });
  assert.deepEqual([await unread(ann), await unread(bob)], [0, 3]);
  await app.ctx.db.execute(`update groups set is_super = true`);
  await ann.ask("PUT", `/groups/${groupNo}`, { body: { notice: "再注意" } });
  assert.deepEqual([await unread(ann), await unread(bob)], [0, 4]);
});

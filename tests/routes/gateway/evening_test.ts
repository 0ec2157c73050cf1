import assert from "node:assert/strict";
import {
  callGateway,
  type GatewayCall,
  type GatewayLogin,
  registerPerson,
} from "../../clients/gateway.ts";
import { callH5, logInWithWechat } from "../../clients/wechat.ts";
import { startTestApp } from "../../harness.ts";
import { overHttp, startChatServer } from "../../servers/chat.ts";

const MINUTE_MS = 60_000;

Deno.test("an evening of five people, over real HTTP", async (t) => {
  await using parts = await startTestApp();
  await using server = startChatServer(parts);
  const app = overHttp(parts, server);
  const [anna, ben, cleo, dan, eve] = await Promise.all(
    ["Anna", "Ben", "Cleo", "Dan", "Eve"].map((name) => registerPerson(app, name)),
  ) as [GatewayLogin, GatewayLogin, GatewayLogin, GatewayLogin, GatewayLogin];

  const call = async (as: GatewayLogin, method: string, path: string, rest: GatewayCall = {}) => {
    app.clock.advance(1_500);
    return await callGateway(app, method, path, { as, ...rest });
  };
  const done = async (...args: Parameters<typeof call>) => {
    const answer = await call(...args);
    assert.equal(answer.status, 1, `${args[1]} ${args[2]}: ${answer.message}`);
    return answer.result;
  };
  const refused = async (errorCode: number, ...args: Parameters<typeof call>) =>
    assert.equal((await call(...args)).errorCode, errorCode, `${args[1]} ${args[2]}`);
  const page = (as: GatewayLogin, path: string) =>
    done(as, "GET", path, { query: { count: "10" } });

  let clubId = "", roomId = "";

  await t.step("Anna opens a club; Ben, Cleo and Dan join", async () => {
    clubId = (await done(anna, "POST", "/club", { body: { name: "Jazz", cover: "c.png" } })).clubId;
    for (const person of [ben, cleo, dan]) await done(person, "POST", `/club/${clubId}/join`);
    const asBen = await done(ben, "GET", `/club/${clubId}`);
    assert.deepEqual([asBen.joined, asBen.memberTotal], [1, 4]);
    const asEve = await done(eve, "GET", `/club/${clubId}`);
    assert.deepEqual([asEve.joined, asEve.memberTotal], [0, 4]);
    const members = (await page(anna, `/club/${clubId}/member`)).list;
    assert.deepEqual(
      members.map((item: { uid: string }) => item.uid),
      [dan, cleo, ben, anna].map(({ uid }) => uid),
    );
  });

  await t.step("Ben gives Anna his card; she is told, once", async () => {
    await done(ben, "POST", `/user/${anna.uid}/card`);
    assert.equal(await done(anna, "GET", "/user/message/unread_total"), 1);
    const [notice] = (await page(anna, "/user/message")).list;
    assert.equal(notice.userMessageResult.originUid, ben.uid);
    assert.equal(notice.userMessageResult.unread, 1);
    assert.equal(await done(anna, "GET", "/user/message/unread_total"), 0);
    assert.equal((await page(anna, "/user/card")).list[0].uid, ben.uid);
    const asBen = await done(ben, "GET", `/user/${anna.uid}/profile`);
    assert.deepEqual([asBen.sendCard, asBen.cardTotal], [1, 1]);
    const asCleo = await done(cleo, "GET", `/user/${anna.uid}/profile`);
    assert.deepEqual([asCleo.sendCard, asCleo.cardTotal], [0, 1]);
  });

  await t.step("Anna blocks Dan, who cannot tell: his card seems to arrive", async () => {
    await done(anna, "POST", `/user/${dan.uid}/block`);
    assert.equal((await done(anna, "GET", `/user/${dan.uid}/profile`)).blocked, 1);
    assert.equal((await done(dan, "GET", `/user/${anna.uid}/profile`)).blocked, 0);
    await done(dan, "POST", `/user/${anna.uid}/card`);
    assert.equal((await page(anna, "/user/card")).list.length, 1);
    assert.equal(await done(anna, "GET", "/user/message/unread_total"), 0);
    assert.equal((await page(anna, "/user/block")).list[0].uid, dan.uid);
  });

  await t.step(
    "Anna opens a room in the club; the club sees it, and Eve once she has its id",
    async () => {
      const body = { name: "Late set", clubId, inviteOnly: 0 };
      roomId = (await done(anna, "POST", "/room", { body })).roomId;
      assert.equal((await page(ben, "/room")).list[0].roomId, roomId);
      assert.deepEqual((await page(eve, "/room")).list, []);
      assert.equal((await done(eve, "GET", `/room/${roomId}`)).clubResult.joined, 0);
    },
  );

  await t.step("Anna and Ben are in; Dan may not join while Anna hosts", async () => {
    assert.ok((await done(anna, "POST", `/room/${roomId}/token`)).token);
    await done(ben, "POST", `/room/${roomId}/token`);
    await refused(400001, dan, "POST", `/room/${roomId}/token`);
    const room = await done(cleo, "GET", `/room/${roomId}`);
    assert.equal(room.memberTotal, 2);
    assert.deepEqual(
      room.memberList.map((member: { uid: string }) => member.uid).sort(),
      [anna.uid, ben.uid].sort(),
    );
    await done(ben, "POST", `/room/${roomId}/leave`);
    assert.equal((await done(cleo, "GET", `/room/${roomId}`)).memberTotal, 1);
  });

  await t.step(
    "Anna invites Ben back: he sent her a card, so he is told; Cleo is not",
    async () => {
      await done(anna, "POST", `/room/${roomId}/invite/${ben.uid}`);
      await done(anna, "POST", `/room/${roomId}/invite/${cleo.uid}`);
      assert.equal(await done(ben, "GET", "/user/message/unread_total"), 1);
      assert.equal(await done(cleo, "GET", "/user/message/unread_total"), 0);
    },
  );

  await t.step("an invite-only room is seen by whom it invites", async () => {
    const body = { name: "Back room", clubId: "", inviteOnly: 1 };
    const secret = (await done(anna, "POST", "/room", { body })).roomId;
    await refused(400000, eve, "GET", `/room/${secret}`);
    await done(anna, "POST", `/room/${secret}/invite/${eve.uid}`);
    assert.equal((await done(eve, "GET", `/room/${secret}`)).roomId, secret);
    await done(anna, "POST", `/room/${secret}/close`);
    await refused(400000, eve, "GET", `/room/${secret}`);
  });

  let eventId = "", eventRoom = "";
  await t.step("Cleo announces an event with Ben; Eve asks to be reminded", async () => {
    const eventTime = app.clock.now().getTime() + 60 * MINUTE_MS;
    const body = { name: "Jam", desc: "All of us", eventTime, memberUidList: [cleo.uid, ben.uid] };
    eventId = (await done(cleo, "POST", "/event", { body })).eventId;
    await done(eve, "POST", `/event/${eventId}/notify`);
    assert.equal((await done(eve, "GET", `/event/${eventId}`)).notify, 1);
    assert.equal((await page(anna, "/event")).list[0].eventId, eventId);
    assert.equal((await call(cleo, "POST", `/event/${eventId}/start`)).status, 0, "too early");
  });

  await t.step("within its window Cleo starts it, Eve may not; one room comes of it", async () => {
    app.clock.advance(45 * MINUTE_MS);
    assert.equal((await call(eve, "POST", `/event/${eventId}/start`)).status, 0);
    const started = await done(cleo, "POST", `/event/${eventId}/start`);
    assert.equal(started.eventTimeStatus, 1);
    eventRoom = started.roomId;
    assert.equal((await done(ben, "POST", `/event/${eventId}/start`)).roomId, eventRoom);
    assert.ok(
      (await page(eve, "/room")).list.some(({ roomId }: { roomId: string }) =>
        roomId === eventRoom
      ),
    );
    await done(cleo, "POST", `/room/${eventRoom}/token`);
  });

  await t.step("shared to H5 it shows open, then closed, and only public things", async () => {
    const cookie = await logInWithWechat(app);
    const shareId = await done(cleo, "POST", `/room/${eventRoom}/cache`);
    const look = async () => {
      app.clock.advance(1_500);
      return (await callH5(app, `/h5/room/${shareId}`, { cookie })).result;
    };
    const open = await look();
    assert.deepEqual([open.closed, open.fromMember.uid, open.memberTotal], [0, cleo.uid, 1]);
    await refused(400000, eve, "POST", `/room/${eventRoom}/close`);
    await done(cleo, "POST", `/room/${eventRoom}/close`);
    assert.equal((await look()).closed, 1);
    await refused(400000, ben, "GET", `/room/${eventRoom}`);
    assert.equal((await callGateway(app, "POST", `/h5/room/${shareId}`)).http, 401);
  });

  await t.step("the club's room closes, and only its host may close it", async () => {
    await refused(400000, ben, "POST", `/room/${roomId}/close`);
    await done(anna, "POST", `/room/${roomId}/close`);
    assert.deepEqual((await page(ben, "/room")).list, []);
  });
});

import assert from "node:assert/strict";
import { Cmd, type HeardFrame } from "../../clients/gobelieve.ts";
import { askPartner, assertPartnerFailure, callPartner } from "../../clients/partner.ts";
import { startTestApp } from "../../harness.ts";
import { makeUser } from "../../people/factories.ts";
import { startChatServer } from "../../servers/chat.ts";
import { follow, makePeople } from "../realtime/gobelieve_people.ts";
import { openServer } from "./group_place.ts";

/** As large as contents may be, and twice that as JSON. */
const LARGE = '"'.repeat(32 * 1024);
const NAME = "名".repeat(255);

Deno.test("content may have 32 KiB of its own, whatever its payload has, and goes out by the socket", async (t) => {
  await using app = await startTestApp();
  await using server = startChatServer(app);
  const { partner: { basic }, tokens } = await makePeople(app, 2);
  await using ben = await follow(server, tokens[2]!);
  ben.send(Cmd.enterRoom, [[64, 5]]);
  await ben.settled();
  const group = { master: 1, name: "Group", members: [1, 2] };
  const { group_id } = await askPartner(app, "POST /groups", { basic, body: group });
  const sent: [path: string, to: Record<string, unknown>, cmd: number][] = [
    ["/messages/peers", { sender: 1, receiver: 2 }, Cmd.im],
    ["/messages/groups", { sender: 1, receiver: group_id }, Cmd.groupIm],
    ["/messages/systems", { receiver: 2 }, Cmd.system],
    ["/messages/notifications", { receiver: 2 }, Cmd.notification],
    ["/messages/groups/notifications", { group_id }, Cmd.groupNotification],
    ["/messages/rooms", { sender: 1, receiver: 5 }, Cmd.roomIm],
  ];
  for (const [path, to, cmd] of sent) {
    await t.step(`POST ${path}`, async () => {
      const refused = { basic, body: { ...to, content: `${LARGE}x` } };
      assertPartnerFailure(await callPartner(app, `POST ${path}`, refused), "消息过长");
      await askPartner(app, `POST ${path}`, { basic, body: { ...to, content: LARGE } });
      const isLarge = (frame: HeardFrame) => frame.cmd === cmd && frame.content === LARGE;
      await ben.next(isLarge);
    });
  }

  await t.step("also what people say themselves", async () => {
    const words = { sender: 2, receiver: 1, content: LARGE };
    assert.equal((await ben.tell(Cmd.im, words)).status, 0);
    assert.equal((await ben.tell(Cmd.im, { ...words, content: `${LARGE}x` })).status, 255);
  });

  await t.step("the house's people get what the chat app can carry", async () => {
    const house = await openServer(app, { house: true });
    const { id: receiver } = await makeUser(app.ctx);
    const tell = (content: string) =>
      house.call("POST /messages/systems", { body: { receiver, content } });
    assertPartnerFailure(await tell("x".repeat(16 * 1024)), "消息过长");
    assert.equal((await tell("x".repeat(16 * 1024 - 100))).http, 200);
  });
});

Deno.test("names may have 255 characters", async () => {
  await using app = await startTestApp();
  const { partner: { basic }, tokens } = await makePeople(app, 1);
  const person = { uid: 1, name: NAME };
  const { group_id: gid } = await askPartner(app, "POST /groups", {
    basic,
    body: { master: 1, name: NAME, members: [person] },
  });
  const named: [operation: string, params: Record<string, number>, body: unknown][] = [
    ["POST /auth/grant", {}, { uid: 2, user_name: NAME }],
    ["POST /users/{uid}", { uid: 2 }, { name: NAME }],
    ["PATCH /groups/{gid}", { gid }, { name: NAME }],
    ["POST /groups/{gid}/members", { gid }, { members: [{ uid: 3, name: NAME }] }],
    ["PATCH /groups/{gid}/members/{memberid}", { gid, memberid: 1 }, { nickname: NAME }],
    ["POST /stores", {}, { name: NAME, sellers: [person] }],
  ];
  for (const [operation, params, body] of named) {
    await askPartner(app, operation, { basic, params, body });
    const longer = JSON.parse(JSON.stringify(body).replaceAll(NAME, `${NAME}字`));
    assertPartnerFailure(await callPartner(app, operation, { basic, params, body: longer }));
  }
  const [group] = await askPartner(app, "GET /client/groups", {
    bearer: tokens[1]!,
    query: { fields: "members" },
  });
  assert.deepEqual([group.name, group.members[0].name, group.members[0].nickname], [
    ...[NAME, NAME, NAME],
  ]);
});

Deno.test("DELETE /groups/{gid}/members takes people as they are added", async () => {
  await using app = await startTestApp();
  const server = await openServer(app);
  const body = { master: 1, name: "Group", members: [1, 2, 3, 4] };
  const { group_id: gid } = await server.ask("POST /groups", { body });
  const remove = "DELETE /groups/{gid}/members";
  await server.ask(remove, { params: { gid }, body: { members: ["2", { uid: 3 }] } });
  const token = (await server.ask("POST /auth/grant", { body: { uid: 1 } })).token;
  const [group] = await askPartner(app, "GET /client/groups", {
    bearer: token,
    query: { fields: "members" },
  });
  assert.deepEqual(group.members.map(({ uid }: { uid: number }) => uid), [1, 4]);
  assertPartnerFailure(await server.call(remove, { params: { gid }, body: { members: [] } }));
});

import assert from "node:assert/strict";
import { Cmd, GobelieveClient } from "../../clients/gobelieve.ts";
import {
  assertPartnerFailure,
  callPartner,
  makeApp,
  type PartnerCall,
} from "../../clients/partner.ts";
import { startTestApp } from "../../harness.ts";
import { startChatServer } from "../../servers/chat.ts";

/** Numbers of which a double would make the same, and the largest there is. */
const ANNA = "1795957151000000001", BEN = "1795957151000000002", CLEO = "9223372036854775807";
const FIRST_ROUNDED = "9007199254740993";

/** A number in a body, with all its digits. */
const number = (digits: string) =>
  (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(digits);

Deno.test("uids may have 64 bits", async (t) => {
  await using app = await startTestApp();
  await using server = startChatServer(app);
  const { appId, basic } = await makeApp(app.ctx, { customerProof: "never" });
  const call = (operation: string, call: PartnerCall = {}) =>
    callPartner(app, operation, { ...!call.bearer && { basic }, ...call });
  const ask = async (operation: string, given: PartnerCall = {}) => {
    const answer = await call(operation, given);
    assert.equal(answer.http, 200, `${operation}: ${answer.text}`);
    return answer;
  };
  const grant = async (uid: unknown): Promise<string> =>
    (await ask("POST /auth/grant", { body: { uid } })).data.token;
  const tokens: Record<string, string> = {
    [ANNA]: await grant(number(ANNA)),
    [BEN]: await grant(number(BEN)),
    [CLEO]: await grant(number(CLEO)),
  };
  const open = async (uid: string) => {
    const client = new GobelieveClient(server.url);
    return await client.follow({ token: tokens[uid]! });
  };

  await t.step("as numbers or digits, of one person each", async () => {
    assert.equal(await grant(ANNA), tokens[ANNA]);
    assert.equal(await grant(`0${ANNA}`.slice(-19)), tokens[ANNA]);
    assert.equal(new Set(Object.values(tokens)).size, 3);
    assert.notEqual(await grant(number(FIRST_ROUNDED)), await grant(number("9007199254740992")));
  });

  await t.step("from 1 to 2^63 - 1", async () => {
    for (const uid of ["9223372036854775808", "99999999999999999999", "-1", "0", "1e18", "1.5"]) {
      assertPartnerFailure(await call("POST /auth/grant", { body: { uid: number(uid) } }));
      assertPartnerFailure(await call("POST /auth/grant", { body: { uid } }));
    }
    const sent = { sender: number(ANNA), receiver: number("9223372036854775808"), content: "?" };
    assertPartnerFailure(await call("POST /messages/peers", { body: sent }));
    const params = { uid: "9223372036854775808" };
    assertPartnerFailure(await call("POST /users/{uid}", { params, body: { mute: 1 } }));
  });

  await t.step("numbers of customers are theirs alone, and the text says which", async () => {
    const params = { uid: "5000000000000000" };
    const refused = await call("POST /users/{uid}", { params, body: { mute: 1 } });
    assertPartnerFailure(refused);
    assert.match(refused.envelope.meta.message, /4000000000000000.*9007199254740991/);
    for (
      const [operation, body] of [
        ["POST /auth/grant", { uid: 5000000000000000 }],
        ["POST /messages/peers", { sender: 1, receiver: "5000000000000000", content: "?" }],
        ["POST /messages/peers", { sender: "5000000000000000", receiver: 1, content: "?" }],
        ["POST /messages/systems", { receiver: 5000000000000000, content: "?" }],
        ["POST /groups", { master: 5000000000000000, name: "g", members: [] }],
      ] as const
    ) {
      const { envelope } = await call(operation, { body });
      assert.equal(envelope.meta.message, refused.envelope.meta.message, operation);
    }
  });

  await t.step("in paths, queries and answers", async () => {
    const body = { name: "Anna", do_not_disturb: { peer_uid: number(BEN), on: true } };
    await ask("POST /users/{uid}", { params: { uid: ANNA }, body });
    const people = [{ uid: number(BEN), name: "Ben" }, number(CLEO), FIRST_ROUNDED];
    const group = { master: number(ANNA), name: "Group", members: people };
    const gid = (await ask("POST /groups", { body: group })).data.group_id;
    const listed = await ask("GET /client/groups", {
      bearer: tokens[BEN]!,
      query: { fields: "members" },
    });
    assert.ok(listed.text.includes(`"master":${ANNA},`), listed.text);
    for (const uid of [BEN, CLEO, FIRST_ROUNDED]) {
      assert.ok(listed.text.includes(`{"uid":${uid},`), listed.text);
    }
    await ask("PATCH /groups/{gid}/members/{memberid}", {
      params: { gid, memberid: BEN },
      body: { nickname: "Benny" },
    });
    await ask("DELETE /groups/{gid}/members/{mid}", { params: { gid, mid: FIRST_ROUNDED } });
    const left = await ask("GET /client/groups", {
      bearer: tokens[BEN]!,
      query: { fields: "members" },
    });
    assert.ok(!left.text.includes(FIRST_ROUNDED) && left.text.includes("Benny"), left.text);
    assert.equal((await ask("GET /messages/offline", { query: { uid: BEN } })).data.new, 1);
    const { text } = await ask("GET /messages", { bearer: tokens[CLEO]! });
    // The notifications' own numbers: texts within the text.
    assert.ok(text.includes(`\\"master\\":${ANNA},`), text);
    assert.ok(text.includes(`\\"members\\":[${BEN},${CLEO},${FIRST_ROUNDED}]`), text);
    assert.ok(text.includes(`\\"quit_group\\":{\\"group_id\\":${gid}`), text);
    assert.ok(text.includes(`\\"member_id\\":${FIRST_ROUNDED}`), text);
  });

  await t.step("of sellers, and of who helps a customer", async () => {
    const sellers = [{ uid: number(BEN), name: "Ben" }];
    const { store_id } = (await ask("POST /stores", { body: { name: "Desk", sellers } })).data;
    assert.ok((await ask("GET /stores")).text.includes(`{"uid":${BEN},`));
    const customer = (await ask("POST /auth/customer", { body: { appid: appId } })).data;
    const helper = await ask("GET /supporters", {
      bearer: customer.token,
      query: { store_id: String(store_id) },
    });
    assert.ok(helper.text.includes(`"seller_id":${BEN},`), helper.text);
    const said = { sender: customer.client_id, receiver: number(BEN), content: "help" };
    await ask("POST /messages/peers", { body: said });
    const { text } = await ask("GET /messages", { bearer: tokens[BEN]! });
    assert.ok(text.includes(`"sender":${customer.client_id},"receiver":${BEN},"command":24`), text);
  });

  await t.step("on the socket, both ways", async () => {
    await using anna = await open(ANNA);
    await using ben = await open(BEN);
    const words = { sender: BigInt(ANNA), receiver: BigInt(BEN), content: "hello" };
    assert.equal((await anna.tell(Cmd.im, words)).status, 0);
    const heard = await ben.next(({ content }) => content === "hello");
    assert.deepEqual([heard.sender, heard.receiver], [BigInt(ANNA), BigInt(BEN)]);
    // Somebody else's number, which a double would take for one's own.
    const asBen = { sender: BigInt(BEN), receiver: BigInt(CLEO), content: "not mine" };
    anna.say(Cmd.im, asBen);
    const toNobody = { ...words, receiver: 2n ** 62n };
    assert.equal((await anna.tell(Cmd.im, toNobody)).status, 1);
    await ask("POST /messages/peers", {
      body: { sender: number(CLEO), receiver: number(ANNA), content: "from Cleo" },
    });
    assert.equal((await anna.next(({ content }) => content === "from Cleo")).sender, BigInt(CLEO));
    anna.send(Cmd.rt, [[64, BigInt(ANNA)], [64, BigInt(BEN)], "moment"]);
    assert.equal((await ben.next(({ cmd }) => cmd === Cmd.rt)).sender, BigInt(ANNA));
    await anna.settled();
    await ben.settled();
    assert.ok(!ben.frames.some(({ content }) => content === "not mine"));
    assert.equal(anna.closed ?? ben.closed, undefined);
  });

  await t.step("of chat rooms", async () => {
    await using anna = await open(ANNA);
    await using ben = await open(BEN);
    const room = BigInt(FIRST_ROUNDED);
    for (const client of [anna, ben]) {
      client.send(Cmd.enterRoom, [[64, room]]);
      await client.settled();
    }
    anna.send(Cmd.roomIm, [[64, BigInt(ANNA)], [64, room], "in the room"]);
    const heard = await ben.next(({ content }) => content === "in the room");
    assert.deepEqual([heard.sender, heard.receiver], [BigInt(ANNA), room]);
    const body = { sender: number(CLEO), receiver: number(FIRST_ROUNDED), content: "to all" };
    await ask("POST /messages/rooms", { body });
    const told = await ben.next(({ content }) => content === "to all");
    assert.deepEqual([told.sender, told.receiver], [BigInt(CLEO), room]);
    const next = { ...body, receiver: number("9007199254740992"), content: "next door" };
    await ask("POST /messages/rooms", { body: next });
    await ben.settled();
    assert.ok(!ben.frames.some(({ content }) => content === "next door"));
  });
});

import assert from "node:assert/strict";
import { Cmd, type GobelieveClient, type HeardFrame } from "../../clients/gobelieve.ts";
import { assertPartnerFailure } from "../../clients/partner.ts";
import { waitUntil } from "../../services/binary.ts";
import { ANNA, BEN, CLEO, DAN, newsOf, number, PartnersEvening } from "./evening_place.ts";

const SELF = 8, SUPER = 32;

const words = (sender: string, receiver: string | number, content: string) => ({
  sender: BigInt(sender),
  receiver: BigInt(receiver),
  content,
});
const said = (frames: HeardFrame[]) =>
  frames.map(({ cmd, sender, receiver, content }) => [cmd, sender, receiver, content]);
// deno-lint-ignore no-explicit-any -- each step knows what it asked for
const rows = (items: any[]) =>
  items.map(({ command, sender, receiver, content }) => [command, sender, receiver, content]);

Deno.test("a partner's evening: a group and its people, over HTTP and sockets", async (t) => {
  await using evening = await PartnersEvening.begin();
  const tokens = {
    anna: await evening.grant(ANNA, "Anna"),
    ben: await evening.grant(BEN, "Ben"),
    cleo: await evening.grant(CLEO),
  };
  const anna = await evening.open(tokens.anna);
  let ben = await evening.open(tokens.ben);
  let gid = 0;

  await t.step("the server makes a group of two, who hear whose it is", async () => {
    const members = [{ uid: number(ANNA) }, number(BEN)];
    const body = { master: number(ANNA), name: "Jazz", members };
    gid = (await evening.ask("POST /groups", { body })).group_id;
    for (const client of [anna, ben]) {
      const [what, fields] = newsOf((await evening.hears(client, 1))[0]!);
      assert.deepEqual([what, fields], ["create", {
        group_id: gid,
        master: ANNA,
        name: "Jazz",
        super: 0,
        members: [ANNA, BEN],
        member_count: 2,
      }]);
    }
  });

  await t.step("two are added: one notification for each, without names nobody knows", async () => {
    const members = [{ uid: number(CLEO), name: "Cleo" }, number(DAN)];
    const body = { members, inviter: { uid: number(ANNA) } };
    await evening.ask("POST /groups/{gid}/members", { params: { gid }, body });
    const inviter = { uid: ANNA, name: "Anna" }, group = { group_id: gid, group_name: "Jazz" };
    for (const client of [anna, ben]) {
      assert.deepEqual((await evening.hears(client, 2)).map(newsOf), [
        ["add_member", { ...group, member_id: CLEO, name: "Cleo", inviter }],
        ["add_member", { ...group, member_id: DAN, inviter }],
      ]);
    }
  });

  await t.step("both are removed at once, and the removed hear it too", async () => {
    const cleo = await evening.open(tokens.cleo);
    await evening.hears(cleo, 2);
    const body = { members: [number(CLEO), number(DAN)] };
    await evening.ask("DELETE /groups/{gid}/members", { params: { gid }, body });
    const group = { group_id: gid, group_name: "Jazz" };
    for (const client of [anna, ben, cleo]) {
      assert.deepEqual((await evening.hears(client, 2)).map(newsOf), [
        ["quit_group", { ...group, member_id: CLEO, name: "Cleo" }],
        ["quit_group", { ...group, member_id: DAN }],
      ]);
    }
  });

  await t.step("people speak in it; the server speaks for whoever it names", async () => {
    assert.equal((await ben.tell(Cmd.groupIm, words(BEN, gid, "晚上好"))).status, 0);
    assert.deepEqual(said(await evening.hears(anna, 1)), [
      [Cmd.groupIm, BigInt(BEN), gid, "晚上好"],
    ]);
    const body = { sender: number(CLEO), receiver: gid, content: "from outside" };
    await evening.ask("POST /messages/groups", { body });
    for (const client of [anna, ben]) {
      assert.deepEqual(said(await evening.hears(client, 1)), [
        [Cmd.groupIm, BigInt(CLEO), gid, "from outside"],
      ]);
    }
    const news = { group_id: gid, content: '{"ours":1}' };
    await evening.ask("POST /messages/groups/notifications", { body: news });
    for (const client of [anna, ben]) {
      assert.equal((await evening.hears(client, 1))[0]!.content, '{"ours":1}');
    }
  });

  await t.step("people write to each other, once, and nothing of it comes back", async () => {
    assert.equal((await anna.tell(Cmd.im, words(ANNA, BEN, "你好"))).status, 0);
    assert.equal((await ben.tell(Cmd.im, words(BEN, ANNA, "hello"))).status, 0);
    assert.deepEqual(said(await evening.hears(ben, 1)), [
      [Cmd.im, BigInt(ANNA), BigInt(BEN), "你好"],
    ]);
    assert.deepEqual(said(await evening.hears(anna, 1)), [
      [Cmd.im, BigInt(BEN), BigInt(ANNA), "hello"],
    ]);
  });

  await t.step("a number of the caller's names a message within its channel", async () => {
    const message = { sender: number(ANNA), content: "numbered", client_msg_no: "no 1" };
    const toBen = { ...message, receiver: number(BEN) }, toGroup = { ...message, receiver: gid };
    await evening.ask("POST /messages/peers", { body: toBen });
    await evening.ask("POST /messages/peers", { body: { ...toBen, content: "again" } });
    await evening.ask("POST /messages/groups", { body: toGroup });
    assert.deepEqual(said(await evening.hears(ben, 2)), [
      [Cmd.im, BigInt(ANNA), BigInt(BEN), "numbered"],
      [Cmd.groupIm, BigInt(ANNA), gid, "numbered"],
    ]);
    await evening.hears(anna, 2);
  });

  await t.step("the system tells something kept and something of the moment", async () => {
    const body = { receiver: number(BEN), content: "kept" };
    await evening.ask("POST /messages/systems", { body });
    await evening.ask("POST /messages/notifications", { body: { ...body, content: "now" } });
    const [system] = await evening.hears(ben, 1);
    assert.deepEqual([system!.cmd, system!.content], [Cmd.system, "kept"]);
    assert.equal((await ben.next(({ cmd }) => cmd === Cmd.notification)).content, "now");
  });

  await t.step("what was missed is counted, and pulled from one's key, once", async () => {
    await ben.settled();
    const { key } = ben;
    await ben[Symbol.asyncDispose]();
    const query = { uid: BEN };
    assert.deepEqual(await evening.ask("GET /messages/offline", { query }), { new: 0, count: 0 });
    const body = { receiver: number(BEN), content: "missed" };
    await evening.ask("POST /messages/systems", { body });
    await evening.ask("POST /messages/notifications", { body: { ...body, content: "gone by" } });
    await anna.tell(Cmd.im, words(ANNA, BEN, "missed too"));
    assert.deepEqual(await evening.ask("GET /messages/offline", { query }), { new: 1, count: 2 });
    ben = await evening.open(tokens.ben, { key });
    const pulled = await evening.hears(ben, 2);
    assert.deepEqual(pulled.map(({ content }) => content), ["missed", "missed too"]);
    assert.deepEqual(await evening.ask("GET /messages/offline", { query }), { new: 0, count: 0 });
  });

  await t.step("one's history is the same, over HTTP, newest first and further back", async () => {
    const history = await evening.ask("GET /messages", { bearer: tokens.ben });
    assert.deepEqual(rows(history.slice(0, 7)), [
      [4, ANNA, BEN, "missed too"],
      [21, 0, BEN, "missed"],
      [21, 0, BEN, "kept"],
      [8, ANNA, gid, "numbered"],
      [4, ANNA, BEN, "numbered"],
      [4, BEN, ANNA, "hello"],
      [4, ANNA, BEN, "你好"],
    ]);
    const query = { before_id: String(history[3].id) };
    const before = await evening.ask("GET /messages", { bearer: tokens.ben, query });
    assert.deepEqual(before, history.slice(4));
    const kinds = before.slice(3).map(({ command }: { command: number }) => command);
    assert.deepEqual(kinds, [7, 8, 8, 7, 7, 7, 7, 7]);
  });

  await t.step("clients change what is theirs: a nickname, the notice, their leaving", async () => {
    const params = { gid, memberid: BEN, mid: BEN };
    const call = (bearer: string, body?: unknown) => ({ bearer, params, body });
    const change = "PATCH /client/groups/{gid}/members/{memberid}";
    await evening.ask(change, call(tokens.ben, { nickname: "Benny" }));
    await evening.ask("PATCH /client/groups/{gid}", call(tokens.ben, { notice: "At eight" }));
    assertPartnerFailure(await evening.call("DELETE /client/groups/{gid}", call(tokens.ben)));
    await evening.ask("DELETE /client/groups/{gid}/members/{mid}", call(tokens.ben));
    const group = { group_id: gid, group_name: "Jazz" };
    assert.deepEqual((await evening.hears(anna, 3)).map(newsOf), [
      ["update_member_nickname", { ...group, member_id: BEN, nickname: "Benny" }],
      ["update_notice", { group_id: gid, notice: "At eight" }],
      ["quit_group", { ...group, member_id: BEN, name: "Ben" }],
    ]);
    assert.deepEqual(await evening.ask("GET /client/groups", { bearer: tokens.ben }), []);
    assert.equal((await ben.tell(Cmd.groupIm, words(BEN, gid, "still?"))).status, 64);
    await evening.ask("DELETE /client/groups/{gid}", call(tokens.anna));
    assert.deepEqual(newsOf((await evening.hears(anna, 1))[0]!), ["disband", group]);
    assert.equal((await anna.tell(Cmd.groupIm, words(ANNA, gid, "hello?"))).status, 65);
  });
});

Deno.test("a partner's evening: a super group, as deployed clients follow it", async (t) => {
  await using evening = await PartnersEvening.begin();
  const tokens = [await evening.grant(ANNA, "Anna"), await evening.grant(BEN, "Ben")] as const;
  const body = { master: number(ANNA), name: "All", super: 1, members: [number(ANNA)] };
  const gid: number = (await evening.ask("POST /groups", { body })).group_id;
  const anna = await evening.open(tokens[0]);
  let ben = await evening.open(tokens[1]);
  const keyOf = (client: GobelieveClient) => client.groupKeys.get(gid);

  await t.step("who is added hears it in the group's own stream, as everybody does", async () => {
    assert.equal(newsOf((await evening.hears(anna, 1))[0]!)[0], "create");
    const members = [{ uid: number(BEN) }, { uid: number(CLEO), name: "Cleo" }];
    await evening.ask("POST /groups/{gid}/members", { params: { gid }, body: { members } });
    for (const client of [anna, ben]) {
      const heard = await evening.hears(client, 2);
      assert.deepEqual(heard.map(({ flag }) => flag), [SUPER, SUPER]);
      assert.deepEqual(heard.map(newsOf), [
        ["add_member", { group_id: gid, group_name: "All", member_id: BEN, name: "Ben" }],
        ["add_member", { group_id: gid, group_name: "All", member_id: CLEO, name: "Cleo" }],
      ]);
    }
  });

  await t.step("what one says does not come back; the others have it", async () => {
    for (const [speaker, listener, uid] of [[anna, ben, ANNA], [ben, anna, BEN]] as const) {
      const key = keyOf(speaker)!;
      const ack = await speaker.tell(Cmd.groupIm, words(uid, gid, "大家好"));
      assert.deepEqual([ack.status, ack.flag], [0, SUPER]);
      assert.equal(keyOf(speaker), key + 1);
      assert.deepEqual(said(await evening.hears(listener, 1)), [
        [Cmd.groupIm, BigInt(uid), gid, "大家好"],
      ]);
      await evening.hears(speaker, 0);
    }
  });

  await t.step(
    "several at once are heard once, in order, however often they are announced",
    async () => {
      const contents = Array.from({ length: 6 }, (_, at) => `${at}`);
      for (const content of contents) {
        const message = { sender: number(CLEO), receiver: gid, content };
        await evening.ask("POST /messages/groups", { body: message });
      }
      for (const client of [anna, ben]) {
        const heard = await evening.hears(client, contents.length);
        assert.deepEqual(heard.map(({ content }) => content), contents);
      }
    },
  );

  await t.step("who was away finds what was missed, once, and then it is not offline", async () => {
    const from = { key: ben.key, groupKeys: [...ben.groupKeys] };
    await ben[Symbol.asyncDispose]();
    await anna.tell(Cmd.groupIm, words(ANNA, gid, "missed"));
    const removed = { params: { gid, mid: CLEO } };
    await evening.ask("DELETE /groups/{gid}/members/{mid}", removed);
    const query = { uid: BEN };
    assert.deepEqual(await evening.ask("GET /messages/offline", { query }), { new: 1, count: 2 });
    ben = await evening.open(tokens[1], from);
    const [missed, gone] = await evening.hears(ben, 2);
    assert.equal(missed!.content, "missed");
    assert.deepEqual(newsOf(gone!)[1].member_id, CLEO);
    assert.equal(keyOf(ben), keyOf(anna));
    assert.deepEqual(await evening.ask("GET /messages/offline", { query }), { new: 0, count: 0 });
  });

  await t.step("a group of everybody's own stream becomes a super group", async () => {
    const members = [number(ANNA), number(BEN)];
    const body = { master: number(ANNA), name: "Small", members };
    const small = (await evening.ask("POST /groups", { body })).group_id;
    await evening.ask("POST /groups/{gid}/upgrade", { params: { gid: small } });
    await evening.ask("POST /messages/groups", {
      body: { sender: number(ANNA), receiver: small, content: "larger" },
    });
    const [made, upgraded, larger] = await evening.hears(ben, 3);
    assert.equal(newsOf(made!)[0], "create");
    const fields = { group_id: small, group_name: "Small", super: 1 };
    assert.deepEqual(newsOf(upgraded!), ["upgrade", fields]);
    assert.deepEqual([larger!.content, larger!.flag], ["larger", SUPER]);
    assert.ok(ben.shown.every(({ flag }) => !(flag & SELF)));
  });
});

Deno.test("a partner's evening: a desk, a chat room, and what is refused", async (t) => {
  await using evening = await PartnersEvening.begin();
  const tokens = { anna: await evening.grant(ANNA, "Anna"), ben: await evening.grant(BEN, "Ben") };
  const ben = await evening.open(tokens.ben);
  let anna: GobelieveClient;
  const { appId } = evening;
  let desk = { store_id: 0 }, carl = { token: "", client_id: 0, store_id: 0 };
  const atDesk = (bearer: string, query = {}) =>
    evening.ask("GET /messages", { bearer, query: { store: String(desk.store_id), ...query } });
  const offline = (bearer: string) => evening.ask("GET /messages/offline", { bearer });
  /** CUSTOMER, by either side. */
  const tellAtDesk = (client: GobelieveClient, sender: bigint, receiver: bigint, text: string) =>
    client.acked(client.send(Cmd.customer, [
      [64, appId],
      [64, sender],
      [64, appId],
      [64, receiver],
      [32, 0],
      text,
    ]));

  await t.step(
    "a customer finds who helps at the desk, and comes back on their device",
    async () => {
      const body = { name: "Desk", sellers: [{ uid: number(BEN), name: "Ben" }, number(ANNA)] };
      desk = await evening.ask("POST /stores", { body });
      const who = { appid: appId, customer_id: "carl-7", device_id: "carl's phone" };
      const enter = async (over = {}) => {
        const answer = await evening.callAsAnybody("POST /auth/customer", {
          body: { ...who, ...over },
        });
        return answer.http === 200 ? answer.data : assertPartnerFailure(answer);
      };
      carl = await enter({ name: "Carl" });
      assert.equal(carl.store_id, desk.store_id);
      assert.deepEqual(await enter(), carl);
      assert.equal(await enter({ device_id: "somebody's" }), undefined);
      assert.equal(
        await enter({ customer_id: "carl-8" }).then((other) => other.token === carl.token),
        false,
      );
      const query = { store_id: String(desk.store_id) };
      assert.deepEqual(await evening.ask("GET /supporters", { bearer: carl.token, query }), {
        seller_id: BEN,
        name: "Ben",
        avatar: "",
        status: "online",
      });
    },
  );

  await t.step("they write to each other; a colleague's words are no part of it", async () => {
    const customer = BigInt(carl.client_id), seller = BigInt(BEN);
    const phone = await evening.open(carl.token);
    const welcome = { receiver: carl.client_id, content: "welcome" };
    await evening.ask("POST /messages/systems", { body: welcome });
    await evening.hears(phone, 1);
    for (const text of ["one", "two", "three"]) await tellAtDesk(phone, customer, seller, text);
    const heard = await evening.hears(ben, 3);
    assert.deepEqual(said(heard)[0], [Cmd.customer, carl.client_id, seller, "one"]);
    assert.deepEqual([heard[0]!.senderApp, heard[0]!.receiverApp], [appId, appId]);
    anna = await evening.open(tokens.anna);
    await anna.tell(Cmd.im, words(ANNA, BEN, "are you there?"));
    assert.equal((await tellAtDesk(ben, seller, customer, "yes?")).status, 0);
    assert.deepEqual(said(await evening.hears(phone, 1)), [
      [Cmd.customer, seller, carl.client_id, "yes?"],
    ]);
    await phone[Symbol.asyncDispose]();
  });

  await t.step("both read the desk's history, further back too", async () => {
    for (const bearer of [tokens.ben, carl.token]) {
      const history = await atDesk(bearer);
      assert.deepEqual(rows(history), [
        [25, BEN, carl.client_id, "yes?"],
        ...["three", "two", "one"].map((text) => [24, carl.client_id, BEN, text]),
      ]);
      const before = await atDesk(bearer, { before_id: String(history[1].id) });
      assert.deepEqual(before, history.slice(2));
    }
    assert.deepEqual(await atDesk(tokens.anna), []);
    const all = await evening.ask("GET /messages", { bearer: tokens.ben });
    assert.deepEqual(all.map(({ command }: { command: number }) => command), [25, 4, 24, 24, 24]);
  });

  await t.step("what came to a customer who is away is offline until it is shown", async () => {
    await evening.ask("GET /messages", { bearer: carl.token });
    assert.deepEqual(await offline(carl.token), { new: 0, count: 0 });
    await evening.ask("POST /messages/peers", {
      body: { sender: number(BEN), receiver: carl.client_id, content: "later" },
    });
    const query = { customer_id: "carl-7" };
    assert.deepEqual(await evening.ask("GET /messages/offline", { query }), { new: 1, count: 1 });
    assert.equal(rows(await atDesk(carl.token))[0]![3], "later");
    assert.deepEqual(await offline(carl.token), { new: 0, count: 0 });
  });

  await t.step("who is muted says nothing in chat rooms until it ends", async () => {
    const room = "9007199254740993";
    for (const client of [anna, ben]) {
      client.send(Cmd.enterRoom, [[64, BigInt(room)]]);
      await client.settled();
    }
    const say = (text: string) =>
      ben.acked(ben.send(Cmd.roomIm, [[64, BigInt(BEN)], [64, BigInt(room)], text]));
    const mute = (forbidden: unknown) =>
      evening.ask("POST /users/{uid}", { params: { uid: BEN }, body: { forbidden } });
    assert.equal((await say("before")).status, 0);
    await mute(1);
    assert.equal((await say("muted")).status, 255);
    const body = { sender: number(BEN), receiver: number(room), content: "by the server" };
    await evening.ask("POST /messages/rooms", { body });
    await mute("0");
    assert.equal((await say("after")).status, 0);
    await waitUntil("the room", () => anna.of(Cmd.roomIm).length >= 3);
    assert.deepEqual(
      said(anna.of(Cmd.roomIm)),
      ["before", "by the server", "after"].map((text) => [
        ...[Cmd.roomIm, BigInt(BEN), BigInt(room), text],
      ]),
    );
  });

  await t.step("every failure says what it is in error, too", async () => {
    const wrong = { basic: btoa(`${appId}:${"0".repeat(32)}`) };
    const peer = { sender: number(ANNA), receiver: number(BEN) };
    const refused: [string, Parameters<PartnersEvening["call"]>[1], number?][] = [
      ["POST /auth/grant", { ...wrong, body: { uid: 1 } }],
      ["POST /auth/grant", { bearer: tokens.anna, body: { uid: 1 } }],
      ["POST /auth/grant", { body: {} }],
      ["POST /auth/grant", { body: { uid: "9223372036854775808" } }],
      ["POST /auth/grant", { body: { uid: 5000000000000000 } }],
      ["POST /auth/grant", { body: { uid: number(ANNA), user_name: "n".repeat(256) } }],
      ["POST /messages/peers", { body: { ...peer, content: "字".repeat(10_923) } }],
      ["POST /messages/groups", { body: { ...peer, receiver: 1, content: "nowhere" } }],
      ["POST /users/{uid}", { params: { uid: ANNA }, body: {} }],
      ["PATCH /groups/{gid}", { params: { gid: 1 }, body: { name: "none" } }],
      ["GET /messages", { bearer: tokens.anna, query: { store: "999999" } }],
      ["GET /messages", {}],
      ["GET /stores/1/nothing", {}, 404],
      ["DELETE /messages/peers", {}, 405],
    ];
    for (const [operation, call, http] of refused) {
      assertPartnerFailure(await evening.call(operation, call), undefined, http);
    }
    assert.deepEqual((await evening.hears(ben, 2)).map(({ content }) => content), [
      "are you there?",
      "later",
    ]);
  });
});

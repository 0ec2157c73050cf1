import { and, asc, eq, sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { createRedPacket } from "../../../db/domain/red_packets/create.ts";
import { payRedPacket } from "../../../db/domain/red_packets/pay.ts";
import { SHARE_COUNT_MAX, UNPAID_LIFE_MS } from "../../../db/domain/red_packets/rules.ts";
import { hashPayToken } from "../../../db/domain/wallet/pay_once.ts";
import { blocks } from "../../../db/schema/blocks.ts";
import { groupMembers, groups } from "../../../db/schema/groups.ts";
import { transactions } from "../../../db/schema/ledger.ts";
import { redPackets, redPacketShares } from "../../../db/schema/red_packets.ts";
import { payTokens, wallets, WalletStatus } from "../../../db/schema/wallets.ts";
import { settleSteps } from "../../../jobs/settle.ts";
import { assertImFailure, assertNeedsToken } from "../../clients/im.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { makeGroup, makeUsers } from "../../people/factories.ts";
import { balanceOf, issuePayToken, walletOf } from "../../people/money.ts";
import { readTold, systemAccountId } from "./chat_people.ts";
import {
  create,
  created,
  forGroup,
  forPerson,
  lookAt,
  makePlace,
  open,
  paid,
  pay,
  read,
  tokenFor,
} from "./red_packet_place.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const NOBODY = "0".repeat(32);

const settle = (app: TestApp) =>
  settleSteps.find(({ name }) => name === "red_packets")!.settle(app.ctx, 10);
const sharesOf = ({ ctx }: TestApp, no: string) =>
  ctx.db.select({ amount: redPacketShares.amount, userId: redPacketShares.userId })
    .from(redPacketShares)
    .innerJoin(redPackets, eq(redPackets.id, redPacketShares.packetId))
    .where(eq(redPackets.redpacketNo, no)).orderBy(asc(redPacketShares.position));
const idOf = async ({ ctx }: TestApp, no: string) =>
  (await ctx.db.select({ id: redPackets.id }).from(redPackets)
    .where(eq(redPackets.redpacketNo, no)))[0]!.id;

Deno.test("POST /redpackets", async (t) => {
  await using app = await startTestApp();
  const { toby, tony, anna, otto, group } = await makePlace(app);
  const { ctx } = app;
  const inGroup = forGroup(group);

  await t.step("makes one for a group, its shares drawn; no money moves", async () => {
    const body = { ...inGroup, type: 2, blessing: " 新年好 ", channel_id: group.groupNo };
    const { http, data } = await create(app, toby, body);
    assert.deepEqual([http, data], [200, { redpacket_no: data.redpacket_no }]);
    const shares = await sharesOf(app, data.redpacket_no);
    assert.equal(shares.length, 3);
    assert.equal(shares.reduce((sum, { amount }) => sum + amount, 0), 300);
    assert.ok(shares.every(({ userId }) => userId === null));
    const [packet] = await ctx.db.select().from(redPackets);
    assert.equal(packet!.state, "unpaid");
    assert.equal(packet!.blessing, "新年好");
    assert.equal(packet!.groupId, group.id);
    assert.equal(packet!.receiverId, null);
    assert.equal(packet!.expiresAt.getTime() - packet!.createdAt.getTime(), UNPAID_LIFE_MS);
    assert.equal(await walletOf(ctx, toby), 10_000);
    assert.deepEqual(await readTold(app, tony), []);
  });

  await t.step("makes one for a friend; equal shares have no luckiest", async () => {
    const no = await created(app, toby, forPerson(tony));
    assert.deepEqual(await sharesOf(app, no), [{ amount: 100, userId: null }]);
    const [packet] = await ctx.db.select().from(redPackets).where(eq(redPackets.redpacketNo, no));
    assert.deepEqual(
      [packet!.receiverId, packet!.groupId, packet!.luckyPosition, packet!.blessing],
      [tony.userId, null, 0, "恭喜发财，大吉大利"],
    );
    const blank = await created(app, toby, { ...forPerson(tony), blessing: "  " });
    assert.equal((await lookAt(app, toby, blank)).data.blessing, "恭喜发财，大吉大利");
  });

  await t.step("knows the first of the largest shares", async () => {
    const draws = [20, 70];
    const input = {
      userId: toby.userId,
      type: 2,
      amount: 160,
      shareCount: 3,
      blessing: "",
      scene: { type: 2 as const, id: group.groupNo },
    };
    const no = await createRedPacket(ctx, input, () => draws.shift()!);
    assert.deepEqual((await sharesOf(app, no)).map(({ amount }) => amount), [20, 70, 70]);
    const [packet] = await ctx.db.select().from(redPackets).where(eq(redPackets.redpacketNo, no));
    assert.equal(packet!.luckyPosition, 2);
  });

  await t.step("refuses what cannot be shared out", async () => {
    const why = "红包金额或个数不正确";
    for (
      const wrong of [
        { ...inGroup, amount: 301 },
        { ...inGroup, amount: 2, type: 2 },
        { ...inGroup, amount: 60_003 },
        { ...inGroup, amount: 400, num: 4 },
        { ...forPerson(tony), num: 2 },
        { ...forPerson(tony), amount: 20_001 },
      ]
    ) assertImFailure(await create(app, toby, wrong), 400, why);
    for (const amount of [0, -3, 100_000_001]) {
      assertImFailure(await create(app, toby, { ...inGroup, amount }), 400, "金额不正确");
    }
    const large = await makeGroup(ctx, [{ id: toby.userId }, ...await makeUsers(ctx, 100)]);
    const most = forGroup(large, { amount: 100, num: SHARE_COUNT_MAX });
    assert.equal((await create(app, toby, most)).http, 200);
    assertImFailure(await create(app, toby, { ...most, amount: 101, num: 101 }));
  });

  await t.step("is for friends and groups one is in", async () => {
    const refused = async (body: unknown, why: string, as = toby) =>
      assertImFailure(await create(app, as, body), 400, why);
    await refused(forPerson(toby), "不能对自己进行此操作");
    await refused(forPerson(anna), "不是好友");
    await refused(forPerson({ uid: NOBODY }), "用户不存在");
    await refused(inGroup, "你不在该群", otto);
    await refused(forGroup({ groupNo: NOBODY }), "群不存在");
    await ctx.db.update(groupMembers).set({ removedAt: ctx.now() })
      .where(and(eq(groupMembers.groupId, group.id), eq(groupMembers.userId, anna.userId)));
    await refused(inGroup, "你不在该群", anna);
    await ctx.db.update(groups).set({ disbandedAt: ctx.now() }).where(eq(groups.id, group.id));
    await refused(inGroup, "群已解散");
  });

  await t.step("wants its parameters, and a token", async () => {
    for (
      const wrong of [
        {},
        { ...inGroup, scene_id: "" },
        { ...inGroup, scene_type: 3 },
        { ...inGroup, type: 3 },
        { ...inGroup, type: "一" },
        { ...inGroup, num: 0 },
        { ...inGroup, num: 1.5 },
        { ...inGroup, amount: 1.5 },
        { ...inGroup, amount: "3e2" },
        { ...inGroup, blessing: "福".repeat(51) },
        { ...inGroup, channel_id: toby.uid },
      ]
    ) assertImFailure(await create(app, toby, wrong));
    await assertNeedsToken(app, "POST", "/redpackets", { body: inGroup });
  });
});

Deno.test("POST /redpackets/{redpacket_no}/pay", async (t) => {
  await using app = await startTestApp();
  const { toby, tony, anna, otto, group } = await makePlace(app);
  const { ctx } = app;
  const no = await created(app, toby, { ...forGroup(group), blessing: "新年好" });
  const payToken = await tokenFor(ctx, toby, 300);

  await t.step("moves the money into the packet, and shows it in the chat", async () => {
    const woken: unknown[] = [];
    const stop = app.bus.subscribe((event) => void woken.push(event));
    const { http, data } = await pay(app, toby, no, payToken);
    stop();
    const [paid] = await ctx.db.select().from(transactions)
      .where(eq(transactions.kind, "red_packet_paid"));
    const number = String(paid!.id);
    assert.deepEqual([http, data], [200, {
      status: 200,
      msg: "",
      pay_no: number,
      trade_no: number,
      out_trade_no: no,
      forward_type: "",
      result: {},
    }]);
    assert.equal(await walletOf(ctx, toby), 9_700);
    assert.equal(await balanceOf(ctx, "red_packet", await idOf(app, no)), 300);
    const payload = { type: 9, redpacket_no: no, blessing: "新年好", content: "[红包]新年好" };
    for (const who of [toby, tony, anna]) {
      assert.deepEqual(await readTold(app, who), [
        { senderId: toby.userId, channelId: group.id, redDot: true, payload },
      ]);
    }
    assert.equal(woken.length, 1);
    assert.equal((await lookAt(app, tony, no)).data.status, 1);
  });

  await t.step("is answered the same however often it is sent, and done once", async () => {
    const [first, second] = [
      await pay(app, toby, no, payToken),
      await pay(app, toby, no, payToken),
    ];
    assert.equal(first.http, 200);
    assert.deepEqual(first.data, second.data);
    assert.equal(await walletOf(ctx, toby), 9_700);
    assert.equal((await readTold(app, tony)).length, 1);
  });

  await t.step("once paid is paid, whatever the token", async () => {
    assertImFailure(await pay(app, toby, no, await tokenFor(ctx, toby, 300)), 400, "红包已支付");
    const other = await created(app, toby, forGroup(group));
    assertImFailure(
      await pay(app, toby, other, payToken),
      400,
      "同一凭证已用于另一笔操作",
    );
  });

  await t.step("is the creator's alone, by a token for just this", async () => {
    const own = await created(app, toby, forGroup(group));
    for (const who of [tony, otto]) {
      assertImFailure(await pay(app, who, own, await tokenFor(ctx, who, 300)), 400, "红包不存在");
    }
    assertImFailure(
      await pay(app, toby, NOBODY, await tokenFor(ctx, toby, 300)),
      400,
      "红包不存在",
    );
    for (
      const wrong of [
        "unknown",
        await tokenFor(ctx, toby, 299),
        await tokenFor(ctx, tony, 300),
        await issuePayToken(ctx, toby, { item: "transfer", amount: 300 }),
      ]
    ) assertImFailure(await pay(app, toby, own, wrong), 400, "支付凭证无效或已过期");
    for (const wrong of ["", undefined, 5]) assertImFailure(await pay(app, toby, own, wrong));
    await assertNeedsToken(app, "POST", `/redpackets/${own}/pay`, { body: { pay_token: "x" } });
    assert.equal((await lookAt(app, toby, own)).data.status, 0);
    assert.equal(await walletOf(ctx, toby), 9_700);
  });

  await t.step("within ten minutes", async () => {
    const old = await created(app, toby, forGroup(group));
    app.clock.advance(UNPAID_LIFE_MS);
    assertImFailure(await pay(app, toby, old, await tokenFor(ctx, toby, 300)), 400, "红包已过期");
    assert.equal((await lookAt(app, toby, old)).data.status, 4);
  });

  await t.step("wants the money to be there, and the wallet usable", async () => {
    const dear = await created(app, toby, forGroup(group, { amount: 9_900 }));
    assertImFailure(await pay(app, toby, dear, await tokenFor(ctx, toby, 9_900)), 400, "余额不足");
    const cheap = await created(app, toby, forGroup(group));
    const status = (status: number) =>
      ctx.db.update(wallets).set({ status }).where(eq(wallets.userId, toby.userId));
    await status(WalletStatus.frozen);
    const good = await tokenFor(ctx, toby, 300);
    assertImFailure(await pay(app, toby, cheap, good), 400, "钱包不可用");
    await status(WalletStatus.normal);
    assert.equal((await pay(app, toby, cheap, good)).http, 200);
  });

  await t.step("does nothing at all where the chat refuses its message", async () => {
    const before = await walletOf(ctx, toby);
    const own = await created(app, toby, forPerson(tony));
    const group2 = await created(app, toby, forGroup(group));
    const refused = async (which: string, amount: number, why: string) => {
      const payToken = await tokenFor(ctx, toby, amount);
      assertImFailure(await pay(app, toby, which, payToken), 400, why);
      const [token] = await ctx.db.select().from(payTokens)
        .where(eq(payTokens.tokenHash, hashPayToken(payToken)));
      assert.equal(token!.usedAt, null, why);
      assert.equal((await lookAt(app, toby, which)).data.status, 0, why);
      assert.equal(await walletOf(ctx, toby), before, why);
      return payToken;
    };
    const blocked = { userId: tony.userId, blockedId: toby.userId, createdAt: ctx.now() };
    await ctx.db.insert(blocks).values(blocked);
    const kept = await refused(own, 100, "对方已将你加入黑名单");
    await ctx.db.delete(blocks);
    const member = (over: Partial<typeof groupMembers.$inferInsert>) =>
      ctx.db.update(groupMembers).set(over)
        .where(and(eq(groupMembers.groupId, group.id), eq(groupMembers.userId, toby.userId)));
    await member({ mutedUntil: new Date(ctx.now().getTime() + DAY_MS) });
    await refused(group2, 300, "你已被禁言");
    await member({ mutedUntil: null, role: 0 });
    await ctx.db.update(groups).set({ forbidden: true });
    await refused(group2, 300, "全员禁言中");
    await ctx.db.update(groups).set({ forbidden: false });
    await member({ removedAt: ctx.now() });
    await refused(group2, 300, "你不在该群");
    await ctx.db.update(groups).set({ disbandedAt: ctx.now() });
    await refused(group2, 300, "群已解散");
    assert.equal((await pay(app, toby, own, kept)).http, 200, "the token is still good");
    assert.equal(await walletOf(ctx, toby), before - 100);
  });
});

Deno.test("GET /redpackets/{redpacket_no}/get", async (t) => {
  await using app = await startTestApp();
  const { toby, tony, anna, otto, group } = await makePlace(app);
  const no = await paid(app, toby, forGroup(group, { amount: 200, num: 2 }));
  const statusFor = async (who: typeof toby, which = no) =>
    (await lookAt(app, who, which)).data.status;

  await t.step("looks and takes nothing", async () => {
    for (let time = 0; time < 2; time++) {
      const { http, data } = await lookAt(app, tony, no);
      assert.deepEqual([http, data], [200, {
        redpacket_no: no,
        sender_uid: toby.uid,
        sender_name: "Toby",
        blessing: "恭喜发财，大吉大利",
        status: 1,
      }]);
    }
    assert.equal(await balanceOf(app.ctx, "red_packet", await idOf(app, no)), 200);
  });

  await t.step("tells how it stands for the one who looks", async () => {
    assert.equal(await statusFor(toby, await created(app, toby, forGroup(group))), 0);
    await open(app, tony, no, group);
    assert.deepEqual([await statusFor(tony), await statusFor(anna)], [2, 1]);
    await open(app, toby, no, group);
    assert.deepEqual([await statusFor(tony), await statusFor(anna)], [2, 3]);
  });

  await t.step("gives back what is left when the day is over", async () => {
    const other = await paid(app, toby, forPerson(tony));
    const before = await walletOf(app.ctx, toby);
    app.clock.advance(DAY_MS);
    assertImFailure(await lookAt(app, otto, other));
    assert.equal(await walletOf(app.ctx, toby), before, "not for a stranger");
    assert.equal(await statusFor(tony, other), 4);
    assert.equal(await statusFor(toby, other), 4);
    assert.equal(await walletOf(app.ctx, toby), before + 100);
    assert.equal(await settle(app), 0);
  });

  await t.step("is for the scene and the sender alone, with a token", async () => {
    const own = await paid(app, toby, forPerson(tony));
    for (const [who, which] of [[otto, no], [anna, own], [toby, NOBODY]] as const) {
      assertImFailure(await lookAt(app, who, which), 400, "红包不存在");
    }
    await assertNeedsToken(app, "GET", `/redpackets/${no}/get`);
  });
});

Deno.test("POST /redpackets/{redpacket_no}/open", async (t) => {
  await using app = await startTestApp();
  const { toby, tony, anna, otto, group } = await makePlace(app);
  const { ctx } = app;
  const no = await paid(app, toby, forGroup(group));

  await t.step("takes a share, once, and tells sender and opener", async () => {
    const { http, data } = await open(app, tony, no, group);
    assert.deepEqual([http, data], [200, { status: 200, msg: "", open_amount: 100 }]);
    assert.equal(await walletOf(ctx, tony), 100);
    assertImFailure(await open(app, tony, no, group), 400, "已经领取过此红包");
    assert.equal(await walletOf(ctx, tony), 100);
    const payload = {
      type: 1011,
      content: "{0}领取了{1}的红包",
      extra: [{ uid: tony.uid, name: "Tony" }, { uid: toby.uid, name: "Toby" }],
      redpacket_no: no,
      visibles: [toby.uid, tony.uid],
    };
    for (const who of [toby, tony]) {
      assert.deepEqual((await readTold(app, who)).slice(1), [
        { senderId: null, channelId: group.id, redDot: false, payload },
      ]);
    }
    assert.equal((await readTold(app, anna)).length, 1, "nobody else");
  });

  await t.step("ends with the last one, which the sender may take in a group", async () => {
    assert.equal((await open(app, toby, no, group)).data.open_amount, 100);
    const more = (await readTold(app, toby)).at(-1)!.payload;
    assert.deepEqual([more.type, more.visibles], [1011, [toby.uid]]);
    assert.equal((await open(app, anna, no, group)).data.open_amount, 100);
    assert.equal((await readTold(app, anna)).at(-1)!.payload.type, 1012);
    await ctx.db.insert(groupMembers)
      .values({ groupId: group.id, userId: otto.userId, joinedAt: ctx.now() });
    assertImFailure(await open(app, otto, no, group), 400, "红包已被领完");
  });

  await t.step("is for those it is for, where they see it", async () => {
    const own = await paid(app, toby, forPerson(tony));
    const why = "不能领取此红包";
    assertImFailure(await open(app, toby, own, tony), 400, why);
    assertImFailure(await open(app, anna, own, toby), 400, why);
    assertImFailure(await open(app, tony, own, anna), 400, why);
    assertImFailure(await open(app, tony, own, group), 400, why);
    assert.equal((await open(app, tony, own, toby)).data.open_amount, 100);
    const told = (await readTold(app, toby)).at(-1)!;
    assert.deepEqual([told.payload.type, told.senderId], [1012, tony.userId]);
    const inGroup = await paid(app, toby, forGroup(group));
    assertImFailure(await open(app, tony, inGroup, toby), 400, why);
    const stranger = await paid(
      app,
      toby,
      forGroup(await makeGroup(ctx, [{ id: toby.userId }]), {
        amount: 1,
        num: 1,
      }),
    );
    assertImFailure(await open(app, tony, stranger, group), 400, why);
  });

  await t.step("not before it is paid, nor after the day", async () => {
    const unpaid = await created(app, toby, forPerson(tony));
    assertImFailure(await open(app, tony, unpaid, toby), 400, "红包未支付");
    const late = await paid(app, toby, forGroup(group));
    assert.equal((await open(app, tony, late, group)).http, 200);
    const before = await walletOf(ctx, toby);
    app.clock.advance(DAY_MS);
    assertImFailure(await open(app, anna, late, group), 400, "红包已过期");
    assert.equal(await walletOf(ctx, toby), before + 200, "what is left went back");
    assertImFailure(await open(app, anna, late, group), 400, "红包已过期");
    assert.equal(await walletOf(ctx, toby), before + 200);
  });

  await t.step("wants a channel, a packet and a token", async () => {
    assertImFailure(await open(app, tony, NOBODY, group), 400, "红包不存在");
    assertImFailure(await open(app, tony, no, { uid: "" }));
    const body = { channel_id: group.groupNo, channel_type: 2 };
    await assertNeedsToken(app, "POST", `/redpackets/${no}/open`, { body });
  });
});

Deno.test("GET /redpackets/{redpacket_no}", async (t) => {
  await using app = await startTestApp();
  const { toby, tony, anna, otto, group } = await makePlace(app);
  const { ctx } = app;
  const draws = [20, 70];
  const terms = { userId: toby.userId, type: 2, amount: 160, shareCount: 3, blessing: "福" };
  const scene = { type: 2 as const, id: group.groupNo };
  const no = await createRedPacket(ctx, { ...terms, scene }, () => draws.shift()!);
  const payToken = await tokenFor(ctx, toby, 160);
  await payRedPacket(ctx, { redpacketNo: no, userId: toby.userId, payToken });
  const face = {
    redpacket_no: no,
    type: 2,
    channel_type: 2,
    amount: 160,
    total_num: 3,
    blessing: "福",
    sender_uid: toby.uid,
    sender_name: "Toby",
  };

  await t.step("tells what is left, and who took what", async () => {
    await open(app, tony, no, group);
    await open(app, anna, no, group);
    const { http, data } = await read(app, tony, no);
    const [first, second] = data.records;
    assert.ok(Math.abs(first.open_time - ctx.now().getTime() / 1000) < 60, "seconds");
    assert.deepEqual([http, data], [200, {
      ...face,
      balance: 70,
      open_num: 2,
      status: 1,
      my_open_amount: 20,
      finished_time: 0,
      finished_spend: 0,
      records: [
        { uid: tony.uid, name: "Tony", open_amount: 20, is_luck: 0, open_time: first.open_time },
        { uid: anna.uid, name: "Anna", open_amount: 70, is_luck: 0, open_time: second.open_time },
      ],
    }]);
  });

  await t.step("names the luckiest once all is taken: the first of the largest", async () => {
    app.clock.advance(90_000);
    await open(app, toby, no, group);
    const { data } = await read(app, toby, no);
    assert.deepEqual(data.records.map((it: { is_luck: number }) => it.is_luck), [0, 1, 0]);
    assert.deepEqual(
      [data.status, data.balance, data.open_num, data.my_open_amount],
      [3, 0, 3, 70],
    );
    assert.equal(data.finished_time, data.records[2].open_time);
    assert.ok(data.finished_spend >= 90 && data.finished_spend < 150, `${data.finished_spend} s`);
  });

  await t.step("names none among equals", async () => {
    const equal = await paid(app, toby, forPerson(tony));
    await open(app, tony, equal, toby);
    const { data } = await read(app, toby, equal);
    assert.deepEqual([data.channel_type, data.status, data.records[0].is_luck], [1, 3, 0]);
  });

  await t.step("gives back what is left when the day is over, once", async () => {
    const late = await paid(app, toby, forGroup(group, { type: 2 }));
    await open(app, tony, late, group);
    const before = await walletOf(ctx, toby);
    const left = (await read(app, toby, late)).data.balance;
    app.clock.advance(DAY_MS);
    const { data } = await read(app, anna, late);
    assert.deepEqual([data.status, data.balance, data.open_num], [4, 0, 1]);
    assert.equal((await read(app, tony, late)).data.status, 4, "the packet's own");
    assert.equal((await lookAt(app, tony, late)).data.status, 2);
    assert.equal(await settle(app), 0);
    assert.equal(await walletOf(ctx, toby), before + left);
    const system = await systemAccountId(app);
    const told = (await readTold(app, toby)).filter(({ senderId }) => senderId === system);
    const yuan = (left / 100).toFixed(2);
    assert.deepEqual(told, [{
      senderId: system,
      channelId: system,
      redDot: true,
      payload: {
        type: 1,
        event: "redpacket_refunded",
        no: late,
        amount: left,
        content: `红包超过24小时未领完，剩余${yuan}元已退回`,
      },
    }], "its sender is told, once");
    for (const who of [tony, anna]) {
      const events = (await readTold(app, who)).map(({ payload }) => payload.event);
      assert.ok(!events.includes("redpacket_refunded"), "and nobody else");
    }
    const refunds = eq(transactions.kind, "red_packet_refunded");
    assert.equal(await ctx.db.$count(transactions, refunds), 1);
  });

  await t.step("shows what the job has given back", async () => {
    const late = await paid(app, toby, forPerson(tony));
    app.clock.advance(DAY_MS);
    assert.equal(await settle(app), 1);
    const { data } = await read(app, tony, late);
    assert.deepEqual([data.status, data.balance, data.records], [4, 0, []]);
    for (const [who, peer] of [[toby, tony], [tony, toby]] as const) {
      const { channelId, payload } = (await readTold(app, who)).at(-1)!;
      assert.deepEqual([channelId, payload], [peer.userId, {
        type: 2000,
        event: "redpacket_refunded",
        no: late,
        amount: 100,
        content: "红包超过24小时未领完，剩余1.00元已退回",
      }], "both read it in their chat");
    }
  });

  await t.step("is for the scene and the sender alone, with a token", async () => {
    assertImFailure(await read(app, otto, no), 400, "红包不存在");
    assertImFailure(await read(app, toby, NOBODY), 400, "红包不存在");
    await ctx.db.execute(sql`update group_members set removed_at = now()`);
    assertImFailure(await read(app, anna, no), 400, "红包不存在");
    assert.equal((await read(app, toby, no)).http, 200, "its sender may have left");
    await assertNeedsToken(app, "GET", `/redpackets/${no}`);
  });
});

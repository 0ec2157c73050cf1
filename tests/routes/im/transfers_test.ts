import { and, eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { hashPayToken } from "../../../db/domain/wallet/pay_once.ts";
import { blocks } from "../../../db/schema/blocks.ts";
import { transactions } from "../../../db/schema/ledger.ts";
import { conversations, inbox, inboxHeads } from "../../../db/schema/messages.ts";
import { transfers } from "../../../db/schema/transfers.ts";
import { payTokens, wallets, WalletStatus } from "../../../db/schema/wallets.ts";
import { settleSteps } from "../../../jobs/settle.ts";
import { askIm, assertImFailure, assertNeedsToken, callIm } from "../../clients/im.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { giveMoney, issuePayToken, walletOf } from "../../people/money.ts";
import { type ChatPerson, makeChatPerson, makeFriends, readTold } from "./chat_people.ts";

const DONE = { status: 200, msg: "" };
const DAY_MS = 24 * 60 * 60 * 1000;
const TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/;

/** Toby has 1000 分, Tony is his friend, Otto is nobody's. */
async function makePlace(app: TestApp) {
  const toby = await makeChatPerson(app, "Toby");
  const tony = await makeChatPerson(app, "Tony");
  const otto = await makeChatPerson(app, "Otto");
  await makeFriends(app, toby, tony);
  await giveMoney(app.ctx, toby, 1000);
  return { toby, tony, otto };
}

const tokenFor = ({ ctx }: TestApp, who: ChatPerson, amount: number) =>
  issuePayToken(ctx, who, { item: "transfer", amount });
const send = (app: TestApp, as: ChatPerson, body: unknown) =>
  callIm(app, "POST", "/transfers", { token: as.token, body });
const read = (app: TestApp, as: ChatPerson, no: string) =>
  callIm(app, "GET", `/transfers/${no}`, { token: as.token });
const receive = (app: TestApp, as: ChatPerson, no: string) =>
  callIm(app, "POST", `/transfers/${no}/receive`, { token: as.token });

/** A transfer of so much, waiting to be received. */
async function sent(app: TestApp, from: ChatPerson, to: ChatPerson, amount = 100) {
  const body = {
    pay_token: await tokenFor(app, from, amount),
    amount,
    to_uid: to.uid,
    remark: "午饭",
  };
  return (await askIm(app, "POST", "/transfers", { token: from.token, body })).no as string;
}

Deno.test("POST /transfers", async (t) => {
  await using app = await startTestApp();
  const { toby, tony, otto } = await makePlace(app);
  const { ctx } = app;
  const first = { pay_token: await tokenFor(app, toby, 300), amount: 300, to_uid: tony.uid };
  const body = { ...first, remark: " 午饭 " };

  await t.step("takes the money at once, and tells both in their chat", async () => {
    const woken: unknown[] = [];
    const stop = app.bus.subscribe((event) => void woken.push(event));
    const { http, data } = await send(app, toby, body);
    stop();
    assert.deepEqual([http, data], [200, { ...DONE, no: data.no }]);
    assert.equal(await walletOf(ctx, toby), 700);
    assert.equal(await walletOf(ctx, tony), 0);
    const payload = {
      type: 10,
      no: data.no,
      record_no: data.no,
      amount: 300,
      amout: 300,
      remark: "午饭",
      content: "[转账]",
    };
    for (const [who, peer] of [[toby, tony], [tony, toby]] as const) {
      assert.deepEqual(await readTold(app, who), [
        { senderId: toby.userId, channelId: peer.userId, redDot: true, payload },
      ]);
    }
    assert.equal(woken.length, 1, JSON.stringify(woken));
  });

  await t.step("moves money once however often it is sent", async () => {
    const [{ data: again }, { data: more }] = [
      await send(app, toby, body),
      await send(app, toby, body),
    ];
    const [only] = await ctx.db.select().from(transfers);
    assert.deepEqual([again.no, more.no], [only!.transferNo, only!.transferNo]);
    assert.equal(await walletOf(ctx, toby), 700);
    assert.equal((await readTold(app, tony)).length, 1);
  });

  await t.step("refuses a spent token for anything else", async () => {
    for (const other of [{ ...body, remark: "晚饭" }, { ...body, to_uid: otto.uid }]) {
      assertImFailure(await send(app, toby, other), 400, "同一凭证已用于另一笔操作");
    }
    assert.equal(await ctx.db.$count(transfers), 1);
  });

  await t.step("refuses a token that is not for this", async () => {
    const invalid = async (over: Record<string, unknown>, as = toby) =>
      assertImFailure(
        await send(app, as, { ...body, amount: 200, ...over }),
        400,
        "支付凭证无效或已过期",
      );
    await invalid({ pay_token: "unknown" });
    await invalid({ pay_token: await tokenFor(app, toby, 201) });
    await invalid({ pay_token: await tokenFor(app, tony, 200) });
    const redpacket = await issuePayToken(ctx, toby, { item: "redpacket", amount: 200 });
    await invalid({ pay_token: redpacket });
    const stale = await tokenFor(app, toby, 200);
    app.clock.advance(5 * 60 * 1000);
    await invalid({ pay_token: stale });
    assert.equal(await walletOf(ctx, toby), 700);
  });

  await t.step("goes to friends alone, and leaves the token good where it is refused", async () => {
    const pay_token = await tokenFor(app, toby, 50);
    const refused = async (to_uid: string, why: string) =>
      assertImFailure(await send(app, toby, { pay_token, amount: 50, to_uid }), 400, why);
    await refused(toby.uid, "不能对自己进行此操作");
    await refused(otto.uid, "不是好友");
    await refused("0".repeat(32), "用户不存在");
    await ctx.db.insert(blocks).values({
      userId: tony.userId,
      blockedId: toby.userId,
      createdAt: ctx.now(),
    });
    await refused(tony.uid, "对方已将你加入黑名单");
    assert.equal(await walletOf(ctx, toby), 700);
    await ctx.db.delete(blocks);
    const { http } = await send(app, toby, { pay_token, amount: 50, to_uid: tony.uid });
    assert.equal(http, 200);
    assert.equal(await walletOf(ctx, toby), 650);
  });

  await t.step("wants the money to be there, and the wallet usable", async () => {
    const over = { pay_token: await tokenFor(app, toby, 651), amount: 651, to_uid: tony.uid };
    assertImFailure(await send(app, toby, over), 400, "余额不足");
    const [unspent] = await ctx.db.select({ usedAt: payTokens.usedAt }).from(payTokens)
      .where(eq(payTokens.tokenHash, hashPayToken(over.pay_token)));
    assert.equal(unspent!.usedAt, null);
    await ctx.db.update(wallets).set({ status: WalletStatus.frozen })
      .where(eq(wallets.userId, toby.userId));
    const frozen = { pay_token: await tokenFor(app, toby, 1), amount: 1, to_uid: tony.uid };
    assertImFailure(await send(app, toby, frozen), 400, "钱包不可用");
    assert.equal(await walletOf(ctx, toby), 650);
  });

  await t.step("wants a whole positive amount, a remark of at most 50, a token", async () => {
    for (
      const wrong of [
        { amount: 0 },
        { amount: -1 },
        { amount: 1.5 },
        { amount: 100_000_001 },
        { amount: "3e2" },
        { amount: "" },
        { amount: undefined },
        { to_uid: "" },
        { to_uid: undefined },
        { pay_token: "" },
        { pay_token: undefined },
        { remark: "饭".repeat(51) },
      ]
    ) assertImFailure(await send(app, toby, { ...body, ...wrong }));
    assertImFailure(await send(app, toby, { ...body, amount: 0 }), 400, "金额不正确");
    assertImFailure(await send(app, toby, { ...body, amount: "0" }), 400, "金额不正确");
    await assertNeedsToken(app, "POST", "/transfers", { body });
  });
});

/** What the two read at last in their chat with each other, and what of it is unread. */
async function newsOf(app: TestApp, [one, other]: [ChatPerson, ChatPerson]) {
  const read = async (who: ChatPerson, peer: ChatPerson) => {
    const { payload, channelId, redDot } = (await readTold(app, who)).at(-1)!;
    assert.equal(channelId, peer.userId, "in their chat with each other");
    assert.ok(redDot);
    const { db } = app.ctx;
    const [chat] = await db.select().from(conversations).where(
      and(eq(conversations.userId, who.userId), eq(conversations.channelId, peer.userId)),
    );
    return { payload, unread: chat!.unreadCount };
  };
  return [await read(one, other), await read(other, one)] as const;
}

const tip = (event: string, no: string, content: string, amount = 100) => ({
  type: 2000,
  event,
  no,
  amount,
  content,
});

Deno.test("what becomes of a transfer is told to both in their chat, once", async (t) => {
  await using app = await startTestApp();
  const { toby, tony } = await makePlace(app);
  const heads =
    async () => [(await readTold(app, toby)).length, (await readTold(app, tony)).length];
  const settleTransfers = settleSteps.find(({ name }) => name === "transfers")!;

  await t.step("received: news to who sent it", async () => {
    const no = await sent(app, toby, tony);
    const woken: unknown[] = [];
    const stop = app.bus.subscribe((event) => void woken.push(event));
    await receive(app, tony, no);
    await Promise.resolve();
    stop();
    const payload = tip("transfer_received", no, "转账1.00元已收款");
    assert.deepEqual(await newsOf(app, [toby, tony]), [
      { payload, unread: 1 },
      { payload, unread: 1 },
    ]);
    const told = await heads();
    assert.deepEqual(told, [2, 2]);
    assert.deepEqual(woken, [{
      kind: "inbox",
      heads: [{ userId: toby.userId, seq: 2 }, { userId: tony.userId, seq: 2 }],
    }]);
    await receive(app, tony, no);
    assert.deepEqual(await heads(), told, "once");
  });

  await t.step("given back, though one has blocked the other, whoever comes by", async () => {
    for (const [blocker, blocked] of [[toby, tony], [tony, toby]] as const) {
      const no = await sent(app, toby, tony, 205);
      await app.ctx.db.insert(blocks).values({
        userId: blocker.userId,
        blockedId: blocked.userId,
        createdAt: app.ctx.now(),
      });
      app.clock.advance(DAY_MS);
      for (const look of [read, read, receive]) await look(app, tony, no);
      await settleTransfers.settle(app.ctx, 10);
      await app.ctx.db.delete(blocks);
      const payload = tip("transfer_refunded", no, "转账2.05元超过24小时未收款，已退回", 205);
      const [news] = await newsOf(app, [toby, tony]);
      assert.deepEqual(news.payload, payload);
    }
    assert.deepEqual(await heads(), [6, 6]);
  });

  await t.step("of many given back at once each is told, numbered without a gap", async () => {
    const numbers = [];
    for (let at = 0; at < 3; at++) numbers.push(await sent(app, toby, tony, 1 + at));
    app.clock.advance(DAY_MS);
    assert.equal(await settleTransfers.settle(app.ctx, 10), 3);
    for (const who of [toby, tony]) {
      const seqs = await app.ctx.db.select({ seq: inbox.seq }).from(inbox)
        .where(eq(inbox.userId, who.userId)).orderBy(inbox.seq);
      assert.deepEqual(seqs.map(({ seq }) => seq), seqs.map((_, at) => at + 1));
      const [head] = await app.ctx.db.select().from(inboxHeads)
        .where(eq(inboxHeads.userId, who.userId));
      assert.equal(head!.lastSeq, 12);
      const told = (await readTold(app, who)).slice(-3).map(({ payload }) => payload.no);
      assert.deepEqual(told.toSorted(), numbers.toSorted());
    }
    const [news] = await newsOf(app, [toby, tony]);
    assert.equal(news.unread, 3, "one for each that was settled since the last was sent");
  });
});

Deno.test("GET /transfers/{no}", async (t) => {
  await using app = await startTestApp();
  const { toby, tony, otto } = await makePlace(app);
  const no = await sent(app, toby, tony);

  await t.step("answers both parties", async () => {
    const { http, data } = await read(app, toby, no);
    assert.equal(http, 200);
    assert.match(data.created_at, TIME);
    assert.deepEqual(data, {
      no,
      amount: 100,
      status: 1,
      from_uid: toby.uid,
      to_uid: tony.uid,
      to_name: "Tony",
      remark: "午饭",
      created_at: data.created_at,
      receive_at: "",
      refund_at: "",
    });
    assert.deepEqual((await read(app, tony, no)).data, data);
  });

  await t.step("nobody else, and wants a token", async () => {
    assertImFailure(await read(app, otto, no), 400, "转账不存在");
    assertImFailure(await read(app, toby, "0".repeat(32)), 400, "转账不存在");
    assertImFailure(await read(app, toby, "%F0"), 400, "转账不存在");
    await assertNeedsToken(app, "GET", `/transfers/${no}`);
  });

  await t.step("gives back what nobody has received within a day, once", async () => {
    app.clock.advance(DAY_MS - 60_000);
    assert.equal((await read(app, tony, no)).data.status, 1);
    app.clock.advance(60_000);
    assertImFailure(await read(app, otto, no), 400, "转账不存在");
    assert.equal(await walletOf(app.ctx, toby), 900);
    for (const who of [tony, toby]) {
      const { data } = await read(app, who, no);
      assert.equal(data.status, 3);
      assert.match(data.refund_at, TIME);
      assert.equal(data.receive_at, "");
    }
    const step = settleSteps.find(({ name }) => name === "transfers")!;
    assert.equal(await step.settle(app.ctx, 10), 0);
    assert.equal(await walletOf(app.ctx, toby), 1000);
    assert.equal(
      await app.ctx.db.$count(transactions, eq(transactions.kind, "transfer_refunded")),
      1,
    );
  });

  await t.step("shows what the job has given back", async () => {
    const other = await sent(app, toby, tony);
    app.clock.advance(DAY_MS);
    const step = settleSteps.find(({ name }) => name === "transfers")!;
    assert.equal(await step.settle(app.ctx, 10), 1);
    assert.equal((await read(app, toby, other)).data.status, 3);
    assert.equal(await walletOf(app.ctx, toby), 1000);
  });
});

Deno.test("POST /transfers/{no}/receive", async (t) => {
  await using app = await startTestApp();
  const { toby, tony, otto } = await makePlace(app);
  const no = await sent(app, toby, tony);

  await t.step("is the payee's alone", async () => {
    for (const who of [toby, otto]) {
      assertImFailure(await receive(app, who, no), 400, "转账不存在");
    }
    assertImFailure(await receive(app, tony, "0".repeat(32)), 400, "转账不存在");
    await assertNeedsToken(app, "POST", `/transfers/${no}/receive`);
    assert.equal((await read(app, toby, no)).data.status, 1);
  });

  await t.step("moves the money into the wallet, once", async () => {
    const { http, data } = await receive(app, tony, no);
    assert.deepEqual([http, data], [200, DONE]);
    assertImFailure(await receive(app, tony, no), 400, "转账已处理");
    assert.equal(await walletOf(app.ctx, tony), 100);
    const seen = (await read(app, toby, no)).data;
    assert.equal(seen.status, 2);
    assert.match(seen.receive_at, TIME);
    app.clock.advance(2 * DAY_MS);
    assert.equal((await read(app, toby, no)).data.status, 2);
    assert.equal(await walletOf(app.ctx, toby), 900);
  });

  await t.step("after the day gives it back instead", async () => {
    const late = await sent(app, toby, tony);
    app.clock.advance(DAY_MS);
    assertImFailure(await receive(app, tony, late), 400, "转账已过期");
    assertImFailure(await receive(app, tony, late), 400, "转账已过期");
    assert.deepEqual([await walletOf(app.ctx, toby), await walletOf(app.ctx, tony)], [900, 100]);
  });
});

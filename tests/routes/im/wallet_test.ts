import { eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { ConfigError, readConfig } from "../../../config/config.ts";
import { post } from "../../../db/domain/ledger/post.ts";
import { chatAccounts } from "../../../db/schema/chat.ts";
import { recharges } from "../../../db/schema/ledger.ts";
import { wallets, WalletStatus } from "../../../db/schema/wallets.ts";
import { askIm, assertImFailure, assertNeedsToken, callIm } from "../../clients/im.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { balanceOf, giveMoney, walletOf } from "../../people/money.ts";
import { type ChatPerson, makeChatPerson } from "./chat_people.ts";

const ask = (app: TestApp, as: ChatPerson, path: string, query: Record<string, string> = {}) =>
  askIm(app, "GET", path, { token: as.token, query });
const payIn = (
  app: TestApp,
  as: ChatPerson,
  body: unknown,
  headers: Record<string, string> = {},
) => callIm(app.door, "POST", "/wallet/recharge", { token: as.token, body, headers });

Deno.test("GET /wallet/my", async (t) => {
  await using app = await startTestApp();
  const [toby, tony] = [await makeChatPerson(app, "Toby"), await makeChatPerson(app, "Tony")];

  await t.step("makes the wallet when first looked at, and only then", async () => {
    const mine = () => app.ctx.db.$count(wallets, eq(wallets.userId, toby.userId));
    assert.equal(await mine(), 0);
    for (let time = 1; time <= 2; time++) {
      assert.deepEqual(await ask(app, toby, "/wallet/my"), {
        amount: 0,
        status: 1,
        password_is_set: 0,
      });
      assert.equal(await mine(), 1);
    }
  });

  await t.step(
    "shows one's own money, whether it may be used, and whether it is guarded",
    async () => {
      await giveMoney(app.ctx, toby, 1234);
      await app.ctx.db.update(wallets).set({
        status: WalletStatus.frozen,
        payPasswordHash: "scrypt$",
      }).where(eq(wallets.userId, toby.userId));
      assert.deepEqual(await ask(app, toby, "/wallet/my"), {
        amount: 1234,
        status: 2,
        password_is_set: 1,
      });
      assert.equal((await ask(app, tony, "/wallet/my")).amount, 0);
    },
  );

  await t.step("wants a token", () => assertNeedsToken(app, "GET", "/wallet/my"));
});

Deno.test("GET /wallet/channel/recharge", async (t) => {
  await using app = await startTestApp();
  const toby = await makeChatPerson(app);
  await t.step("lists the three ways to pay in", async () => {
    assert.deepEqual(await ask(app, toby, "/wallet/channel/recharge"), [
      { title: "支付宝", icon: "", type: 1 },
      { title: "微信支付", icon: "", type: 2 },
      { title: "银行卡", icon: "", type: 3 },
    ]);
  });
  await t.step("wants a token", () => assertNeedsToken(app, "GET", "/wallet/channel/recharge"));
});

Deno.test("POST /wallet/recharge", async (t) => {
  await using app = await startTestApp();
  const toby = await makeChatPerson(app, "Toby");
  const body = { amount: 1000, channel_type: 1 };

  await t.step("credits the money at once while developing", async () => {
    const { http, data } = await payIn(app, toby, body);
    const no = data.recharge_no;
    assert.deepEqual([http, data], [200, {
      recharge_no: no,
      pay_no: no,
      trade_no: no,
      out_trade_no: no,
      forward_type: "",
      result: {},
    }]);
    assert.match(no, /^[a-f0-9]{32}$/);
    assert.equal((await ask(app, toby, "/wallet/my")).amount, 1000);
    assert.equal(await balanceOf(app.ctx, "recharge", toby.userId), -1000);
  });

  await t.step("pays in again when called again without a key", async () => {
    assert.equal((await payIn(app, toby, body)).http, 200);
    assert.equal(await walletOf(app.ctx, toby), 2000);
  });

  await t.step("is one recharge however often it is sent with one key", async () => {
    const key = { "Idempotency-Key": "order-7!~" };
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => payIn(app, toby, body, key)),
    );
    assert.equal(new Set(answers.map(({ data }) => data.recharge_no)).size, 1);
    assert.equal(await walletOf(app.ctx, toby), 3000);
    for (const other of [{ ...body, amount: 1001 }, { ...body, channel_type: 2 }]) {
      assertImFailure(await payIn(app, toby, other, key), 400, "同一凭证已用于另一笔操作");
    }
    assert.equal(await walletOf(app.ctx, toby), 3000);
    const tony = await makeChatPerson(app, "Tony");
    assert.equal((await payIn(app, tony, body, key)).http, 200, "keys are one's own");
    assert.equal(await walletOf(app.ctx, tony), 1000);
  });

  await t.step("reaches a frozen wallet too", async () => {
    await ask(app, toby, "/wallet/my");
    const status = WalletStatus.frozen;
    await app.ctx.db.update(wallets).set({ status }).where(eq(wallets.userId, toby.userId));
    assert.equal((await payIn(app, toby, body)).http, 200);
  });

  await t.step("takes whole 分 up to a million 元, one of the ways, and a usable key", async () => {
    const before = await walletOf(app.ctx, toby);
    for (const amount of [0, -1, 100_000_001]) {
      assertImFailure(await payIn(app, toby, { ...body, amount }), 400, "金额不正确");
    }
    for (const wrong of [{ amount: 1.5 }, { amount: "1e0" }, { channel_type: 4 }]) {
      assertImFailure(await payIn(app, toby, { ...body, ...wrong }));
    }
    assertImFailure(await payIn(app, toby, {}));
    for (const key of ["", "a b", "é", "k".repeat(101)]) {
      assertImFailure(await payIn(app, toby, body, { "Idempotency-Key": key }));
    }
    assert.equal(await walletOf(app.ctx, toby), before);
    assert.equal((await payIn(app, toby, { ...body, amount: 100_000_000 })).http, 200);
    await assertNeedsToken(app, "POST", "/wallet/recharge", { body });
  });
});

Deno.test("POST /wallet/recharge waits for an operator where RECHARGE_CHANNEL is manual", async () => {
  await using app = await startTestApp({ env: { RECHARGE_CHANNEL: "manual" } });
  const toby = await makeChatPerson(app);
  const key = { "Idempotency-Key": "a" };
  const { data } = await payIn(app, toby, { amount: 1000, channel_type: 3 }, key);
  assert.equal(
    (await payIn(app, toby, { amount: 1000, channel_type: 3 }, key)).data.pay_no,
    data.pay_no,
  );
  assert.equal((await ask(app, toby, "/wallet/my")).amount, 0);
  const [row] = await app.ctx.db.select().from(recharges);
  assert.deepEqual([row!.rechargeNo, row!.state, row!.creditedAt], [
    data.recharge_no,
    "pending",
    null,
  ]);
});

Deno.test("production never credits money that nobody has paid", () => {
  const keptKeys = () => ({ secretKey: "k".repeat(32) });
  assert.equal(readConfig({}, keptKeys).rechargeChannel, "development");
  assert.equal(readConfig({ RECHARGE_CHANNEL: "manual" }, keptKeys).rechargeChannel, "manual");
  assert.throws(
    () => readConfig({ APP_ENV: "production", RECHARGE_CHANNEL: "development" }, keptKeys),
    (error) => error instanceof ConfigError && error.message.includes("RECHARGE_CHANNEL=manual"),
  );
  const production = {
    APP_ENV: "production",
    DATABASE_URL: "postgres://x",
    PUBLIC_URL: "https://plaza.example",
    REDIS_URL: "redis://x",
    SECRET_KEY: "0123456789abcdef".repeat(2),
    AGORA_APP_ID: "a".repeat(32),
    AGORA_APP_CERTIFICATE: "a".repeat(32),
    JPUSH_APP_KEY: "a",
    JPUSH_MASTER_SECRET: "a",
    ALIYUN_SMS_ACCESS_KEY_ID: "a",
    ALIYUN_SMS_ACCESS_KEY_SECRET: "a",
    ALIYUN_SMS_SIGN_NAME: "a",
    ALIYUN_SMS_TEMPLATE_CODE: "a",
    ALIYUN_OSS_ACCESS_KEY_ID: "a",
    ALIYUN_OSS_ACCESS_KEY_SECRET: "a",
    ALIYUN_OSS_BUCKET: "bucket",
    ALIYUN_OSS_ENDPOINT: "oss-cn-shenzhen.aliyuncs.com",
    MIXIN_CLIENT_ID: "b7347ca4-186e-4e54-9db6-755a4ab0b5d4",
    MIXIN_CLIENT_SECRET: "a",
    CDN_URL: "https://cdn.example.com",
  };
  assert.equal(readConfig(production, keptKeys).rechargeChannel, "manual");
});

Deno.test("GET /wallet/records", async (t) => {
  await using app = await startTestApp();
  const toby = await makeChatPerson(app, "Toby");
  const records = (query: Record<string, string> = {}, as = toby) =>
    ask(app, as, "/wallet/records", query);

  await t.step("is empty before there was any money", async () => {
    assert.deepEqual(await records(), []);
  });

  await t.step("shows each movement with its sign, the balance after it, and a title", async () => {
    await payIn(app, toby, { amount: 1000, channel_type: 1 });
    const tony = await makeChatPerson(app, "Tony");
    await post(app.ctx, {
      kind: "transfer_sent",
      userId: toby.userId,
      operationKey: "a",
      input: {},
      remark: "备注",
      legs: [
        { kind: "wallet", owner: toby.userId, amount: -300 },
        { kind: "wallet", owner: tony.userId, amount: 300 },
      ],
    });
    const [out, into, ...rest] = await records();
    assert.deepEqual(rest, []);
    assert.match(out.created_at, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
    assert.deepEqual(out, {
      record_id: out.record_id,
      title: "转账",
      type: 8,
      amount: -300,
      balance: 700,
      remark: "备注",
      created_at: out.created_at,
    });
    assert.deepEqual(into, {
      record_id: into.record_id,
      title: "充值",
      type: 1,
      amount: 1000,
      balance: 1000,
      remark: "",
      created_at: into.created_at,
    });
    assert.notEqual(out.record_id, into.record_id);
  });

  await t.step("pages without a gap or a repetition, newest first", async () => {
    const tony = await makeChatPerson(app, "Tony");
    for (let amount = 1; amount <= 37; amount++) await giveMoney(app.ctx, tony, amount);
    await giveMoney(app.ctx, toby, 1);
    const amounts = async (page: number, size?: number) =>
      (await records(
        { page_index: String(page), ...size && { page_size: String(size) } },
        tony,
      )).map(({ amount }: { amount: number }) => amount);
    const expected = Array.from({ length: 37 }, (_, at) => 37 - at);
    assert.deepEqual(await amounts(1), expected.slice(0, 15));
    assert.deepEqual(await amounts(3), expected.slice(30));
    assert.deepEqual(await amounts(4), []);
    assert.deepEqual([...await amounts(1, 20), ...await amounts(2, 20)], expected);
    assert.deepEqual(await amounts(1, 1000), expected, "more than 100 is 100");
    assert.deepEqual(await amounts(Number.MAX_SAFE_INTEGER, 100), []);
    assert.deepEqual(await amounts(-1, -1), expected.slice(0, 15), "nonsense is the default");
  });

  await t.step("wants a token", () => assertNeedsToken(app, "GET", "/wallet/records"));
});

Deno.test("GET /wallet/customerservices", async (t) => {
  await using app = await startTestApp();
  const [toby, rose] = [await makeChatPerson(app, "Toby"), await makeChatPerson(app, "Rose")];

  await t.step("lists the people GET /user/customerservices lists", async () => {
    assert.deepEqual(await ask(app, toby, "/wallet/customerservices"), []);
    const names = { username: "rose", shortNo: "rose_1" };
    await app.ctx.db.insert(chatAccounts)
      .values({ userId: rose.userId, ...names, category: "客服" });
    const listed = await ask(app, toby, "/wallet/customerservices");
    assert.deepEqual(listed, [{ uid: rose.uid, name: "Rose" }]);
    assert.deepEqual(await ask(app, toby, "/user/customerservices"), listed);
  });

  await t.step("wants a token", () => assertNeedsToken(app, "GET", "/wallet/customerservices"));
});

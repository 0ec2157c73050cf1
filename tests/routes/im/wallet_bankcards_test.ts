import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { unseal } from "../../../config/runtime/sealed.ts";
import { banks } from "../../../db/domain/payment_methods/banks.ts";
import { readOwnCard, readRealName } from "../../../db/domain/payment_methods/card_reads.ts";
import { CARD_COUNT_MAX } from "../../../db/domain/payment_methods/card_rules.ts";
import { paymentMethods, PaymentType, realNames } from "../../../db/schema/people.ts";
import { askIm, assertImFailure, assertNeedsToken, callIm } from "../../clients/im.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { cardNumber, FIRST_CARD, idNumber, nextCard, TOBY_ID_NO } from "./card_numbers.ts";
import { type ChatPerson, makeChatPerson } from "./chat_people.ts";

const bind = (app: TestApp, as: ChatPerson, body: unknown) =>
  callIm(app, "POST", "/wallet/bankcards", { token: as.token, body });
const boundId = async (app: TestApp, as: ChatPerson, body: unknown): Promise<number> =>
  (await askIm(app, "POST", "/wallet/bankcards", { token: as.token, body })).id;
const list = (app: TestApp, as: ChatPerson) =>
  askIm(app, "GET", "/wallet/bankcards", { token: as.token });
const info = (app: TestApp, as: ChatPerson, bankcard: string) =>
  callIm(app, "GET", "/wallet/bankcard/info", { token: as.token, query: { bankcard } });
const nameauth = (app: TestApp, as: ChatPerson) =>
  askIm(app, "GET", "/wallet/nameauth", { token: as.token });

const shown = (id: number, bankcard: string) => ({
  id,
  bankcard: `**** **** **** ${bankcard.slice(-4)}`,
  bankcode: "CMB",
  bankname: "招商银行",
  bankcard_type: "DC",
  bankcard_type_name: "储蓄卡",
  bank_logo: "",
  bank_cover: "",
});
const without = (name: keyof typeof FIRST_CARD) => ({ ...FIRST_CARD, [name]: undefined });

const INVALID_CARD = "银行卡号不正确";
const HOLDER = "持卡人必须与实名信息一致";

Deno.test("GET /wallet/banks", async (t) => {
  await using app = await startTestApp();
  const toby = await makeChatPerson(app);

  await t.step("lists the banks, each with the fields the app reads", async () => {
    const list = await askIm(app, "GET", "/wallet/banks", { token: toby.token });
    assert.equal(list.length, banks.length);
    assert.deepEqual(list[0], {
      bankcode: "ICBC",
      bankname: "中国工商银行",
      bank_logo: "",
      bank_cover: "",
    });
    const codes = list.map(({ bankcode }: { bankcode: string }) => bankcode);
    for (const code of ["CMB", "BOHAIB", "HZCB"]) assert.ok(codes.includes(code), code);
  });

  await t.step("wants a token", () => assertNeedsToken(app, "GET", "/wallet/banks"));
});

Deno.test("GET /wallet/bankcard/info", async (t) => {
  await using app = await startTestApp();
  const toby = await makeChatPerson(app);

  await t.step("tells bank and type of a card, spaces or not", async () => {
    const spaced = FIRST_CARD.bankcard.replaceAll(/(\d{4})/g, "$1 ");
    for (const bankcard of [FIRST_CARD.bankcard, spaced]) {
      const { http, data } = await info(app, toby, bankcard);
      assert.deepEqual([http, data], [200, {
        valid: 1,
        vaild: 1,
        data: { bankcard_type: "DC", bankcode: "CMB", bankname: "招商银行" },
      }]);
    }
    const credit = (await info(app, toby, cardNumber("439225", 16))).data.data;
    assert.equal(credit.bankcard_type, "CC");
  });

  await t.step("says so of a card nobody knows, of a typing error, and of no card", async () => {
    const wrongDigit = cardNumber("622588", 16, 1).slice(0, -1) + "x";
    const unknown = { valid: 0, vaild: 0, data: { bankcard_type: "", bankcode: "", bankname: "" } };
    for (const bankcard of [cardNumber("000000", 16), "6225880000000000", wrongDigit, "", "卡"]) {
      const { http, data } = await info(app, toby, bankcard);
      assert.deepEqual([http, data], [200, unknown], bankcard);
    }
    const none = await askIm(app, "GET", "/wallet/bankcard/info", { token: toby.token });
    assert.deepEqual(none, unknown);
  });

  await t.step("takes at most 32 characters, and wants a token", async () => {
    assert.equal((await info(app, toby, "6".repeat(32))).http, 200);
    assertImFailure(await info(app, toby, "6".repeat(33)));
    await assertNeedsToken(app, "GET", "/wallet/bankcard/info");
  });
});

Deno.test("POST /wallet/bankcards", async (t) => {
  await using app = await startTestApp();
  const toby = await makeChatPerson(app, "Toby");

  await t.step("wants a real name with the first card: name and id number", async () => {
    for (const name of ["holder_name", "cert_no"] as const) {
      assertImFailure(await bind(app, toby, without(name)), 400, "请先实名认证");
      assertImFailure(await bind(app, toby, { ...FIRST_CARD, [name]: " " }), 400, "请先实名认证");
    }
    assertImFailure(await bind(app, toby, nextCard(0)), 400, "请先实名认证");
    assert.equal((await nameauth(app, toby)).is_auth, 0);
  });

  await t.step("binds the first card, which makes the holder the real name", async () => {
    const { http, data } = await bind(app, toby, FIRST_CARD);
    assert.deepEqual([http, data], [200, { status: 200, msg: "", id: data.id }]);
    assert.deepEqual(await list(app, toby), [shown(data.id, FIRST_CARD.bankcard)]);
    assert.equal((await nameauth(app, toby)).data.name, "徐辉");
  });

  await t.step("keeps the list's bank, the phone, and the place in the list", async () => {
    const bankname = "某某银行";
    const id = await boundId(app, toby, { ...nextCard(1), bankname });
    const row = (await app.ctx.db.select().from(paymentMethods)).find((it) => it.id === id)!;
    assert.deepEqual(
      [row.name, row.extra0, row.bankCode, row.cardType, row.phone, row.position, row.status],
      ["徐辉", "招商银行", "CMB", "DC", "13800138000", 2, 1],
    );
  });

  await t.step("takes a card once; another person may have it too", async () => {
    const spaced = FIRST_CARD.bankcard.replaceAll(/(\d{4})/g, "$1 ");
    assertImFailure(await bind(app, toby, FIRST_CARD), 400, "银行卡已绑定");
    const again = { ...nextCard(0), bankcard: spaced };
    assertImFailure(await bind(app, toby, again), 400, "银行卡已绑定");
    const tony = await makeChatPerson(app, "Tony");
    assert.equal((await bind(app, tony, FIRST_CARD)).http, 200);
  });

  await t.step("takes a removed card again", async () => {
    const id = await boundId(app, toby, nextCard(2));
    const removedAt = app.ctx.now();
    await app.ctx.db.update(paymentMethods).set({ removedAt }).where(sql`id = ${id}`);
    assert.ok(await boundId(app, toby, nextCard(2)) > id);
  });

  await t.step("a later card is the same holder's: same name, same id number", async () => {
    const card = nextCard(3);
    const other = idNumber("310225", "19900101", 124);
    assertImFailure(await bind(app, toby, { ...card, holder_name: "张三" }), 400, HOLDER);
    assertImFailure(await bind(app, toby, { ...card, cert_no: other }), 400, HOLDER);
    const half = { ...card, holder_name: "徐辉", cert_no: other };
    assertImFailure(await bind(app, toby, half), 400, HOLDER);
    const same = { ...card, holder_name: " 徐辉 ", cert_no: TOBY_ID_NO };
    assert.equal((await bind(app, toby, same)).http, 200);
    assert.equal(await app.ctx.db.$count(realNames, sql`user_id = ${toby.userId}`), 1);
  });

  await t.step("refuses what is no card, or one of another bank or type", async () => {
    const card = nextCard(4);
    const wrong = [
      { bankcard: "" },
      { bankcard: "6225880000000000" },
      { bankcard: cardNumber("6", 11) },
      { bankcode: "ICBC" },
      { bankcode: "cmb" },
      { bankcard_type: "CC" },
    ];
    for (const over of wrong) {
      assertImFailure(await bind(app, toby, { ...card, ...over }), 400, INVALID_CARD);
    }
  });

  await t.step("of a card nobody knows takes the bank it is said to be of", async () => {
    const card = { ...nextCard(5), bankcard: cardNumber("000000", 12), bankcode: "BOQZ" };
    assertImFailure(await bind(app, toby, { ...card, bankcode: "NONE" }), 400, INVALID_CARD);
    const id = await boundId(app, toby, { ...card, bankcard_type: "CC" });
    const bound = (await list(app, toby)).find((it: { id: number }) => it.id === id);
    assert.deepEqual(bound, {
      ...shown(id, card.bankcard),
      bankcode: "BOQZ",
      bankname: "泉州银行",
      bankcard_type: "CC",
      bankcard_type_name: "信用卡",
    });
  });

  await t.step("wants every field as the contract has it, and a token", async () => {
    const wrong = [
      ...["bankcard", "bankcode", "bankname", "bankcard_type", "phone"]
        .map((name) => ({ [name]: undefined })),
      ...[{ bankcard: 6225880000000000 }, { bankcard: "6".repeat(33) }, { bankname: " " }],
      ...[{ bankcard_type: "SCC" }, { phone: "12345" }, { phone: "x".repeat(11) }],
      ...[{ holder_name: "徐".repeat(51) }, { cert_type: 2 }, { cert_no: "1".repeat(33) }],
    ];
    for (const over of wrong) {
      assertImFailure(await bind(app, toby, { ...nextCard(6), ...over }));
    }
    for (const cert_no of ["1", TOBY_ID_NO.slice(0, 17), idNumber("310225", "19900230", 1)]) {
      const msg = "身份证号码不正确";
      assertImFailure(await bind(app, toby, { ...nextCard(6), cert_no }), 400, msg);
    }
    await assertNeedsToken(app, "POST", "/wallet/bankcards", { body: FIRST_CARD });
    assert.equal((await bind(app, toby, nextCard(6))).http, 200, "nothing else was wrong with it");
  });

  await t.step("takes an id number with a small x", async () => {
    const anna = await makeChatPerson(app, "Anna");
    const card = { ...FIRST_CARD, cert_no: "11010519491231002x" };
    assert.equal((await bind(app, anna, card)).http, 200);
    assert.equal((await nameauth(app, anna)).data.cert_no, "110***********002X");
  });

  await t.step("has an end", async () => {
    const otto = await makeChatPerson(app, "Otto");
    await boundId(app, otto, FIRST_CARD);
    const row = (await app.ctx.db.select().from(paymentMethods)).at(-1)!;
    const { id: _id, ...rest } = row;
    await app.ctx.db.insert(paymentMethods).values(
      Array.from({ length: CARD_COUNT_MAX - 1 }, (_, at) => ({ ...rest, accountIndex: `${at}` })),
    );
    assert.equal(row.userId, otto.userId);
    assertImFailure(await bind(app, otto, nextCard(1)), 400, "银行卡不能超过20张");
    assertImFailure(await bind(app, otto, FIRST_CARD), 400, "银行卡已绑定");
  });
});

Deno.test("POST /wallet/bankcards leaves no number in clear, and sealed ones only their row opens", async () => {
  await using app = await startTestApp();
  const toby = await makeChatPerson(app);
  await boundId(app, toby, FIRST_CARD);
  for (const table of ["payment_methods", "real_names"]) {
    const { rows } = await app.ctx.db.execute(sql`select * from ${sql.identifier(table)}`);
    assert.equal(rows.length, 1);
    const dump = JSON.stringify(rows);
    for (const secret of [FIRST_CARD.bankcard, TOBY_ID_NO, FIRST_CARD.bankcard.slice(0, 12)]) {
      assert.ok(!dump.includes(secret), `${table} holds ${secret}`);
    }
  }
  const logged = JSON.stringify(app.logs);
  for (const secret of [FIRST_CARD.bankcard, TOBY_ID_NO]) assert.ok(!logged.includes(secret));
  const [card] = await app.ctx.db.select().from(paymentMethods);
  const { keys } = app.ctx.config;
  assert.equal(
    unseal(keys, card!.accountSealed, `payment_methods.account:${toby.userId}`),
    FIRST_CARD.bankcard,
  );
  assert.throws(() => unseal(keys, card!.accountSealed, "payment_methods.account:0"));
});

Deno.test("GET /wallet/bankcards", async (t) => {
  await using app = await startTestApp();
  const toby = await makeChatPerson(app, "Toby");
  const tony = await makeChatPerson(app, "Tony");

  await t.step("lists one's own in the order they were bound, nobody else's", async () => {
    assert.deepEqual(await list(app, toby), []);
    const cards = [FIRST_CARD, nextCard(9), nextCard(3)];
    const ids: number[] = [];
    for (const card of cards) ids.push(await boundId(app, toby, card));
    const other = await boundId(app, tony, { ...FIRST_CARD, holder_name: "张三" });
    const own = cards.map(({ bankcard }, at) => shown(ids[at]!, bankcard));
    assert.deepEqual(await list(app, toby), own);
    assert.deepEqual(await list(app, tony), [shown(other, FIRST_CARD.bankcard)]);
    await app.ctx.db.update(paymentMethods).set({ position: 9 }).where(sql`id = ${ids[0]}`);
    assert.deepEqual(await list(app, toby), [own[1], own[2], own[0]]);
  });

  await t.step("leaves out removed cards, and ways to be paid that are no cards", async () => {
    const [card] = await app.ctx.db.select().from(paymentMethods)
      .where(sql`user_id = ${tony.userId}`);
    const { id: _id, ...rest } = card!;
    await app.ctx.db.insert(paymentMethods).values({ ...rest, type: PaymentType.alipay });
    assert.equal((await list(app, tony)).length, 1);
    const removedAt = app.ctx.now();
    await app.ctx.db.update(paymentMethods).set({ removedAt }).where(sql`id = ${card!.id}`);
    assert.deepEqual(await list(app, tony), []);
  });

  await t.step("wants a token", () => assertNeedsToken(app, "GET", "/wallet/bankcards"));
});

Deno.test("GET /wallet/nameauth", async (t) => {
  await using app = await startTestApp();
  const toby = await makeChatPerson(app, "Toby");
  const tony = await makeChatPerson(app, "Tony");
  const none = { is_auth: 0, data: { name: "", cert_no: "", cert_type: 1 } };

  await t.step("is empty before there is a name", async () => {
    assert.deepEqual(await nameauth(app, toby), none);
  });

  await t.step("answers one's own name and a masked id number", async () => {
    await boundId(app, toby, FIRST_CARD);
    const cert_no = `310***********${TOBY_ID_NO.slice(-4)}`;
    assert.deepEqual(await nameauth(app, toby), {
      is_auth: 1,
      data: { name: "徐辉", cert_no, cert_type: 1 },
    });
    assert.deepEqual(await nameauth(app, tony), none);
  });

  await t.step("wants a token", () => assertNeedsToken(app, "GET", "/wallet/nameauth"));
});

Deno.test("money is paid out to one's own usable card alone", async () => {
  await using app = await startTestApp();
  const { ctx } = app;
  const [toby, tony] = [await makeChatPerson(app), await makeChatPerson(app, "Tony")];
  assert.equal(await readRealName(ctx, toby.userId), undefined);
  const cardId = await boundId(app, toby, FIRST_CARD);
  const own = { userId: toby.userId, cardId };
  assert.deepEqual(await readRealName(ctx, toby.userId), { name: "徐辉" });
  assert.deepEqual(await readOwnCard(ctx, own), {
    id: cardId,
    holderName: "徐辉",
    bankCode: "CMB",
    last4: FIRST_CARD.bankcard.slice(-4),
  });
  assert.equal(await readOwnCard(ctx, { ...own, userId: tony.userId }), undefined);
  assert.equal(await readOwnCard(ctx, { ...own, cardId: cardId + 1 }), undefined);
  await ctx.db.update(paymentMethods).set({ status: 0 });
  assert.equal(await readOwnCard(ctx, own), undefined);
  await ctx.db.update(paymentMethods).set({ status: 1, removedAt: ctx.now() });
  assert.equal(await readOwnCard(ctx, own), undefined);
});

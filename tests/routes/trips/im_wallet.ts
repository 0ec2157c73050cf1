import { eq } from "drizzle-orm";
import { hashPassword } from "../../../db/domain/chat_accounts/password.ts";
import { wallets } from "../../../db/schema/wallets.ts";
import { askIm, callIm } from "../../clients/im.ts";
import type { TestApp } from "../../harness.ts";
import { giveMoney, issuePayToken } from "../../people/money.ts";
import { FIRST_CARD } from "../im/card_numbers.ts";
import { makeChatPerson } from "../im/chat_people.ts";
import type { TripsTable } from "../trips_test.ts";
import { warmChatPerson } from "./warm_chat_person.ts";

/** The call by somebody of the chat app, on a warm session. */
function asPerson(method: string, path: string, body?: unknown) {
  return async (app: TestApp) => {
    const { token } = await warmChatPerson(app);
    return await callIm(app, method, path, { token, body });
  };
}

/** Somebody with a phone and the code that was sent to it. */
async function withCode(app: TestApp) {
  const { token, phone } = await warmChatPerson(app);
  await askIm(app, "POST", "/wallet/pay/smscode/paypwd", { token });
  return { token, code: app.providers.outbox!.list({ to: `86${phone}` })[0]!.code! };
}

/** Somebody with money. */
async function withMoney(app: TestApp) {
  const person = await makeChatPerson(app);
  await giveMoney(app.ctx, person, 1000);
  await askIm(app, "GET", "/wallet/my", { token: person.token });
  return person;
}

export const trips: TripsTable = {
  "GET /wallet/my": { sql: 1, redis: 0, call: asPerson("GET", "/wallet/my") },
  "GET /wallet/channel/recharge": {
    sql: 0,
    redis: 0,
    call: asPerson("GET", "/wallet/channel/recharge"),
  },
  "POST /wallet/recharge": {
    sql: 1,
    redis: 0,
    call: asPerson("POST", "/wallet/recharge", { amount: 100, channel_type: 1 }),
  },
  "POST /wallet/pay/smscode/paypwd": {
    sql: 2,
    redis: 2,
    why: "then the code is kept",
    call: asPerson("POST", "/wallet/pay/smscode/paypwd"),
  },
  "POST /wallet/pay/smscode/paypwdverity": {
    sql: 3,
    redis: 2,
    why: "whose number, then a try is counted, the code looked at, the try given back",
    async call(app) {
      const { token, code } = await withCode(app);
      const body = { code };
      return await callIm(app, "POST", "/wallet/pay/smscode/paypwdverity", { token, body });
    },
  },
  "POST /wallet/pay/password": {
    sql: 3,
    redis: 2,
    why:
      "whose number, then a try is counted before the code is used up; it goes with the password",
    async call(app) {
      const { token, code } = await withCode(app);
      const body = { code, password: "246810" };
      return await callIm(app, "POST", "/wallet/pay/password", { token, body });
    },
  },
  "POST /wallet/pay/token": {
    sql: 2,
    redis: 0,
    async call(app) {
      const { userId, token } = await withMoney(app);
      const payPasswordHash = await hashPassword("246810");
      await app.ctx.db.update(wallets).set({ payPasswordHash })
        .where(eq(wallets.userId, userId));
      const body = { amount: 100, item: "transfer", password: "246810" };
      return await callIm(app, "POST", "/wallet/pay/token", { token, body });
    },
  },
  "GET /wallet/records": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { token } = await withMoney(app);
      return await callIm(app, "GET", "/wallet/records", { token });
    },
  },
  "GET /wallet/customerservices": {
    sql: 1,
    redis: 0,
    call: asPerson("GET", "/wallet/customerservices"),
  },
  "GET /wallet/withdraw/explain": {
    sql: 1,
    redis: 0,
    call: asPerson("GET", "/wallet/withdraw/explain"),
  },
  "POST /wallet/withdraw": {
    sql: 6,
    redis: 0,
    why: "begin, the token, name and card, the money with the withdrawal, commit",
    async call(app) {
      const person = await withMoney(app);
      const { token } = person;
      const card = await askIm(app, "POST", "/wallet/bankcards", { token, body: FIRST_CARD });
      const pay_token = await issuePayToken(app.ctx, person, { item: "withdraw", amount: 300 });
      const body = { pay_token, amount: 300, bankcard_id: card.id };
      return await callIm(app, "POST", "/wallet/withdraw", { token, body });
    },
  },
};

import { callIm } from "../../clients/im.ts";
import type { TestApp } from "../../harness.ts";
import { FIRST_CARD } from "../im/card_numbers.ts";
import { makeChatPerson } from "../im/chat_people.ts";
import type { TripsTable } from "../trips_test.ts";

/** Somebody whose session is cached by a first call. */
async function makeWarm(app: TestApp) {
  const person = await makeChatPerson(app);
  await callIm(app, "GET", "/wallet/banks", { token: person.token });
  return person;
}

/** Somebody with a card, and so with a real name. */
async function makeHolder(app: TestApp) {
  const person = await makeWarm(app);
  await callIm(app, "POST", "/wallet/bankcards", { token: person.token, body: FIRST_CARD });
  return person;
}

export const trips: TripsTable = {
  "POST /wallet/bankcards": {
    sql: 4,
    redis: 0,
    why: "the person is locked before their name and cards are looked at",
    async call(app) {
      const { token } = await makeWarm(app);
      return await callIm(app, "POST", "/wallet/bankcards", { token, body: FIRST_CARD });
    },
  },
  "GET /wallet/bankcards": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { token } = await makeHolder(app);
      return await callIm(app, "GET", "/wallet/bankcards", { token });
    },
  },
  "GET /wallet/banks": {
    sql: 0,
    redis: 0,
    async call(app) {
      const { token } = await makeWarm(app);
      return await callIm(app, "GET", "/wallet/banks", { token });
    },
  },
  "GET /wallet/bankcard/info": {
    sql: 0,
    redis: 0,
    async call(app) {
      const { token } = await makeWarm(app);
      const query = { bankcard: FIRST_CARD.bankcard };
      return await callIm(app, "GET", "/wallet/bankcard/info", { token, query });
    },
  },
  "GET /wallet/nameauth": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { token } = await makeHolder(app);
      return await callIm(app, "GET", "/wallet/nameauth", { token });
    },
  },
};

import { callIm } from "../../clients/im.ts";
import type { TestApp } from "../../harness.ts";
import type { TripsTable } from "../trips_test.ts";
import { warmChatPerson } from "./warm_chat_person.ts";

/** What a call by somebody costs, who needs nothing prepared. */
const asPerson = (method: string, path: string, body?: unknown) => async (app: TestApp) => {
  const { token } = await warmChatPerson(app);
  return await callIm(app, method, path, { token, body });
};

/** The operations of the public web client that no contract has. */
export const trips: TripsTable = {
  "GET /common/appconfig": {
    sql: 0,
    redis: 0,
    call: (app) => callIm(app, "GET", "/common/appconfig"),
  },
  "GET /common/appversion/{os}/{version}": {
    sql: 1,
    redis: 0,
    call: (app) => callIm(app, "GET", "/common/appversion/android/1.0.0"),
  },
  "GET /message/prohibit_words/sync": {
    sql: 0,
    redis: 0,
    call: asPerson("GET", "/message/prohibit_words/sync"),
  },
  "GET /sticker/user/category": {
    sql: 0,
    redis: 0,
    call: asPerson("GET", "/sticker/user/category"),
  },
  "GET /sticker/user/sticker": {
    sql: 0,
    redis: 0,
    call: asPerson("GET", "/sticker/user/sticker"),
  },
  "GET /organization/joined": { sql: 0, redis: 0, call: asPerson("GET", "/organization/joined") },
  "GET /user/devices/{device_id}": {
    sql: 1,
    redis: 0,
    call: asPerson("GET", "/user/devices/d-1"),
  },
};

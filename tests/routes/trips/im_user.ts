import { grantQrLogin, scanQrLogin } from "../../../db/domain/chat_accounts/qr_login.ts";
import { hashToken } from "../../../db/domain/sessions/access_secret.ts";
import { readSession } from "../../../db/domain/sessions/reads.ts";
import {
  askIm,
  callIm,
  CHAT_PASSWORD,
  type ChatLogin,
  freshPhone,
  requestRegisterCode,
} from "../../clients/im.ts";
import type { TestApp } from "../../harness.ts";
import { makeAccount } from "../../people/chat_accounts.ts";
import { makeChatPerson, makeFriends } from "../im/chat_people.ts";
import type { TripsTable } from "../trips_test.ts";
import { warmChatPerson } from "./warm_chat_person.ts";

/** What a call by somebody costs, who needs nothing prepared. */
const asPerson = (
  method: string,
  path: string | ((person: ChatLogin) => string),
  body?: unknown,
  query?: Record<string, string>,
) =>
async (app: TestApp) => {
  const person = await warmChatPerson(app);
  return await callIm(app, method, typeof path === "string" ? path : path(person), {
    token: person.token,
    body,
    ...query && { query },
  });
};

/** The same about somebody else. */
const aboutOther =
  (method: string, path: (uid: string) => string, body?: unknown) => async (app: TestApp) => {
    const other = await makeAccount(app, { name: "Tony" });
    return await asPerson(method, path(other.uid), body)(app);
  };

/** A login by QR code that has been scanned: the desktop's secret, and what the app says yes with. */
async function scanned(app: TestApp, { token }: ChatLogin): Promise<string> {
  const { qrcode } = await askIm(app, "GET", "/user/loginuuid");
  const { userId } = (await readSession(app.ctx, hashToken(token)))!;
  return (await scanQrLogin(app.ctx, { code: qrcode.split("/").at(-1), userId })).auth_code;
}

/** A login that waits for the phone to be proven, and the call that sends the code. */
async function waiting(app: TestApp) {
  const person = await warmChatPerson(app);
  await askIm(app, "PUT", "/users/current", { token: person.token, body: { device_lock: 1 } });
  const login = {
    username: `0086${person.phone}`,
    password: CHAT_PASSWORD,
    device: { device_id: "d-1" },
  };
  await callIm(app, "POST", "/user/login", { body: login });
  const body = { uid: person.uid };
  return {
    ...person,
    sendCode: () => callIm(app, "POST", "/user/sms/login_check_phone", { body }),
  };
}

export const trips: TripsTable = {
  "POST /user/register": {
    sql: 8,
    redis: 1,
    why:
      "the try is counted before the code is used up; begin, account, first friends, first message, commit: " +
      "none without the others; then session and answer",
    async call(app) {
      const phone = freshPhone();
      const code = await requestRegisterCode(app, phone);
      const body = { zone: "0086", phone, code, password: CHAT_PASSWORD };
      return await callIm(app, "POST", "/user/register", { body });
    },
  },
  "POST /user/login": {
    sql: 2,
    redis: 1,
    async call(app) {
      const { phone } = await makeAccount(app);
      const body = { username: `0086${phone}`, password: CHAT_PASSWORD };
      return await callIm(app, "POST", "/user/login", { body });
    },
  },
  "GET /user/search": {
    sql: 1,
    redis: 0,
    call: asPerson("GET", "/user/search", undefined, { keyword: "13800138000" }),
  },
  "POST /user/device_token": {
    sql: 1,
    redis: 0,
    call: asPerson("POST", "/user/device_token", { device_token: "t" }),
  },
  "DELETE /user/device_token": { sql: 1, redis: 0, call: asPerson("DELETE", "/user/device_token") },
  "POST /user/device_badge": {
    sql: 1,
    redis: 0,
    call: asPerson("POST", "/user/device_badge", { badge: 1 }),
  },
  "GET /user/grant_login": {
    sql: 0,
    redis: 3,
    why: "who scanned, then the grant",
    async call(app) {
      const person = await warmChatPerson(app);
      const query = { auth_code: await scanned(app, person) };
      return await callIm(app, "GET", "/user/grant_login", { token: person.token, query });
    },
  },
  "GET /user/loginuuid": {
    sql: 0,
    redis: 1,
    call: (app) => callIm(app, "GET", "/user/loginuuid"),
  },
  "GET /user/loginstatus": {
    sql: 0,
    redis: 1,
    async call(app) {
      const person = await makeAccount(app);
      const { uuid, qrcode } = await askIm(app, "GET", "/user/loginuuid");
      const { userId } = (await readSession(app.ctx, hashToken(person.token)))!;
      const { auth_code: authCode } = await scanQrLogin(app.ctx, {
        code: qrcode.split("/").at(-1),
        userId,
      });
      // Of one that is granted each question is answered at once.
      await grantQrLogin(app.ctx, { authCode, userId });
      return await callIm(app, "GET", "/user/loginstatus", { query: { uuid } });
    },
  },
  "POST /user/login_authcode/{auth_code}": {
    sql: 2,
    redis: 1,
    async call(app) {
      const person = await warmChatPerson(app);
      const code = await scanned(app, person);
      const query = { auth_code: code };
      await askIm(app, "GET", "/user/grant_login", { token: person.token, query });
      return await callIm(app, "POST", `/user/login_authcode/${code}`);
    },
  },
  "GET /user/devices": { sql: 1, redis: 0, call: asPerson("GET", "/user/devices") },
  "DELETE /user/devices/{device_id}": {
    sql: 1,
    redis: 0,
    call: asPerson("DELETE", "/user/devices/d-1"),
  },
  "GET /user/customerservices": {
    sql: 1,
    redis: 0,
    call: asPerson("GET", "/user/customerservices"),
  },
  "POST /user/chatpwd": {
    sql: 2,
    redis: 0,
    call: asPerson("POST", "/user/chatpwd", { chat_pwd: "a", login_pwd: CHAT_PASSWORD }),
  },
  "GET /user/blacklists": { sql: 1, redis: 0, call: asPerson("GET", "/user/blacklists") },
  "DELETE /user/blacklist/{uid}": {
    sql: 4,
    redis: 0,
    why: "both sides' devices are told, each by a message",
    call: aboutOther("DELETE", (uid) => `/user/blacklist/${uid}`),
  },
  "POST /user/blacklist/{uid}": {
    sql: 4,
    redis: 0,
    why: "both sides' devices are told, each by a message",
    call: aboutOther("POST", (uid) => `/user/blacklist/${uid}`),
  },
  "POST /user/sms/login_check_phone": {
    sql: 2,
    redis: 2,
    why: "whether a login waits, then the code",
    call: async (app) => await (await waiting(app)).sendCode(),
  },
  "POST /user/login/check_phone": {
    sql: 4,
    redis: 4,
    why: "whether a login waits, before a try is counted; code and waiting login are used " +
      "up; the end of the session before is told",
    async call(app) {
      const { uid, phone, sendCode } = await waiting(app);
      await sendCode();
      const { code } = app.providers.outbox!.list({ to: `86${phone}` })[0]!;
      return await callIm(app, "POST", "/user/login/check_phone", { body: { uid, code } });
    },
  },
  "POST /user/sms/registercode": {
    sql: 2,
    redis: 1,
    call: (app) =>
      callIm(app, "POST", "/user/sms/registercode", {
        body: { zone: "0086", phone: freshPhone() },
      }),
  },
  "GET /user/chat/online": {
    sql: 1,
    redis: 1,
    why: "whether somebody is online is known to Redis alone, once the friends are known",
    async call(app) {
      const [person, friend] = [await makeChatPerson(app), await makeChatPerson(app, "Tony")];
      await makeFriends(app, person, friend);
      await askIm(app, "GET", "/user/customerservices", { token: person.token });
      return await callIm(app, "GET", "/user/chat/online", { token: person.token });
    },
  },

  "GET /users/{uid}": { sql: 1, redis: 0, call: aboutOther("GET", (uid) => `/users/${uid}`) },
  "PUT /users/{uid}/setting": {
    sql: 3,
    redis: 0,
    why: "one's own devices are told by a message",
    call: aboutOther("PUT", (uid) => `/users/${uid}/setting`, { mute: 1 }),
  },
  "POST /users/{uid}/im": {
    sql: 0,
    redis: 0,
    call: asPerson("POST", ({ uid }) => `/users/${uid}/im`),
  },
  "PUT /users/current": {
    sql: 6,
    redis: 0,
    why: "a transaction over person and account; then the friends to tell",
    call: asPerson("PUT", "/users/current", { name: "Tobias", sex: 0 }),
  },
};

import { and, eq, isNull } from "drizzle-orm";
import assert from "node:assert/strict";
import { captchaAudit } from "../../../db/schema/captchas.ts";
import { sessions } from "../../../db/schema/sessions.ts";
import { users, UserStatus } from "../../../db/schema/users.ts";
import {
  callGateway,
  type GatewayLogin,
  gatewayRequest,
  logIn,
  registerPerson,
  requestCode,
} from "../../clients/gateway.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { sized } from "../../size.ts";

const MINUTE_MS = 60_000;
const GUESS_COUNT = sized({ suite: 200, full: 1_000 });

Deno.test("POST /account/captcha", async (t) => {
  await using app = await startTestApp();
  const ask = (mobile: string, countryCode: unknown = "86") =>
    callGateway(app, "POST", "/account/captcha", { body: { countryCode, mobile } });

  await t.step("sends six digits and answers as the contract's sample", async () => {
    const { http, status, message, result } = await ask("13800138000");
    assert.deepEqual({ http, status, message, result }, {
      http: 200,
      status: 1,
      message: "验证码已发送，请注意查收",
      result: {},
    });
    const [sms] = app.providers.outbox!.list({ to: "8613800138000" });
    assert.match(sms!.code!, /^\d{6}$/);
    assert.equal(sms!.kind, "sms");
  });

  await t.step("is a business failure within the minute, and says when to come back", async () => {
    app.clock.advance(2_000);
    const again = await ask("13800138000");
    assert.equal(again.http, 200);
    assert.deepEqual([again.status, again.errorCode, again.result], [0, 0, 0]);
    const seconds = Number(again.headers.get("retry-after"));
    assert.ok(seconds > 50 && seconds <= 60, `${seconds}`);
  });

  await t.step("sends five an hour and ten a day to one number", async () => {
    const sent: boolean[] = [];
    const stepMinutes = 6;
    for (let minute = 0; minute < 26 * 60; minute += stepMinutes) {
      sent.push((await ask("13800138001")).status === 1);
      app.clock.advance(stepMinutes * MINUTE_MS);
    }
    const countBetween = (fromMinute: number, toMinute: number) =>
      sent.slice(fromMinute / stepMinutes, toMinute / stepMinutes).filter(Boolean).length;
    assert.equal(countBetween(0, 60), 5);
    assert.equal(countBetween(0, 24 * 60), 10);
    assert.ok(countBetween(24 * 60, 26 * 60) > 0);
  });

  await t.step("takes any spelling of the country, a missing one is 86", async () => {
    assert.equal((await ask("13800138002", "+86")).status, 1);
    app.clock.advance(2_000);
    assert.equal((await ask("13800138002", "0086")).status, 0);
    const missing = await callGateway(app, "POST", "/account/captcha", {
      body: { mobile: "13800138003" },
    });
    assert.equal(missing.status, 1);
    assert.equal(app.providers.outbox!.list({ to: "8613800138003" }).length, 1);
  });

  await t.step("refuses what cannot be a mobile number", async () => {
    for (const mobile of ["", "1380013", "138001380001", "abc", "+8523800138000", "1380013800O"]) {
      const refused = await ask(mobile);
      assert.deepEqual([refused.http, refused.status, refused.errorCode], [200, 0, 0], mobile);
    }
    const missing = await callGateway(app, "POST", "/account/captcha", { body: {} });
    assert.deepEqual([missing.http, missing.status], [200, 0]);
    assert.match(missing.message, /手机号/);
  });

  await t.step("writes every send down, and takes a failed one back", async () => {
    const broken = await startTestApp({
      database: app.database,
      redis: app.redis,
      providers: { sms: { sendCode: () => Promise.reject(new Error("carrier down")) } },
    });
    const mobile = "13800138009";
    const failed = await callGateway(broken, "POST", "/account/captcha", { body: { mobile } });
    assert.deepEqual([failed.http, failed.status], [503, 0]);
    const rows = await app.database.db.select().from(captchaAudit)
      .where(eq(captchaAudit.mobile, mobile));
    assert.equal(rows.length, 1);
    assert.ok(rows[0]!.failedAt);
    app.clock.advance(2_000);
    assert.equal((await ask(mobile)).status, 1, "the failed send did not count");
  });
});

Deno.test("POST /account/login/captcha", async (t) => {
  await using app = await startTestApp();
  const enter = (mobile: string, captcha: unknown, headers = {}) =>
    callGateway(app, "POST", "/account/login/captcha", {
      body: { countryCode: "86", mobile, captcha },
      headers,
    });

  await t.step("registers the first time, logs in the next, same person", async () => {
    const first = await enter("13800000001", await requestCode(app, "13800000001"));
    assert.equal(first.message, "注册成功");
    assert.match(first.result.uid, /^[a-f0-9]{32}$/);
    assert.match(first.result.accessToken, /^[a-f0-9]{32}$/);
    assert.match(first.result.accessSecret, /^[a-f0-9]{32}$/);
    const lifeMs = first.result.expireTime - app.clock.now().getTime();
    assert.ok(Math.abs(lifeMs - 30 * 24 * 60 * MINUTE_MS) < MINUTE_MS);

    app.clock.advance(2 * MINUTE_MS);
    const second = await enter("13800000001", await requestCode(app, "13800000001"));
    assert.equal(second.message, "登录成功");
    assert.equal(second.result.uid, first.result.uid);
    assert.notEqual(second.result.accessToken, first.result.accessToken);
  });

  await t.step("records what the client says of itself", async () => {
    const login = await logIn(app, {
      headers: { "Client-Type": "2", "Version-Name": "0.1.7", "Version-Code": "19" },
    });
    const [row] = await app.database.db.select().from(sessions)
      .innerJoin(users, eq(users.id, sessions.userId)).where(eq(users.uid, login.uid));
    assert.deepEqual(
      [row!.sessions.clientType, row!.sessions.versionName, row!.sessions.versionCode],
      [2, "0.1.7", 19],
    );
    assert.equal(JSON.stringify(row).includes(login.accessToken), false, "token is not stored");
  });

  await t.step("a wrong code counts, after the fifth the right one is too late", async () => {
    const code = await requestCode(app, "13800000002");
    for (let at = 0; at < 5; at++) {
      const wrong = await enter("13800000002", code === `11111${at}` ? "222222" : `11111${at}`);
      assert.deepEqual([wrong.http, wrong.status, wrong.errorCode], [200, 0, 0]);
    }
    assert.equal((await enter("13800000002", code)).status, 0);
  });

  await t.step("of many parallel guesses at most five are looked at", async () => {
    const code = await requestCode(app, "13800000003");
    const guesses = Array.from({ length: GUESS_COUNT }, (_, at) => String(100_000 + at));
    // The right code comes sixth: looked at or not decides.
    guesses.splice(5, 0, code);
    const answers = await Promise.all(guesses.map((guess) => enter("13800000003", guess)));
    assert.equal(answers.filter(({ status }) => status === 1).length, 0);
    const said = answers.map(({ message }) => message);
    assert.equal(said.filter((message) => message === "验证码错误或已失效").length, 5);
    const refused = answers.filter(({ message }) => message === "错误次数过多，请稍后再试");
    assert.equal(refused.length, guesses.length - 5);
    assert.ok(refused.every(({ http, headers }) => http === 200 && headers.get("retry-after")));
  });

  await t.step("a code works once, also when sent many times at once", async () => {
    const code = await requestCode(app, "13800000004");
    const answers = await Promise.all(
      Array.from({ length: 5 }, (_, at) =>
        // Another client version each time, so that these are not repeated calls.
        callGateway(app, "POST", "/account/login/captcha", {
          body: { countryCode: "86", mobile: "13800000004", captcha: code, attempt: at },
        })),
    );
    assert.equal(answers.filter(({ status }) => status === 1).length, 1);
  });

  await t.step("a code is dead after five minutes, and once there is a newer one", async () => {
    const old = await requestCode(app, "13800000005");
    app.clock.advance(6 * MINUTE_MS);
    assert.equal((await enter("13800000005", old)).status, 0);

    const earlier = await requestCode(app, "13800000006");
    app.clock.advance(2 * MINUTE_MS);
    const later = await requestCode(app, "13800000006");
    if (earlier !== later) assert.equal((await enter("13800000006", earlier)).status, 0);
    assert.equal((await enter("13800000006", later)).status, 1);
  });

  await t.step("a captcha that is not four to six digits is bad input", async () => {
    for (const captcha of ["", "123", "1234567", "12a4"]) {
      const refused = await enter("13800000007", captcha);
      assert.deepEqual([refused.http, refused.status, refused.errorCode], [200, 0, 0]);
      assert.equal(refused.field, "captcha");
    }
  });

  await t.step("a new login ends the one before, app and web beside each other", async () => {
    const mobile = "13800000008";
    const ios = await logIn(app, { mobile, headers: { "Client-Type": "1" } });
    app.clock.advance(2 * MINUTE_MS);
    const web = await logIn(app, { mobile, headers: { "Client-Type": "0" } });
    assert.equal(await isLoggedIn(app, ios), true);
    app.clock.advance(2 * MINUTE_MS);
    const android = await logIn(app, { mobile, headers: { "Client-Type": "2" } });
    assert.equal(await isLoggedIn(app, ios), false);
    assert.equal(await isLoggedIn(app, web), true);
    assert.equal(await isLoggedIn(app, android), true);
    const live = await app.database.db.select().from(sessions)
      .innerJoin(users, eq(users.id, sessions.userId))
      .where(and(eq(users.uid, ios.uid), isNull(sessions.revokedAt)));
    assert.equal(live.length, 2);
  });

  await t.step("a frozen account answers 100002, a deleted one 100000", async () => {
    for (
      const [status, errorCode] of [[UserStatus.disabled, 100002], [UserStatus.deleted, 100000]]
    ) {
      const mobile = `1381111000${status}`;
      const person = await logIn(app, { mobile });
      await app.database.db.update(users).set({ status }).where(eq(users.uid, person.uid));
      app.clock.advance(2 * MINUTE_MS);
      const refused = await enter(mobile, await requestCode(app, mobile));
      assert.deepEqual([refused.http, refused.status, refused.errorCode, refused.result], [
        200,
        0,
        errorCode,
        errorCode,
      ]);
    }
  });
});

/** Whether a session still works; a person without a profile counts as well. */
async function isLoggedIn(app: TestApp, login: GatewayLogin): Promise<boolean> {
  const answer = await callGateway(app, "GET", `/user/${login.uid}/profile`, { as: login });
  return answer.http === 200;
}

Deno.test("POST /account/logout ends the session at once, cached or not", async () => {
  await using app = await startTestApp();
  const person = await registerPerson(app);
  assert.equal(await isLoggedIn(app, person), true);
  const left = await callGateway(app, "POST", "/account/logout", { as: person });
  assert.deepEqual([left.status, left.message, left.result], [1, "退出成功", {}]);
  const after = await callGateway(app, "GET", `/user/${person.uid}/profile`, { as: person });
  assert.deepEqual([after.http, after.status, after.message], [401, 0, "Authorized Failed"]);
});

Deno.test("every signed call", async (t) => {
  await using app = await startTestApp();
  const person = await registerPerson(app);
  const other = await registerPerson(app, "Tony");
  const path = `/user/${person.uid}/profile`;

  await t.step("is 401 with a wrong sign, and costs no trip", async () => {
    const refused = await callGateway(app, "GET", path, { as: person, sign: "0".repeat(32) });
    assert.equal(refused.http, 401);
    assert.match(refused.headers.get("server-timing")!, /sql;desc="0".*redis;desc="0"/);
  });

  await t.step("is 400 without ts or sign, or with a stale ts", async () => {
    for (const query of ["", "?ts=1", "?sign=x"]) {
      const request = new Request(`http://plaza.test${path}${query}`, {
        headers: { Authorization: `Basic ${btoa(`${person.uid}:${person.accessToken}`)}` },
      });
      assert.equal((await app.fetch(request)).status, 400, query);
    }
    const now = app.clock.now().getTime();
    for (const [off, http] of [[-23, 200], [23, 200], [-25, 400], [25, 400]] as const) {
      const ts = now + off * 60 * MINUTE_MS;
      assert.equal((await callGateway(app, "GET", path, { as: person, ts })).http, http);
    }
  });

  await t.step("is 401 without, with broken and with another person's credentials", async () => {
    assert.equal((await callGateway(app, "GET", path)).http, 401);
    for (const header of ["Basic", "Basic !!!", `Basic ${btoa("a:b:c")}`, "Bearer x"]) {
      const headers = { Authorization: header };
      assert.equal((await callGateway(app, "GET", path, { headers })).http, 401, header);
    }
    const stolen = { ...person, uid: other.uid };
    assert.equal((await callGateway(app, "GET", path, { as: stolen })).http, 401);
  });

  await t.step("is done once: the same POST again, later too, is -1", async () => {
    const call = {
      as: person,
      body: { nickname: "Toby", avatar: "a.png" },
      ts: app.clock.now().getTime(),
    };
    const first = await callGateway(app, "PUT", "/user/profile", call);
    assert.equal(first.status, 1);
    const again = await callGateway(app, "PUT", "/user/profile", call);
    assert.deepEqual([again.http, again.status, again.errorCode, again.result], [200, 0, -1, -1]);
    app.clock.advance(5_000);
    assert.equal((await callGateway(app, "PUT", "/user/profile", call)).errorCode, -1);
  });

  await t.step("of two with the same parameters at once one is -1, whatever its ts", async () => {
    const body = { nickname: "Anna", avatar: "a.png" };
    const both = await Promise.all(
      [1, 2].map(() => callGateway(app, "PUT", "/user/profile", { as: person, body })),
    );
    assert.deepEqual(both.map(({ errorCode }) => errorCode).sort(), [-1, undefined]);
    const byOther = await callGateway(app, "PUT", "/user/profile", { as: other, body });
    assert.equal(byOther.status, 1, "another person's call is another call");
  });

  await t.step("that only reads may be repeated", async () => {
    const call = { as: person, ts: app.clock.now().getTime() };
    assert.equal((await callGateway(app, "GET", path, call)).status, 1);
    assert.equal((await callGateway(app, "GET", path, call)).status, 1);
  });

  await t.step("may be a form, with parameters partly in the query", async () => {
    const request = gatewayRequest(app, "PUT", "/user/profile", {
      as: person,
      body: { nickname: "Form", avatar: "f.png" },
    });
    const { nickname, ...rest } = await request.json();
    const url = `${request.url}?nickname=${nickname}`;
    const form = new Request(url, {
      method: "PUT",
      headers: {
        Authorization: request.headers.get("authorization")!,
        "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
      },
      body: new URLSearchParams(rest),
    });
    const answer = await (await app.fetch(form)).json();
    assert.equal(answer.status, 1, answer.message);
    assert.equal(answer.result.nickname, "Form");
  });

  await t.step("is 400 for bad JSON, a foreign content type and repeated keys", async () => {
    const good = await gatewayRequest(app, "PUT", "/user/profile", {
      as: person,
      body: { nickname: "Twice", avatar: "f.png" },
    }).text();
    const send = (body: string, type = "application/json") =>
      app.fetch(
        new Request("http://plaza.test/user/profile", {
          method: "PUT",
          headers: {
            Authorization: `Basic ${btoa(`${person.uid}:${person.accessToken}`)}`,
            "Content-Type": type,
          },
          body,
        }),
      );
    for (
      const [body, type] of [
        ["{"],
        ["[]"],
        ["nickname=Twice", "text/plain"],
        [good.replace("Twice", "a\\u0000b")],
        [good.replace("Twice", "a\0b")],
        [good.replace('"nickname"', '"nickname":"Evil","nickname"')],
      ]
    ) {
      const response = await send(body!, type);
      const answer = await response.json();
      assert.deepEqual([response.status, answer.status], [400, 0], body);
    }
    const large = await send(JSON.stringify({ nickname: "x".repeat(1024 * 1024) }));
    assert.equal(large.status, 413);
    assert.equal((await large.json()).status, 0);
  });
});

import assert from "node:assert/strict";
import { signatureOf } from "../../../db/domain/wechat/js_sdk.ts";
import { sealWechatSession } from "../../../db/domain/wechat/session.ts";
import { WechatRefusedError } from "../../../providers/wechat.ts";
import { safeReturnTo } from "../../../routes/gateway/h5_login.ts";
import {
  callGateway,
  type GatewayLogin,
  gatewayRequest,
  registerPerson,
} from "../../clients/gateway.ts";
import { Browser, callH5, logInWithWechat } from "../../clients/wechat.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import {
  APP_ID,
  CODE,
  OPEN_ID,
  SECRET,
  TICKET,
  withWechat,
} from "../../providers/wechat_stand_in.ts";

const DAY_MS = 24 * 60 * 60_000;
const NOBODY = "0".repeat(32);

/** What every page must refuse, and how. */
async function refusesStrangers(app: TestApp, path: string, body = {}): Promise<void> {
  const cookie = await logInWithWechat(app);
  const refused = async (given?: string) =>
    (await callH5(app, path, { cookie: given!, body })).http;
  assert.equal(await refused(), 401, "no cookie");
  assert.equal(await refused("chaoqer_wx_code=someopenid"), 401, "not of our making");
  const [name, value] = cookie.split("=", 2);
  const changed = (value![10] === "A" ? "B" : "A") + value!.slice(11);
  assert.equal(await refused(`${name}=${value!.slice(0, 10)}${changed}`), 401, "changed");
  const unsigned = await callGateway(app, "POST", path, {
    headers: { Cookie: cookie },
    body,
    sign: "0".repeat(32),
  });
  assert.equal(unsigned.http, 401, "wrong signature");
  const missing = await app.fetch(
    new Request(`http://plaza.test${path}`, { method: "POST", headers: { Cookie: cookie } }),
  );
  assert.equal(missing.status, 400, "no signature");
  await missing.body?.cancel();
  const call = { headers: { Cookie: cookie }, body, ts: app.clock.now().getTime() };
  const twice = await Promise.all([1, 2].map(() => callGateway(app, "POST", path, call)));
  assert.deepEqual(twice.map(({ status }) => status), [1, 1], "a page may be loaded again");
  app.clock.advance(30 * DAY_MS + 1);
  assert.equal(await refused(cookie), 401, "run out");
}

async function done(app: TestApp, as: GatewayLogin, path: string, body = {}) {
  app.clock.advance(2_000);
  const answer = await callGateway(app, "POST", path, { as, body });
  assert.equal(answer.status, 1, answer.message);
  return answer.result;
}

Deno.test("POST /h5/weixin/config", async (t) => {
  await using app = await startTestApp();
  const cookie = await logInWithWechat(app);
  const url = "https://dev-h5.chaoqer.com/room/26a9bc4b4a524e68b75c46eeb9bf58fa?a=b#top";

  await t.step("answers what wx.config takes, in the contract's shape", async () => {
    const { status, message, result } = await callH5(app, "/h5/weixin/config", {
      cookie,
      body: { url },
    });
    assert.deepEqual([status, message], [1, "Success"]);
    assert.deepEqual(
      Object.keys(result).sort(),
      ["appId", "jsapi_ticket", "nonceStr", "signature", "timestamp", "url"],
    );
    assert.ok(Object.values(result).every((value) => typeof value === "string"));
    assert.equal(result.url, url.split("#")[0]);
    assert.match(result.signature, /^[a-f0-9]{40}$/);
    const { jsapi_ticket: jsapiTicket, ...rest } = result;
    assert.equal(result.signature, signatureOf({ jsapiTicket, ...rest }));
    assert.ok(Math.abs(Number(result.timestamp) * 1000 - app.clock.now().getTime()) < 5_000);
  });

  await t.step("answers GET the same way", async () => {
    const { status, result } = await callH5(app, "/h5/weixin/config", {
      cookie,
      body: { url: "https://h5.example/" },
      method: "GET",
    });
    assert.deepEqual([status, result.url], [1, "https://h5.example/"]);
  });

  await t.step("refuses what is no page's address", async () => {
    const bad = ["", "room/1", "javascript:alert(1)", "ftp://x.example/", 7];
    const bodies = [...bad, `https://x.example/${"a".repeat(2_048)}`].map((url) => ({ url }));
    for (const body of [...bodies, {}]) {
      const refused = await callH5(app, "/h5/weixin/config", { cookie, body });
      const what = JSON.stringify(body);
      assert.deepEqual([refused.http, refused.status, refused.errorCode], [200, 0, 0], what);
      assert.equal(refused.field, "url");
    }
  });

  await t.step("is 503 when WeChat has no ticket for us", async () => {
    const away = { ...app.providers.wechat!, jsapiTicket: () => Promise.reject(new Error("away")) };
    const { database } = app;
    await using broken = await startTestApp({ database, providers: { wechat: away } });
    const failed = await callH5(broken, "/h5/weixin/config", { cookie, body: { url } });
    assert.deepEqual([failed.http, failed.status], [503, 0]);
    await using without = await startTestApp({ database, providers: { wechat: undefined } });
    const absent = await callH5(without, "/h5/weixin/config", { cookie, body: { url } });
    assert.equal(absent.http, 503);
    assert.equal((await new Browser(without.door).open("/h5/weixin/login")).status, 503);
  });

  await t.step(
    "is for whoever has logged in",
    () => refusesStrangers(app, "/h5/weixin/config", { url }),
  );
});

Deno.test("POST /h5/room/{roomCacheId}", async (t) => {
  await using app = await startTestApp();
  const cookie = await logInWithWechat(app);
  const host = await registerPerson(app, "Toby");
  const guest = await registerPerson(app, "Tony");
  const club = await done(app, host, "/club", { name: "超圈爸爸群", cover: "c.png" });
  const { clubId } = club;
  const { roomId } = await done(app, host, "/room", { name: "测试", clubId, inviteOnly: 0 });
  await done(app, guest, `/club/${clubId}/join`);
  await done(app, guest, `/room/${roomId}/token`);
  const shareId = await done(app, guest, `/room/${roomId}/cache`);
  const profile = (person: GatewayLogin, nickname: string) => ({
    uid: person.uid,
    nickname,
    avatar: "https://cdn.example.com/a.png",
    bio: "",
    blocked: 0,
    sendCard: 0,
    cardTotal: 0,
    allowLive: 1,
  });

  await t.step(
    "shows the room, who shared it and who is in it, to nobody in particular",
    async () => {
      const { status, result } = await callH5(app, `/h5/room/${shareId}`, { cookie });
      assert.equal(status, 1);
      const { createTime, clubResult, ...rest } = result;
      assert.equal(typeof createTime, "number");
      assert.deepEqual(rest, {
        roomId,
        roomCacheId: shareId,
        uid: host.uid,
        name: "测试",
        clubId,
        inviteOnly: 0,
        closed: 0,
        memberTotal: 2,
        fromMember: profile(guest, "Tony"),
        memberList: [profile(host, "Toby"), profile(guest, "Tony")],
      });
      const { createTime: clubTime, ...ofClub } = clubResult;
      assert.equal(clubTime, club.createTime);
      assert.deepEqual(ofClub, {
        clubId,
        name: "超圈爸爸群",
        cover: "c.png",
        uid: host.uid,
        inviteOnly: 0,
        joined: 0,
        memberTotal: 2,
      });
    },
  );

  await t.step("answers GET the same way", async () => {
    const { result } = await callH5(app, `/h5/room/${shareId}`, { cookie, method: "GET" });
    assert.equal(result.roomId, roomId);
  });

  await t.step("a closed one says so, and nobody is in it", async () => {
    await done(app, host, `/room/${roomId}/close`);
    const { result } = await callH5(app, `/h5/room/${shareId}`, { cookie });
    assert.deepEqual([result.closed, result.memberTotal, result.memberList], [1, 0, []]);
  });

  await t.step("is 400000 for a link nobody shared, also with a room's own id", async () => {
    for (const id of [NOBODY, "0".repeat(24), roomId]) {
      const missing = await callH5(app, `/h5/room/${id}`, { cookie });
      assert.deepEqual([missing.http, missing.errorCode], [200, 400000]);
    }
    assert.equal((await callH5(app, "/h5/room/xyz", { cookie })).http, 404);
  });

  await t.step("is for whoever has logged in", () => refusesStrangers(app, `/h5/room/${shareId}`));
});

Deno.test("POST /h5/club/{clubId}", async (t) => {
  await using app = await startTestApp();
  const cookie = await logInWithWechat(app);
  const owner = await registerPerson(app);
  const club = await done(app, owner, "/club", { name: "业余足球圈", cover: "c.png" });
  const { clubId, createTime } = club;

  await t.step("shows the club, which nobody in particular has joined", async () => {
    for (const method of ["POST", "GET"]) {
      const { status, result } = await callH5(app, `/h5/club/${clubId}`, { cookie, method });
      assert.equal(status, 1);
      assert.deepEqual(result, {
        clubId,
        name: "业余足球圈",
        cover: "c.png",
        uid: owner.uid,
        createTime,
        joined: 0,
        memberTotal: 1,
      });
    }
  });

  await t.step("is 500000 for one there is not, or no more", async () => {
    assert.equal((await callH5(app, `/h5/club/${NOBODY}`, { cookie })).errorCode, 500000);
    await done(app, owner, `/club/${clubId}/leave`);
    assert.equal((await callH5(app, `/h5/club/${clubId}`, { cookie })).errorCode, 500000);
  });

  await t.step("is for whoever has logged in", async () => {
    const { clubId } = await done(app, owner, "/club", { name: "Another", cover: "c.png" });
    await refusesStrangers(app, `/h5/club/${clubId}`);
  });
});

Deno.test("POST /h5/profile/{uid}", async (t) => {
  await using app = await startTestApp();
  const cookie = await logInWithWechat(app);
  const person = await registerPerson(app, "Tony");

  await t.step("shows the public profile", async () => {
    for (const method of ["POST", "GET"]) {
      const { status, result } = await callH5(app, `/h5/profile/${person.uid}`, { cookie, method });
      assert.equal(status, 1);
      assert.deepEqual(result, {
        uid: person.uid,
        nickname: "Tony",
        avatar: "https://cdn.example.com/a.png",
        bio: "",
        blocked: 0,
        sendCard: 0,
        cardTotal: 0,
        allowLive: 1,
      });
    }
  });

  await t.step("is 200002 for nobody", async () => {
    assert.equal((await callH5(app, `/h5/profile/${NOBODY}`, { cookie })).errorCode, 200002);
    assert.equal((await callH5(app, "/h5/profile/xyz", { cookie })).http, 404);
  });

  await t.step(
    "is for whoever has logged in",
    () => refusesStrangers(app, `/h5/profile/${person.uid}`),
  );
});

Deno.test("POST /h5/event/{eventId}", async (t) => {
  await using app = await startTestApp();
  const cookie = await logInWithWechat(app);
  const host = await registerPerson(app, "枫叶");
  const guest = await registerPerson(app, "铭恺");
  const eventTime = app.clock.now().getTime() + 2 * 60 * 60_000;
  const memberUidList = [host.uid, guest.uid];
  const body = { name: "日程", desc: "测试介绍2", eventTime, memberUidList };
  const { eventId, createTime } = await done(app, host, "/event", body);

  await t.step("shows the event and its people, to nobody in particular", async () => {
    for (const method of ["POST", "GET"]) {
      const { status, result } = await callH5(app, `/h5/event/${eventId}`, { cookie, method });
      assert.equal(status, 1);
      const { memberList, ...rest } = result;
      assert.deepEqual(rest, {
        eventId,
        createTime,
        uid: host.uid,
        ...body,
        eventTimeStatus: 0,
        notify: 0,
      });
      assert.deepEqual(
        memberList.map((member: { nickname: string }) => member.nickname),
        ["枫叶", "铭恺"],
      );
      assert.deepEqual(
        Object.keys(memberList[0]).sort(),
        ["allowLive", "avatar", "bio", "blocked", "cardTotal", "nickname", "sendCard", "uid"],
      );
    }
  });

  await t.step("shows its room once it was started, while it is open", async () => {
    app.clock.advance(2 * 60 * 60_000);
    await done(app, host, `/event/${eventId}/start`);
    const shown = async () => (await callH5(app, `/h5/event/${eventId}`, { cookie })).result;
    const { roomId, roomResult } = await shown();
    assert.deepEqual(
      [roomResult.roomId, roomResult.memberTotal, roomResult.clubId],
      [roomId, 1, ""],
    );
    await done(app, host, `/room/${roomId}/close`);
    const after = await shown();
    assert.deepEqual([after.roomId, "roomResult" in after], [roomId, false]);
  });

  await t.step("is 600000 for one there is not", async () => {
    assert.equal((await callH5(app, `/h5/event/${NOBODY}`, { cookie })).errorCode, 600000);
  });

  await t.step("is for whoever has logged in", () => refusesStrangers(app, `/h5/event/${eventId}`));
});

Deno.test("a login leads through WeChat's page and back, and leaves a cookie for thirty days", async () => {
  await withWechat(async ({ endpoint }) => {
    const env = {
      WECHAT_APP_ID: APP_ID,
      WECHAT_APP_SECRET: SECRET,
      WECHAT_ENDPOINT: endpoint,
      PUBLIC_URL: "https://plaza.example",
      H5_URL: "https://h5.example",
    };
    await using app = await startTestApp({ env });
    const browser = new Browser(app, "https://plaza.example");
    const left = await browser.open("/h5/weixin/login?returnTo=https://h5.example/room/1%3Fa=b");
    const wechat = new URL(left.location!);
    assert.equal(left.status, 302);
    assert.equal(wechat.origin, "https://open.weixin.qq.com");
    const callback = new URL(wechat.searchParams.get("redirect_uri")!);
    assert.equal(callback.href, "https://plaza.example/h5/weixin/callback");

    const state = wechat.searchParams.get("state")!;
    const back = await browser.open(`${callback.pathname}?code=${CODE}&state=${state}`);
    assert.deepEqual([back.status, back.location], [302, "https://h5.example/room/1?a=b"]);
    const { attributes, value } = browser.cookies.get("chaoqer_wx_code")!;
    for (const part of [/HttpOnly/, /SameSite=Lax/, /Secure/, /Path=\//, /Max-Age=2592000\b/]) {
      assert.match(attributes, part);
    }
    assert.ok(!decodeURIComponent(value).includes(OPEN_ID), "sealed");
    assert.deepEqual([...browser.cookies.keys()], ["chaoqer_wx_code"], "the login is over");

    const cookie = browser.cookieFor("/h5/weixin/config");
    const url = "https://h5.example/";
    const { result } = await callH5(app, "/h5/weixin/config", { cookie, body: { url } });
    assert.deepEqual([result.appId, result.jsapi_ticket], [APP_ID, TICKET]);
    assert.equal((await new Browser(app.door).open("/dev/wechat")).status, 404);
  });
});

Deno.test("a login over http leaves a cookie that http gets back", async () => {
  await using app = await startTestApp();
  const browser = new Browser(app.door);
  let at: string | null = "/h5/weixin/login";
  while (at !== null && at !== "/") at = (await browser.open(at)).location;
  assert.doesNotMatch(browser.cookies.get("chaoqer_wx_code")!.attributes, /Secure/);

  await using proxied = await startTestApp({ env: { TRUSTED_PROXY_COUNT: "1" } });
  const behind = new Browser(proxied.door);
  at = "/h5/weixin/login";
  while (at !== null && at !== "/") {
    at = (await behind.open(at, { "X-Forwarded-Proto": "https" })).location;
  }
  assert.match(behind.cookies.get("chaoqer_wx_code")!.attributes, /Secure/);
});

Deno.test("a callback is good for the browser that began, once, for ten minutes", async (t) => {
  await using app = await startTestApp();
  const begin = async () => {
    const browser = new Browser(app.door);
    const { location } = await browser.open("/h5/weixin/login?returnTo=/page");
    const { location: callback } = await browser.open(location!);
    return { browser, callback: callback! };
  };

  await t.step("not for another browser, which would be logged in as somebody else", async () => {
    const { callback } = await begin();
    const other = await begin();
    assert.equal((await other.browser.open(callback)).status, 400);
    assert.equal((await new Browser(app.door).open(callback)).status, 400);
    assert.equal(other.browser.cookies.has("chaoqer_wx_code"), false);
  });

  await t.step("not twice, even with the cookie of the first time", async () => {
    const { browser, callback } = await begin();
    const kept = browser.cookies.get("plaza_wx_login")!;
    assert.equal((await browser.open(callback)).location, "/page");
    browser.cookies.set("plaza_wx_login", kept);
    assert.equal((await browser.open(callback)).location, null);
  });

  await t.step(
    "not after ten minutes, not without a code, not with a code of WeChat's refusal",
    async () => {
      const late = await begin();
      app.clock.advance(10 * 60_000 + 1);
      assert.equal((await late.browser.open(late.callback)).status, 400);
      const { browser, callback } = await begin();
      assert.equal((await browser.open(callback.replace(/code=\w+/, "code="))).status, 400);
      assert.equal((await browser.open(callback.replace(/code=\w+/, "code=wrong"))).status, 401);
    },
  );

  await t.step("503 while WeChat is away", async () => {
    const down = () => Promise.reject(new Error("down"));
    const { database, providers } = app;
    await using broken = await startTestApp({
      database,
      providers: { wechat: { ...providers.wechat!, openIdOf: down } },
    });
    const browser = new Browser(broken.door);
    const { location } = await browser.open("/h5/weixin/login");
    const { location: callback } = await browser.open(location!);
    assert.equal((await browser.open(callback!)).status, 503);
  });

  await t.step("a session is no login, and a login no session", async () => {
    const { browser, callback } = await begin();
    const login = browser.cookies.get("plaza_wx_login")!;
    browser.cookies.set("plaza_wx_login", {
      ...login,
      value: encodeURIComponent(sealWechatSession(app.ctx, "me")),
    });
    assert.equal((await browser.open(callback)).status, 400);
    const asSession = { cookie: `chaoqer_wx_code=${login.value}` };
    assert.equal((await callH5(app, `/h5/profile/${NOBODY}`, asSession)).http, 401);
  });
});

Deno.test("a login leads back to us or our pages, and nowhere else", async () => {
  const known = { publicUrl: "https://plaza.example", h5Url: "https://h5.example/app" };
  const to = (given?: string) => safeReturnTo(known, given);
  assert.equal(to(), "/");
  assert.equal(to("/room/1?a=b#c"), "/room/1?a=b#c");
  assert.equal(to("https://plaza.example/x"), "https://plaza.example/x");
  assert.equal(to("https://h5.example/room/1"), "https://h5.example/room/1");
  const elsewhere = [
    ...["https://evil.example/", "//evil.example/", "/\\evil.example/", "\\\\evil.example/"],
    ...["/\t/evil.example", "\t//evil.example/", "/.//evil.example/", "/a/..//evil.example/"],
    ...["https://plaza.example@evil.example/", "https://plaza.example.evil.example/"],
    ...["javascript:alert(1)", "data:text/html,x", "http://plaza.example/", "https:evil.example"],
    ...["room/1", "", " ", "https://h5.example:444/", `/${"a".repeat(1_024)}`, "http://["],
    ...["http://nowhere.invalid/x", "blob:https://plaza.example/x"],
  ];
  for (const given of elsewhere) {
    assert.throws(() => to(given), { kind: "request_malformed" }, given);
  }
  await using app = await startTestApp();
  const refused = await new Browser(app.door).open("/h5/weixin/login?returnTo=//evil.example");
  assert.deepEqual([refused.status, refused.location], [400, null]);
});

Deno.test("H5 pages of another origin may call with their cookie, other pages may not", async () => {
  await using app = await startTestApp({ env: { H5_URL: "https://h5.example/app" } });
  const ask = async (origin: string, path: string) => {
    const request = gatewayRequest(app, "POST", path, { headers: { Origin: origin } });
    const { headers, body } = await app.fetch(request);
    await body?.cancel();
    return ["origin", "credentials"].map((name) => headers.get(`access-control-allow-${name}`));
  };
  const path = `/h5/profile/${NOBODY}`;
  assert.deepEqual(await ask("https://h5.example", path), ["https://h5.example", "true"]);
  assert.equal((await ask("https://evil.example", path))[0], null);
  assert.deepEqual(await ask("https://evil.example", "/account/captcha"), ["*", null]);
});

Deno.test("nobody is told why WeChat refused", async () => {
  const refusing = () => Promise.reject(new WechatRefusedError(40125, "WeChat: refused: 40125"));
  await using app = await startTestApp();
  const wechat = { ...app.providers.wechat!, openIdOf: refusing };
  await using broken = await startTestApp({ database: app.database, providers: { wechat } });
  const browser = new Browser(broken.door);
  const { location } = await browser.open("/h5/weixin/login");
  const { location: callback } = await browser.open(location!);
  const { status, body } = await browser.open(callback!);
  assert.equal(status, 401);
  assert.ok(!body.includes("40125"));
});

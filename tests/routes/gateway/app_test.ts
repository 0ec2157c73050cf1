import assert from "node:assert/strict";
import { md5Hex, randomHex32 } from "../../../config/keys.ts";
import { linkCacheKey, previewLink } from "../../../db/domain/client_app/preview_link.ts";
import { RedisAwayError, type RedisConnection } from "../../../db/redis/client.ts";
import { feedbacks, releases, reports } from "../../../db/schema/releases.ts";
import type { LinkAnswer } from "../../../providers/links.ts";
import {
  callGateway,
  type GatewayLogin,
  gatewayRequest,
  logIn,
  registerPerson,
} from "../../clients/gateway.ts";
import { startTestApp, type TestApp } from "../../harness.ts";

Deno.test("GET /app/version/upgrade", async (t) => {
  await using app = await startTestApp();
  const publish = (clientType: number, versionCode: number, forced = false) =>
    app.database.db.insert(releases).values({
      id: randomHex32(),
      clientType,
      versionCode,
      versionName: `0.1.${versionCode}`,
      description: "1. 增加了名片夹功能",
      downloadUrl: "https://apps.apple.com/cn/app/id1556448380",
      forced,
      createdAt: new Date(1618818435105 + versionCode),
    });
  for (const [clientType, versionCode, forced] of [[1, 17], [1, 18, true], [1, 19], [2, 7]]) {
    await publish(clientType as number, versionCode as number, Boolean(forced));
  }
  /** As a browser asks: no ts, no sign, no credentials. */
  const ask = async (headers: Record<string, string>, query = "") => {
    const request = new Request(`http://plaza.test/app/version/upgrade${query}`, { headers });
    const response = await app.fetch(request);
    return { http: response.status, ...await response.json() };
  };
  const iOS = (versionCode: string) => ({ "Client-Type": "1", "Version-Code": versionCode });

  await t.step("answers the newest release as the contract's sample", async () => {
    const { http, status, message, result } = await ask(iOS("18"));
    assert.deepEqual([http, status, message], [200, 1, "Success"]);
    assert.match(result.versionId, /^[a-f0-9]{32}$/);
    assert.deepEqual({ ...result, versionId: "" }, {
      clientType: 1,
      createTime: 1618818435124,
      downloadUrl: "https://apps.apple.com/cn/app/id1556448380",
      forcedUpgrade: 0,
      versionCode: 19,
      versionDesc: "1. 增加了名片夹功能",
      versionId: "",
      versionName: "0.1.19",
    });
  });

  await t.step("is forced when a release on the way was", async () => {
    const { result } = await ask(iOS("17"));
    assert.deepEqual([result.versionCode, result.forcedUpgrade], [19, 1]);
  });

  await t.step("keeps the platforms apart", async () => {
    const android = await ask({ "Client-Type": "2", "Version-Code": "1" });
    assert.deepEqual([android.result.clientType, android.result.versionCode], [2, 7]);
  });

  await t.step(
    "says 已是最新版本 when there is none newer, on the web, and to the unknown",
    async () => {
      const latest: Record<string, string>[] = [
        ...[iOS("19"), iOS("20"), {}, { "Client-Type": "1" }, { "Version-Code": "1" }],
        ...["0", "3", "-1", "x", "", "1,2"].map((type) => ({
          "Client-Type": type,
          "Version-Code": "1",
        })),
        ...["x", "-1", "1e99", "18.5"].map(iOS),
      ];
      for (const headers of latest) {
        const answer = await ask(headers);
        assert.deepEqual(
          [answer.http, answer.status, answer.message, answer.errorCode],
          [200, 0, "已是最新版本", 0],
          JSON.stringify(headers),
        );
      }
    },
  );

  await t.step("asks for neither signature nor session, and does not mind wrong ones", async () => {
    const wrong = { ...iOS("18"), Authorization: "Basic nonsense" };
    assert.equal((await ask(wrong, "?ts=1&sign=2&ts=3")).status, 1);
    const signed = await callGateway(app, "GET", "/app/version/upgrade", { headers: iOS("18") });
    assert.equal(signed.status, 1);
  });

  await t.step("is documented as it is: no ts, no sign, no 401", async () => {
    const document = await (await app.fetch(
      new Request("http://plaza.test/openapi/gateway.json"),
    )).json();
    const operation = document.paths["/app/version/upgrade"].get;
    assert.deepEqual(operation.security, []);
    assert.deepEqual(operation.parameters ?? [], []);
    assert.equal(operation.responses["401"], undefined);
    assert.ok(document.paths["/app/feedback"].post.responses["401"]);
  });
});

const FEEDBACK = {
  originFeedbackType: 0,
  originId: "",
  feedbackType: 0,
  feedbackContent: "很好用",
  feedbackImageList: ["img1", "img2"],
};

Deno.test("POST /app/feedback", async (t) => {
  await using app = await startTestApp();
  const person = await registerPerson(app);
  const send = writer(app, "/app/feedback", person, FEEDBACK);

  await t.step("keeps what was said, and answers as the contract's sample", async () => {
    const { http, status, message, result } = await send({});
    assert.deepEqual([http, status, message, result], [200, 1, "反馈成功", {}]);
    const [{ id: _id, userId: _userId, createdAt, ...row } = {}] = await app.database.db.select()
      .from(feedbacks);
    assert.deepEqual(row, {
      originType: 0,
      originId: "",
      type: 0,
      content: "很好用",
      images: ["img1", "img2"],
    });
    assert.ok(Math.abs(createdAt!.getTime() - app.clock.now().getTime()) < 60_000);
  });

  await t.step("takes up to 500 characters and three pictures, or none", async () => {
    const fitting = [
      { feedbackContent: "👍".repeat(500) },
      { feedbackImageList: ["1", "2", "3"] },
      { feedbackImageList: [] },
      { feedbackImageList: null },
      { feedbackImageList: undefined },
      { originFeedbackType: "0" },
      { feedbackType: 99 },
      { originFeedbackType: 1, originId: "a".repeat(32) },
    ];
    for (const change of fitting) assert.equal((await send(change)).status, 1);
  });

  await t.step("refuses what the contract does not name", async () => {
    await assertRefused(send, [
      ...[undefined, "", " ", "字".repeat(501), 5].map((feedbackContent) => ({ feedbackContent })),
      ...[["1", "2", "3", "4"], "img1", [""], ["x".repeat(1_001)], [1]]
        .map((feedbackImageList) => ({ feedbackImageList })),
      ...[undefined, 100, -1, 1.5, "x", null].map((feedbackType) => ({ feedbackType })),
      ...[undefined, 2, -1, "2", ""].map((originFeedbackType) => ({ originFeedbackType })),
      ...[undefined, null, "x".repeat(101)].map((originId) => ({ originId })),
      { originFeedbackType: 1, originId: "" },
      { originFeedbackType: 1, originId: " " },
    ]);
  });
  await assertGuarded(t, app, "/app/feedback", FEEDBACK);
});

const REPORT = {
  originReportType: 2,
  originId: "a".repeat(32),
  reportReasonType: 4,
  reason: "广告",
};

Deno.test("POST /app/report", async (t) => {
  await using app = await startTestApp();
  const person = await registerPerson(app);
  const send = writer(app, "/app/report", person, REPORT);

  await t.step("keeps the complaint, and answers as the contract's sample", async () => {
    const { http, status, message, result } = await send({});
    assert.deepEqual([http, status, message, result], [200, 1, "投诉成功", {}]);
    const [{ id: _id, userId: _userId, createdAt: _createdAt, ...row } = {}] = await app.database
      .db.select().from(reports);
    assert.deepEqual(row, {
      originType: 2,
      originId: "a".repeat(32),
      reasonType: 4,
      reason: "广告",
    });
  });

  await t.step("takes every kind the contract names", async () => {
    for (const reportReasonType of [1, 2, 3, 4, 5]) {
      assert.equal((await send({ reportReasonType, originReportType: 1 })).status, 1);
    }
    assert.equal((await send({ reason: "字".repeat(500) })).status, 1);
  });

  await t.step("refuses what it does not", async () => {
    await assertRefused(send, [
      ...[undefined, 0, 6, "6", 1.5].map((reportReasonType) => ({ reportReasonType })),
      ...[undefined, 0, 3, "3"].map((originReportType) => ({ originReportType })),
      ...[undefined, "", " ", null, "x".repeat(101)].map((originId) => ({ originId })),
      ...[undefined, "", " ", "字".repeat(501)].map((reason) => ({ reason })),
    ]);
  });
  await assertGuarded(t, app, "/app/report", REPORT);
});

type Send = (change: Record<string, unknown>) => ReturnType<typeof callGateway>;

/** Sends `body` with changes, far enough apart not to be a repetition. */
function writer(app: TestApp, path: string, as: GatewayLogin, body: object): Send {
  return async (change) => {
    app.clock.advance(2_000);
    return await callGateway(app, "POST", path, { as, body: plain({ ...body, ...change }) });
  };
}

/** Without what JSON would drop, which a signature must not cover. */
const plain = (body: object): Record<string, unknown> => JSON.parse(JSON.stringify(body));

async function assertRefused(send: Send, changes: Record<string, unknown>[]) {
  for (const change of changes) {
    const refused = await send(change);
    const said = [refused.http, refused.status, refused.errorCode];
    assert.deepEqual(said, [200, 0, 0], JSON.stringify(change));
    assert.match(refused.field!, new RegExp(`^(${Object.keys(change).join("|")})`));
  }
}

async function assertGuarded(
  t: Deno.TestContext,
  app: TestApp,
  path: string,
  body: Record<string, unknown>,
) {
  await t.step("needs a session and a profile, and is -1 when repeated at once", async () => {
    assert.equal((await callGateway(app, "POST", path, { body })).http, 401);
    const nameless = await logIn(app);
    assert.equal((await callGateway(app, "POST", path, { as: nameless, body })).errorCode, 200000);
    const as = await registerPerson(app);
    const forged = await callGateway(app, "POST", path, { as, body, sign: "0".repeat(32) });
    assert.equal(forged.http, 401);
    const both = await Promise.all(
      [1, 2].map(() => callGateway(app, "POST", path, { as, body })),
    );
    assert.deepEqual(both.map(({ errorCode }) => errorCode).sort(), [-1, undefined]);
  });
}

const PREVIEW = {
  image: "https://blog.toby.vip/upload/2019/9/WechatIMG15.jpeg",
  description: "创业吧，趁年轻！",
  title: "创业路上之职业技能篇",
  url: "https://blog.toby.vip/archives/1",
};
const LINK = "https://blog.toby.vip/archives/1";

/** An app whose pages are what the test says they are. */
async function startWithPages(
  answers: (url: string) => LinkAnswer | Promise<LinkAnswer>,
  parts: { redis?: RedisConnection; app?: TestApp } = {},
) {
  const urls: string[] = [];
  const app = await startTestApp({
    ...parts.redis && { redis: parts.redis },
    ...parts.app && { database: parts.app.database, redis: parts.app.redis },
    providers: {
      links: {
        read: (url) => {
          urls.push(url);
          return Promise.resolve(answers(url));
        },
      },
    },
  });
  return { app, urls };
}

const NOTHING_KNOWN = { title: "", description: "", image: "", url: "" };

const preview = (app: TestApp, as: GatewayLogin, url: string | undefined, md5?: string) =>
  callGateway(app, "POST", `/app/link/preview/${md5 ?? md5Hex(url!)}`, {
    as,
    body: url === undefined ? {} : { url },
  });

Deno.test("POST /app/link/preview/{linkMD5}", async (t) => {
  const { app: started, urls } = await startWithPages((url) =>
    url.includes("inner")
      ? { failure: "refused", reason: "no public address" }
      : url.includes("down")
      ? { failure: "unreachable", reason: "HTTP 500" }
      : url.includes("blank")
      ? { failure: "unreadable", reason: "a page without a title" }
      : { preview: PREVIEW }
  );
  await using app = started;
  const person = await registerPerson(app);

  await t.step("answers as the contract's sample, and goes out once a day", async () => {
    const first = await preview(app, person, LINK);
    assert.deepEqual([first.http, first.status, first.message], [200, 1, "Success"]);
    assert.deepEqual(first.result, PREVIEW);
    const again = await preview(app, person, LINK);
    assert.deepEqual([again.status, again.result], [1, PREVIEW], "a repetition is no -1");
    assert.deepEqual(urls, [LINK]);
    app.clock.advance(23 * 3_600_000);
    await preview(app, person, LINK);
    assert.deepEqual(urls, [LINK]);
    app.clock.advance(2 * 3_600_000);
    await preview(app, person, LINK);
    assert.deepEqual(urls, [LINK, LINK]);
  });

  await t.step(
    "puts http:// in front of what has no scheme, and takes the MD5 of that",
    async () => {
      urls.length = 0;
      const md5 = md5Hex("http://toby.vip/a?b=c#d");
      assert.equal((await preview(app, person, "toby.vip/a?b=c#d", md5)).status, 1);
      assert.equal((await preview(app, person, "http://toby.vip/a?b=c#d", md5)).status, 1);
      assert.deepEqual(urls, ["http://toby.vip/a?b=c#d"]);
      const without = await preview(app, person, "toby.vip/a?b=c#d", md5Hex("toby.vip/a?b=c#d"));
      assert.deepEqual([without.http, without.status, without.errorCode], [200, 0, 0]);
    },
  );

  await t.step("without url, and by GET, tells what is known already", async () => {
    urls.length = 0;
    const known = await preview(app, person, undefined, md5Hex(LINK));
    assert.deepEqual(known.result, PREVIEW);
    const path = `/app/link/preview/${md5Hex(LINK)}`;
    assert.deepEqual((await callGateway(app, "GET", path, { as: person })).result, PREVIEW);
    const unknown = await preview(app, person, undefined, "0".repeat(32));
    assert.deepEqual([unknown.http, unknown.status, unknown.result], [200, 1, NOTHING_KNOWN]);
    const nulled = await callGateway(app, "POST", `/app/link/preview/${"0".repeat(32)}`, {
      as: person,
      body: { url: null },
    });
    assert.deepEqual([nulled.status, nulled.result], [1, NOTHING_KNOWN]);
    assert.deepEqual(urls, []);
    const asked = await callGateway(app, "GET", `/app/link/preview/${md5Hex("http://b.test/")}`, {
      as: person,
      query: { url: "http://b.test/" },
    });
    assert.equal(asked.status, 1);
    assert.deepEqual(urls, ["http://b.test/"]);
  });

  await t.step("remembers failures for ten minutes", async () => {
    for (const url of ["http://inner/", "http://down/", "http://blank/"]) {
      urls.length = 0;
      for (let at = 0; at < 3; at++) {
        const failed = await preview(app, person, url);
        const isRefused = url === "http://inner/";
        assert.deepEqual([failed.http, failed.status], [200, isRefused ? 0 : 1]);
        if (isRefused) assert.equal(failed.message, "链接不可访问");
        else assert.deepEqual(failed.result, NOTHING_KNOWN);
        assert.equal(JSON.stringify(failed).includes("public address"), false);
      }
      assert.deepEqual(urls, [url]);
      app.clock.advance(11 * 60_000);
      await preview(app, person, url);
      assert.deepEqual(urls, [url, url]);
    }
  });

  await t.step("refuses an MD5 of something else, and links that are none", async () => {
    urls.length = 0;
    const wrong: [unknown, string][] = [
      [LINK, "0".repeat(32)],
      ["", md5Hex("http://")],
      ["x".repeat(2_049), md5Hex(`http://${"x".repeat(2_049)}`)],
      [5, md5Hex("http://5")],
      [["http://a.test/"], md5Hex("http://a.test/")],
    ];
    for (const [url, md5] of wrong) {
      const refused = await callGateway(app, "POST", `/app/link/preview/${md5}`, {
        as: person,
        body: { url },
      });
      assert.deepEqual([refused.http, refused.status, refused.errorCode], [200, 0, 0], `${url}`);
    }
    assert.deepEqual(urls, []);
  });

  await t.step("is 404 for what is no MD5 in lower hex, 401 for nobody", async () => {
    for (const md5 of ["0".repeat(31), "A".repeat(32), "0".repeat(24)]) {
      assert.equal((await preview(app, person, LINK, md5)).http, 404);
    }
    const anonymous = await callGateway(app, "POST", `/app/link/preview/${md5Hex(LINK)}`, {
      body: { url: LINK },
    });
    assert.equal(anonymous.http, 401);
    const nameless = await logIn(app);
    assert.equal((await preview(app, nameless, LINK)).errorCode, 200000);
  });
});

Deno.test("POST /app/link/preview/{linkMD5} reads a page once however many ask at once", async () => {
  const { promise: page, resolve: letGo } = Promise.withResolvers<LinkAnswer>();
  const { app: started, urls } = await startWithPages(() => page);
  await using app = started;
  // A second app over the same Redis is what another process would be.
  const { app: other, urls: otherUrls } = await startWithPages(() => page, { app });
  const person = await registerPerson(app);
  const asking = Array.from({ length: 40 }, (_, at) => preview(at % 2 ? app : other, person, LINK));
  // Another connection's client, so nothing but the lock in Redis tells of the first.
  const client = Object.create(app.redis.redis) as typeof app.redis.redis;
  const elsewhere: string[] = [];
  await new Promise((resolve) => setTimeout(resolve, 100));
  const waiting = previewLink({ ...app.ctx, redis: client }, {
    linkMd5: md5Hex(LINK),
    url: LINK,
    read: (url) => {
      elsewhere.push(url);
      return page;
    },
  });
  await new Promise((resolve) => setTimeout(resolve, 100));
  letGo({ preview: PREVIEW });
  for (const answer of await Promise.all(asking)) assert.deepEqual(answer.result, PREVIEW);
  assert.deepEqual(await waiting, PREVIEW);
  assert.equal(urls.length + otherUrls.length, 1);
  assert.deepEqual(elsewhere, []);
});

Deno.test("POST /app/link/preview/{linkMD5} never takes four seconds, and does not remember being busy", async () => {
  let answer: Promise<LinkAnswer> = new Promise(() => {});
  const { app: started } = await startWithPages(() => answer);
  await using app = started;
  const person = await registerPerson(app);
  const startedAt = performance.now();
  const late = await preview(app, person, LINK);
  assert.deepEqual([late.http, late.status, late.result], [200, 1, NOTHING_KNOWN]);
  assert.ok(performance.now() - startedAt < 4_000);

  answer = Promise.resolve({ failure: "busy", reason: "too many at once" });
  const busy = await preview(app, person, `${LINK}/2`);
  assert.deepEqual([busy.status, busy.result], [1, NOTHING_KNOWN]);
  assert.equal(await app.redis.redis.get(linkCacheKey(md5Hex(`${LINK}/2`))), null);
  answer = Promise.resolve({ preview: PREVIEW });
  assert.deepEqual((await preview(app, person, `${LINK}/2`)).result, PREVIEW);
});

Deno.test("POST /app/link/preview/{linkMD5} goes on without Redis", async () => {
  await using whole = await startTestApp();
  const person = await registerPerson(whole);
  const away = new Proxy(whole.redis.redis, {
    get: (redis, name) =>
      name === "pipeline" ? () => new Proxy(redis.pipeline(), { get: awayPipeline }) : fail,
  });
  const urls: string[] = [];
  await using app = await startTestApp({
    database: whole.database,
    redis: { ...whole.redis, redis: away },
    providers: {
      links: {
        read: (url) => {
          urls.push(url);
          return new Promise((resolve) => setTimeout(resolve, 300, { preview: PREVIEW }));
        },
      },
    },
  });
  const answers = await Promise.all([preview(app, person, LINK), preview(app, person, LINK)]);
  for (const answer of answers) assert.deepEqual(answer.result, PREVIEW, answer.message);
  assert.equal(urls.length, 1, "those who ask at once share the answer");
  const unknown = await preview(app, person, undefined, md5Hex(LINK));
  assert.deepEqual(unknown.result, NOTHING_KNOWN);
});

const fail = () => Promise.reject(new RedisAwayError("redis is away"));

/** A pipeline that takes commands and never brings an answer. */
function awayPipeline(pipeline: object, name: string | symbol) {
  if (name === "exec") return fail;
  const value = Reflect.get(pipeline, name);
  return typeof value === "function" ? value.bind(pipeline) : value;
}

Deno.test("a link with a byte no signature may cover is refused before anything is read", async () => {
  const { app: started, urls } = await startWithPages(() => ({ preview: PREVIEW }));
  await using app = started;
  const person = await registerPerson(app);
  const url = "http://a.test/$$$b=c";
  const request = gatewayRequest(app, "POST", `/app/link/preview/${md5Hex(url)}`, {
    as: person,
    body: { url },
  });
  assert.equal((await app.fetch(request)).status, 400);
  assert.deepEqual(urls, []);
});

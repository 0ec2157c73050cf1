import assert from "node:assert/strict";
import { readConfig } from "../../config/config.ts";
import { DeadlineError } from "../../config/runtime/deadline.ts";
import type { Ctx } from "../../db/client/ctx.ts";
import { DomainError } from "../../db/domain/errors.ts";
import { signatureOf, signPage } from "../../db/domain/wechat/js_sdk.ts";
import { readJsapiTicket } from "../../db/domain/wechat/jsapi_ticket.ts";
import { RedisAwayError } from "../../db/redis/client.ts";
import { openRedis } from "../../db/redis/open.ts";
import { WechatRefusedError } from "../../providers/wechat.ts";
import { developmentWechat } from "../../providers/wechat_development.ts";
import { realWechat } from "../../providers/wechat_real.ts";
import { Clock } from "../harness.ts";
import { APP_ID, CODE, OPEN_ID, SECRET, TICKET, withWechat } from "./wechat_stand_in.ts";

const at = (endpoint: string, { appSecret = SECRET, timeoutMs = 4_000 } = {}) =>
  realWechat({ endpoint, appId: APP_ID, appSecret }, { timeoutMs });

/** Calls, expects a failure, and proves that printing it whole gives nothing away. */
async function failureOf(call: Promise<unknown>): Promise<Error> {
  const error = await call.then(() => assert.fail("it worked"), (e: Error) => e);
  const printed = Deno.inspect(error) + error.message + error.stack + JSON.stringify(error);
  for (const secret of [SECRET, CODE, TICKET, "ACCESS-token"]) {
    assert.ok(!printed.includes(secret), `${secret} is in: ${printed}`);
  }
  return error;
}

Deno.test("a page's signature is the one WeChat documents", () => {
  const signature = signatureOf({
    jsapiTicket:
      "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg",
    nonceStr: "Wm3WZYTPz0wzccnW",
    timestamp: "1414587457",
    url: "http://mp.weixin.qq.com?params=value",
  });
  assert.equal(signature, "0f9de62fce790f9a083d5c99e95740ceb90c27ed");
});

Deno.test("a browser is sent to WeChat's page with our address and its state", () => {
  const url = new URL(
    at("http://unused").authorizeUrl({
      returnTo: "https://plaza.example/h5/weixin/callback?a=1&b=2",
      state: "5b2c75d487e4d590fbb07a8cfade6e48",
    }),
  );
  assert.equal(url.origin + url.pathname, "https://open.weixin.qq.com/connect/oauth2/authorize");
  assert.deepEqual([...url.searchParams], [
    ["appid", APP_ID],
    ["redirect_uri", "https://plaza.example/h5/weixin/callback?a=1&b=2"],
    ["response_type", "code"],
    ["scope", "snsapi_base"],
    ["state", "5b2c75d487e4d590fbb07a8cfade6e48"],
  ]);
  assert.equal(url.hash, "#wechat_redirect");
  assert.ok(!url.href.includes(SECRET));
});

Deno.test("a code is exchanged for who brought it", () =>
  withWechat(async ({ endpoint, asked }) => {
    assert.equal(await at(endpoint).openIdOf(CODE), OPEN_ID);
    assert.deepEqual(asked, ["/sns/oauth2/access_token"]);
  }));

Deno.test("a ticket is fetched with a token of the account", () =>
  withWechat(async ({ endpoint, asked }) => {
    const ticket = await at(endpoint).jsapiTicket();
    assert.deepEqual(ticket, { ticket: TICKET, expiresInSeconds: 7200 });
    assert.deepEqual(asked, ["/cgi-bin/token", "/cgi-bin/ticket/getticket"]);
  }));

Deno.test("refusals name WeChat's code and nothing secret", () =>
  withWechat(async ({ endpoint }) => {
    const badCode = await failureOf(at(endpoint).openIdOf("another-code-than-the-right-one"));
    assert.ok(badCode instanceof WechatRefusedError);
    assert.equal(badCode.errcode, 40029);
    const badSecret = await failureOf(
      at(endpoint, { appSecret: "another secret, wrong" }).openIdOf(CODE),
    );
    assert.equal((badSecret as WechatRefusedError).errcode, 40125);
    assert.ok(!badSecret.message.includes("another secret"));
    const noTicket = await failureOf(
      at(endpoint, { appSecret: "another secret, wrong" }).jsapiTicket(),
    );
    assert.equal((noTicket as WechatRefusedError).errcode, 40125);
    assert.ok(!noTicket.message.includes("another secret"));
  }));

const UNREADABLE: Record<string, () => Response> = {
  "HTTP 500": () => new Response("upstream", { status: 500 }),
  "a page": () => new Response("<html>"),
  "JSON that is no object": () => new Response("[]"),
  "an object without what was asked for": () => Response.json({ errcode: 0 }),
  "an openid that is no text": () => Response.json({ openid: 7, access_token: "", ticket: null }),
  "a redirection": () => Response.redirect("http://127.0.0.1:1/elsewhere"),
  "an answer without end": () =>
    new Response(
      new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(16_384).fill(32)),
      }),
    ),
};

for (const [what, answer] of Object.entries(UNREADABLE)) {
  Deno.test(`${what} is a failure of both calls`, () =>
    withWechat(async ({ endpoint }) => {
      for (const call of [at(endpoint).openIdOf(CODE), at(endpoint).jsapiTicket()]) {
        const error = await failureOf(call);
        assert.ok(!(error instanceof WechatRefusedError));
        assert.match(error.message, /^WeChat: answered/);
      }
    }, answer));
}

Deno.test("a service that never answers is given up at the deadline", async () => {
  const { promise: late, resolve } = Promise.withResolvers<Response>();
  const timer = setTimeout(() => resolve(new Response()), 5_000);
  await withWechat(async ({ endpoint }) => {
    const error = await failureOf(at(endpoint, { timeoutMs: 200 }).openIdOf(CODE));
    assert.ok(error instanceof DeadlineError);
    clearTimeout(timer);
    resolve(new Response());
  }, () => late);
});

Deno.test("a service that cannot be reached is a failure without the address", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const error = await failureOf(at(`http://127.0.0.1:${port}`).openIdOf(CODE));
  assert.match(error.message, /refused/i);
});

Deno.test("the development account knows one code, and whom it belongs to", async () => {
  const wechat = developmentWechat();
  const url = new URL(wechat.authorizeUrl({ returnTo: "unused", state: "s" }), "http://x");
  assert.equal(url.pathname, "/dev/wechat");
  assert.ok(await wechat.openIdOf(url.searchParams.get("code")!));
  await assert.rejects(wechat.openIdOf("guessed"), WechatRefusedError);
});

// The ticket, shared.

/** A context of its own for each "process", over one Redis. */
async function withTickets(
  body: (
    open: () => Ctx,
    source: { appId: string; fetchCount: number } & Source,
    clock: Clock,
  ) => Promise<void>,
  fetchTicket: () => Promise<void> = async () => {},
) {
  const clock = new Clock();
  const redis = await openRedis({ redis: { kind: "memory" } }, clock);
  const source = {
    appId: APP_ID,
    fetchCount: 0,
    async jsapiTicket() {
      const count = ++source.fetchCount;
      await fetchTicket();
      return { ticket: `ticket-${count}`, expiresInSeconds: 7_200 };
    },
  };
  await body(() => ({ redis: redis.redis, now: clock.now }) as Ctx, source, clock);
  await redis.close();
}
type Source = { jsapiTicket(): Promise<{ ticket: string; expiresInSeconds: number }> };

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

Deno.test("however many ask in however many processes, a ticket is fetched once", () =>
  withTickets(async (open, source) => {
    // Another process has another provider object, which shares nothing but Redis.
    const processes = [source, { ...source }, { ...source }];
    const tickets = await Promise.all(
      Array.from({ length: 30 }, (_, at) => readJsapiTicket(open(), processes[at % 3]!)),
    );
    assert.deepEqual(new Set(tickets), new Set(["ticket-1"]));
    assert.equal(source.fetchCount, 1);
  }, () => pause(50)));

Deno.test("a ticket is kept until five minutes before its end", () =>
  withTickets(async (open, source, clock) => {
    assert.equal(await readJsapiTicket(open(), source), "ticket-1");
    clock.advance(6_890_000);
    assert.equal(await readJsapiTicket(open(), source), "ticket-1");
    clock.advance(11_000);
    assert.equal(await readJsapiTicket(open(), source), "ticket-2");
  }));

Deno.test("a fetch that fails is not remembered, and fails those who waited or lets them try", async () => {
  let isDown = true;
  await withTickets(async (open, source) => {
    await assert.rejects(readJsapiTicket(open(), source), { kind: "wechat_failed" });
    isDown = false;
    assert.equal(await readJsapiTicket(open(), source), "ticket-2");
  }, () => isDown ? Promise.reject(new Error("down")) : Promise.resolve());
});

Deno.test("without Redis each process keeps a ticket of its own, fetched once", () =>
  withTickets(async (_open, source, clock) => {
    const away = () => Promise.reject(new RedisAwayError("away"));
    const ctx = { redis: { get: away, set: away, del: away }, now: clock.now } as unknown as Ctx;
    const tickets = await Promise.all([1, 2, 3].map(() => readJsapiTicket(ctx, source)));
    assert.deepEqual(tickets, ["ticket-1", "ticket-1", "ticket-1"]);
    clock.advance(6_890_000);
    assert.equal(await readJsapiTicket(ctx, source), "ticket-1");
    clock.advance(11_000);
    assert.equal(await readJsapiTicket(ctx, source), "ticket-2");
  }, () => pause(10)));

Deno.test("a lock nobody gives back ends by itself", () =>
  withTickets(async (open, source, clock) => {
    await open().redis.set(`wechat:ticket:${APP_ID}:lock`, "a process that died", {
      nx: true,
      px: 12_000,
    });
    const asked = readJsapiTicket(open(), source);
    await pause(250);
    assert.equal(source.fetchCount, 0);
    clock.advance(12_001);
    assert.equal(await asked, "ticket-1");
  }));

Deno.test("a signed page has its address without what follows #, and seconds", () =>
  withTickets(async (open, source) => {
    const page = await signPage(open(), source, "https://h5.example/room/1?a=b#top");
    assert.equal(page.url, "https://h5.example/room/1?a=b");
    assert.match(page.timestamp, /^\d{10}$/);
    assert.equal(page.signature, signatureOf(page));
    assert.notEqual(page.nonceStr, (await signPage(open(), source, page.url)).nonceStr);
    await assert.rejects(
      signPage(open(), { appId: "x", jsapiTicket: () => Promise.reject(new Error("no")) }, "u"),
      DomainError,
    );
  }));

Deno.test("WeChat's id and secret come together or not at all, in production too", () => {
  const messageOf = (env: Record<string, string>) => {
    try {
      readConfig(env, () => ({ secretKey: "k".repeat(32) }));
      return "";
    } catch (error) {
      return (error as Error).message;
    }
  };
  assert.match(messageOf({ WECHAT_APP_ID: APP_ID }), /WECHAT_APP_SECRET/);
  assert.match(messageOf({ WECHAT_APP_SECRET: SECRET }), /WECHAT_APP_ID/);
  assert.equal(messageOf({ WECHAT_APP_ID: APP_ID, WECHAT_APP_SECRET: SECRET }), "");
  assert.doesNotMatch(messageOf({ APP_ENV: "production" }), /WECHAT/);
  assert.match(messageOf({ APP_ENV: "production", WECHAT_APP_ID: APP_ID }), /WECHAT_APP_SECRET/);
});

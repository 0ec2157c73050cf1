import { and, eq, isNull } from "drizzle-orm";
import assert from "node:assert/strict";
import { openBus } from "../../../db/bus/over_redis.ts";
import { openRedis } from "../../../db/redis/open.ts";
import { sessions } from "../../../db/schema/sessions.ts";
import { users } from "../../../db/schema/users.ts";
import { Reason } from "../../../routes/realtime/reasons.ts";
import { askAdmin } from "../../clients/admin.ts";
import {
  callGateway,
  type GatewayLogin,
  registerPerson,
  requestCode,
} from "../../clients/gateway.ts";
import { askIm, assertImFailure, callIm } from "../../clients/im.ts";
import { makeOperator } from "../../clients/ops.ts";
import { RpcClient } from "../../clients/rpc.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { makeAccount } from "../../people/chat_accounts.ts";
import { connectSdk, makeChatPerson, startChatServer } from "../../servers/chat.ts";
import { openPatiently, startPostgres } from "../../services/postgres.ts";
import { startRedis } from "../../services/redis.ts";

const PUT = "PUT /v1/admin/users/{uid}";
const DELETE = "DELETE /v1/admin/users/{uid}";
const BULK_PUT = "PUT /v1/admin/users-bulk";
const BULK_DELETE = "DELETE /v1/admin/users-bulk";

/** Every way in which an operator ends somebody's sessions. */
const ENDINGS: Record<string, (app: TestApp, token: string, uid: string) => Promise<unknown>> = {
  "disabled": (app, token, uid) =>
    askAdmin(app, PUT, { token, params: { uid }, body: { status: 3 } }),
  "given status 4": (app, token, uid) =>
    askAdmin(app, PUT, { token, params: { uid }, body: { status: "deleted" } }),
  "deleted": (app, token, uid) => askAdmin(app, DELETE, { token, params: { uid } }),
  "disabled with others": (app, token, uid) =>
    askAdmin(app, BULK_PUT, { token, body: { users: [{ uid, status: "suspended" }] } }),
  "deleted with others": (app, token, uid) =>
    askAdmin(app, BULK_DELETE, { token, body: { uids: [uid] } }),
};

async function idOf({ ctx }: TestApp, uid: string): Promise<string> {
  const [row] = await ctx.db.select({ id: users.id }).from(users).where(eq(users.uid, uid));
  return String(row!.id);
}

const openSessionsOf = (app: TestApp, userId: number) =>
  app.ctx.db.$count(sessions, and(eq(sessions.userId, userId), isNull(sessions.revokedAt)));

/** What a gateway call of this person answers over HTTP. */
async function gatewayHttp(app: TestApp, as: GatewayLogin): Promise<number> {
  const { http } = await callGateway(app, "GET", "/user/message/unread_total", { as });
  return http;
}

Deno.test("whoever may not log in any more has no session from the next call on", async (t) => {
  await using app = await startTestApp();
  const { token } = await makeOperator(app.ctx, "operator");
  for (const [name, end] of Object.entries(ENDINGS)) {
    await t.step(`${name}: gateway and chat alike, cached or not`, async () => {
      const toby = await registerPerson(app);
      const uid = await idOf(app, toby.uid);
      // In the cache from here on.
      assert.equal(await gatewayHttp(app, toby), 200);
      await askIm(app, "GET", "/user/devices", { token: toby.accessToken });
      await end(app, token, uid);
      assert.equal(await gatewayHttp(app, toby), 401);
      const chat = await callIm(app, "GET", "/user/devices", { token: toby.accessToken });
      assertImFailure(chat, 401);
      assert.equal(await openSessionsOf(app, Number(uid)), 0);
      app.clock.advance(60 * 60_000);
      assert.equal(await gatewayHttp(app, toby), 401);
    });
  }

  await t.step("somebody in review goes on, and so does everybody else", async () => {
    const [toby, anna] = [await registerPerson(app), await registerPerson(app, "Anna")];
    const [uid, annasUid] = [await idOf(app, toby.uid), await idOf(app, anna.uid)];
    assert.equal(await gatewayHttp(app, toby), 200);
    for (const status of [2, 1]) {
      await askAdmin(app, PUT, { token, params: { uid }, body: { status } });
      assert.equal(await gatewayHttp(app, toby), 200);
      const { result } = await callGateway(app, "GET", `/user/${toby.uid}/profile`, { as: anna });
      assert.equal(result.allowLive, status === 1 ? 1 : 0);
    }
    await askAdmin(app, DELETE, { token, params: { uid: annasUid } });
    assert.equal(await gatewayHttp(app, toby), 200);
  });

  await t.step("enabled again they log in anew; the old token stays dead", async () => {
    const toby = await registerPerson(app);
    const uid = await idOf(app, toby.uid);
    for (const status of [3, 1]) {
      await askAdmin(app, PUT, { token, params: { uid }, body: { status } });
    }
    assert.equal(await gatewayHttp(app, toby), 401);
  });
});

Deno.test("a number that went to somebody else is theirs in the chat app, too", async () => {
  await using app = await startTestApp();
  const { token } = await makeOperator(app.ctx, "operator");
  const first = await makeAccount(app, { name: "Anna" });
  const params = { uid: await idOf(app, first.uid) };
  await askAdmin(app, PUT, { token, params, body: { mobile: "13512345678" } });
  const logIn = (phone: string) =>
    askIm(app, "POST", "/user/login", {
      body: { username: `0086${phone}`, password: "secret-1", flag: 0 },
    });
  assert.equal((await logIn("13512345678")).uid, first.uid);
  // Past the minute since the code Anna registered with.
  app.clock.advance(60_000);
  const { status, result } = await callGateway(app, "POST", "/account/login/captcha", {
    body: { countryCode: "86", mobile: first.phone, captcha: await requestCode(app, first.phone) },
  });
  assert.equal(status, 1);
  assert.notEqual(result.uid, first.uid);
  // Their first chat call makes the account, named for the number that was Anna's.
  await askIm(app, "GET", "/user/devices", { token: result.accessToken });
});

Deno.test("in other processes, too: the next call fails, and sockets are closed", async (t) => {
  await using postgres = await startPostgres();
  await using redis = await startRedis();
  if (!postgres || !redis) return;
  const databaseUrl = await postgres.newDatabase();
  const startProcess = async () => {
    const database = openPatiently(databaseUrl);
    const connection = await openRedis({ redis: { kind: "tcp", url: redis.url } });
    const bus = openBus(connection, { heartbeatMs: 200 });
    const app = await startTestApp({ database, redis: connection, bus });
    const server = startChatServer(app, { pollMs: 60_000 });
    return {
      app,
      server,
      async [Symbol.asyncDispose]() {
        await server[Symbol.asyncDispose]();
        await bus.close();
        await app[Symbol.asyncDispose]();
        await connection.close();
        await database.close();
      },
    };
  };
  await using one = await startProcess();
  await using two = await startProcess();
  const { token } = await makeOperator(one.app.ctx, "operator");
  for (const [name, end] of Object.entries(ENDINGS)) {
    await t.step(name, async () => {
      const toby = await makeChatPerson(two.app.ctx);
      const bystander = await makeChatPerson(two.app.ctx, "Anna");
      await using sdk = await connectSdk(two.server, toby, { name: `${name} app` });
      await using web = await new RpcClient(two.server.url).opened();
      await web.connect({ uid: toby.uid, token: toby.webToken });
      await using others = await new RpcClient(two.server.url).opened();
      await others.connect({ uid: bystander.uid, token: bystander.webToken });
      await askIm(two.app, "GET", "/user/devices", { token: toby.token });

      await end(one.app, token, String(toby.id));

      assert.equal((await web.ended()).reason, "kicked");
      assert.deepEqual(await sdk.nextStatus(4), { status: 4, reason: Reason.kicked });
      const next = await callIm(two.app, "GET", "/user/devices", { token: toby.token });
      assertImFailure(next, 401);
      assert.equal(others.closed, undefined);
    });
  }
});

import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { randomHex32 } from "../../../config/keys.ts";
import { accessSecretsOf, hashToken } from "../../../db/domain/sessions/access_secret.ts";
import { users } from "../../../db/schema/users.ts";
import type { PartnerOptions } from "../../../routes/partner/surface.ts";
import { loadSurface } from "../../../routes/surfaces.ts";
import { callGateway } from "../../clients/gateway.ts";
import { askIm, assertImFailure, callIm } from "../../clients/im.ts";
import { askOps, makeOperator } from "../../clients/ops.ts";
import {
  askPartner,
  assertPartnerFailure,
  basicOf,
  callPartner,
  grantToken,
  makeApp,
  type PartnerCall,
  REFUSED_TEXT,
} from "../../clients/partner.ts";
import { startTestApp } from "../../harness.ts";
import { makeChatPerson } from "../im/chat_people.ts";

const { endpoints } = await loadSurface("partner");
const guarded = endpoints.filter(({ open }) => !open).map((endpoint) => ({
  operation: `${endpoint.method.toUpperCase()} ${endpoint.path}`,
  by: (endpoint as PartnerOptions).by ?? "server",
}));

Deno.test("every operation refuses credentials that are none", async (t) => {
  await using app = await startTestApp();
  const { ctx } = app;
  const partner = await makeApp(ctx);
  const elsewhere = await makeApp(ctx, { addresses: ["203.0.113.7"] });
  const bearer = await grantToken(app, partner, { uid: 1 });
  const revoked = await grantToken(app, partner, { uid: 2 });
  await askPartner(app, "POST /auth/revoke", { basic: partner.basic, body: { uid: 2 } });
  const disabled = await makeApp(ctx);
  const disabledBearer = await grantToken(app, disabled, { uid: 1 });
  const { token } = await makeOperator(ctx, "admin");
  const params = { appid: String(disabled.appId) };
  await askOps(app, "POST /v1/apps/{appid}/disable", { token, params });
  const house = await makeChatPerson(app);

  const { appId, secret } = partner;
  const headers = (Authorization: string) => ({ headers: { Authorization } });
  const refused: Record<string, PartnerCall> = {
    "none": {},
    "an app nobody has": { basic: basicOf(appId + 1_000, secret) },
    "an app that is no number": { basic: basicOf("abc", secret) },
    "an app beyond all numbers": { basic: basicOf("9".repeat(15), secret) },
    "a wrong secret": { basic: basicOf(appId, randomHex32()) },
    "another app's secret": { basic: basicOf(elsewhere.appId, secret) },
    "the secret itself": { basic: btoa(`${appId}:${secret}`) },
    "no secret": { basic: btoa(`${appId}:`) },
    "no colon": { basic: btoa(String(appId)) },
    "no base64": headers("Basic %%%"),
    "another scheme": headers(`Digest ${partner.basic}`),
    "a disabled app": { basic: disabled.basic },
    "a disabled app's token": { bearer: disabledBearer },
    "a wrong address": { basic: elsewhere.basic },
    "a token nobody has": { bearer: "0".repeat(64) },
    "a revoked token": { bearer: revoked },
    "a login of the chat app": { bearer: house.token },
    "a login of the chat app as a server": { basic: btoa(`${house.uid}:${house.token}`) },
    "a token in the chat app's header": { headers: { token: bearer, Authorization: "Bearer" } },
  };
  const isRefused = async (operation: string, credentials: PartnerCall) => {
    const params = { uid: 1, gid: 1, mid: 1, memberid: 1, store_id: 1 };
    const answer = await callPartner(app, operation, { ...credentials, params });
    if (answer.envelope.meta?.message !== REFUSED_TEXT) return false;
    assertPartnerFailure(answer, REFUSED_TEXT);
    return true;
  };

  for (const { operation, by } of guarded) {
    await t.step(`${operation}, by ${by}`, async () => {
      for (const [name, credentials] of Object.entries(refused)) {
        assert.ok(await isRefused(operation, credentials), name);
      }
      const [server, client] = [
        await isRefused(operation, { basic: partner.basic }),
        await isRefused(operation, { bearer }),
      ];
      assert.deepEqual([server, client], [by === "client", by === "server"], "who it is for");
    });
  }

  await t.step("the md5 may be in capitals, as the contract's own server takes it", async () => {
    const basic = btoa(atob(partner.basic).toUpperCase());
    assert.equal(await isRefused("GET /stores", { basic }), false);
  });
});

Deno.test("a partner client's token is worth nothing in the chat app and on the gateway", async () => {
  await using app = await startTestApp();
  const { ctx } = app;
  const [partner, houseApp] = [await makeApp(ctx), await makeApp(ctx, { house: true })];
  const house = await makeChatPerson(app);
  /** Signed as if the client had been told the secret: only the kind of session is in the way. */
  const onGateway = (uid: string, token: string) => {
    const accessSecret = accessSecretsOf(ctx.config.keys, uid, token)[0]!;
    const as = { uid, accessToken: token, accessSecret, expireTime: 0 };
    return callGateway(app, "GET", "/user/message/unread_total", { as });
  };
  for (const [server, uid] of [[partner, 1], [houseApp, house.userId]] as const) {
    const token = await grantToken(app, server, { uid });
    assertImFailure(await callIm(app, "GET", "/label", { token }), 401);
    const [person] = await ctx.db.select({ uid: users.uid }).from(users)
      .where(sql`id = (select user_id from sessions where token_hash = ${hashToken(token)})`);
    assert.equal((await onGateway(person!.uid, token)).http, 401);
  }
  assert.deepEqual(await askIm(app, "GET", "/label", { token: house.token }), []);
  assert.equal((await onGateway(house.uid, house.token)).http, 200, "whereas a login is");
});

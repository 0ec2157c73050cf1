import { type SQL, sql } from "drizzle-orm";
import { hmacHex, randomHex32 } from "../../config/keys.ts";
import { type GatewayLogin, logIn, registerPerson, signCall } from "../clients/gateway.ts";
import type { TestApp } from "../harness.ts";
import { userIdOf } from "../routes/gateway/rooms_and_clubs.ts";
import {
  callAs,
  type Caller,
  type Callers,
  type Captured,
  jsonOf,
  type MakeCaller,
  MUST_BE_SAID,
} from "./captured.ts";
import { basic, type Others } from "./others.ts";
import { endings, endSession } from "./sessions.ts";

const WECHAT_COOKIE = "chaoqer_wx_code";
type Credentials = Record<string, string>;

const DEFAULT_SECRET = "Hx!0k!K}5E.]EoP";

/** The call with these credentials, signed anew; without a secret, as somebody nobody knows. */
function signedAs(
  app: TestApp,
  call: Captured,
  credentials: Credentials,
  secret = DEFAULT_SECRET,
): Request {
  const { ts: _ts, sign: _sign, ...body } = jsonOf(call);
  const query = Object.fromEntries(call.url.searchParams);
  delete query.ts;
  delete query.sign;
  const ts = app.clock.now().getTime();
  const sign = signCall({ ...query, ...body, ts }, secret);
  const url = new URL(call.url);
  const inBody = call.method !== "GET";
  url.search = `${new URLSearchParams({ ...query, ...!inBody && { ts: `${ts}`, sign } })}`;
  const signed = inBody && new TextEncoder().encode(JSON.stringify({ ...body, ts, sign }));
  return callAs({ ...call, url, body: signed || undefined }, credentials);
}

/** The secret a token signs with, which nobody can work out who has not logged in with it. */
function secretOf({ config }: TestApp, uid: string, token: string): string {
  return hmacHex(config.keys.session[0]!, `${uid}:${token}`).slice(0, 32);
}

/** Everybody who calls the gateway. */
export async function gatewayCallers(app: TestApp, others: Others): Promise<Callers> {
  const { gateway, chat, partnerToken, houseToken, partner, operatorToken, key, profileless } =
    others;
  const by = (
    name: string,
    refusal: string,
    credentials: Credentials,
    secret?: string,
  ): Caller => ({
    name,
    refusal,
    request: (call) => signedAs(app, call, credentials, secret),
  });
  const byToken = (name: string, refusal: string, uid: string, token: string) =>
    by(name, refusal, { Authorization: basic(uid, token) }, secretOf(app, uid, token));
  const standing = [
    by("nobody", "401", {}),
    by("unsigned", "401", { Authorization: basic(gateway.uid, gateway.accessToken) }),
    by("half", "401", { Authorization: `Basic ${btoa(gateway.accessToken)}` }),
    byToken("unknown", "401", gateway.uid, randomHex32()),
    byToken("misnamed", "401", profileless.uid, (await registerPerson(app)).accessToken),
    byToken("profileless", "200:200000", profileless.uid, profileless.accessToken),
    byToken("stranger", MUST_BE_SAID, gateway.uid, gateway.accessToken),
    by("chat-header", "401", { token: chat.token }),
    by("chat-bearer", "401", { Authorization: `Bearer ${chat.token}` }),
    by("partner-server", "401", { Authorization: `Basic ${partner.basic}` }),
    byToken("partner-client", "401", gateway.uid, partnerToken),
    byToken("house-client", "401", gateway.uid, houseToken),
    by("operator", "401", { Authorization: `Bearer ${operatorToken}` }),
    byToken("ops-key", "401", key.keyId, key.secret),
    by("wechat", "401", { Cookie: others.wechatCookie }),
    by("wechat-garbage", "401", { Cookie: `${WECHAT_COOKIE}=${randomHex32()}` }),
  ];
  for (const how of endings) {
    const person = await logIn(app);
    await endSession(app, person.accessToken, how);
    standing.push(byToken(how, "401", person.uid, person.accessToken));
  }
  const partOf = (
    name: string,
    take: (call: Captured, userId: number, at: SQL) => SQL,
  ): MakeCaller => {
    return async (app, call) => {
      const person = await registerPerson(app, "Part");
      const at = sql`${app.ctx.now().toISOString()}::timestamptz`;
      await app.ctx.db.execute(take(call, await userIdOf(app, person), at));
      return byToken(name, MUST_BE_SAID, person.uid, person.accessToken);
    };
  };
  const fresh = (name: string, come: (app: TestApp) => Promise<GatewayLogin>) => async () => {
    const { uid, accessToken } = await come(app);
    return byToken(name, MUST_BE_SAID, uid, accessToken);
  };
  const again = (call: Captured) => {
    const Cookie = call.headers.get("cookie");
    return signedAs(app, call, Cookie === null ? {} : { Cookie });
  };
  const made = {
    stranger: fresh("stranger", registerPerson),
    profileless: fresh("profileless", logIn),
    member: partOf("member", (call, userId, at) =>
      sql`
      with joined as (
        insert into club_members (club_id, user_id, joined_at)
        values ((${clubOf(call)}), ${userId}, ${at}) returning club_id
      )
      update clubs set member_count = member_count + 1 from joined where id = joined.club_id`),
    guest: partOf("guest", ({ params }, userId) =>
      sql`
      insert into event_members (event_id, user_id, position)
      values (${params.eventId}, ${userId}, 9)`),
    inside: partOf("inside", ({ params }, userId, at) =>
      sql`
      insert into room_members (room_id, user_id, joined_at, seen_at)
      values (${params.roomId}, ${userId}, ${at}, ${at})`),
  };
  return { standing, made, again };
}

/** The club a call is about, or the one its room is in. */
function clubOf({ params }: Captured): SQL {
  return params.clubId
    ? sql`select id from clubs where id = ${params.clubId}`
    : sql`select club_id from rooms where id = ${params.roomId}`;
}

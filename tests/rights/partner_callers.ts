import { sql } from "drizzle-orm";
import { randomHex32 } from "../../config/keys.ts";
import { basicOf, grantToken, makeApp } from "../clients/partner.ts";
import type { TestApp } from "../harness.ts";
import { callAs, type Caller, type Callers, type Captured, MUST_BE_SAID } from "./captured.ts";
import { basic, type Others } from "./others.ts";
import { endings, endSession } from "./sessions.ts";

/** A number nobody of a group has, and the numbers of those who are in it: see the trips' tables. */
const [STRANGER, MASTER, MEMBER] = [99, 1, 2];

const by = (name: string, refusal: string, Authorization: string, rest = {}): Caller => ({
  name,
  refusal,
  request: (call) => callAs(call, { Authorization }),
  ...rest,
});

/** Everybody who calls the partners' surface. */
export async function partnerCallers(app: TestApp, others: Others): Promise<Callers> {
  const { gateway, chat, partner, operatorToken, key, wechatCookie } = others;
  const foreign = (name: string, Authorization: string) =>
    by(name, "400", Authorization, { isForeign: true });
  const anonymous = (name: string, credentials: Record<string, string>, isForeign = false) => ({
    name,
    refusal: "400",
    isForeign,
    request: (call: Captured) => callAs(call, credentials),
  });
  const [off, elsewhere] = [
    await makeApp(app.ctx),
    await makeApp(app.ctx, { addresses: ["198.51.100.7"] }),
  ];
  await app.ctx.db.execute(sql`update apps set disabled_at = now() where id = ${off.appId}`);
  const standing = [
    anonymous("nobody", {}),
    by("wrong-secret", "400", `Basic ${basicOf(partner.appId, randomHex32())}`),
    by("unknown-app", "400", `Basic ${basicOf(999_999, partner.secret)}`),
    by("secret-itself", "400", basic(partner.appId, partner.secret)),
    by("disabled-app", "400", `Basic ${off.basic}`),
    by("wrong-address", "400", `Basic ${elsewhere.basic}`),
    by("unknown", "400", `Bearer ${randomHex32()}`),
    by("other-server", MUST_BE_SAID, `Basic ${partner.basic}`),
    by("other-client", MUST_BE_SAID, `Bearer ${await grantToken(app, partner, { uid: MASTER })}`),
    foreign("gateway", basic(gateway.uid, gateway.accessToken)),
    foreign("gateway-bearer", `Bearer ${gateway.accessToken}`),
    foreign("chat-bearer", `Bearer ${chat.token}`),
    anonymous("chat", { token: chat.token }, true),
    foreign("operator", `Bearer ${operatorToken}`),
    foreign("ops-key", key.authorization),
    anonymous("wechat", { Cookie: wechatCookie }),
  ];
  for (const [at, how] of endings.entries()) {
    const token = await grantToken(app, partner, { uid: 900 + at });
    await endSession(app, token, how);
    standing.push(by(how, "400", `Bearer ${token}`));
  }
  return { standing, made };
}

/** One of the people of the partner whose call it is. */
const person = (name: string, uid: number) => async (app: TestApp, { basic }: Captured) =>
  by(name, MUST_BE_SAID, `Bearer ${await grantToken(app, { basic: basic! }, { uid })}`);

const made = {
  server: (_: TestApp, { basic }: Captured) =>
    Promise.resolve(by("server", MUST_BE_SAID, `Basic ${basic}`)),
  client: person("client", MASTER),
  member: person("member", MEMBER),
  stranger: person("stranger", STRANGER),
};

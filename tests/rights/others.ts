import { logIn, registerPerson } from "../clients/gateway.ts";
import { makeOperator, makeOpsKey } from "../clients/ops.ts";
import { grantToken, makeApp } from "../clients/partner.ts";
import { logInWithWechat } from "../clients/wechat.ts";
import type { TestApp } from "../harness.ts";
import { userIdOf } from "../routes/gateway/rooms_and_clubs.ts";
import { makeAccount } from "../people/chat_accounts.ts";

export type Others = Awaited<ReturnType<typeof makeOthers>>;

/** Somebody with good credentials of every surface and kind, and with nothing else. */
export async function makeOthers(app: TestApp) {
  const partner = await makeApp(app.ctx);
  const gateway = await registerPerson(app, "Gate");
  const house = await makeApp(app.ctx, { house: true });
  const [operator, key] = [await makeOperator(app.ctx, "admin"), await makeOpsKey(app.ctx)];
  return {
    gateway,
    profileless: await logIn(app),
    chat: await makeAccount(app, { name: "Chat" }),
    partner,
    partnerToken: await grantToken(app, partner, { uid: 1, name: "Pat" }),
    /** Granted by an app of the house to the person of `gateway`. */
    houseToken: await grantToken(app, house, { uid: await userIdOf(app, gateway) }),
    operatorToken: operator.token,
    key,
    wechatCookie: await logInWithWechat(app),
  };
}

export const basic = (user: string | number, password: string) =>
  `Basic ${btoa(`${user}:${password}`)}`;

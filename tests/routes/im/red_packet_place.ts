import type { Ctx } from "../../../db/client/ctx.ts";
import { askIm, callIm } from "../../clients/im.ts";
import type { TestApp } from "../../harness.ts";
import { makeGroup } from "../../people/factories.ts";
import { giveMoney, issuePayToken } from "../../people/money.ts";
import { type ChatPerson, makeChatPerson, makeFriends } from "./chat_people.ts";

/** Toby with 10 000 分, his friend Tony, Anna who is in the group with them, and Otto, a stranger. */
export async function makePlace(app: TestApp) {
  const toby = await makeChatPerson(app, "Toby");
  const tony = await makeChatPerson(app, "Tony");
  const anna = await makeChatPerson(app, "Anna");
  const otto = await makeChatPerson(app, "Otto");
  await makeFriends(app, toby, tony);
  await giveMoney(app.ctx, toby, 10_000);
  const members = [toby, tony, anna].map(({ userId }) => ({ id: userId }));
  const group = await makeGroup(app.ctx, members);
  return { toby, tony, anna, otto, group };
}

interface Terms {
  amount?: number;
  num?: number;
  type?: number;
}

/** What POST /redpackets wants, for a group of this number. */
export const forGroup = (
  { groupNo }: { groupNo: string },
  { amount = 300, num = 3, type = 1 }: Terms = {},
) => ({ scene_id: groupNo, scene_type: 2, amount, type, num });

/** The same for a person. */
export const forPerson = ({ uid }: { uid: string }, { amount = 100, type = 1 }: Terms = {}) => ({
  scene_id: uid,
  scene_type: 1,
  amount,
  type,
  num: 1,
});

export const create = (app: TestApp, as: ChatPerson, body: unknown) =>
  callIm(app, "POST", "/redpackets", { token: as.token, body });

export async function created(app: TestApp, as: ChatPerson, body: unknown): Promise<string> {
  return (await askIm(app, "POST", "/redpackets", { token: as.token, body })).redpacket_no;
}

export const tokenFor = (ctx: Ctx, who: ChatPerson, amount: number) =>
  issuePayToken(ctx, who, { item: "redpacket", amount });

export const pay = (app: TestApp, as: ChatPerson, no: string, pay_token: unknown) =>
  callIm(app, "POST", `/redpackets/${no}/pay`, { token: as.token, body: { pay_token } });

/** A packet that is paid for. */
export async function paid(app: TestApp, as: ChatPerson, body: { amount: number }) {
  const no = await created(app, as, body);
  const call = { token: as.token, body: { pay_token: await tokenFor(app.ctx, as, body.amount) } };
  await askIm(app, "POST", `/redpackets/${no}/pay`, call);
  return no;
}

/** Opens it where the opener sees it. */
export const open = (
  app: TestApp,
  as: ChatPerson,
  no: string,
  channel: { groupNo: string } | { uid: string },
) =>
  callIm(app, "POST", `/redpackets/${no}/open`, {
    token: as.token,
    body: "groupNo" in channel
      ? { channel_id: channel.groupNo, channel_type: 2 }
      : { channel_id: channel.uid, channel_type: 1 },
  });

export const lookAt = (app: TestApp, as: ChatPerson, no: string) =>
  callIm(app, "GET", `/redpackets/${no}/get`, { token: as.token });
export const read = (app: TestApp, as: ChatPerson, no: string) =>
  callIm(app, "GET", `/redpackets/${no}`, { token: as.token });

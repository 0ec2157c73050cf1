import { type SQL, sql } from "drizzle-orm";
import { randomHex32 } from "../../config/keys.ts";
import type { TestApp } from "../harness.ts";
import { makeChatPerson } from "../routes/im/chat_people.ts";
import {
  callAs,
  type Caller,
  type Callers,
  type Captured,
  jsonOf,
  MUST_BE_SAID,
} from "./captured.ts";
import { makeAccount } from "../people/chat_accounts.ts";
import { basic, type Others } from "./others.ts";
import { endings, endSession, openSecondSession } from "./sessions.ts";

type Credentials = Record<string, string>;

const by = (name: string, refusal: string, credentials: Credentials, rest = {}): Caller => ({
  name,
  refusal,
  request: (call) => callAs(call, credentials),
  ...rest,
});

/** Everybody who calls the chat app's surface. */
export async function imCallers(app: TestApp, others: Others): Promise<Callers> {
  const { gateway, chat, partnerToken, houseToken, partner, operatorToken, key, wechatCookie } =
    others;
  const foreign = (name: string, credentials: Credentials) =>
    by(name, "401", credentials, { isForeign: true });
  const standing = [
    by("nobody", "401", {}),
    by("unknown", "401", { token: randomHex32() }),
    by("garbage", "401", { token: "' or 1=1 --" }),
    by("stranger", MUST_BE_SAID, { token: chat.token }),
    foreign("gateway-basic", { Authorization: basic(gateway.uid, gateway.accessToken) }),
    by("partner-client", "401", { token: partnerToken }),
    by("house-client", "401", { token: houseToken }),
    foreign("partner-bearer", { Authorization: `Bearer ${partnerToken}` }),
    foreign("partner-server", { Authorization: `Basic ${partner.basic}` }),
    by("partner-secret", "401", { token: partner.secret }),
    by("operator", "401", { token: operatorToken }),
    foreign("operator-bearer", { Authorization: `Bearer ${operatorToken}` }),
    by("ops-key", "401", { token: key.secret }),
    by("wechat", "401", { Cookie: wechatCookie }),
  ];
  for (const how of endings) {
    const { token } = await makeChatPerson(app, how);
    await endSession(app, token, how);
    standing.push(by(how, "401", { token }));
  }
  return { standing, made };
}

const inGroup = (name: string, role: number) => async (app: TestApp, call: Captured) => {
  const { userId, token } = await makeChatPerson(app, name);
  await app.ctx.db.execute(sql`
    with joined as (
      insert into group_members (group_id, user_id, role, joined_at)
      select id, ${userId}::bigint, ${role}::smallint, now() from groups
      where id = (${groupOf(call)}) returning group_id
    )
    update groups set member_count = member_count + 1 from joined where id = group_id`);
  return by(name, MUST_BE_SAID, { token });
};

/** The group a call is about, by whichever of its parts names it. */
function groupOf(call: Captured): SQL {
  const { params } = call;
  if (params.group_no) return sql`select id from groups where group_no = ${params.group_no}`;
  const { scene_id } = jsonOf(call);
  if (scene_id) return sql`select id from groups where group_no = ${scene_id}`;
  if (params.redpacket_no) {
    return sql`select group_id from red_packets where redpacket_no = ${params.redpacket_no}`;
  }
  return sql`select group_id from group_invites where id = ${params.no}`;
}

/** Somebody the call's thing names, on a computer of theirs. */
const named =
  (name: string, find: (call: Captured) => SQL) => async (app: TestApp, call: Captured) => {
    const { rows: [row] } = await app.ctx.db.execute<{ id: string }>(find(call));
    return by(name, MUST_BE_SAID, { token: await openSecondSession(app, Number(row!.id)) });
  };

const made = {
  stranger: async (app: TestApp) => {
    const { token } = await makeAccount(app, { name: "Stranger" });
    return by("stranger", MUST_BE_SAID, { token });
  },
  member: inGroup("member", 0),
  manager: inGroup("manager", 2),
  "message-sender": named("message-sender", ({ url }) =>
    sql`
    select sender_id as id from messages where id = ${url.searchParams.get("message_id")}`),
  "message-receiver": named("message-receiver", ({ url }) =>
    sql`
    select receiver_id as id from messages where id = ${url.searchParams.get("message_id")}`),
  sender: named(
    "sender",
    ({ params }) =>
      params.no
        ? sql`select sender_id as id from transfers where transfer_no = ${params.no}`
        : sql`select sender_id as id from red_packets where redpacket_no = ${params.redpacket_no}`,
  ),
};

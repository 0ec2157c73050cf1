import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { SYSTEM_UID } from "../../schema/users.ts";
import { bool, built, instant, int8, maybe, type Row, rows, text } from "../../sql.ts";
import { appPath } from "../app_links.ts";
import type { Claim } from "../outgoing/claims.ts";
import { hasLiveDevice, hasLiveTarget, isReachable } from "./reachable.ts";
import { pushTextOf } from "./rules.ts";

/** The device a person has named in the chat app. */
export interface ChatDevice {
  token: string;
  /** As the client spells it. */
  type: string;
  bundleId: string;
}

export interface MessagePush {
  title: string;
  content: string;
  /** Where a tap leads, an `appPath`: `chat/<channel_type>/<channel_id>`, as clients name it. */
  url: string;
  badge: number | undefined;
  sounds: boolean;
  vibrates: boolean;
  device: ChatDevice | undefined;
  /** The JPush registration the gateway knows. */
  jpushId: string | undefined;
}

/**
 * What these pushes say, to which devices, as things stand now. One whose message has been taken
 * back, or whose receiver has no device any more, is not there.
 * @returns by the work's id
 */
export async function readMessagePushes(
  ctx: Ctx,
  claims: Claim<"message_push">[],
): Promise<Map<number, MessagePush>> {
  if (claims.length === 0) return new Map();
  const works = claims.map(({ id, payload }) => ({
    id,
    message_id: payload.messageId,
    user_id: payload.userId,
  }));
  const values = { works: JSON.stringify(works), at: ctx.now().toISOString() };
  const found = await rows(ctx, statement(values), columns);
  const badges = new Map(claims.map(({ id, payload }) => [id, payload.badge ?? undefined]));
  return new Map(found.map((row) => [row.id, pushOf(row, badges.get(row.id))]));
}

const columns = {
  id: int8,
  payload: text,
  isBySystem: bool,
  senderUid: text,
  senderName: text,
  groupNo: maybe(text),
  groupName: maybe(text),
  showsDetail: bool,
  sounds: bool,
  vibrates: bool,
  token: maybe(text),
  deviceType: text,
  bundleId: text,
  jpushId: maybe(text),
};

function pushOf(row: Row<typeof columns>, badge: number | undefined): MessagePush {
  const { title, content } = pushTextOf(row);
  const channel = row.groupNo === undefined
    ? `${ChannelType.person}/${row.senderUid}`
    : `${ChannelType.group}/${row.groupNo}`;
  return {
    title,
    content,
    url: appPath("chat", channel),
    badge,
    sounds: row.sounds,
    vibrates: row.vibrates,
    device: row.token === undefined
      ? undefined
      : { token: row.token, type: row.deviceType, bundleId: row.bundleId },
    jpushId: row.jpushId,
  };
}

const statement = built<{ works: string; at: string }>(({ works, at }) => {
  const now = instant(at);
  return sql`
    select work.id, messages.payload, messages.sender_id is null as is_by_system,
      sender.uid as sender_uid, groups.group_no, groups.name as group_name,
      coalesce(nullif(called.remark, ''), sender.nickname) as sender_name,
      coalesce(account.msg_show_detail, true) as shows_detail,
      coalesce(account.voice_on, true) as sounds, coalesce(account.shock_on, true) as vibrates,
      case when ${hasLiveDevice(now)} then account.device_token end as token,
      coalesce(account.device_type, '') as device_type,
      coalesce(account.bundle_id, '') as bundle_id,
      case when ${hasLiveTarget(now)} then target.jpush_id end as jpush_id
    from jsonb_to_recordset(${works}::jsonb) as work (id bigint, message_id bigint, user_id bigint)
    join messages on messages.id = work.message_id and messages.revoked_at is null
    join users on users.id = work.user_id
    left join chat_accounts as account on account.user_id = users.id
    left join push_targets as target on target.user_id = users.id
    join users as sender on sender.id
      = coalesce(messages.sender_id, (select id from users where uid = ${SYSTEM_UID}))
    left join peer_settings as called on called.user_id = users.id and called.peer_id = sender.id
    left join groups on groups.id = messages.group_id
    where ${isReachable(now)}`;
});

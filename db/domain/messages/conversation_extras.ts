import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import { instant, int4, int8, rows, text } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { nextVersions } from "./sync_versions.ts";
import { tellSelf } from "./tell_devices.ts";

/** Where a person is in a conversation, and what they have begun to write there. */
export interface ConversationExtra {
  /** Numbers of the person's inbox: what has been looked at, and what stands on top; 0: nothing. */
  browseTo: number;
  keepMessageSeq: number;
  /** How far that is moved up, pixels. */
  keepOffsetY: number;
  draft: string;
}

export interface KeptExtra extends ConversationExtra {
  version: number;
}

export interface SyncedExtra extends KeptExtra {
  channelType: number;
  channelNo: string;
}

/** Most conversations one sync answers. */
const EXTRA_COUNT_MAX = 1_000;

/**
 * Keeps it for the person's other devices, which are told; the last to write wins.
 *
 * @returns its version
 * @throws {DomainError} `channel_missing` for nobody, and for a group the person never was in
 */
export async function keepConversationExtra(
  ctx: Ctx,
  { userId, uid, channel, extra }: {
    userId: number;
    uid: string;
    channel: { type: number; no: string };
    extra: ConversationExtra;
  },
): Promise<number> {
  const now = instant(ctx.now());
  const [kept] = await rows(
    ctx,
    sql`
      with channel as materialized (${channelOf(userId, channel)}), versions as (
        ${nextVersions(sql`select ${userId}::bigint as user_id from channel`, now)}
      )
      insert into conversation_extras (user_id, channel_type, channel_id, browse_to,
        keep_message_seq, keep_offset_y, draft, version)
      select user_id, ${channel.type}::smallint, channel.id, ${extra.browseTo}::bigint,
        ${extra.keepMessageSeq}::bigint, ${extra.keepOffsetY}::integer, ${extra.draft}, version
      from versions, channel
      on conflict (user_id, channel_type, channel_id) do update set
        browse_to = excluded.browse_to, keep_message_seq = excluded.keep_message_seq,
        keep_offset_y = excluded.keep_offset_y, draft = excluded.draft,
        version = excluded.version
      returning version`,
    { version: int8 },
  );
  if (!kept) throw new DomainError("channel_missing");
  tellSelf(ctx, { userId, uid }, { cmd: "syncConversationExtra" });
  return kept.version;
}

/** A group's conversation outlives membership. */
function channelOf(userId: number, { type, no }: { type: number; no: string }): SQL {
  return type === ChannelType.person
    ? sql`select id from users where uid = ${no}`
    : sql`select groups.id from groups join group_members on group_members.group_id = groups.id
        and group_members.user_id = ${userId} where groups.group_no = ${no}`;
}

/** What a person has kept after a version, ascending. */
export async function syncConversationExtras(
  ctx: Ctx,
  { userId, version }: { userId: number; version: number },
): Promise<SyncedExtra[]> {
  return await rows(
    ctx,
    sql`
      select channel_type, browse_to, keep_message_seq, keep_offset_y, draft, version,
        case when channel_type = ${ChannelType.person}
          then (select uid from users where id = channel_id)
          else (select group_no from groups where id = channel_id) end as channel_no
      from conversation_extras where user_id = ${userId} and version > ${version}
      order by version limit ${EXTRA_COUNT_MAX}`,
    {
      channelType: int4,
      channelNo: text,
      browseTo: int8,
      keepMessageSeq: int8,
      keepOffsetY: int4,
      draft: text,
      version: int8,
    },
  );
}

import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { bool, int8, maybe, milliseconds, rows, text, typed } from "../../sql.ts";
import { type MessageExtra, messageExtraColumn, REVOKED_AT } from "./extra_column.ts";
import { ownChannelId } from "./channel_history.ts";

export interface SyncedMessageExtra extends MessageExtra {
  messageId: number;
  seq: number;
  /** Taken back, and by whom. */
  revokerUid: string | undefined;
}

/** The newest messages of a channel of which it is looked at whether they were taken back. */
const REVOKED_COUNT_MAX = 1_000;
/** Most changes one sync answers; a page is longer where one change is. */
export const EXTRA_COUNT_MAX = 500;

/**
 * What became of messages of a channel after a version, ascending: receipts, and that they were
 * taken back, as far as the newest are concerned. Nothing of what the person threw away.
 */
export async function syncMessageExtras(
  ctx: Ctx,
  { userId, channel, version, limit }: {
    userId: number;
    channel: { type: number; no: string };
    version: number;
    limit: number;
  },
): Promise<SyncedMessageExtra[]> {
  const ofChannel = sql`channel_type = ${channel.type}::smallint
    and channel_id = ${ownChannelId(channel.type, { userId, channelNo: channel.no })}`;
  const found = await rows(
    ctx,
    sql`
      with recent as (
        select message_id from inbox where user_id = ${userId} and ${ofChannel}
        order by seq desc limit ${REVOKED_COUNT_MAX}
      ), changed as (
        (select message_id, version from message_extras
          where user_id = ${userId} and ${ofChannel} and version > ${version}
          order by version fetch first (${limit}::bigint) rows with ties)
        union all
        select messages.id, ${REVOKED_AT} from recent
        join messages on messages.id = recent.message_id
        where ${REVOKED_AT} > ${version}
      ), found as (
        select inbox.message_id, inbox.seq, max(changed.version) as version from changed
        join inbox on inbox.user_id = ${userId} and inbox.message_id = changed.message_id
        where inbox.deleted_at is null and inbox.seq > coalesce((
          select cleared_seq from conversations where user_id = ${userId} and ${ofChannel}), 0)
        group by inbox.message_id, inbox.seq
        order by max(changed.version) fetch first (${limit}::bigint) rows with ties
      )
      select found.message_id, found.seq, messages.revoked_at is not null as is_revoked,
        (select uid from users where id = messages.revoker_id) as revoker_uid,
        ${messageExtraColumn("found", userId)}
      from found join messages on messages.id = found.message_id
      order by found.version, found.message_id`,
    {
      messageId: int8,
      seq: int8,
      isRevoked: bool,
      revokerUid: maybe(text),
      extra: typed<MessageExtra>(),
    },
  );
  return found.map(({ messageId, seq, isRevoked, revokerUid, extra }) => ({
    messageId,
    seq,
    revokerUid: isRevoked ? revokerUid ?? "" : undefined,
    ...extra,
  }));
}

/** Somebody who has read a message. */
export interface Reader {
  uid: string;
  name: string;
  readAtMs: number;
}

/** Most readers a list shows. */
const READER_COUNT_MAX = 500;

/** @returns undefined when the person has not said this message; the first to read it first */
export async function listReaders(
  ctx: Ctx,
  { userId, messageId }: { userId: number; messageId: number },
): Promise<Reader[] | undefined> {
  const found = await rows(
    ctx,
    sql`
      select users.uid, users.nickname as name, ${milliseconds(sql`readers.read_at`)} as read_at_ms
      from messages left join message_extras as readers
        on readers.message_id = messages.id and readers.read_at is not null
      left join users on users.id = readers.user_id
      where messages.id = ${messageId} and messages.sender_id = ${userId}
      order by readers.read_at, readers.user_id limit ${READER_COUNT_MAX}`,
    { uid: maybe(text), name: text, readAtMs: int8 },
  );
  if (found.length === 0) return undefined;
  return found.flatMap(({ uid, ...reader }) => uid === undefined ? [] : [{ uid, ...reader }]);
}

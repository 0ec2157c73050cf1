import { type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { ChannelType } from "../../schema/messages.ts";
import {
  int4,
  int8,
  listOf,
  maybe,
  milliseconds,
  patternOf,
  PLANNED_WITH_VALUES,
  rows,
  text,
  time,
  typed,
} from "../../sql.ts";
import { numberShown } from "./client_numbers.ts";
import {
  CANDIDATE_COUNT_MAX,
  CHANNEL_COUNT_MAX,
  isSought,
  matchOf,
  SEARCHED_COUNT_MAX,
  type Sought,
  writtenIn,
} from "./search_rules.ts";
import { isCommand } from "./seen.ts";

/** A person or a group, as the searcher calls them. */
export interface FoundChannel {
  type: number;
  no: string;
  name: string;
  /** What the searcher calls them; empty: as everybody does. */
  remark: string;
}

export interface FoundMessage {
  messageId: number;
  seq: number;
  clientMsgNo: string;
  createdAt: Date;
  /** Bits of `KeptSetting`. */
  setting: number;
  payload: Record<string, unknown>;
  channel: FoundChannel;
  /** Undefined: the system. */
  sender: FoundChannel | undefined;
}

export interface SearchInput extends Sought {
  userId: number;
  /** Messages alone, of this channel. */
  channel?: { type: number; no: string } | undefined;
  /** No friends and no groups. */
  isOnlyMessages: boolean;
  /** From 1. */
  page: number;
  limit: number;
}

export interface Found {
  friends: FoundChannel[];
  groups: FoundChannel[];
  messages: FoundMessage[];
}

/**
 * What a person has been told and said lately, newest first, and which friends and groups of theirs
 * are called so. One statement brings whatever may fit; whether it does is seen when it is read.
 */
export async function search(ctx: Ctx, input: SearchInput): Promise<Found> {
  if (!isSought(input)) return { friends: [], groups: [], messages: [] };
  const found = await rows(ctx, searchStatement(input), {
    friends: typed<FoundChannel[]>(),
    groups: typed<FoundChannel[]>(),
    // Without it the row has no message.
    seq: maybe(int8),
    messageId: int8,
    clientMsgNo: maybe(text),
    createdAt: time,
    setting: int4,
    payload: text,
    channelType: int4,
    channelNo: maybe(text),
    channelName: maybe(text),
    channelRemark: maybe(text),
    senderUid: maybe(text),
    senderName: maybe(text),
    senderRemark: maybe(text),
  });
  const { friends, groups } = found[0]!;
  const messages: FoundMessage[] = [];
  const wanted = input.page * input.limit;
  for (const { seq, ...row } of found) {
    if (messages.length === wanted) break;
    const payload = seq === undefined ? undefined : matchOf(row.payload, input);
    if (payload) messages.push(foundMessage({ ...row, seq: seq!, payload }));
  }
  return { friends, groups, messages: messages.slice(wanted - input.limit) };
}

function foundMessage(row: {
  messageId: number;
  seq: number;
  clientMsgNo: string | undefined;
  createdAt: Date;
  setting: number;
  payload: Record<string, unknown>;
  channelType: number;
  channelNo: string | undefined;
  channelName: string | undefined;
  channelRemark: string | undefined;
  senderUid: string | undefined;
  senderName: string | undefined;
  senderRemark: string | undefined;
}): FoundMessage {
  return {
    messageId: row.messageId,
    seq: row.seq,
    clientMsgNo: numberShown(row.clientMsgNo, row.messageId),
    createdAt: row.createdAt,
    setting: row.setting,
    payload: row.payload,
    channel: {
      type: row.channelType,
      no: row.channelNo ?? "",
      name: row.channelName ?? "",
      remark: row.channelRemark ?? "",
    },
    sender: row.senderUid === undefined ? undefined : {
      type: ChannelType.person,
      no: row.senderUid,
      name: row.senderName ?? "",
      remark: row.senderRemark ?? "",
    },
  };
}

function searchStatement(input: SearchInput): SQL {
  const { userId, keyword, contentTypes } = input;
  const ofTypes = contentTypes.length === 0
    ? sql``
    : sql`and messages.content_type = any(${listOf(contentTypes, "bigint")})`;
  return sql`
    with looked as (
      select ${PLANNED_WITH_VALUES} seq, message_id, channel_type, channel_id from inbox
      where user_id = ${userId} and channel_id > 0 and deleted_at is null ${ofChannel(input)}
      order by seq desc limit ${SEARCHED_COUNT_MAX}
    ), candidates as (
      select looked.* from looked join messages on messages.id = looked.message_id
      left join conversations on conversations.user_id = ${userId}
        and conversations.channel_type = looked.channel_type
        and conversations.channel_id = looked.channel_id
      where looked.seq > coalesce(conversations.cleared_seq, 0)
        and messages.revoked_at is null and not ${isCommand()} ${ofTypes}
        and ${mayMatch(keyword)}
      order by looked.seq desc limit ${CANDIDATE_COUNT_MAX}
    )
    select ${channelsOf(input)}, candidates.seq, candidates.message_id, messages.client_msg_no,
      ${milliseconds(sql`messages.created_at`)} as created_at, messages.setting, messages.payload,
      candidates.channel_type, coalesce(peers.uid, groups.group_no) as channel_no,
      coalesce(peers.nickname, groups.name) as channel_name,
      coalesce(peer_settings.remark, group_settings.remark) as channel_remark,
      senders.uid as sender_uid, senders.nickname as sender_name, called.remark as sender_remark
    from (select) as one left join candidates on true
    left join messages on messages.id = candidates.message_id
    left join users as peers on candidates.channel_type = ${ChannelType.person}
      and peers.id = candidates.channel_id
    left join groups on candidates.channel_type = ${ChannelType.group}
      and groups.id = candidates.channel_id
    left join peer_settings on peer_settings.user_id = ${userId} and peer_settings.peer_id = peers.id
    left join group_settings on group_settings.user_id = ${userId}
      and group_settings.group_id = groups.id
    left join users as senders on senders.id = messages.sender_id
    left join peer_settings as called on called.user_id = ${userId} and called.peer_id = senders.id
    order by candidates.seq desc`;
}

function ofChannel({ channel }: SearchInput): SQL {
  if (!channel) return sql``;
  const id = channel.type === ChannelType.person
    ? sql`select id from users where uid = ${channel.no}`
    : sql`select id from groups where group_no = ${channel.no}`;
  return sql`and channel_type = ${channel.type} and channel_id = (${id})`;
}

function mayMatch(keyword: string): SQL {
  return sql`(messages.payload ilike ${patternOf(writtenIn(keyword))}
    or messages.payload ~ ${String.raw`\\[u/]`})`;
}

/** The friends and groups that are called so, as JSON; none where only messages are wanted. */
function channelsOf({ userId, channel, keyword, isOnlyMessages }: SearchInput): SQL {
  if (isOnlyMessages || channel || keyword === "") {
    return sql`'[]'::json as friends, '[]'::json as groups`;
  }
  const pattern = patternOf(keyword);
  return sql`coalesce((
      select json_agg(json_build_object('type', ${ChannelType.person}::int, 'no', found.uid,
        'name', found.nickname, 'remark', found.remark) order by found.id)
      from (
        select users.id, users.uid, users.nickname, coalesce(peer_settings.remark, '') as remark
        from friends join users on users.id = friends.friend_id
        left join peer_settings on peer_settings.user_id = ${userId}
          and peer_settings.peer_id = users.id
        where friends.user_id = ${userId} and not friends.is_deleted
          and (users.nickname ilike ${pattern} or peer_settings.remark ilike ${pattern})
        order by users.id limit ${CHANNEL_COUNT_MAX}
      ) as found), '[]') as friends, coalesce((
      select json_agg(json_build_object('type', ${ChannelType.group}::int, 'no', found.group_no,
        'name', found.name, 'remark', found.remark) order by found.id)
      from (
        select groups.id, groups.group_no, groups.name,
          coalesce(group_settings.remark, '') as remark
        from group_members join groups on groups.id = group_members.group_id
        left join group_settings on group_settings.user_id = ${userId}
          and group_settings.group_id = groups.id
        where group_members.user_id = ${userId} and group_members.removed_at is null
          and groups.disbanded_at is null
          and (groups.name ilike ${pattern} or group_settings.remark ilike ${pattern})
        order by groups.id limit ${CHANNEL_COUNT_MAX}
      ) as found), '[]') as groups`;
}

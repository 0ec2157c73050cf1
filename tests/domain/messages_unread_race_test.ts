import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { deleteMessage } from "../../db/domain/messages/delete_messages.ts";
import { listConversations } from "../../db/domain/messages/list_conversations.ts";
import { markRead } from "../../db/domain/messages/mark_read.ts";
import { readInbox } from "../../db/domain/messages/read_inbox.ts";
import { revokeMessage } from "../../db/domain/messages/revoke_message.ts";
import { sendMessage } from "../../db/domain/messages/send.ts";
import { ChannelType } from "../../db/schema/messages.ts";
import { bool, int8, rows } from "../../db/sql.ts";
import { makeGroup } from "../people/factories.ts";
import { startPostgres } from "../services/postgres.ts";
import { openPlace, race } from "./race_place.ts";

const postgres = await startPostgres();
Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());

const PEOPLE_COUNT = 6;
const ROUND_COUNT = 40;

Deno.test({
  name: "what is taken back, thrown away, read and said at once is counted as what is left to see",
  ignore: !postgres,
}, async () => {
  await using place = await openPlace(postgres!, { peopleCount: PEOPLE_COUNT });
  const { ctx, people } = place;
  const [anna, ben] = people as [typeof people[0], typeof people[0]];
  const group = await makeGroup(ctx, people.map(({ userId: id }) => ({ id })));
  const inGroup = { type: ChannelType.group, groupId: group.id };
  const toBen = { type: ChannelType.person, userId: ben.userId };
  const say = (senderId: number, channel: typeof inGroup | typeof toBen) =>
    sendMessage(ctx, {
      senderId,
      channel,
      clientMsgNo: undefined,
      payload: JSON.stringify({ type: 1, content: "x" }),
      redDot: true,
    });
  const ids: number[] = [];
  for (let round = 0; round < ROUND_COUNT; round++) {
    ids.push((await say(anna.userId, inGroup)).messageId);
    ids.push((await say(anna.userId, toBen)).messageId);
  }
  const channel = { type: ChannelType.group, no: group.groupNo };
  await race(
    ["message_missing", "service_unavailable"],
    ids.flatMap((messageId, at) => {
      const { userId } = people[1 + at % (PEOPLE_COUNT - 1)]!;
      const revoke = () => revokeMessage(ctx, { userId: anna.userId, messageId });
      return [
        revoke,
        () => deleteMessage(ctx, { userId, messageId }),
        () => deleteMessage(ctx, { userId: ben.userId, messageId }),
        ...at % 3 === 0 ? [revoke, () => say(anna.userId, inGroup)] : [],
        ...at % 7 === 0 ? [() => markRead(ctx, { userId, channel, unreadMax: at % 5 })] : [],
        ...at % 11 === 0 ? [() => say(userId, inGroup)] : [],
        ...at % 13 === 0
          ? [() => readInbox(ctx, { userId, afterSeq: 0, limit: 500, channel, isShown: true })]
          : [],
        ...at % 5 === 0 ? [() => listConversations(ctx, userId)] : [],
      ];
    }),
  );
  const counted = await rows(
    ctx,
    sql`
      select user_id, unread_count, last_seq >= read_seq as is_within, (
        select count(*) from inbox join messages on messages.id = inbox.message_id
        where inbox.user_id = conversations.user_id
          and inbox.channel_type = conversations.channel_type
          and inbox.channel_id = conversations.channel_id and seq > read_seq
          and deleted_at is null and red_dot and revoked_at is null
          and sender_id is distinct from conversations.user_id) as left_count
      from conversations`,
    { userId: int8, unreadCount: int8, leftCount: int8, isWithin: bool },
  );
  assert.equal(counted.length, PEOPLE_COUNT + 2);
  for (const { unreadCount, leftCount, isWithin } of counted) {
    assert.deepEqual([unreadCount, isWithin], [leftCount, true]);
  }
});

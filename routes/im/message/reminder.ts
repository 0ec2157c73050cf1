import { z } from "zod";
import {
  finishReminders,
  REMINDERS_COUNT_MAX,
  syncReminders,
} from "../../../db/domain/messages/reminders.ts";
import { ChannelType } from "../../../db/domain/messages/inbox_message.ts";
import { Flag, flag, HexId } from "../../fields.ts";
import { Done, done } from "../fields.ts";
import { endpoint } from "../surface.ts";

const LIMIT_DEFAULT = 100;
const MENTION = 1;

export const sync = endpoint({
  method: "post",
  path: "/message/reminder/sync",
  summary: "同步提醒",
  description: "Messages of groups that name you, and what you have seen of them, changed after " +
    "`version`, ascending. Ask again with the last one's until nothing comes.",
  body: z.object({
    version: z.coerce.number().int().min(0).catch(0).default(0),
    limit: z.coerce.number().int().positive().catch(LIMIT_DEFAULT).default(LIMIT_DEFAULT)
      .transform((limit) => Math.min(limit, REMINDERS_COUNT_MAX)),
  }),
  data: z.array(z.object({
    id: z.number().int(),
    channel_id: HexId,
    channel_type: z.literal(ChannelType.group),
    publisher: z.string().describe("Who named you"),
    message_seq: z.number().int(),
    message_id: z.string(),
    reminder_type: z.literal(MENTION).describe("1: a mention"),
    uid: HexId.describe("You"),
    text: z.string(),
    is_locate: Flag.describe("1: the message can be gone to"),
    version: z.number().int(),
    done: Flag,
  })),
  async handle({ body, actor, ctx }) {
    const { version, limit } = body;
    const reminders = await syncReminders(ctx, { userId: actor.userId, version, limit });
    return reminders.map((reminder) => ({
      id: reminder.id,
      channel_id: reminder.groupNo,
      channel_type: ChannelType.group,
      publisher: reminder.publisherUid,
      message_seq: reminder.seq,
      message_id: String(reminder.messageId),
      reminder_type: MENTION as typeof MENTION,
      uid: actor.uid,
      text: "[有人@我]",
      is_locate: 1 as const,
      version: reminder.version,
      done: flag(reminder.isDone),
    }));
  },
});

export const finish = endpoint({
  method: "post",
  path: "/message/reminder/done",
  summary: "提醒已处理完成",
  description: "Ids of reminders; what is not yours is passed over. Your other devices get the " +
    "command `syncReminders`.",
  body: z.array(z.coerce.number().int().positive()).max(REMINDERS_COUNT_MAX),
  data: Done,
  async handle({ body, actor, ctx }) {
    await finishReminders(ctx, { userId: actor.userId, uid: actor.uid, ids: body });
    return done;
  },
});

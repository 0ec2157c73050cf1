import { z } from "zod";
import type { Kind } from "../../db/domain/errors.ts";
import { createRedPacket } from "../../db/domain/red_packets/create.ts";
import { openRedPacket } from "../../db/domain/red_packets/open.ts";
import { payRedPacket } from "../../db/domain/red_packets/pay.ts";
import { lookAtRedPacket, readRedPacket } from "../../db/domain/red_packets/read_packet.ts";
import { BLESSING_LENGTH_MAX, SHARE_COUNT_MAX } from "../../db/domain/red_packets/rules.ts";
import { perUser } from "../../middleware/rate_limit.ts";
import { Cents, Flag, flag, HexId, Nothing, textOrNothingUpTo } from "../fields.ts";
import { CentsIn, done, doneAnd } from "./fields.ts";
import { ChannelTypeField } from "./message_fields.ts";
import { endpoint } from "./surface.ts";

const TYPES = "1 equal shares, 2 drawn at random";
const PacketParams = z.object({ redpacket_no: z.string().describe("红包编号") });

/** Why a message is refused that shows a packet in its chat. */
const CHAT_ERRORS: Kind[] = [
  "message_blacklisted",
  "group_not_member",
  "group_forbidden",
  "group_muted",
  "group_blacklisted",
  "group_disbanded",
];

export const create = endpoint({
  method: "post",
  path: "/redpackets",
  summary: "创建红包",
  description:
    "No money moves yet; it can be paid for ten minutes. To a friend it has one share, " +
    "to a group at most one for each member.",
  body: z.object({
    scene_id: z.string().min(1).max(64).describe("The group's number, or the friend's uid"),
    scene_type: ChannelTypeField.describe("1 person, 2 group"),
    amount: CentsIn.describe("分, all shares together"),
    type: z.literal([1, 2]).describe(TYPES),
    num: z.number().int().min(1).max(SHARE_COUNT_MAX).describe("How many shares"),
    blessing: textOrNothingUpTo(BLESSING_LENGTH_MAX).default(""),
    channel_id: z.string().max(64).optional().describe("The same as `scene_id`"),
  }).refine(({ channel_id, scene_id }) => !channel_id || channel_id === scene_id, {
    path: ["channel_id"],
    message: "{}必须与红包的发送对象相同",
  }),
  data: z.object({ redpacket_no: HexId }),
  errors: [
    "amount_invalid",
    "redpacket_invalid",
    "user_missing",
    "self_refused",
    "friend_missing",
    "group_missing",
    "group_not_member",
    "group_disbanded",
  ],
  rate: perUser(30, "1 min"),
  async handle({ body, actor, ctx }) {
    const redpacketNo = await createRedPacket(ctx, {
      userId: actor.userId,
      scene: { type: body.scene_type, id: body.scene_id },
      type: body.type,
      amount: body.amount,
      shareCount: body.num,
      blessing: body.blessing,
    });
    return { redpacket_no: redpacketNo };
  },
});

export const pay = endpoint({
  method: "post",
  path: "/redpackets/{redpacket_no}/pay",
  summary: "支付红包",
  description: "Opens one's own packet for a day and shows it in its chat. Sent again with the " +
    "same token it answers the same.",
  params: PacketParams,
  body: z.object({ pay_token: z.string().min(1).max(64) }),
  data: doneAnd({
    pay_no: z.string(),
    trade_no: z.string(),
    out_trade_no: z.string(),
    forward_type: z.string().describe("Empty: nothing is left to do elsewhere"),
    result: Nothing,
  }),
  errors: [
    "redpacket_missing",
    "redpacket_paid",
    "redpacket_expired",
    "pay_token_invalid",
    "operation_conflict",
    "wallet_unusable",
    "balance_insufficient",
    ...CHAT_ERRORS,
  ],
  async handle({ params, body, actor, ctx }) {
    const redpacketNo = params.redpacket_no;
    const { transactionId } = await payRedPacket(ctx, {
      redpacketNo,
      userId: actor.userId,
      payToken: body.pay_token,
    });
    const number = String(transactionId);
    return {
      ...done,
      pay_no: number,
      trade_no: number,
      out_trade_no: redpacketNo,
      forward_type: "",
      result: {},
    };
  },
});

export const lookAt = endpoint({
  method: "get",
  path: "/redpackets/{redpacket_no}/get",
  summary: "抢红包",
  description: "The look before opening: takes nothing.",
  params: PacketParams,
  data: z.object({
    redpacket_no: HexId,
    sender_uid: HexId,
    sender_name: z.string(),
    blessing: z.string(),
    status: z.number().int()
      .describe("0 unpaid, 1 open, 2 the caller has taken a share, 3 all taken, 4 expired"),
  }),
  errors: ["redpacket_missing"],
  async handle({ params, actor, ctx }) {
    const redpacketNo = params.redpacket_no;
    const packet = await lookAtRedPacket(ctx, { redpacketNo, userId: actor.userId });
    return {
      redpacket_no: redpacketNo,
      sender_uid: packet.sender.uid,
      sender_name: packet.sender.name,
      blessing: packet.blessing,
      status: packet.status,
    };
  },
});

export const open = endpoint({
  method: "post",
  path: "/redpackets/{redpacket_no}/open",
  summary: "开红包",
  description: "Takes one share, once. Who sent it may do so in a group alone.",
  params: PacketParams,
  body: z.object({
    channel_id: z.string().min(1).max(64).describe("The group's number, or the sender's uid"),
    channel_type: ChannelTypeField,
  }),
  data: doneAnd({ open_amount: Cents }),
  errors: [
    "redpacket_missing",
    "redpacket_refused",
    "redpacket_unpaid",
    "redpacket_opened",
    "redpacket_empty",
    "redpacket_expired",
  ],
  rate: perUser(5, "1 s"),
  async handle({ params, body, actor, ctx }) {
    const amount = await openRedPacket(ctx, {
      redpacketNo: params.redpacket_no,
      userId: actor.userId,
      channel: { type: body.channel_type, id: body.channel_id },
    });
    return { ...done, open_amount: amount };
  },
});

export const read = endpoint({
  method: "get",
  path: "/redpackets/{redpacket_no}",
  summary: "红包详情",
  params: PacketParams,
  data: z.object({
    redpacket_no: HexId,
    type: z.number().int().describe(TYPES),
    channel_type: z.number().int().describe("1 person, 2 group"),
    amount: Cents,
    balance: Cents.describe("分 left in it"),
    total_num: z.number().int(),
    open_num: z.number().int(),
    blessing: z.string(),
    sender_uid: HexId,
    sender_name: z.string(),
    status: z.number().int().describe("0 unpaid, 1 open, 3 all taken, 4 expired"),
    my_open_amount: Cents,
    finished_time: z.number().int().describe("Seconds since 1970; 0: not all is taken"),
    finished_spend: z.number().int().describe("Seconds from payment to the last share"),
    records: z.array(z.object({
      uid: HexId,
      name: z.string(),
      open_amount: Cents,
      open_time: z.number().int().describe("Seconds since 1970"),
      is_luck: Flag.describe("1: the largest of a random packet all of which is taken"),
    })).describe("In the order they were taken"),
  }),
  errors: ["redpacket_missing"],
  async handle({ params, actor, ctx }) {
    const redpacketNo = params.redpacket_no;
    const packet = await readRedPacket(ctx, { redpacketNo, userId: actor.userId });
    return {
      redpacket_no: redpacketNo,
      type: packet.type,
      channel_type: packet.isForGroup ? 2 : 1,
      amount: packet.amount,
      balance: packet.left,
      total_num: packet.shareCount,
      open_num: packet.openedCount,
      blessing: packet.blessing,
      sender_uid: packet.sender.uid,
      sender_name: packet.sender.name,
      status: packet.status,
      my_open_amount: packet.ownAmount,
      finished_time: secondsOf(packet.finishedAt?.getTime() ?? 0),
      finished_spend: secondsOf(packet.finishedAfterMs),
      records: packet.shares.map(({ uid, name, amount, openedAt, isLuckiest }) => ({
        uid,
        name,
        open_amount: amount,
        open_time: secondsOf(openedAt.getTime()),
        is_luck: flag(isLuckiest),
      })),
    };
  },
});

const secondsOf = (ms: number) => Math.floor(ms / 1000);

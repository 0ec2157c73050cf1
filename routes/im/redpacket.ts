import { z } from "zod";
import {
  listSent,
  listTaken,
  listYears,
  sumSent,
  sumTaken,
} from "../../db/domain/red_packets/records.ts";
import { Cents, HexId } from "../fields.ts";
import { pageOf, PageQuery, timeText } from "./fields.ts";
import { endpoint } from "./surface.ts";

const Count = z.number().int();
const PacketType = z.number().int().describe("1 equal shares, 2 drawn at random");

const YearQuery = z.object({
  year: z.string().regex(/^\d{4}$/, "年份必须是4位数字").transform(Number)
    .describe("根据年份查询, in UTC+8"),
});
const YearPageQuery = YearQuery.extend(PageQuery.shape);

export const readYears = endpoint({
  method: "get",
  path: "/redpacket/years",
  summary: "红包记录可查询年份",
  description: "Years with a packet sent or taken, newest first; always the current one.",
  data: z.array(z.string()),
  handle: async ({ actor, ctx }) => (await listYears(ctx, { userId: actor.userId })).map(String),
});

export const readSentSum = endpoint({
  method: "get",
  path: "/redpacket/statistics/out",
  summary: "发送红包统计",
  description: "Packets by the year they were paid in; what came back of them is not taken off.",
  query: YearQuery,
  data: z.object({ total_amount: Cents, total_num: Count, luck_num: Count.describe("0") }),
  async handle({ query, actor, ctx }) {
    const { amount, count } = await sumSent(ctx, { userId: actor.userId, year: query.year });
    return { total_amount: amount, total_num: count, luck_num: 0 };
  },
});

export const readTakenSum = endpoint({
  method: "get",
  path: "/redpacket/statistics/in",
  summary: "收到红包统计",
  query: YearQuery,
  data: z.object({
    total_amount: Cents,
    total_num: Count,
    luck_num: Count.describe("How often it was the largest share of a random packet"),
  }),
  async handle({ query, actor, ctx }) {
    const sum = await sumTaken(ctx, { userId: actor.userId, year: query.year });
    return { total_amount: sum.amount, total_num: sum.count, luck_num: sum.luckiestCount };
  },
});

export const readSent = endpoint({
  method: "get",
  path: "/redpacket/record/out",
  summary: "发送红包记录(分页)",
  description: "Newest first.",
  query: YearPageQuery,
  data: z.array(z.object({
    redpacket_no: HexId,
    type: PacketType,
    amount: Cents,
    num: Count,
    open_num: Count,
    create_date: z.string().describe("When it was paid"),
    status: z.number().int().describe("1 open, 3 all taken, 4 expired"),
  })),
  async handle({ query, actor, ctx }) {
    const packets = await listSent(ctx, {
      userId: actor.userId,
      year: query.year,
      ...pageOf(query),
    });
    return packets.map((packet) => ({
      redpacket_no: packet.redpacketNo,
      type: packet.type,
      amount: packet.amount,
      num: packet.shareCount,
      open_num: packet.openedCount,
      create_date: timeText(packet.paidAt),
      status: packet.status,
    }));
  },
});

export const readTaken = endpoint({
  method: "get",
  path: "/redpacket/record/in",
  summary: "收到红包记录(分页)",
  description: "Newest first.",
  query: YearPageQuery,
  data: z.array(z.object({
    redpacket_no: HexId,
    sender_uid: HexId,
    sender_name: z.string(),
    open_amount: Cents,
    open_date: z.string(),
    type: PacketType,
  })),
  async handle({ query, actor, ctx }) {
    const shares = await listTaken(ctx, {
      userId: actor.userId,
      year: query.year,
      ...pageOf(query),
    });
    return shares.map((share) => ({
      redpacket_no: share.redpacketNo,
      sender_uid: share.senderUid,
      sender_name: share.senderName,
      open_amount: share.amount,
      open_date: timeText(share.openedAt),
      type: share.type,
    }));
  },
});

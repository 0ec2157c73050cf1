import { sql } from "drizzle-orm";
import {
  check,
  index,
  integer,
  pgTable,
  primaryKey,
  smallint,
  text,
  unique,
} from "drizzle-orm/pg-core";
import { instant, safeBigint } from "./columns.ts";
import { groups } from "./groups.ts";
import { transactions } from "./ledger.ts";
import { users } from "./users.ts";

/** `type` of a packet: equal shares, or shares drawn at random. */
export const RedPacketType = { fixed: 1, random: 2 } as const;

export const redPacketStates = ["unpaid", "open", "finished", "refunded"] as const;
export type RedPacketState = (typeof redPacketStates)[number];

/** Money somebody throws into a chat; what is left of it lies in the ledger's account of it. */
export const redPackets = pgTable(
  "red_packets",
  {
    id: safeBigint().primaryKey().generatedAlwaysAsIdentity(),
    redpacketNo: text().notNull().unique(),
    senderId: safeBigint().notNull().references(() => users.id),
    /** One of the two: a group's packet, or one for one person. */
    groupId: safeBigint().references(() => groups.id),
    receiverId: safeBigint().references(() => users.id),
    type: smallint().notNull(),
    amount: safeBigint().notNull(),
    shareCount: integer().notNull(),
    openedCount: integer().notNull().default(0),
    /** 分 taken so far. */
    openedAmount: safeBigint().notNull().default(0),
    /** 分 given back to the sender. */
    refundedAmount: safeBigint().notNull().default(0),
    luckyPosition: integer().notNull().default(0),
    blessing: text().notNull(),
    state: text({ enum: redPacketStates }).notNull().default("unpaid"),
    transactionId: safeBigint().references(() => transactions.id),
    createdAt: instant().notNull(),
    paidAt: instant(),
    /** When what is left goes back; while unpaid, when it can no longer be paid. */
    expiresAt: instant().notNull(),
    finishedAt: instant(),
    refundedAt: instant(),
  },
  (table) => [
    index("red_packets_sent").on(table.senderId, table.paidAt, table.id),
    index("red_packets_due").on(table.expiresAt, table.id).where(sql`state = 'open'`),
    index("red_packets_unpaid").on(table.expiresAt).where(sql`state = 'unpaid'`),
    check("red_packets_amount", sql`amount > 0 and share_count > 0 and amount >= share_count`),
    check("red_packets_counted", sql`opened_count between 0 and share_count`),
    check(
      "red_packets_spent",
      sql`opened_amount >= 0 and refunded_amount >= 0 and opened_amount + refunded_amount <= amount`,
    ),
    check("red_packets_scene", sql`(group_id is null) <> (receiver_id is null)`),
  ],
);

/** One share of a packet, drawn when the packet is made; opening takes the next one. */
export const redPacketShares = pgTable(
  "red_packet_shares",
  {
    packetId: safeBigint().notNull().references(() => redPackets.id),
    /** 1 … share_count, the order of opening. */
    position: integer().notNull(),
    /** 分 */
    amount: safeBigint().notNull(),
    userId: safeBigint().references(() => users.id),
    openedAt: instant(),
  },
  (table) => [
    primaryKey({ columns: [table.packetId, table.position] }),
    unique("red_packet_shares_once").on(table.packetId, table.userId),
    index("red_packet_shares_taken").on(table.userId, table.openedAt, table.packetId)
      .where(sql`user_id is not null`),
    check("red_packet_shares_amount", sql`amount >= 1`),
  ],
);

import { and, eq, or } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import type { Ctx } from "../../client/ctx.ts";
import { transfers, type TransferState } from "../../schema/transfers.ts";
import { users } from "../../schema/users.ts";
import { DomainError } from "../errors.ts";
import { refundExpiredTransfers } from "./expire.ts";

export interface Transfer {
  no: string;
  /** 分 */
  amount: number;
  state: TransferState;
  remark: string;
  fromUid: string;
  toUid: string;
  toName: string;
  createdAt: Date;
  expiresAt: Date;
  receivedAt: Date | null;
  refundedAt: Date | null;
}

export interface TransferKey {
  no: string;
  userId: number;
}

/**
 * What is due goes back first.
 * @throws {DomainError} `transfer_missing`, also for everybody else
 */
export async function readTransfer(ctx: Ctx, key: TransferKey): Promise<Transfer> {
  const transfer = await findTransfer(ctx, key);
  if (transfer.state !== "waiting" || transfer.expiresAt > ctx.now()) return transfer;
  await refundExpiredTransfers(ctx, { limit: 1, transferNo: key.no });
  return await findTransfer(ctx, key);
}

async function findTransfer(ctx: Ctx, { no, userId }: TransferKey): Promise<Transfer> {
  const [sender, receiver] = [alias(users, "sender"), alias(users, "receiver")];
  const [transfer] = await ctx.db
    .select({
      no: transfers.transferNo,
      amount: transfers.amount,
      state: transfers.state,
      remark: transfers.remark,
      fromUid: sender.uid,
      toUid: receiver.uid,
      toName: receiver.nickname,
      createdAt: transfers.createdAt,
      expiresAt: transfers.expiresAt,
      receivedAt: transfers.receivedAt,
      refundedAt: transfers.refundedAt,
    })
    .from(transfers)
    .innerJoin(sender, eq(sender.id, transfers.senderId))
    .innerJoin(receiver, eq(receiver.id, transfers.receiverId))
    .where(
      and(
        eq(transfers.transferNo, no),
        or(eq(transfers.senderId, userId), eq(transfers.receiverId, userId)),
      ),
    ).limit(1);
  if (!transfer) throw new DomainError("transfer_missing");
  return transfer;
}

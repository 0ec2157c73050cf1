import assert from "node:assert/strict";
import { WAITING_LIFE_MS } from "../../db/domain/transfers/rules.ts";
import { asPerson, defineAct } from "./act.ts";
import { type Books, PAYING, refused, sameNumber } from "./books.ts";
import { isAmount, MINUTE_MS } from "./wallet_acts.ts";

export interface Transfer {
  no: string;
  sender: number;
  receiver: number;
  amount: number;
  remark: string;
  state: "waiting" | "received" | "refunded";
  /** In minutes of the books. */
  expiresAt: number;
}

const STATUSES = { waiting: 1, received: 2, refunded: 3 } as const;

export const sendTransfer = defineAct<
  { who: number; toUid: string; amount: number; remark: string; token: string }
>("send a transfer", {
  foresee(books, { who, toUid, amount, remark, token }) {
    if (!isAmount(amount)) return refused("amount_invalid");
    const input = { toUid, remark };
    const payment = { token, who, item: "transfer" as const, amount, input };
    const spent = books.spend(payment);
    if ("refused" in spent) return spent;
    if ("again" in spent) return sameNumber("no", spent.again);
    const receiver = books.nameOf(toUid);
    if (receiver === -1) return refused("user_missing");
    if (receiver === who) return refused("self_refused");
    if (!books.areFriends(who, receiver)) return refused("friend_missing");
    if (!books.canPay(who, amount)) return refused("balance_insufficient");
    spent.token.isUsed = true;
    books.move(who, PAYING.transfer, -amount);
    const expiresAt = books.minute + WAITING_LIFE_MS / MINUTE_MS;
    return {
      granted({ no }) {
        books.remember(payment, no);
        books.transfers.push({
          no,
          sender: who,
          receiver,
          amount,
          remark,
          state: "waiting",
          expiresAt,
        });
      },
    };
  },
  call: (stage, { who, toUid, amount, remark, token }) =>
    asPerson(stage, who, "POST /transfers", {
      body: { pay_token: token, amount, to_uid: toUid, remark },
    }),
});

const findTransfer = (books: Books, no: string) => books.transfers.find((it) => it.no === no);

export const receiveTransfer = defineAct<{ who: number; no: string }>("receive a transfer", {
  foresee(books, { who, no }) {
    const transfer = findTransfer(books, no);
    if (transfer?.receiver !== who) return refused("transfer_missing");
    books.refundTransfer(transfer);
    if (transfer.state === "received") return refused("transfer_settled");
    if (transfer.state === "refunded") return refused("transfer_expired");
    transfer.state = "received";
    books.move(who, "transfer_received", transfer.amount);
    return { granted: (data) => assert.deepEqual(data, { status: 200, msg: "" }) };
  },
  call: (stage, { who, no }) => asPerson(stage, who, `POST /transfers/${no}/receive`),
});

export const readTransfer = defineAct<{ who: number; no: string }>("read a transfer", {
  foresee(books, { who, no }) {
    const transfer = findTransfer(books, no);
    if (!transfer || transfer.sender !== who && transfer.receiver !== who) {
      return refused("transfer_missing");
    }
    books.refundTransfer(transfer);
    const { amount, remark, state, sender, receiver } = transfer;
    return {
      granted: (data) =>
        assert.deepEqual(
          [data.no, data.amount, data.remark, data.status, data.from_uid, data.to_uid],
          [
            ...[no, amount, remark, STATUSES[state]],
            ...[sender, receiver].map((it) => books.people[it]!.uid),
          ],
        ),
    };
  },
  call: (stage, { who, no }) => asPerson(stage, who, `GET /transfers/${no}`),
});

import assert from "node:assert/strict";
import { AMOUNT_MAX } from "../../db/domain/ledger/rules.ts";
import {
  PAY_LOCK_MS,
  PAY_TOKEN_LIFE_MS,
  PAY_TRY_COUNT_MAX,
  WITHDRAWAL_AMOUNT_MAX,
  WITHDRAWAL_AMOUNT_MIN,
} from "../../db/domain/wallet/rules.ts";
import type { PayItem } from "../../db/schema/wallets.ts";
import { asOperator, asPerson, defineAct } from "./act.ts";
import { type Books, type Foreseen, PAYING, type Payment, refused, sameNumber } from "./books.ts";
import { HOLDER_NAME, PAY_PASSWORD } from "./cast.ts";

export const MINUTE_MS = 60_000;
/** As many records as are looked at; programs do not make more for one person. */
const RECORD_COUNT_MAX = 100;

export const isAmount = (amount: number) => amount > 0 && amount <= AMOUNT_MAX;

export const recharge = defineAct<
  { who: number; amount: number; channel: number; key: string | undefined }
>("recharge", {
  foresee(books, { who, amount, channel, key }) {
    if (!isAmount(amount)) return refused("amount_invalid");
    const known = key === undefined
      ? undefined
      : books.recharges.find((it) => it.who === who && it.key === key);
    if (known) {
      const isSame = known.amount === amount && known.channel === channel;
      return isSame ? sameNumber("recharge_no", known.no) : refused("operation_conflict");
    }
    const fresh = { who, amount, channel, key, isCredited: !books.isManual, no: "" };
    books.recharges.push(fresh);
    if (fresh.isCredited) credit(books, fresh);
    return { granted: ({ recharge_no }) => fresh.no = recharge_no };
  },
  call: (stage, { who, amount, channel, key }) =>
    asPerson(stage, who, "POST /wallet/recharge", {
      body: { amount, channel_type: channel },
      headers: { ...key !== undefined && { "Idempotency-Key": key } },
    }),
});

function credit(books: Books, { who, amount }: { who: number; amount: number }): void {
  books.purses[who]!.paidIn += amount;
  books.move(who, "recharge", amount);
}

export const confirmRecharge = defineAct<{ no: string }>("confirm a recharge", {
  foresee(books, { no }) {
    const known = books.recharges.find((it) => it.no === no);
    if (!known) return refused("recharge_missing");
    if (!known.isCredited) {
      known.isCredited = true;
      credit(books, known);
    }
    return {
      granted: ({ amount, state }) => assert.deepEqual([amount, state], [known.amount, "credited"]),
    };
  },
  call: (stage, { no }) => asOperator(stage, "POST /v1/recharges/{no}/confirm", { no }),
});

export const askToken = defineAct<
  { who: number; amount: number; item: PayItem; password: string }
>("ask for a pay token", {
  foresee(books, { who, amount, item, password }) {
    const purse = books.purses[who]!;
    if (!isAmount(amount)) return refused("amount_invalid");
    if (!/^\d{6}$/.test(password)) return refused("pay_password_invalid");
    const { lockedUntil } = purse;
    if (lockedUntil !== undefined && lockedUntil > books.minute) {
      return refused("pay_password_locked");
    }
    purse.tries = lockedUntil === undefined ? purse.tries + 1 : 1;
    purse.lockedUntil = purse.tries >= PAY_TRY_COUNT_MAX
      ? books.minute + PAY_LOCK_MS / MINUTE_MS
      : undefined;
    if (password !== PAY_PASSWORD) return refused("pay_password_wrong");
    purse.tries = 0;
    purse.lockedUntil = undefined;
    if (!books.canPay(who, amount)) return refused("balance_insufficient");
    const expiresAt = books.minute + PAY_TOKEN_LIFE_MS / MINUTE_MS;
    const token = { value: "", who, item, amount, expiresAt, isUsed: false };
    books.tokens.push(token);
    return { granted: ({ pay_token }) => token.value = pay_token };
  },
  call: (stage, { who, ...body }) => asPerson(stage, who, "POST /wallet/pay/token", { body }),
});

export const withdraw = defineAct<
  { who: number; amount: number; cardId: number; holder: string; token: string }
>("withdraw", {
  foresee(books, { who, amount, cardId, holder, token: value }) {
    if (!isAmount(amount)) return refused("amount_invalid");
    if (amount < WITHDRAWAL_AMOUNT_MIN || amount > WITHDRAWAL_AMOUNT_MAX) {
      return refused("withdrawal_limit");
    }
    const input = { cardId, holderName: holder };
    const payment: Payment = { token: value, who, item: "withdraw", amount, input };
    const spent = books.spend(payment);
    if ("refused" in spent) return spent;
    if ("again" in spent) return sameNumber("withdrawal_no", spent.again);
    const own = books.people[who]!.cardId;
    if (own === undefined) return refused("real_name_missing");
    if (own !== cardId) return refused("bank_card_missing");
    if (holder !== "" && holder !== HOLDER_NAME) return refused("bank_card_holder");
    if (!books.canPay(who, amount)) return refused("balance_insufficient");
    spent.token.isUsed = true;
    books.move(who, PAYING.withdraw, -amount);
    books.purses[who]!.held += amount;
    return {
      granted({ withdrawal_no: no }) {
        books.remember(payment, no);
        books.withdrawals.push({ no, who, amount, state: "pending", reason: "" });
      },
    };
  },
  call: (stage, { who, amount, cardId, holder, token }) =>
    asPerson(stage, who, "POST /wallet/withdraw", {
      body: { pay_token: token, amount, bankcard_id: cardId, holder_name: holder },
    }),
});

export const decide = defineAct<{ no: string; state: "paid" | "rejected"; reason: string }>(
  "decide on a withdrawal",
  {
    foresee(books, { no, state, reason }): Foreseen {
      const known = books.withdrawals.find((it) => it.no === no);
      if (!known) return refused("withdrawal_missing");
      if (known.state === "pending") {
        const purse = books.purses[known.who]!;
        known.state = state;
        known.reason = state === "paid" ? "" : reason;
        purse.held -= known.amount;
        if (state === "paid") purse.paidOut += known.amount;
        else books.move(known.who, "withdraw_rejected", known.amount);
      }
      if (known.state !== state) return refused("withdrawal_decided");
      const { amount } = known;
      return {
        granted: (data) =>
          assert.deepEqual([data.no, data.amount, data.state, data.reason], [
            ...[no, amount, state, known.reason],
          ]),
      };
    },
    call: (stage, { no, state, reason }) =>
      state === "paid"
        ? asOperator(stage, "POST /v1/withdrawals/{no}/confirm", { no })
        : asOperator(stage, "POST /v1/withdrawals/{no}/reject", { no, body: { reason } }),
  },
);

export const lookAtWallet = defineAct<{ who: number }>("look at the wallet", {
  foresee: (books, { who }) => ({
    granted: ({ amount, status, password_is_set }) =>
      assert.deepEqual([amount, status, password_is_set], [books.purses[who]!.wallet, 1, 1]),
  }),
  call: (stage, { who }) => asPerson(stage, who, "GET /wallet/my"),
});

export const listRecords = defineAct<{ who: number }>("list the records", {
  foresee: (books, { who }) => ({
    granted(data: { type: number; amount: number; balance: number }[]) {
      const { wallet, moves } = books.purses[who]!;
      let balance = wallet;
      for (const record of data) {
        assert.equal(record.balance, balance, "each record goes on from the one before");
        balance -= record.amount;
      }
      assert.ok(moves.length <= RECORD_COUNT_MAX);
      // What goes back in one statement goes back in no order of its own.
      const texts = (lines: { type: number; amount: number }[]) =>
        lines.map(({ type, amount }) => `${type} ${amount}`).sort();
      assert.deepEqual(texts(data), texts(moves));
    },
  }),
  call: (stage, { who }) =>
    asPerson(stage, who, "GET /wallet/records", {
      query: { page_index: "1", page_size: String(RECORD_COUNT_MAX) },
    }),
});

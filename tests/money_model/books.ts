import assert from "node:assert/strict";
import type { Kind } from "../../db/domain/errors.ts";
import { recordNames } from "../../db/domain/wallet/record_names.ts";
import type { TransactionKind } from "../../db/schema/ledger.ts";
import type { PayItem } from "../../db/schema/wallets.ts";
import type { Packet } from "./packet_acts.ts";
import type { Transfer } from "./transfer_acts.ts";

/** What people pay for, and how the movement is called that a token of that kind makes. */
export const PAYING = {
  redpacket: "red_packet_paid",
  transfer: "transfer_sent",
  withdraw: "withdraw",
} as const satisfies Record<PayItem, TransactionKind>;

export interface Token {
  value: string;
  who: number;
  item: PayItem;
  amount: number;
  /** In minutes of the books. */
  expiresAt: number;
  isUsed: boolean;
}

export interface Recharge {
  no: string;
  who: number;
  amount: number;
  channel: number;
  key: string | undefined;
  isCredited: boolean;
}

export interface Withdrawal {
  no: string;
  who: number;
  amount: number;
  state: "pending" | "paid" | "rejected";
  reason: string;
}

/** What one person has: 分 in the wallet, asked to be paid out, paid out, and ever paid in. */
export interface Purse {
  wallet: number;
  held: number;
  paidOut: number;
  paidIn: number;
  /** Types and amounts of the wallet's records, oldest first. */
  moves: { type: number; amount: number }[];
  /** Wrong pay passwords since the last right one, and until when none is looked at. */
  tries: number;
  lockedUntil: number | undefined;
}

export interface Payment {
  token: string;
  who: number;
  item: PayItem;
  amount: number;
  /** What a repeat has to ask for as well. */
  input: Record<string, string | number>;
}

/** What a call must be answered: a refusal of this kind, or data this function finds right. */
export type Foreseen = { refused: Kind } | { granted: Granted };
// deno-lint-ignore no-explicit-any -- each act knows its own answer
export type Granted = (data: any) => void;
export const refused = (kind: Kind): Foreseen => ({ refused: kind });

/**
 * The wallet as a few lists in memory: what everybody must have after each step of a program, and
 * what each call must be answered. Time is counted in whole minutes: a program takes less than one
 * of them, so what is over after so many is over exactly when the books say it is.
 */
export class Books {
  minute = 0;
  readonly purses: Purse[];
  readonly tokens: Token[] = [];
  readonly recharges: Recharge[] = [];
  readonly withdrawals: Withdrawal[] = [];
  readonly packets: Packet[] = [];
  readonly transfers: Transfer[] = [];
  /** What tokens were spent on, with the number that was answered. */
  readonly #spent = new Map<string, { input: string; no: string }>();

  /** @param isManual an operator must see recharges before they count */
  constructor(
    personCount: number,
    readonly people: { uid: string; cardId: number | undefined }[],
    readonly isManual: boolean,
  ) {
    this.purses = Array.from(
      { length: personCount },
      () => ({
        wallet: 0,
        held: 0,
        paidOut: 0,
        paidIn: 0,
        moves: [],
        tries: 0,
        lockedUntil: undefined,
      }),
    );
  }

  /** Of whom nobody is a friend of the first, nor in the group, nor has a bank card. */
  get stranger(): number {
    return this.purses.length - 1;
  }

  areFriends(one: number, other: number): boolean {
    return one !== other && !(Math.min(one, other) === 0 && Math.max(one, other) === this.stranger);
  }

  isMember(who: number): boolean {
    return who !== this.stranger;
  }

  nameOf(uid: string): number {
    return this.people.findIndex((person) => person.uid === uid);
  }

  /** Changes a wallet and its records. */
  move(who: number, kind: TransactionKind, amount: number): void {
    const purse = this.purses[who]!;
    purse.wallet += amount;
    purse.moves.push({ type: recordNames[kind].type, amount });
  }

  /** Whether the wallet could pay so much; below zero is nobody's. */
  canPay(who: number, amount: number): boolean {
    return this.purses[who]!.wallet >= amount;
  }

  /** What spending a token comes to before the payment's own rules are asked. */
  spend(payment: Payment): { token: Token } | { again: string } | { refused: Kind } {
    const { token: value, who, item, amount } = payment;
    const token = this.tokens.find((it) => it.value === value);
    const fits = token && token.who === who && token.item === item && token.amount === amount;
    if (fits && !token.isUsed && token.expiresAt > this.minute) return { token };
    const spent = this.#spent.get(`${who} ${item} ${value}`);
    if (!spent) return { refused: "pay_token_invalid" };
    if (spent.input !== inputText(payment)) return { refused: "operation_conflict" };
    return { again: spent.no };
  }

  /** Notes what a payment was answered, for those who ask again. */
  remember(payment: Payment, no: string): void {
    this.#spent.set(`${payment.who} ${payment.item} ${payment.token}`, {
      input: inputText(payment),
      no,
    });
  }

  /** Gives back whatever is due, as the job does. */
  settle(): void {
    for (const packet of this.packets) this.refundPacket(packet);
    for (const transfer of this.transfers) this.refundTransfer(transfer);
  }

  refundPacket(packet: Packet): void {
    if (packet.state !== "open" || packet.expiresAt > this.minute) return;
    packet.state = "refunded";
    packet.refunded = packet.amount - takenOf(packet);
    this.move(packet.sender, "red_packet_refunded", packet.refunded);
  }

  refundTransfer(transfer: Transfer): void {
    if (transfer.state !== "waiting" || transfer.expiresAt > this.minute) return;
    transfer.state = "refunded";
    this.move(transfer.sender, "transfer_refunded", transfer.amount);
  }
}

/** 分 that have been taken out of a packet. */
export function takenOf({ taken }: Packet): number {
  return taken.reduce((sum, share) => sum + share.amount, 0);
}

function inputText({ amount, input }: Payment): string {
  return JSON.stringify({ ...input, amount });
}

/** The answer to something done again is the number it was answered the first time. */
export function sameNumber(name: string, no: string): Foreseen {
  return { granted: (data) => assert.equal(data[name], no) };
}

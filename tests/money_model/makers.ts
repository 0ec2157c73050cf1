import type { PayItem } from "../../db/schema/wallets.ts";
import type { Act } from "./act.ts";
import type { Books } from "./books.ts";
import { PAY_PASSWORD } from "./cast.ts";
import { createPacket, payPacket } from "./packet_acts.ts";
import { sendTransfer } from "./transfer_acts.ts";
import { askToken, confirmRecharge, recharge, withdraw } from "./wallet_acts.ts";

/** What a step can do. */
export interface Performer {
  books: Books;
  /** Every call so far. */
  history: Act[];
  perform(act: Act): Promise<void>;
  advance(minutes: number): void;
  settle(): Promise<void>;
}

/** Numbers of nobody's. */
export const UNKNOWN = "0".repeat(32);
/** Picks with the numbers of a step, one after the other. */
export class Picker {
  #at = 0;
  constructor(private readonly numbers: number[]) {}
  below(end: number): number {
    return this.numbers[this.#at++ % this.numbers.length]! % end;
  }
  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
  /** True once in so many times. */
  rarely(times: number): boolean {
    return this.below(times) === times - 1;
  }
}

/** Somebody pays in; where operators confirm, one does mostly. */
export async function openPurse(performer: Performer, who: number): Promise<void> {
  const { books, perform } = performer;
  await perform(recharge({ who, amount: 3_000 + who, channel: 1, key: undefined }));
  if (books.isManual && who % 3 < 2) {
    await perform(confirmRecharge({ no: books.recharges.at(-1)!.no }));
  }
}

/** Nobody's when it was refused. */
export async function freshToken(
  performer: Performer,
  wanted: { who: number; item: PayItem; amount: number },
): Promise<string> {
  const { tokens } = performer.books;
  const count = tokens.length;
  await performer.perform(askToken({ ...wanted, password: PAY_PASSWORD }));
  return tokens[count]?.value ?? UNKNOWN;
}

/** Sees to it that there is something to work on, most of the time. */
export async function provide(
  isThere: boolean,
  pick: Picker,
  make: () => Promise<void>,
): Promise<void> {
  if (!isThere && !pick.rarely(12)) await make();
}

/** A member's packet: to the group, of shares for all or all but one, or to a friend. */
export async function makePacket({ books, perform }: Performer, pick: Picker): Promise<void> {
  const memberCount = books.purses.length - 1;
  const who = pick.below(memberCount);
  const terms = { who, type: 1 + pick.below(2) };
  const each = 1 + pick.below(100);
  if (pick.rarely(3)) {
    const scene = { type: 1, who: who === 0 ? 1 : who - 1 } as const;
    await perform(createPacket({ ...terms, scene, num: 1, amount: each }));
    return;
  }
  const num = Math.max(1, memberCount - 1 + pick.below(2));
  await perform(createPacket({ ...terms, scene: { type: 2 }, num, amount: num * each }));
}

export async function makePaidPacket(performer: Performer, pick: Picker): Promise<void> {
  await makePacket(performer, pick);
  const { sender: who, amount, no } = performer.books.packets.at(-1)!;
  const token = await freshToken(performer, { who, item: "redpacket", amount });
  await performer.perform(payPacket({ who, no, token }));
}

export async function makeTransfer(performer: Performer, pick: Picker): Promise<void> {
  const { books: { people, purses } } = performer;
  const who = pick.below(purses.length - 1);
  const toUid = people[who === 0 ? 1 : who - 1]!.uid;
  const amount = 1 + pick.below(500);
  const token = await freshToken(performer, { who, item: "transfer", amount });
  await performer.perform(sendTransfer({ who, toUid, amount, remark: "", token }));
}

export async function makeWithdrawal(performer: Performer, pick: Picker): Promise<void> {
  const { books: { people, purses } } = performer;
  const who = pick.below(purses.length - 1);
  const amount = 100 + pick.below(500);
  const token = await freshToken(performer, { who, item: "withdraw", amount });
  const cardId = people[who]!.cardId!;
  await performer.perform(withdraw({ who, amount, cardId, holder: "", token }));
}

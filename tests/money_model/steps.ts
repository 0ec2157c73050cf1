import type { PayItem } from "../../db/schema/wallets.ts";
import type { Step, What } from "./program.ts";
import {
  freshToken,
  makePacket,
  makePaidPacket,
  makeTransfer,
  makeWithdrawal,
  type Performer,
  Picker,
  provide,
  UNKNOWN,
} from "./makers.ts";
import { HOLDER_NAME, PAY_PASSWORD } from "./cast.ts";
import {
  type Channel,
  createPacket,
  lookAtPacket,
  openPacket,
  payPacket,
  readPacket,
  type Scene,
} from "./packet_acts.ts";
import { readTransfer, receiveTransfer, sendTransfer } from "./transfer_acts.ts";
import {
  askToken,
  confirmRecharge,
  decide,
  listRecords,
  lookAtWallet,
  recharge,
  withdraw,
} from "./wallet_acts.ts";

/** How long a program may last in all, minutes: its people are logged in for 30 days. */
const DAYS_MAX_MINUTES = 27 * 24 * 60;
/** Around what has to do with time: 5 and 10 min, 3 and 24 h. */
const ADVANCES = [1, 4, 5, 9, 10, 179, 180, 1_439, 1_440];

/** Does what a step says with what there is by now. */
export async function performStep(performer: Performer, { what, numbers }: Step): Promise<void> {
  await STEPS[what](performer, new Picker(numbers));
}

const anybody = ({ books }: Performer, pick: Picker) => pick.below(books.purses.length);
const noOf = (known: { no: string }[], pick: Picker) =>
  known.length === 0 || pick.rarely(25) ? UNKNOWN : pick.of(known).no;

/** Mostly what somebody can pay, sometimes more, seldom no amount at all. */
function amountFor({ books }: Performer, who: number, pick: Picker): number {
  if (pick.rarely(12)) return pick.of([0, -5, 100_000_001]);
  const { wallet } = books.purses[who]!;
  return 1 + pick.below(Math.max(10, Math.floor(wallet * 1.1)));
}

/** Mostly a fresh token for just this, sometimes any other there is. */
async function tokenFor(
  performer: Performer,
  { who, item, amount }: { who: number; item: PayItem; amount: number },
  pick: Picker,
): Promise<string> {
  const { tokens } = performer.books;
  if (pick.rarely(5) && tokens.length > 0) return pick.of(tokens).value;
  return await freshToken(performer, { who, item, amount });
}

const STEPS: Record<What, (performer: Performer, pick: Picker) => Promise<void>> = {
  async recharge(performer, pick) {
    const who = anybody(performer, pick);
    const amount = pick.rarely(15) ? pick.of([0, -1, 100_000_001]) : 100 + pick.below(5_000);
    const key = pick.of([undefined, undefined, "a", "b"]);
    await performer.perform(recharge({ who, amount, key, channel: 1 + pick.below(3) }));
  },
  async confirm(performer, pick) {
    await performer.perform(confirmRecharge({ no: noOf(performer.books.recharges, pick) }));
  },
  async token(performer, pick) {
    const who = anybody(performer, pick);
    const item = pick.of(["redpacket", "transfer", "withdraw"] as const);
    const password = pick.of([PAY_PASSWORD, "000000", "111111", "24681"]);
    // Five wrong ones in a row are not left to chance alone.
    const times = password !== PAY_PASSWORD && pick.rarely(3) ? 5 : 1;
    const amount = amountFor(performer, who, pick);
    for (let time = 0; time < times; time++) {
      await performer.perform(askToken({ who, item, amount, password }));
    }
  },
  async create(performer, pick) {
    const who = anybody(performer, pick);
    const num = 1 + pick.below(performer.books.purses.length);
    const friend: Scene = { type: 1, who: anybody(performer, pick) };
    const group: Scene = { type: 2 };
    const nowhere: Scene[] = [{ type: 1, id: UNKNOWN }, { type: 2, id: UNKNOWN }];
    const scene = pick.of([group, group, friend, ...pick.rarely(4) ? nowhere : []]);
    const shareCount = scene.type === 1 && !pick.rarely(8) ? 1 : num;
    const type = 1 + pick.below(2);
    const amount = amountFor(performer, who, pick);
    const isEven = type === 2 || pick.rarely(6) || amount < shareCount;
    const rounded = isEven ? amount : amount - amount % shareCount;
    await performer.perform(
      createPacket({ who, scene, amount: rounded, num: shareCount, type }),
    );
  },
  async pay(performer, pick) {
    const { books } = performer;
    await provide(books.packets.length > 0, pick, () => makePacket(performer, pick));
    const unpaid = books.packets.filter(({ state }) => state === "unpaid");
    const among = unpaid.length > 0 && !pick.rarely(5) ? unpaid : books.packets;
    const no = noOf(among, pick);
    const packet = books.packets.find((it) => it.no === no);
    const who = packet && !pick.rarely(8) ? packet.sender : anybody(performer, pick);
    const paying = { who, item: "redpacket", amount: packet?.amount ?? 1 } as const;
    await performer.perform(payPacket({ who, no, token: await tokenFor(performer, paying, pick) }));
  },
  async open(performer, pick) {
    const { books } = performer;
    const isOpen = ({ state }: { state: string }) => state === "open";
    await provide(books.packets.some(isOpen), pick, () => makePaidPacket(performer, pick));
    const open = books.packets.filter(isOpen);
    const no = noOf(open.length > 0 && !pick.rarely(5) ? open : books.packets, pick);
    const packet = books.packets.find((it) => it.no === no);
    const right: Channel = packet?.receiver === undefined
      ? { type: 2 }
      : { type: 1, who: packet.sender };
    const channel = pick.rarely(10)
      ? pick.of<Channel>([{ type: 2 }, { type: 1, who: anybody(performer, pick) }])
      : right;
    const who = packet?.receiver !== undefined && !pick.rarely(4)
      ? packet.receiver
      : anybody(performer, pick);
    await performer.perform(openPacket({ who, no, channel }));
  },
  async look(performer, pick) {
    const { packets } = performer.books;
    await provide(packets.length > 0, pick, () => makePaidPacket(performer, pick));
    const no = noOf(performer.books.packets, pick);
    await performer.perform(lookAtPacket({ who: anybody(performer, pick), no }));
  },
  async read(performer, pick) {
    const { packets } = performer.books;
    await provide(packets.length > 0, pick, () => makePaidPacket(performer, pick));
    const no = noOf(performer.books.packets, pick);
    await performer.perform(readPacket({ who: anybody(performer, pick), no }));
  },
  async send(performer, pick) {
    const who = anybody(performer, pick);
    const amount = amountFor(performer, who, pick);
    const toUid = pick.rarely(15) ? UNKNOWN : pick.of(performer.books.people).uid;
    const token = await tokenFor(performer, { who, item: "transfer", amount }, pick);
    const remark = pick.of(["", "午饭"]);
    await performer.perform(sendTransfer({ who, toUid, amount, remark, token }));
  },
  async receive(performer, pick) {
    const { books } = performer;
    await provide(books.transfers.length > 0, pick, () => makeTransfer(performer, pick));
    const waiting = books.transfers.filter(({ state }) => state === "waiting");
    const no = noOf(waiting.length > 0 && !pick.rarely(5) ? waiting : books.transfers, pick);
    const payee = books.transfers.find((it) => it.no === no)?.receiver;
    const who = payee === undefined || pick.rarely(6) ? anybody(performer, pick) : payee;
    await performer.perform(receiveTransfer({ who, no }));
  },
  async readTransfer(performer, pick) {
    const { transfers } = performer.books;
    await provide(transfers.length > 0, pick, () => makeTransfer(performer, pick));
    const no = noOf(performer.books.transfers, pick);
    await performer.perform(readTransfer({ who: anybody(performer, pick), no }));
  },
  async withdraw(performer, pick) {
    const { people } = performer.books;
    const who = anybody(performer, pick);
    const amount = amountFor(performer, who, pick);
    const cards = people.flatMap(({ cardId }) => cardId ?? []);
    const cardId = pick.rarely(8) ? pick.of(cards) : people[who]!.cardId ?? cards[0]!;
    const holder = pick.of(["", "", HOLDER_NAME, "别人"]);
    const token = await tokenFor(performer, { who, item: "withdraw", amount }, pick);
    await performer.perform(withdraw({ who, amount, cardId, holder, token }));
  },
  async decide(performer, pick) {
    const { books } = performer;
    await provide(books.withdrawals.length > 0, pick, () => makeWithdrawal(performer, pick));
    const no = noOf(books.withdrawals, pick);
    const state = pick.of(["paid", "rejected"] as const);
    await performer.perform(decide({ no, state, reason: pick.of(["", "卡号不对"]) }));
  },
  async wallet(performer, pick) {
    await performer.perform(lookAtWallet({ who: anybody(performer, pick) }));
  },
  async records(performer, pick) {
    await performer.perform(listRecords({ who: anybody(performer, pick) }));
  },
  async overdraw(performer, pick) {
    const { books, perform } = performer;
    const who = pick.below(books.purses.length - 1);
    const amount = Math.floor(books.purses[who]!.wallet * 0.6) + 1;
    const toUid = books.people[who === 0 ? 1 : who - 1]!.uid;
    const item = pick.of(["transfer", "withdraw", "redpacket"] as const);
    // Both are good when they are asked for; there is enough for one of them.
    const [first, second] = [
      await freshToken(performer, { who, item: "transfer", amount }),
      await freshToken(performer, { who, item, amount }),
    ];
    const sending = { who, toUid, amount, remark: "" };
    await perform(sendTransfer({ ...sending, token: first }));
    if (item === "transfer") await perform(sendTransfer({ ...sending, token: second }));
    if (item === "withdraw") {
      const cardId = books.people[who]!.cardId!;
      await perform(withdraw({ who, amount, cardId, holder: "", token: second }));
    }
    if (item === "redpacket") {
      const terms = { amount, num: 1, type: 1, scene: { type: 2 } as const };
      await perform(createPacket({ who, ...terms }));
      const made = books.packets.at(-1);
      await perform(payPacket({ who, no: made?.no ?? UNKNOWN, token: second }));
    }
  },
  advance(performer, pick) {
    const minutes = pick.of(ADVANCES);
    if (performer.books.minute + minutes <= DAYS_MAX_MINUTES) performer.advance(minutes);
    return Promise.resolve();
  },
  settle: (performer) => performer.settle(),
  async repeat({ history, perform }, pick) {
    if (history.length > 0) await perform(pick.of(history));
  },
  async twist(performer, pick) {
    const { history, perform } = performer;
    const keyed = history.filter(({ input }) => (input.token ?? input.key) !== undefined);
    if (keyed.length === 0) return;
    const act = pick.of(keyed);
    const other: Record<string, unknown> = {
      amount: Number(act.input.amount) + 1,
      remark: "晚饭",
      channel: 2,
      holder: "别人",
      who: anybody(performer, pick),
      no: noOf(performer.books.packets, pick),
      toUid: pick.of(performer.books.people).uid,
    };
    const name = pick.of(Object.keys(other).filter((name) => name in act.input));
    await perform(act.but({ [name]: other[name] }));
  },
};

import assert from "node:assert/strict";
import {
  OPEN_LIFE_MS,
  PacketStatus,
  SHARE_AMOUNT_MAX,
  UNPAID_LIFE_MS,
} from "../../db/domain/red_packets/rules.ts";
import { RedPacketType } from "../../db/schema/red_packets.ts";
import { asPerson, defineAct } from "./act.ts";
import { type Books, type Foreseen, PAYING, refused, sameNumber, takenOf } from "./books.ts";
import { isAmount, MINUTE_MS } from "./wallet_acts.ts";

/** Where a packet goes: the group, a person of the cast, or a name nobody has. */
export type Scene = { type: 1; who: number } | { type: 2 } | { type: 1 | 2; id: string };

export interface Packet {
  no: string;
  sender: number;
  /** Absent: the group's. */
  receiver: number | undefined;
  amount: number;
  shareCount: number;
  type: number;
  state: "unpaid" | "open" | "finished" | "refunded";
  /** In minutes of the books. */
  expiresAt: number;
  taken: { who: number; amount: number }[];
  refunded: number;
}

export const createPacket = defineAct<
  { who: number; scene: Scene; amount: number; num: number; type: number }
>("create a red packet", {
  foresee(books, { who, scene, amount, num, type }) {
    if (!isAmount(amount)) return refused("amount_invalid");
    const isSharable = amount >= num && amount <= num * SHARE_AMOUNT_MAX &&
      (type !== RedPacketType.fixed || amount % num === 0);
    const isForPerson = scene.type === 1;
    if (!isSharable || isForPerson && num !== 1) return refused("redpacket_invalid");
    if ("id" in scene) return refused(isForPerson ? "user_missing" : "group_missing");
    if ("who" in scene) {
      if (scene.who === who) return refused("self_refused");
      if (!books.areFriends(who, scene.who)) return refused("friend_missing");
    } else {
      if (!books.isMember(who)) return refused("group_not_member");
      if (num > books.people.length - 1) return refused("redpacket_invalid");
    }
    const packet: Packet = {
      no: "",
      sender: who,
      receiver: "who" in scene ? scene.who : undefined,
      amount,
      shareCount: num,
      type,
      state: "unpaid",
      taken: [],
      refunded: 0,
      expiresAt: books.minute + UNPAID_LIFE_MS / MINUTE_MS,
    };
    books.packets.push(packet);
    return { granted: ({ redpacket_no }) => packet.no = redpacket_no };
  },
  call(stage, { who, scene, amount, num, type }) {
    const id = "id" in scene
      ? scene.id
      : "who" in scene
      ? stage.people[scene.who]!.uid
      : stage.groupNo;
    const body = { scene_id: id, scene_type: scene.type, amount, num, type };
    return asPerson(stage, who, "POST /redpackets", { body });
  },
});

const findPacket = (books: Books, no: string) => books.packets.find((it) => it.no === no);

export const payPacket = defineAct<{ who: number; no: string; token: string }>(
  "pay for a red packet",
  {
    foresee(books, { who, no, token }) {
      const packet = findPacket(books, no);
      if (packet?.sender !== who) return refused("redpacket_missing");
      const { amount } = packet;
      const payment = { token, who, item: "redpacket" as const, amount, input: { no } };
      const spent = books.spend(payment);
      if ("refused" in spent) return spent;
      if ("again" in spent) return sameNumber("pay_no", spent.again);
      if (packet.state !== "unpaid") return refused("redpacket_paid");
      if (packet.expiresAt <= books.minute) return refused("redpacket_expired");
      if (!books.canPay(who, amount)) return refused("balance_insufficient");
      spent.token.isUsed = true;
      books.move(who, PAYING.redpacket, -amount);
      packet.state = "open";
      packet.expiresAt = books.minute + OPEN_LIFE_MS / MINUTE_MS;
      return {
        granted({ pay_no, out_trade_no }) {
          assert.equal(out_trade_no, no);
          books.remember(payment, pay_no);
        },
      };
    },
    call: (stage, { who, no, token }) =>
      asPerson(stage, who, `POST /redpackets/${no}/pay`, { body: { pay_token: token } }),
  },
);

/** Where somebody says they see a packet: in the group, or with one of the people. */
export type Channel = { type: 2 } | { type: 1; who: number };

export const openPacket = defineAct<{ who: number; no: string; channel: Channel }>(
  "open a red packet",
  {
    foresee(books, { who, no, channel }): Foreseen {
      const packet = findPacket(books, no);
      if (!packet) return refused("redpacket_missing");
      const isInScene = packet.receiver === undefined
        ? channel.type === 2 && books.isMember(who)
        : channel.type === 1 && channel.who === packet.sender && packet.receiver === who;
      if (!isInScene) return refused("redpacket_refused");
      books.refundPacket(packet);
      if (packet.state === "unpaid") return refused("redpacket_unpaid");
      if (packet.taken.some((share) => share.who === who)) return refused("redpacket_opened");
      if (packet.state === "finished") return refused("redpacket_empty");
      if (packet.state === "refunded") return refused("redpacket_expired");
      return { granted: ({ open_amount }) => take(books, packet, { who, amount: open_amount }) };
    },
    call: (stage, { who, no, channel }) =>
      asPerson(stage, who, `POST /redpackets/${no}/open`, {
        body: {
          channel_id: channel.type === 2 ? stage.groupNo : stage.people[channel.who]!.uid,
          channel_type: channel.type,
        },
      }),
  },
);

/** What somebody drew is the server's to say, within bounds; the last takes what is left. */
function take(books: Books, packet: Packet, share: { who: number; amount: number }): void {
  const { amount, shareCount, type, taken } = packet;
  const left = amount - takenOf(packet);
  const others = shareCount - taken.length - 1;
  const said = `a share of ${share.amount}, ${left} left for it and ${others} more`;
  assert.ok(Number.isInteger(share.amount), said);
  if (type === RedPacketType.fixed) assert.equal(share.amount, amount / shareCount, said);
  if (others === 0) assert.equal(share.amount, left, said);
  assert.ok(share.amount >= 1 && share.amount <= SHARE_AMOUNT_MAX, said);
  assert.ok(left - share.amount >= others, said);
  taken.push(share);
  if (others === 0) packet.state = "finished";
  books.move(share.who, "red_packet_opened", share.amount);
}

/** As `/get` has it: 2 for who has taken a share. */
function statusFor(packet: Packet, who: number, minute: number): number {
  const hasTaken = packet.taken.some((share) => share.who === who);
  return hasTaken ? PacketStatus.taken : statusOf(packet, minute);
}

/** As the details have it: the packet's own. */
function statusOf(packet: Packet, minute: number): number {
  if (packet.state === "finished") return PacketStatus.finished;
  if (packet.state === "refunded" || packet.expiresAt <= minute) return PacketStatus.expired;
  return packet.state === "unpaid" ? PacketStatus.unpaid : PacketStatus.open;
}

/** The packet for those it is for and its sender; what is due has gone back then. */
function seen(books: Books, { who, no }: { who: number; no: string }): Packet | undefined {
  const packet = findPacket(books, no);
  const isFor = packet && (packet.sender === who || packet.receiver === who ||
    packet.receiver === undefined && books.isMember(who));
  if (!isFor) return undefined;
  books.refundPacket(packet);
  return packet;
}

export const lookAtPacket = defineAct<{ who: number; no: string }>("look at a red packet", {
  foresee(books, input) {
    const packet = seen(books, input);
    if (!packet) return refused("redpacket_missing");
    const status = statusFor(packet, input.who, books.minute);
    return {
      granted: (data) =>
        assert.deepEqual([data.redpacket_no, data.sender_uid, data.status], [
          ...[packet.no, books.people[packet.sender]!.uid, status],
        ]),
    };
  },
  call: (stage, { who, no }) => asPerson(stage, who, `GET /redpackets/${no}/get`),
});

export const readPacket = defineAct<{ who: number; no: string }>("read a red packet", {
  foresee(books, input) {
    const packet = seen(books, input);
    if (!packet) return refused("redpacket_missing");
    const { amount, shareCount, type, taken, refunded } = packet;
    const expected = {
      type,
      amount,
      total_num: shareCount,
      open_num: taken.length,
      channel_type: packet.receiver === undefined ? 2 : 1,
      balance: amount - takenOf(packet) - refunded,
      status: statusOf(packet, books.minute),
      my_open_amount: taken.find(({ who }) => who === input.who)?.amount ?? 0,
    };
    const luckiest = packet.state === "finished" && type !== RedPacketType.fixed
      ? Math.max(...taken.map((share) => share.amount))
      : Infinity;
    const lucky = taken.findIndex((share) => share.amount === luckiest);
    const records = taken.map((share, at) => ({
      uid: books.people[share.who]!.uid,
      open_amount: share.amount,
      is_luck: at === lucky ? 1 : 0,
    }));
    return {
      granted(data) {
        const names = Object.keys(expected);
        assert.deepEqual(Object.fromEntries(names.map((name) => [name, data[name]])), expected);
        assert.equal(data.finished_time > 0, packet.state === "finished");
        assert.deepEqual(
          data.records.map(({ uid, open_amount, is_luck }: Record<string, unknown>) => ({
            uid,
            open_amount,
            is_luck,
          })),
          records,
        );
      },
    };
  },
  call: (stage, { who, no }) => asPerson(stage, who, `GET /redpackets/${no}`),
});

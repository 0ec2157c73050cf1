import { CHINA_AHEAD_MS, inChina } from "../china_time.ts";
import { DomainError } from "../errors.ts";

export const SHARE_COUNT_MAX = 100;
/** Most one share may be, 分. */
export const SHARE_AMOUNT_MAX = 20_000;
/** How long a packet may wait to be paid, and to be opened, ms. */
export const UNPAID_LIFE_MS = 10 * 60 * 1000;
export const OPEN_LIFE_MS = 24 * 60 * 60 * 1000;
export const BLESSING_DEFAULT = "恭喜发财，大吉大利";
export const BLESSING_LENGTH_MAX = 50;
export const YEAR_COUNT_MAX = 100;

const FIXED = 1;

export interface OpenInput {
  redpacketNo: string;
  userId: number;
  /** Where the opener sees the packet: the group's number, or the other person's uid. */
  channel: { type: number; id: string };
}

/** Draws a whole number from `from` to `to`, both included, from a source nobody can foresee. */
export type Draw = (from: number, to: number) => number;

export interface PacketTerms {
  /** 1 equal shares, 2 drawn at random. */
  type: number;
  amount: number;
  shareCount: number;
}

/**
 * Refuses a packet that cannot be shared out: at least 1 分 a share and at most
 * {@link SHARE_AMOUNT_MAX}, equal shares without a remainder.
 * @throws {DomainError} `redpacket_invalid`
 */
export function checkTerms({ type, amount, shareCount }: PacketTerms): void {
  const isWhole = Number.isInteger(amount) && Number.isInteger(shareCount);
  const isSharable = isWhole && shareCount >= 1 && shareCount <= SHARE_COUNT_MAX &&
    amount >= shareCount &&
    amount <= shareCount * SHARE_AMOUNT_MAX;
  const isEqual = type !== FIXED || amount % shareCount === 0;
  if (!isSharable || !isEqual) throw new DomainError("redpacket_invalid");
}

/**
 * The shares of a packet in the order they will be taken, 分: whole, at least 1, together exactly
 * the amount. Random ones by the double-average draw: each is uniform from 1 to twice the average
 * of what is left, and the last takes the rest.
 */
export function drawShares({ type, amount, shareCount }: PacketTerms, draw: Draw): number[] {
  if (type === FIXED) return new Array(shareCount).fill(amount / shareCount);
  const shares: number[] = [];
  let left = amount;
  for (let others = shareCount - 1; others >= 0; others--) {
    // What those after this one need at least, and can take at most.
    const from = Math.max(1, left - others * SHARE_AMOUNT_MAX);
    const twiceAverage = Math.floor((2 * left) / (others + 1)) - 1;
    const to = Math.min(Math.max(twiceAverage, from), left - others, SHARE_AMOUNT_MAX);
    const share = others === 0 ? left : draw(from, to);
    shares.push(share);
    left -= share;
  }
  return shares;
}

/** The place of the largest share, from 1, the first of equals; 0 where shares do not differ. */
export function luckiestOf({ type }: Pick<PacketTerms, "type">, shares: number[]): number {
  return type === FIXED ? 0 : shares.indexOf(Math.max(...shares)) + 1;
}

/** The number apps know a packet's state by; {@link PacketStatus.taken}: by the one who asks. */
export const PacketStatus = { unpaid: 0, open: 1, taken: 2, finished: 3, expired: 4 } as const;
export type PacketStatus = (typeof PacketStatus)[keyof typeof PacketStatus];

/** How a packet itself stands. */
export type OwnStatus = Exclude<PacketStatus, typeof PacketStatus.taken>;

export interface StateFacts {
  state: "unpaid" | "open" | "finished" | "refunded";
  expiresAt: Date;
}

export interface StatusFacts extends StateFacts {
  /** The one who asks has taken a share. */
  hasOpened: boolean;
}

/** How a packet stands for somebody. */
export function statusFor({ hasOpened, ...packet }: StatusFacts, now: Date): PacketStatus {
  return hasOpened ? PacketStatus.taken : statusOf(packet, now);
}

/** How it stands whoever looks, also when nobody has come by to give back what is due. */
export function statusOf({ state, expiresAt }: StateFacts, now: Date): OwnStatus {
  if (state === "finished") return PacketStatus.finished;
  if (state === "refunded" || expiresAt <= now) return PacketStatus.expired;
  return state === "unpaid" ? PacketStatus.unpaid : PacketStatus.open;
}

/** When a year began in China, ms since 1970. */
export function yearStartMs(year: number): number {
  // Date.UTC would take the years 0 to 99 for others.
  return new Date(0).setUTCFullYear(year, 0, 1) - CHINA_AHEAD_MS;
}

export function yearOf(at: Date): number {
  return inChina(at).getUTCFullYear();
}

export interface OpeningFacts extends StatusFacts {
  openedCount: number;
  shareCount: number;
  /** In the packet's group, or the person it is for. */
  isInScene: boolean;
}

/**
 * Refuses an opening that cannot succeed, with the reason that helps most.
 * @throws {DomainError} `redpacket_refused`, `redpacket_unpaid`, `redpacket_opened`,
 *   `redpacket_empty`, `redpacket_expired`
 */
export function checkOpening(facts: OpeningFacts, now: Date): void {
  const { state, openedCount, shareCount, expiresAt } = facts;
  if (!facts.isInScene) throw new DomainError("redpacket_refused");
  if (state === "unpaid") throw new DomainError("redpacket_unpaid");
  if (facts.hasOpened) throw new DomainError("redpacket_opened");
  if (state === "finished" || openedCount === shareCount) throw new DomainError("redpacket_empty");
  if (state === "refunded" || expiresAt <= now) throw new DomainError("redpacket_expired");
}

import { readConfig } from "../../config/config.ts";
import { localBus } from "../../db/bus/bus.ts";
import { contextFor, type Ctx, type Database } from "../../db/client/ctx.ts";
import type { Kind } from "../../db/domain/errors.ts";
import { createRedPacket } from "../../db/domain/red_packets/create.ts";
import { openRedPacket } from "../../db/domain/red_packets/open.ts";
import { payRedPacket } from "../../db/domain/red_packets/pay.ts";
import { lookAtRedPacket, readRedPacket } from "../../db/domain/red_packets/read_packet.ts";
import { readTransfer } from "../../db/domain/transfers/reads.ts";
import { receiveTransfer } from "../../db/domain/transfers/receive.ts";
import { sendTransfer } from "../../db/domain/transfers/send.ts";
import { confirmRecharge } from "../../db/domain/wallet/confirm_recharge.ts";
import { decideWithdrawal } from "../../db/domain/wallet/decide_withdrawal.ts";
import { issuePayToken } from "../../db/domain/wallet/issue_pay_token.ts";
import { createRecharge } from "../../db/domain/wallet/recharge.ts";
import { requestWithdrawal } from "../../db/domain/wallet/withdraw.ts";
import { type JobDeps, runDue } from "../../jobs/run.ts";
import { openProviders } from "../../providers/providers.ts";
import { jobs } from "../../jobs/schedule.ts";
import { giveMoney, issuePayToken as grantToken } from "../people/money.ts";
import { type Cast, PAY_PASSWORD } from "./cast.ts";

/** What a flow works with, made over any handle on the database. */
export interface Surroundings {
  ctx: Ctx;
  deps: JobDeps;
}

/** What a call is about: text and numbers, for another process may have to make it. */
export type Subject = Record<string, string | number>;

/** A way money takes, from everything it needs being there to its answer. */
export interface Flow {
  name: string;
  channel?: "manual";
  prepare(ctx: Ctx, cast: Cast): Promise<Subject>;
  /** How long after {@link prepare} it happens, ms. */
  afterMs?: number;
  run(surroundings: Surroundings, subject: Subject): Promise<unknown>;
  /** How long after that it is tried again, ms. */
  retryAfterMs?: number;
  /** The refusal that says it has been done before; absent: the answer is given again. */
  doneAs?: Kind;
  /** Nobody can ask for the same again: after a lost answer there is another, of no harm. */
  isKeyless?: true;
  /** The refusal that is its answer in any case: what is due goes back instead. */
  answersWith?: Kind;
}

/** The product's context at a moment that stands still. */
export function surroundingsOf(
  database: Database,
  { nowMs, channel = "development" }: { nowMs: number; channel?: string | undefined },
): Surroundings {
  const config = readConfig(
    { RECHARGE_CHANNEL: channel },
    () => ({ secretKey: "a secret key that only tests know" }),
  );
  const now = () => new Date(nowMs);
  const providers = openProviders(config);
  const deps = {
    config,
    database,
    bus: localBus(),
    providers,
    now,
    log() {},
  } as unknown as JobDeps;
  // Nothing of money asks Redis for anything.
  deps.redis = {} as JobDeps["redis"];
  return { ctx: contextFor(deps, "flow"), deps };
}

const AMOUNT = 300;
const DAY_MS = 24 * 60 * 60 * 1000;
const HOUR_MS = 60 * 60 * 1000;
const settleJob = jobs.find(({ name }) => name === "settle")!;
const settle = { run: ({ deps }: Surroundings) => runDue(settleJob, deps), retryAfterMs: HOUR_MS };

const actorOf = ({ operatorId }: Subject) => ({
  kind: "operator" as const,
  operatorId: Number(operatorId),
  role: "operator" as const,
  name: "operator",
  jti: "",
});
const userOf = ({ userId }: Subject) => ({ userId: Number(userId) });
const packetOf = (subject: Subject) => ({
  ...userOf(subject),
  redpacketNo: String(subject.packet),
});
const transferOf = (subject: Subject) => ({ ...userOf(subject), no: String(subject.transfer) });
const channelOf = ({ channelType, channelId }: Subject) => ({
  type: Number(channelType),
  id: String(channelId),
});

const person = ({ people }: Cast, at: number) => people[at]!;

/** The first of the cast with money and a token for all of it. */
async function payer(ctx: Ctx, cast: Cast, item: "redpacket" | "transfer" | "withdraw") {
  const { userId } = person(cast, 0);
  await giveMoney(ctx, { userId }, AMOUNT);
  return { userId, payToken: await grantToken(ctx, { userId }, { item, amount: AMOUNT }) };
}

/** A packet of equal shares that waits to be paid, for the group or for one person. */
async function unpaidPacket(ctx: Ctx, cast: Cast, { forPerson = false, shareCount = 2 } = {}) {
  const scene = forPerson
    ? { type: 1 as const, id: person(cast, 1).uid }
    : { type: 2 as const, id: cast.groupNo };
  const terms = { type: 1, amount: AMOUNT, shareCount: forPerson ? 1 : shareCount, blessing: "" };
  const { userId } = person(cast, 0);
  const packet = await createRedPacket(ctx, { userId, scene, ...terms });
  return { packet, ...await payer(ctx, cast, "redpacket") };
}

async function paidPacket(ctx: Ctx, cast: Cast, how: { forPerson?: boolean; shareCount?: number }) {
  const { packet, userId, payToken } = await unpaidPacket(ctx, cast, how);
  await payRedPacket(ctx, { redpacketNo: packet, userId, payToken });
  const channel = how.forPerson
    ? { channelType: 1, channelId: person(cast, 0).uid }
    : { channelType: 2, channelId: cast.groupNo };
  return { packet, userId: person(cast, 1).userId, ...channel };
}

async function sentTransfer(ctx: Ctx, cast: Cast) {
  const toUid = person(cast, 1).uid;
  const sending = { ...await payer(ctx, cast, "transfer"), amount: AMOUNT, toUid, remark: "" };
  return { transfer: await sendTransfer(ctx, sending), userId: person(cast, 1).userId };
}

async function heldWithdrawal(ctx: Ctx, cast: Cast) {
  const card = { cardId: person(cast, 0).cardId!, holderName: "" };
  const asking = { ...await payer(ctx, cast, "withdraw"), amount: AMOUNT, ...card };
  return { withdrawal: await requestWithdrawal(ctx, asking), operatorId: cast.operatorId };
}

const decided = (state: "paid" | "rejected"): Pick<Flow, "prepare" | "run"> => ({
  prepare: heldWithdrawal,
  run: ({ ctx }, subject) =>
    decideWithdrawal(ctx, {
      withdrawalNo: String(subject.withdrawal),
      state,
      reason: "",
      actor: actorOf(subject),
    }),
});

const opened = (
  how: { forPerson?: boolean; shareCount?: number },
): Pick<Flow, "prepare" | "run" | "doneAs"> => ({
  prepare: (ctx, cast) => paidPacket(ctx, cast, how),
  run: ({ ctx }, subject) =>
    openRedPacket(ctx, { ...packetOf(subject), channel: channelOf(subject) }),
  doneAs: "redpacket_opened",
});

const paidFor = (how: { forPerson?: boolean }): Pick<Flow, "prepare" | "run"> => ({
  prepare: (ctx, cast) => unpaidPacket(ctx, cast, how),
  run: ({ ctx }, subject) =>
    payRedPacket(ctx, { ...packetOf(subject), payToken: String(subject.payToken) }),
});

const GROUPS = { forPerson: false, shareCount: 2 };

export const flows: Flow[] = [
  ...([undefined, "manual"] as const).map((channel): Flow => ({
    name: `recharge, ${channel ?? "development"}`,
    ...channel && { channel },
    prepare: (_ctx, cast) =>
      Promise.resolve({ userId: person(cast, 0).userId, key: crypto.randomUUID() }),
    run: ({ ctx }, subject) =>
      createRecharge(ctx, {
        ...userOf(subject),
        amount: AMOUNT,
        channelType: 1,
        isCreditedAtOnce: ctx.config.rechargeChannel === "development",
        operationKey: String(subject.key),
      }),
  })),
  {
    name: "recharge confirmed",
    channel: "manual",
    async prepare(ctx, cast) {
      const { userId } = person(cast, 0);
      const recharge = await createRecharge(ctx, {
        userId,
        amount: AMOUNT,
        channelType: 1,
        isCreditedAtOnce: false,
        operationKey: undefined,
      });
      return { recharge, operatorId: cast.operatorId };
    },
    run: ({ ctx }, subject) =>
      confirmRecharge(ctx, { rechargeNo: String(subject.recharge), actor: actorOf(subject) }),
  },
  {
    name: "pay token",
    isKeyless: true,
    async prepare(ctx, cast) {
      const { userId } = person(cast, 0);
      await giveMoney(ctx, { userId }, AMOUNT);
      return { userId };
    },
    run: ({ ctx }, subject) => {
      const wanted = { amount: AMOUNT, item: "transfer", password: PAY_PASSWORD } as const;
      return issuePayToken(ctx, { ...userOf(subject), ...wanted });
    },
  },
  {
    name: "red packet created",
    isKeyless: true,
    prepare: (_ctx, cast) =>
      Promise.resolve({ userId: person(cast, 0).userId, channelType: 2, channelId: cast.groupNo }),
    run: ({ ctx }, subject) => {
      const scene = { type: 2 as const, id: String(subject.channelId) };
      const terms = { type: 2, amount: AMOUNT, shareCount: 3, blessing: "" };
      return createRedPacket(ctx, { ...userOf(subject), scene, ...terms });
    },
  },
  { name: "red packet paid, to a group", ...paidFor(GROUPS) },
  { name: "red packet paid, to a person", ...paidFor({ forPerson: true }) },
  { name: "red packet opened", ...opened(GROUPS) },
  { name: "red packet opened, the last share", ...opened({ shareCount: 1 }) },
  { name: "red packet opened, from a person", ...opened({ forPerson: true }) },
  {
    name: "red packet given back by the job",
    prepare: opened(GROUPS).prepare,
    afterMs: DAY_MS,
    ...settle,
  },
  {
    name: "red packet given back to whoever opens it",
    ...opened(GROUPS),
    afterMs: DAY_MS,
    answersWith: "redpacket_expired",
  },
  {
    name: "red packet given back to whoever looks",
    prepare: opened(GROUPS).prepare,
    afterMs: DAY_MS,
    run: ({ ctx }, subject) => lookAtRedPacket(ctx, packetOf(subject)),
  },
  {
    name: "red packet given back to whoever reads it",
    prepare: opened(GROUPS).prepare,
    afterMs: DAY_MS,
    run: ({ ctx }, subject) => readRedPacket(ctx, packetOf(subject)),
  },
  {
    name: "transfer sent",
    prepare: async (ctx, cast) => ({
      ...await payer(ctx, cast, "transfer"),
      toUid: person(cast, 1).uid,
    }),
    run: ({ ctx }, subject) =>
      sendTransfer(ctx, {
        ...userOf(subject),
        payToken: String(subject.payToken),
        amount: AMOUNT,
        toUid: String(subject.toUid),
        remark: "",
      }),
  },
  {
    name: "transfer received",
    prepare: sentTransfer,
    run: ({ ctx }, subject) => receiveTransfer(ctx, transferOf(subject)),
    doneAs: "transfer_settled",
  },
  { name: "transfer given back by the job", prepare: sentTransfer, afterMs: DAY_MS, ...settle },
  {
    name: "transfer given back to whoever reads it",
    prepare: sentTransfer,
    afterMs: DAY_MS,
    run: ({ ctx }, subject) => readTransfer(ctx, transferOf(subject)),
  },
  {
    name: "transfer given back to whoever receives it late",
    prepare: sentTransfer,
    afterMs: DAY_MS,
    answersWith: "transfer_expired",
    run: ({ ctx }, subject) => receiveTransfer(ctx, transferOf(subject)),
  },
  {
    name: "withdrawal",
    prepare: async (ctx, cast) => ({
      ...await payer(ctx, cast, "withdraw"),
      cardId: person(cast, 0).cardId!,
    }),
    run: ({ ctx }, subject) =>
      requestWithdrawal(ctx, {
        ...userOf(subject),
        payToken: String(subject.payToken),
        amount: AMOUNT,
        cardId: Number(subject.cardId),
        holderName: "",
      }),
  },
  { name: "withdrawal confirmed", ...decided("paid") },
  { name: "withdrawal rejected", ...decided("rejected") },
];

import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import type { Ctx } from "../../db/client/ctx.ts";
import { createRedPacket } from "../../db/domain/red_packets/create.ts";
import { refundExpiredRedPackets } from "../../db/domain/red_packets/expire.ts";
import { openRedPacket } from "../../db/domain/red_packets/open.ts";
import { payRedPacket } from "../../db/domain/red_packets/pay.ts";
import { readRedPacket } from "../../db/domain/red_packets/read_packet.ts";
import { OPEN_LIFE_MS } from "../../db/domain/red_packets/rules.ts";
import { settleSteps } from "../../jobs/settle.ts";
import { makeGroup } from "../people/factories.ts";
import { assertBooks, giveMoney, issuePayToken, walletOf } from "../people/money.ts";
import { startPostgres } from "../services/postgres.ts";
import { sized } from "../size.ts";
import { openPlace, type Person, race } from "./race_place.ts";

// On a real server: PGlite has one connection, on which nothing ever races.
const postgres = await startPostgres();
Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());
const ignore = !postgres;

const RANDOM = 2;
const GROUP = 2;
/** More than there are connections. */
const LANE_COUNT = 40;
const OPENER_COUNT = sized({ suite: 500, full: 1_000 });
const ROUND_COUNT = sized({ suite: 4, full: 8 });
const PAID_COUNT = sized({ suite: 8, full: 20 });
const PACKET_COUNT = sized({ suite: 4, full: 20 });
/** Of the packets two settlers give back, 25 each. */
const BATCH_COUNT = sized({ suite: 5, full: 20 });

const times = <T>(count: number, make: (at: number) => T) =>
  Array.from({ length: count }, (_, at) => make(at));
const countOf = (answers: string[], answer: string) => answers.filter((it) => it === answer).length;

/** A few at a time, the next as soon as one is done. */
async function raceInLanes(
  expected: string[],
  runs: (() => Promise<unknown>)[],
  laneCount: number,
): Promise<string[]> {
  const answers: string[] = [];
  const queue = runs.values();
  await Promise.all(times(laneCount, async () => {
    for (const run of queue) answers.push(...await race(expected, [run]));
  }));
  return answers;
}

async function openGroup(ctx: Ctx, people: Person[]): Promise<string> {
  return (await makeGroup(ctx, people.map(({ userId }) => ({ id: userId })))).groupNo;
}

interface Terms {
  groupNo: string;
  amount: number;
  shareCount: number;
}

const make = (ctx: Ctx, { userId }: Person, { groupNo, ...terms }: Terms) =>
  createRedPacket(ctx, {
    userId,
    type: RANDOM,
    blessing: "",
    ...terms,
    scene: { type: GROUP, id: groupNo },
  });

const tokenFor = (ctx: Ctx, sender: Person, amount: number) =>
  issuePayToken(ctx, sender, { item: "redpacket", amount });

async function makePaid(ctx: Ctx, sender: Person, terms: Terms): Promise<string> {
  const redpacketNo = await make(ctx, sender, terms);
  const payToken = await tokenFor(ctx, sender, terms.amount);
  await payRedPacket(ctx, { redpacketNo, userId: sender.userId, payToken });
  return redpacketNo;
}

/** A packet as the database has it. */
async function rowOf({ db }: Ctx, redpacketNo: string) {
  const { rows: [row] } = await db.execute<Record<string, string>>(sql`
    select state, opened_count::text, opened_amount::text, refunded_amount::text,
      (select balance from accounts where kind = 'red_packet' and owner_id = red_packets.id)::text
        as left_over
    from red_packets where redpacket_no = ${redpacketNo}`);
  return row!;
}

async function notices({ db }: Ctx, redpacketNo: string): Promise<Record<string, number>> {
  const { rows } = await db.execute<{ type: string; count: number }>(sql`
    select payload::jsonb->>'type' as type, count(*)::int as count from messages
    where payload::jsonb->>'redpacket_no' = ${redpacketNo} group by 1`);
  return Object.fromEntries(rows.map(({ type, count }) => [type, count]));
}

Deno.test({
  name: `${OPENER_COUNT} openers, twice each, take the 100 shares of a packet: a share each, and ` +
    `all of it, ${PACKET_COUNT} times over`,
  ignore,
}, async () => {
  const [amount, shareCount, rounds] = [9_973, 100, PACKET_COUNT];
  await using place = await openPlace(postgres!, { peopleCount: OPENER_COUNT + 1 });
  const { ctx, people } = place;
  const [sender, ...openers] = people;
  const groupNo = await openGroup(ctx, people);
  await giveMoney(ctx, sender!, rounds * amount);
  for (let round = 0; round < rounds; round++) {
    const redpacketNo = await makePaid(ctx, sender!, { groupNo, amount, shareCount });
    const taken = new Map<number, number>();
    const tries = openers.flatMap((opener) => [opener, opener]).map(({ userId }) => async () => {
      const input = { redpacketNo, userId, channel: { type: GROUP, id: groupNo } };
      const share = await openRedPacket(ctx, input);
      assert.ok(!taken.has(userId), "one share a person");
      taken.set(userId, share);
    });
    // Once all at the same moment; then in a stream, which is over sooner.
    const laneCount = round === 0 ? tries.length : LANE_COUNT;
    const answers = await raceInLanes(["redpacket_opened", "redpacket_empty"], tries, laneCount);
    assert.equal(countOf(answers, "done"), shareCount);
    assert.equal(taken.size, shareCount);
    assert.equal([...taken.values()].reduce((sum, share) => sum + share, 0), amount);
    assert.deepEqual(await rowOf(ctx, redpacketNo), {
      state: "finished",
      opened_count: "100",
      opened_amount: String(amount),
      refunded_amount: "0",
      left_over: "0",
    });
    const { shares } = await readRedPacket(ctx, { redpacketNo, userId: sender!.userId });
    const byUid = new Map(shares.map((share) => [share.uid, share.amount]));
    for (const { uid, userId } of openers) assert.equal(byUid.get(uid), taken.get(userId));
    assert.deepEqual(await notices(ctx, redpacketNo), { 9: 1, 1011: 99, 1012: 1 });
  }
  assert.equal(await walletOf(ctx, sender!), 0);
  await assertBooks(ctx, { people, sum: rounds * amount });
});

Deno.test({
  name:
    "whoever opens a packet at two processes at once has one share of it, and all are told once",
  ignore,
}, async () => {
  const [openerCount, shareCount, rounds] = [60, 100, 10];
  await using place = await openPlace(postgres!, { peopleCount: shareCount });
  const { ctx, people } = place;
  const [sender, ...others] = people;
  const openers = others.slice(0, openerCount);
  // A process serves those together who come by its handle.
  const processes = [ctx, { ...ctx, db: Object.create(ctx.db) as Ctx["db"] }];
  const groupNo = await openGroup(ctx, people);
  await giveMoney(ctx, sender!, rounds * shareCount);
  for (let round = 0; round < rounds; round++) {
    const redpacketNo = await makePaid(ctx, sender!, { groupNo, amount: shareCount, shareCount });
    const channel = { type: GROUP, id: groupNo };
    const answers = await race(
      ["redpacket_opened"],
      openers.flatMap(({ userId }) =>
        processes.map((ctx) => () => openRedPacket(ctx, { redpacketNo, userId, channel }))
      ),
    );
    assert.equal(countOf(answers, "done"), openerCount);
    assert.equal((await rowOf(ctx, redpacketNo)).opened_count, String(openerCount));
    assert.deepEqual(await notices(ctx, redpacketNo), { 9: 1, 1011: openerCount });
  }
  await assertBooks(ctx, { people, sum: rounds * openerCount });
});

Deno.test({
  name: "a packet paid by many calls at once is paid once, by one token, and shown once",
  ignore,
}, async () => {
  await using place = await openPlace(postgres!, { peopleCount: 2 });
  const { ctx, people } = place;
  const [sender] = people;
  const terms = { groupNo: await openGroup(ctx, people), amount: 100, shareCount: 2 };
  await giveMoney(ctx, sender!, 10_000);
  for (let round = 0; round < PAID_COUNT; round++) {
    const redpacketNo = await make(ctx, sender!, terms);
    const tokens = [await tokenFor(ctx, sender!, 100), await tokenFor(ctx, sender!, 100)];
    const paidBy = new Map<string, Set<number>>(tokens.map((token) => [token, new Set()]));
    const answers = await race(
      ["redpacket_paid"],
      times(20, (at) => async () => {
        const payToken = tokens[at % 2]!;
        const input = { redpacketNo, userId: sender!.userId, payToken };
        paidBy.get(payToken)!.add((await payRedPacket(ctx, input)).transactionId);
      }),
    );
    assert.equal(countOf(answers, "done"), 10, "every call with the token that paid");
    assert.deepEqual([...paidBy.values()].map(({ size }) => size).sort(), [0, 1]);
    assert.deepEqual(await notices(ctx, redpacketNo), { 9: 1 });
    assert.equal(await walletOf(ctx, sender!), 10_000 - 100 * (round + 1));
  }
  await assertBooks(ctx, { people, sum: 10_000 - PAID_COUNT * 100 });
});

/** Two who look from either side of the moment at which packets made now are over. */
function aroundExpiry(ctx: Ctx, madeAt: Date) {
  const at = madeAt.getTime() + OPEN_LIFE_MS;
  return {
    early: { ...ctx, now: () => new Date(at - 1) },
    late: { ...ctx, now: () => new Date(at) },
  };
}

Deno.test({
  name: `${
    25 * BATCH_COUNT
  } last shares, opened in the moment two settlers give them back, go one way, once`,
  ignore,
}, async () => {
  const [batches, perBatch, amount] = [BATCH_COUNT, 25, 100];
  const madeAt = new Date();
  await using place = await openPlace(postgres!, { peopleCount: perBatch + 2, now: () => madeAt });
  const { ctx, people } = place;
  const [sender, firstOne, ...openers] = people;
  const groupNo = await openGroup(ctx, people);
  const channel = { type: GROUP, id: groupNo };
  const { early, late } = aroundExpiry(ctx, madeAt);
  const sum = batches * perBatch * amount;
  await giveMoney(ctx, sender!, sum);
  const went = { opened: 0, refunded: 0 };
  let givenBack = 0;
  for (let batch = 0; batch < batches; batch++) {
    const [packets, firstShares]: [string[], number[]] = [[], []];
    for (let at = 0; at < perBatch; at++) {
      const redpacketNo = await makePaid(ctx, sender!, { groupNo, amount, shareCount: 2 });
      packets.push(redpacketNo);
      const share = await openRedPacket(ctx, { redpacketNo, userId: firstOne!.userId, channel });
      firstShares.push(share);
    }
    let refunded = 0;
    const settler = async () => {
      for (let turn = 0; turn < perBatch; turn++) {
        const count = await refundExpiredRedPackets(late, { limit: 2 });
        refunded += count;
      }
    };
    const opening = (redpacketNo: string, at: number) => () =>
      openRedPacket(early, { redpacketNo, userId: openers[at]!.userId, channel });
    const [first, second, ...answers] = await race(["redpacket_expired"], [
      settler,
      settler,
      ...packets.map(opening),
    ]);
    assert.deepEqual([first, second], ["done", "done"]);
    assert.equal(await refundExpiredRedPackets(late, { limit: 100 }), 0, "none is left over");
    for (const [at, redpacketNo] of packets.entries()) {
      const isOpened = answers[at] === "done";
      const last = amount - firstShares[at]!;
      went[isOpened ? "opened" : "refunded"]++;
      givenBack += isOpened ? 0 : last;
      assert.deepEqual(await rowOf(ctx, redpacketNo), {
        state: isOpened ? "finished" : "refunded",
        opened_count: isOpened ? "2" : "1",
        opened_amount: String(isOpened ? amount : amount - last),
        refunded_amount: String(isOpened ? 0 : last),
        left_over: "0",
      });
    }
    assert.equal(refunded, perBatch - countOf(answers, "done"), "each was given back once");
  }
  assert.ok(went.opened > 0 && went.refunded > 0, JSON.stringify(went));
  assert.equal(await walletOf(ctx, sender!), givenBack);
  await assertBooks(ctx, { people, sum });
});

Deno.test({
  name: "what is due goes back once, though the job comes and everybody looks at once",
  ignore,
}, async () => {
  const madeAt = new Date();
  await using place = await openPlace(postgres!, { peopleCount: 20, now: () => madeAt });
  const { ctx, people } = place;
  const [sender, ...others] = people;
  const groupNo = await openGroup(ctx, people);
  const { late } = aroundExpiry(ctx, madeAt);
  await giveMoney(ctx, sender!, 1000);
  const step = settleSteps.find(({ name }) => name === "red_packets")!;
  for (let round = 0; round < ROUND_COUNT; round++) {
    const packets = await Promise.all(
      times(5, () => makePaid(ctx, sender!, { groupNo, amount: 100, shareCount: 2 })),
    );
    const looks = packets.flatMap((redpacketNo) =>
      others.map(({ userId }) => () => readRedPacket(late, { redpacketNo, userId }))
    );
    await race([], [...looks, () => step.settle(late, 3), () => step.settle(late, 200)]);
    assert.equal(await walletOf(ctx, sender!), 1000);
    assert.equal(await step.settle(late, 200), 0);
  }
  await assertBooks(ctx, { people, sum: 1000 });
});

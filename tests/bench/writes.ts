import { withTrips } from "../../config/runtime/trips.ts";
import type { Ctx } from "../../db/client/ctx.ts";
import { openDatabase } from "../../db/client/open.ts";
import { acceptMessage } from "../../db/domain/messages/accept.ts";
import type { Channel } from "../../db/domain/messages/channel.ts";
import { readInbox } from "../../db/domain/messages/read_inbox.ts";
import { createRedPacket } from "../../db/domain/red_packets/create.ts";
import { openRedPacket } from "../../db/domain/red_packets/open.ts";
import { payRedPacket } from "../../db/domain/red_packets/pay.ts";
import { receiveTransfer } from "../../db/domain/transfers/receive.ts";
import { sendTransfer } from "../../db/domain/transfers/send.ts";
import { ChannelType } from "../../db/schema/messages.ts";
import { RedPacketType } from "../../db/schema/red_packets.ts";
import type { PayItem } from "../../db/schema/wallets.ts";
import { startTestApp } from "../harness.ts";
import { makeGroup } from "../people/factories.ts";
import { issuePayToken } from "../people/money.ts";
import { startPostgres } from "../services/postgres.ts";
import { printTable } from "./im_figures.ts";
import { makeCrowd } from "./money_people.ts";

const MEMBER_COUNT = 50;
const SHARE_COUNT = 5;
const AMOUNT = 1_000;
const TIMES = 200;
/** How often each is done before it counts: conversations and accounts are there by then. */
const WARM_UP_TIMES = 20;
const PAYLOAD = JSON.stringify({ type: 1, content: "as long as most of what people write is" });

/** Something whose writing is counted; some of it is prepared first, which is not. */
interface Work {
  name: string;
  prepare?(): Promise<string>;
  run(prepared: string): Promise<unknown>;
}

/**
 * What one message and one payment of each kind write: trips, rows, and bytes of the WAL without
 * images of whole pages, which a real server adds after each checkpoint.
 */
export async function writes(): Promise<void> {
  await using postgres = await startPostgres(["full_page_writes=off", "autovacuum=off"]);
  if (!postgres) return;
  const databaseUrl = await postgres.newDatabase();
  const database = await openDatabase({ databaseUrl, dataDir: "unused" });
  try {
    await using app = await startTestApp({ database });
    const table = [["", "trips", "rows made", "rows changed", "of these HOT", "WAL bytes"]];
    for (const work of await worksOf(app.ctx)) table.push(await measure(app.ctx, work));
    printTable(table);
  } finally {
    await database.close();
  }
}

async function measure(ctx: Ctx, { name, prepare, run }: Work): Promise<string[]> {
  const prepared: string[] = [];
  for (let time = 0; time < WARM_UP_TIMES + TIMES; time++) prepared.push(await prepare?.() ?? "");
  for (const it of prepared.splice(0, WARM_UP_TIMES)) await run(it);
  const before = await countsOf(ctx);
  const trips = await withTrips(async ({ sql }) => {
    for (const it of prepared) await run(it);
    return sql.count;
  });
  const after = await countsOf(ctx);
  const each = (count: number) => String(Number((count / TIMES).toFixed(1)));
  return [name, each(trips), ...after.map((count, at) => each(count - before[at]!))];
}

/** Rows made, changed, changed without touching an index; bytes of the WAL. */
async function countsOf({ db }: Ctx): Promise<number[]> {
  // All was done on one connection, which tells what it did when it is asked to.
  await db.execute("select pg_stat_force_next_flush()");
  const { rows: [row] } = await db.execute<Record<string, string>>(
    `select sum(n_tup_ins) as made, sum(n_tup_upd) as changed, sum(n_tup_hot_upd) as hot,
       pg_current_wal_insert_lsn() - '0/0'::pg_lsn as wal from pg_stat_user_tables`,
  );
  return [row!.made, row!.changed, row!.hot, row!.wal].map(Number);
}

async function worksOf(ctx: Ctx): Promise<Work[]> {
  const { people, group } = await makeCrowd(ctx, MEMBER_COUNT, 1_000_000_000);
  const [from, to] = people.map(({ userId }) => userId) as [number, number];
  const members = people.map(({ userId }) => ({ id: userId }));
  const logged = await makeGroup(ctx, members, { isSuper: true });
  const say = (channel: Channel) => () =>
    acceptMessage(ctx, {
      senderId: from,
      channel,
      clientMsgNo: crypto.randomUUID(),
      redDot: true,
      payload: PAYLOAD,
    });
  const inGroup = (groupId: number): Channel => ({ type: ChannelType.group, groupId });
  const payToken = (item: PayItem) =>
    issuePayToken(ctx, { userId: from }, { item, amount: AMOUNT });
  const transfer = async () => {
    const toUid = people[1]!.uid;
    const token = await payToken("transfer");
    return await sendTransfer(ctx, {
      userId: from,
      payToken: token,
      amount: AMOUNT,
      toUid,
      remark: "",
    });
  };
  const channel = { type: ChannelType.group, id: group.groupNo };
  const packet = async () =>
    await createRedPacket(ctx, {
      userId: from,
      scene: channel,
      type: RedPacketType.random,
      amount: AMOUNT,
      shareCount: SHARE_COUNT,
      blessing: "",
    });
  const pay = async (redpacketNo: string) => {
    await payRedPacket(ctx, {
      redpacketNo,
      userId: from,
      payToken: await payToken("redpacket"),
    });
    return redpacketNo;
  };
  return [
    { name: "a message to a person", run: say({ type: ChannelType.person, userId: to }) },
    { name: `… to a group of ${MEMBER_COUNT}`, run: say(inGroup(group.id)) },
    { name: "… to a group that keeps a log", run: say(inGroup(logged.id)) },
    {
      name: "… and one member reads it",
      async run() {
        await say(inGroup(logged.id))();
        await readInbox(ctx, { userId: to, afterSeq: 0, limit: 1 });
      },
    },
    { name: "a transfer, with its pay token", run: transfer },
    {
      name: "… received",
      prepare: transfer,
      run: (no) => receiveTransfer(ctx, { no, userId: to }),
    },
    { name: `a red packet of ${SHARE_COUNT}, and its token`, run: async () => pay(await packet()) },
    {
      name: "… one share of it",
      prepare: async () => await pay(await packet()),
      run: (redpacketNo) => openRedPacket(ctx, { redpacketNo, userId: to, channel }),
    },
  ];
}

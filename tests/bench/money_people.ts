import { sql } from "drizzle-orm";
import { randomHex32 } from "../../config/keys.ts";
import { type Ctx, withTx } from "../../db/client/ctx.ts";
import { legsAs, post, postedAs } from "../../db/domain/ledger/post.ts";
import { hashPayToken } from "../../db/domain/wallet/pay_once.ts";
import { friends } from "../../db/schema/chat.ts";
import { redPackets, redPacketShares } from "../../db/schema/red_packets.ts";
import { users } from "../../db/schema/users.ts";
import { payTokens } from "../../db/schema/wallets.ts";
import { listOf } from "../../db/sql.ts";
import { makeGroup } from "../people/factories.ts";

export interface Payer {
  userId: number;
  uid: string;
}

export interface Crowd {
  /** The first sends red packets and receives where one receiver is hot. */
  people: Payer[];
  group: { id: number; groupNo: string };
}

const DAY_MS = 24 * 60 * 60 * 1000;
const TOKEN_LIFE_MS = 60 * 60 * 1000;
const ROWS_AT_ONCE = 1_000;

/** Rows in statements of a size that the protocol takes. */
async function inBatches<T>(rows: T[], insert: (rows: T[]) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < rows.length; at += ROWS_AT_ONCE) {
    await insert(rows.slice(at, at + ROWS_AT_ONCE));
  }
}

/** People in one group, with `amount` each, friends of the next of them and of the first. */
export async function makeCrowd(ctx: Ctx, count: number, amount: number): Promise<Crowd> {
  const { rows } = await ctx.db.execute<{ id: string; uid: string }>(sql`
    insert into users (uid, app_uid, nickname, profile_at, created_at, updated_at)
    select md5('bench' || n), -n, 'Person ' || n, now(), now(), now()
    from generate_series(1, ${count}::int) as n returning id::text, uid`);
  const people = rows.map(({ id, uid }) => ({ userId: Number(id), uid }));
  await ctx.db.update(users).set({ appUid: sql`id` }).where(sql`app_uid < 0`);
  await ctx.db.execute(sql`
    insert into wallets (user_id, created_at) select id, now() from users
    where profile_at is not null`);
  const at = ctx.now();
  const times = { createdAt: at, updatedAt: at };
  const [first, ...others] = people.map(({ userId }) => userId);
  const pairs = [
    ...others.map((userId) => [first!, userId]),
    ...others.slice(1).map((userId, place) => [others[place]!, userId]),
  ];
  await inBatches(
    pairs.flatMap(([one, other]) => [
      { userId: one!, friendId: other!, ...times },
      { userId: other!, friendId: one!, ...times },
    ]),
    (rows) => ctx.db.insert(friends).values(rows),
  );
  await giveMoney(ctx, people, amount);
  const [owner, ...members] = people.map(({ userId }) => ({ id: userId }));
  const group = await makeGroup(ctx, [owner!], { memberCount: count });
  await ctx.db.execute(sql`
    insert into group_members (group_id, user_id, joined_at)
    select ${group.id}, id, now()
    from unnest(${sql.param(`{${members.map(({ id }) => id).join(",")}}`)}::bigint[]) as id`);
  return { people, group };
}

async function giveMoney(ctx: Ctx, people: Payer[], amount: number): Promise<void> {
  const posted = postedAs({
    kind: "recharge",
    userId: sql`id`,
    operationKey: sql`md5(random()::text)`,
    input: {},
    at: ctx.now(),
    legs: legsAs([
      { kind: "recharge", owner: sql`id`, amount: sql`${-amount}::bigint` },
      { kind: "wallet", owner: sql`id`, amount: sql`${amount}::bigint` },
    ]),
  });
  const ids = listOf(people.map(({ userId }) => userId), "bigint");
  await ctx.db.execute(sql`select ${posted} from unnest(${ids}) as id`);
}

/** A packet of 1 分 a share, paid, of more shares than people may make it. */
export async function makeHotPacket(
  ctx: Ctx,
  { people: [sender], group }: Crowd,
  shareCount: number,
): Promise<string> {
  const redpacketNo = randomHex32();
  const { userId: senderId } = sender!;
  await giveMoney(ctx, [sender!], shareCount);
  await withTx(ctx, async (tx) => {
    const at = tx.now();
    const [packet] = await tx.db.insert(redPackets).values({
      redpacketNo,
      senderId,
      groupId: group.id,
      type: 1,
      amount: shareCount,
      shareCount,
      blessing: "",
      createdAt: at,
      paidAt: at,
      state: "open",
      expiresAt: new Date(at.getTime() + DAY_MS),
    }).returning();
    const packetId = packet!.id;
    await inBatches(
      Array.from(
        { length: shareCount },
        (_, place) => ({ packetId, position: place + 1, amount: 1 }),
      ),
      (rows) => tx.db.insert(redPacketShares).values(rows),
    );
    const transactionId = await post(tx, {
      kind: "red_packet_paid",
      userId: senderId,
      operationKey: redpacketNo,
      input: {},
      legs: [
        { kind: "wallet", owner: senderId, amount: -shareCount },
        { kind: "red_packet", owner: packetId, amount: shareCount },
      ],
    });
    await tx.db.update(redPackets).set({ transactionId }).where(sql`id = ${packetId}`);
  });
  return redpacketNo;
}

/** A token for one transfer of 1 分 of each payer, in their order. */
export async function issueTokens(ctx: Ctx, payers: Payer[]): Promise<string[]> {
  const expiresAt = new Date(ctx.now().getTime() + TOKEN_LIFE_MS);
  const tokens = payers.map(({ userId }) => ({ userId, payToken: randomHex32() }));
  await inBatches(
    tokens,
    (rows) =>
      ctx.db.insert(payTokens).values(
        rows.map(({ userId, payToken }) => ({
          tokenHash: hashPayToken(payToken),
          userId,
          item: "transfer" as const,
          amount: 1,
          expiresAt,
        })),
      ),
  );
  return tokens.map(({ payToken }) => payToken);
}

import { eq, sql } from "drizzle-orm";
import { randomHex32 } from "../../config/keys.ts";
import { seal } from "../../config/runtime/sealed.ts";
import type { Ctx } from "../../db/client/ctx.ts";
import { enterBroadcast } from "../../db/domain/broadcasts/enter_broadcast.ts";
import { keystoreBinding } from "../../db/domain/groups/keystore.ts";
import { groupMembers, groups } from "../../db/schema/groups.ts";
import { users } from "../../db/schema/users.ts";
import {
  type Mixin,
  type MixinBot,
  type MixinMessage,
  MixinRefusedError,
} from "../../providers/mixin.ts";
import { makeOperator } from "../clients/ops.ts";

/** A bot's keystore as Mixin's dashboard gives it. */
export const KEYSTORE = {
  app_id: "2b72cd5d-a236-4fa5-af27-c3cb04ff2adb",
  session_id: "5467e9ea-cd04-4b91-b84c-93a0c87cb6a4",
  server_public_key: "0".repeat(64),
  session_private_key: "1".repeat(64),
};

/** Gives a group a Mixin bot, straight in the database. */
export async function giveBot(ctx: Ctx, groupId: number): Promise<void> {
  const binding = keystoreBinding(groupId);
  const keystoreSealed = seal(ctx.config.keys, JSON.stringify(KEYSTORE), binding);
  await ctx.db.update(groups).set({ clientId: KEYSTORE.app_id, keystoreSealed })
    .where(eq(groups.id, groupId));
}

/** A running group of so many people nobody else knows, the ids in order; its owner is the first. */
export async function makeCrowd(
  ctx: Ctx,
  count: number,
  { hasBot = false }: { hasBot?: boolean } = {},
): Promise<{ groupId: number; userIds: number[] }> {
  const [now, prefix] = [ctx.now(), randomHex32()];
  const { rows } = await ctx.db.execute<{ id: string }>(sql`
    insert into users (id, app_uid, uid, nickname, profile_at, created_at, updated_at)
    select nextval('users_id_seq'), currval('users_id_seq'), md5(${prefix} || n), 'Person ' || n,
      ${now.toISOString()}::timestamptz, ${now.toISOString()}::timestamptz,
      ${now.toISOString()}::timestamptz
    from generate_series(1, ${count}::int) as n returning id`);
  const userIds = rows.map(({ id }) => Number(id)).sort((a, b) => a - b);
  const [group] = await ctx.db.insert(groups).values({
    groupNo: randomHex32(),
    ownerId: userIds[0]!,
    name: "Crowd",
    memberCount: count,
    createdAt: now,
    updatedAt: now,
  }).returning();
  const groupId = group!.id;
  await ctx.db.execute(sql`
    insert into group_members (group_id, user_id, joined_at)
    select ${groupId}, id, ${now.toISOString()}::timestamptz
    from unnest(${sql.param(`{${userIds.join(",")}}`)}::bigint[]) as id`);
  if (hasBot) await giveBot(ctx, groupId);
  return { groupId, userIds };
}

/** Takes somebody in or out while a broadcast is on its way. */
export async function joinCrowd(ctx: Ctx, groupId: number, userId: number): Promise<void> {
  await ctx.db.insert(groupMembers).values({ groupId, userId, joinedAt: ctx.now() });
}

/** What a group says to everybody, or to those named. */
export async function makeBroadcast(
  ctx: Ctx,
  groupId: number,
  { text = "hi", userIds }: { text?: string; userIds?: number[] } = {},
): Promise<number> {
  const { operatorId } = await makeOperator(ctx, "operator");
  const named = userIds && await ctx.db.select({ uid: users.uid }).from(users)
    .where(sql`${users.id} = any(${sql.param(`{${userIds.join(",")}}`)}::bigint[])`);
  return await enterBroadcast(ctx, {
    groupId,
    text,
    uids: named?.map(({ uid }) => uid),
    actor: { kind: "operator", operatorId, role: "operator", name: "operator", jti: "" },
  });
}

/** Ids of those who have a message of the group in their inboxes, once for each time. */
export async function readReceivers(ctx: Ctx, groupId: number): Promise<number[]> {
  const { rows } = await ctx.db.execute<{ user_id: string }>(sql`
    select inbox.user_id from inbox join messages on messages.id = inbox.message_id
    where messages.group_id = ${groupId} order by inbox.user_id`);
  return rows.map(({ user_id }) => Number(user_id));
}

/** Mixin as far as bots are concerned: takes a call whole or not at all, and drops repeats. */
export class MixinStandIn implements Mixin {
  readonly taken = new Map<string, MixinMessage>();
  callCount = 0;
  /** Messages that came again though they had been taken. */
  repeatCount = 0;

  constructor(
    private readonly hooks: {
      /** Nothing is taken when it throws. */
      before?: (messages: MixinMessage[], bot: MixinBot) => void;
      /** All has been taken when it throws. */
      after?: (messages: MixinMessage[]) => void;
    } = {},
  ) {}

  exchangeCode(): Promise<never> {
    return Promise.reject(new MixinRefusedError("nobody logs in here"));
  }

  async sendMessages(bot: MixinBot, messages: MixinMessage[]): Promise<void> {
    this.callCount += 1;
    await Promise.resolve();
    this.hooks.before?.(messages, bot);
    for (const message of messages) {
      if (this.taken.has(message.id)) this.repeatCount += 1;
      this.taken.set(message.id, message);
    }
    this.hooks.after?.(messages);
  }
}

/** Fails at random, before and after having taken what it was given; `poisoned` ids it never takes. */
export function unreliableMixin(
  { random, failRate, isPoisoned = () => false }: {
    random: () => number;
    failRate: number;
    isPoisoned?: (message: MixinMessage) => boolean;
  },
): MixinStandIn {
  return new MixinStandIn({
    before(messages) {
      if (messages.some(isPoisoned)) throw new MixinRefusedError("refused: 10002 bad receiver");
      if (random() < failRate / 2) throw new Error("no answer, nothing taken");
    },
    after() {
      if (random() < failRate / 2) throw new Error("no answer, but taken");
    },
  });
}

/** Numbers 0…1 that look random and are the same each time. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => (state = state * 16_807 % 2_147_483_647) / 2_147_483_647;
}

import { sql } from "drizzle-orm";
import { randomHex32 } from "../../../config/keys.ts";
import { blindIndex, seal } from "../../../config/runtime/sealed.ts";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { apps } from "../../schema/apps.ts";
import { groupMembers, groups, GroupStatus, MemberRole } from "../../schema/groups.ts";
import { operators } from "../../schema/operators.ts";
import { paymentMethods, PaymentType, realNames } from "../../schema/people.ts";
import { releases } from "../../schema/releases.ts";
import { instant, int8, rows } from "../../sql.ts";
import { addOpsKey } from "../operators/add_key.ts";
import { makeSecret } from "../partners/credentials.ts";
import { insertPerson, mobileColumns } from "../users/insert_person.ts";

export interface Demo {
  operatorId: number;
  opsKey: { id: string; secret: string };
  partner: { appid: number; appsecret: string };
  groupId: number;
}

/** Five people of the demo group; the first two can be paid, so they have a name and a card. */
const PEOPLE = [
  { nickname: "徐辉", mobile: "13800000001", idNo: "310225199001011234", card: "6225880212345678" },
  { nickname: "张三", mobile: "13800000002", idNo: "110101199003078888", card: "6222021234567890" },
  { nickname: "李四", mobile: "13800000003" },
  { nickname: "王五", mobile: "13800000004" },
  { nickname: "Toby", mobile: "13800000005" },
];

/**
 * Makes the demo, once: an operator, an ops key, a partner app, and a running group of five.
 * @returns undefined when there is an operator already, so nothing was made
 */
export function seedDemo(ctx: Ctx): Promise<Demo | undefined> {
  return withTx(ctx, async (ctx) => {
    if (await ctx.db.$count(operators) > 0) return undefined;
    const now = ctx.now();
    await seedReleases(ctx);
    const [operator] = await ctx.db.insert(operators)
      .values({ name: "demo", role: "admin", createdAt: now }).returning();
    return {
      operatorId: operator!.id,
      opsKey: await seedOpsKey(ctx),
      partner: await seedPartner(ctx),
      groupId: await seedGroup(ctx),
    };
  });
}

async function seedOpsKey(ctx: Ctx) {
  const { id, secret } = await addOpsKey(ctx, { name: "demo", groupIds: null, actor: undefined });
  return { id, secret };
}

async function seedPartner(ctx: Ctx) {
  const { secret: appsecret, kept } = makeSecret(ctx.config.keys);
  const [app] = await ctx.db.insert(apps).values({
    name: "demo",
    ...kept,
    customerProof: "device",
    createdAt: ctx.now(),
  }).returning();
  return { appid: app!.id, appsecret };
}

async function seedGroup(ctx: Ctx): Promise<number> {
  const now = ctx.now();
  const newcomers = PEOPLE.map(({ nickname, mobile }) => ({
    nickname,
    ...mobileColumns({ countryCode: "86", number: mobile }),
    profile_at: instant(now),
  }));
  const people = await rows(ctx, sql`${insertPerson(now, newcomers)} returning id`, { id: int8 });
  await seedMeans(ctx, people.map(({ id }) => id));
  const [group] = await ctx.db.insert(groups).values({
    groupNo: randomHex32(),
    ownerId: people[0]!.id,
    name: "演示群",
    status: GroupStatus.running,
    countryName: "cn",
    memberCount: people.length,
    createdAt: now,
    updatedAt: now,
  }).returning();
  await ctx.db.insert(groupMembers).values(people.map(({ id }, at) => ({
    groupId: group!.id,
    userId: id,
    role: at === 0 ? MemberRole.owner : MemberRole.member,
    state: "paid",
    subscribedAt: now,
    joinedAt: now,
    inviterId: at > 1 ? people[1]!.id : null,
  })));
  return group!.id;
}

async function seedReleases(ctx: Ctx) {
  const downloadUrls = ["https://apps.apple.com/", "https://example.com/plaza.apk"];
  await ctx.db.insert(releases).values(downloadUrls.map((downloadUrl, at) => ({
    id: randomHex32(),
    clientType: at + 1,
    versionCode: 19,
    versionName: "0.1.7",
    description: "1. 增加了名片夹功能 2. 增加了通知功能 3. 增加了私密活动",
    downloadUrl,
    createdAt: ctx.now(),
  })));
}

async function seedMeans(ctx: Ctx, userIds: number[]) {
  const { keys } = ctx.config;
  const now = ctx.now();
  for (const [at, { nickname, idNo, card }] of PEOPLE.entries()) {
    const userId = userIds[at]!;
    if (!idNo || !card) continue;
    await ctx.db.insert(realNames).values({
      userId,
      name: nickname,
      idType: "idcard",
      idNoSealed: seal(keys, idNo, `real_names.id_no:${userId}`),
      idNoIndex: blindIndex(keys, "id_no", idNo),
      createdAt: now,
    });
    await ctx.db.insert(paymentMethods).values({
      userId,
      type: PaymentType.bankCard,
      name: nickname,
      accountSealed: seal(keys, card, `payment_methods.account:${userId}`),
      accountIndex: blindIndex(keys, "account", card),
      accountLast4: card.slice(-4),
      extra0: "招商银行",
      extra1: "上海张江支行",
      bankCode: "CMB",
      createdAt: now,
    });
  }
}

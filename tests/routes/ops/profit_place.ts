import { eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { randomHex32 } from "../../../config/keys.ts";
import { blindIndex, seal } from "../../../config/runtime/sealed.ts";
import type { Ctx } from "../../../db/client/ctx.ts";
import { CSV_COLUMNS } from "../../../db/domain/payouts/csv_rules.ts";
import { serialIdOf } from "../../../db/domain/payouts/serial_id.ts";
import { profitRecords } from "../../../db/schema/payouts.ts";
import { paymentMethods, PaymentType, realNames } from "../../../db/schema/people.ts";
import { users } from "../../../db/schema/users.ts";
import type { TestApp } from "../../harness.ts";
import { makeUser } from "../../people/factories.ts";

export const DOWNLOAD = "/v1/profits/cny_records/download";
export const FEEDBACK = "/v1/profits/cny_records/feedback";
export const HEADER = CSV_COLUMNS.join(",");

export interface PaidPerson {
  id: number;
  uid: string;
}

/** Gives somebody a verified name. */
export async function giveRealName(ctx: Ctx, userId: number, name: string, idNo: string) {
  await ctx.db.insert(realNames).values({
    userId,
    name,
    idType: "idcard",
    createdAt: ctx.now(),
    idNoSealed: seal(ctx.config.keys, idNo, `real_names.id_no:${userId}`),
    idNoIndex: blindIndex(ctx.config.keys, "id_no", idNo),
  });
}

/** Gives somebody a bank card of the contract's sample. */
export async function giveCard(
  ctx: Ctx,
  userId: number,
  number: string,
  over: Partial<typeof paymentMethods.$inferInsert> = {},
) {
  const [card] = await ctx.db.insert(paymentMethods).values({
    userId,
    type: PaymentType.bankCard,
    name: "徐辉",
    createdAt: ctx.now(),
    accountSealed: seal(ctx.config.keys, number, `payment_methods.account:${userId}`),
    accountIndex: blindIndex(ctx.config.keys, "account", number),
    accountLast4: number.slice(-4),
    extra0: "招商银行",
    extra1: "上海张江支行",
    bankCode: "CMB",
    ...over,
  }).returning();
  return card!;
}

/** Somebody with a mobile, a verified name and a bank card. */
export async function makePaidPerson(
  ctx: Ctx,
  { name = "徐辉", mobile, idNo, card }: {
    name?: string;
    mobile: string;
    idNo: string;
    card: string;
  },
): Promise<PaidPerson> {
  const person = await makeMobilePerson(ctx, mobile);
  await giveRealName(ctx, person.id, name, idNo);
  await giveCard(ctx, person.id, card, { name });
  return person;
}

/** Somebody of whom there is a mobile alone. */
export async function makeMobilePerson(ctx: Ctx, mobile: string): Promise<PaidPerson> {
  const { id, uid } = await makeUser(ctx);
  await ctx.db.update(users).set({ countryCode: "86", mobile }).where(eq(users.id, id));
  return { id, uid };
}

/** A record, straight in the database. */
export async function makeRecord(
  ctx: Ctx,
  over: Partial<typeof profitRecords.$inferInsert> & { groupId: number; userId: number },
) {
  const now = ctx.now();
  const row = { period: "202102", category: "Group" as const, amount: "4937.8265", ...over };
  const [record] = await ctx.db.insert(profitRecords).values({
    serialId: serialIdOf(row),
    state: "init",
    createdAt: now,
    updatedAt: now,
    ...row,
  }).returning();
  return record!;
}

export type Credentials = { Authorization: string };
export const bearer = (token: string): Credentials => ({ Authorization: `Bearer ${token}` });

/** Downloads the CSV; the answer as it comes. */
export async function download(
  app: Pick<TestApp, "fetch">,
  headers: Record<string, string>,
  query = "",
): Promise<Response> {
  const url = `http://plaza.test${DOWNLOAD}${query}`;
  return await app.fetch(new Request(url, { method: "POST", headers }));
}

/** The lines of a CSV that must be there, without its mark and its header. */
export async function downloadLines(
  app: Pick<TestApp, "fetch">,
  headers: Record<string, string>,
): Promise<string[]> {
  const response = await download(app, headers);
  assert.equal(response.status, 200);
  const lines = (await response.text()).split("\n");
  assert.deepEqual([lines[0], lines.pop()], [HEADER, ""]);
  return lines.slice(1);
}

/** Uploads a file as a browser's form does. */
export async function upload(
  app: Pick<TestApp, "fetch">,
  headers: Record<string, string>,
  content: BlobPart,
  field = "file",
) {
  const body = new FormData();
  body.set("comment", "二月");
  body.set(field, new Blob([content], { type: "text/csv" }), "cny_profit_record.csv");
  return await send(app, headers, body);
}

/** Sends any body to where files are uploaded. */
export async function send(
  app: Pick<TestApp, "fetch">,
  headers: Record<string, string>,
  body: BodyInit | undefined,
) {
  const request = new Request(`http://plaza.test${FEEDBACK}`, { method: "POST", headers, body });
  const response = await app.fetch(request);
  const text = await response.text();
  // deno-lint-ignore no-explicit-any -- each test knows what it asked for
  const data: any = text === "" ? undefined : JSON.parse(text);
  return { http: response.status, headers: response.headers, data };
}

/** A line of the bank's: who and with what result. */
export const resultLine = (serialId: string, result: string) =>
  `${serialId},徐辉,徐辉,招商银行,,,,1,,,${result}`;

/** A file of the bank's. */
export const fileOf = (...lines: string[]) => [HEADER, ...lines, ""].join("\n");

export const randomSerial = () => {
  const hex = randomHex32();
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)]
    .join("-");
};

import { type SQL, sql } from "drizzle-orm";
import { unseal } from "../../../config/runtime/sealed.ts";
import type { Ctx } from "../../client/ctx.ts";
import type { ProfitCategory, ProfitState } from "../../schema/payouts.ts";
import { int8, maybe, milliseconds, nullable, type Row, text, time, typed } from "../../sql.ts";
import { maskCard } from "../payment_methods/card_rules.ts";
import { maskPhone } from "../users/rules.ts";
import { payeeCardOf } from "./payee.ts";

export interface ProfitRecord {
  serialId: string;
  uid: string;
  /** `yyyyMM` */
  period: string;
  groupId: number;
  category: ProfitCategory;
  /** CNY, a decimal string without zeros at its end. */
  amount: string;
  state: ProfitState;
  description: string;
  /** Empty: nobody knows one. */
  countryCode: string;
  mobile: string;
  /** Null: no verified name. The id number is as it is kept: sealed. */
  realName: { name: string; idType: string; idNoSealed: string } | null;
  /** Null: nothing to pay to. */
  card: PayeeCard | null;
  createdAt: Date;
  updatedAt: Date;
}

export interface PayeeCard {
  holderName: string;
  number: string;
  bankName: string;
  branchName: string;
  bankCode: string;
}

export const recordColumns = {
  serialId: text,
  userId: int8,
  uid: text,
  period: text,
  groupId: int8,
  category: typed<ProfitCategory>(),
  amount: text,
  state: typed<ProfitState>(),
  description: text,
  createdAt: time,
  updatedAt: time,
  countryCode: text,
  mobile: text,
  realName: nullable(text),
  idType: text,
  idNoSealed: maybe(text),
  accountSealed: nullable(text),
  accountLast4: text,
  holderName: text,
  bankName: text,
  branchName: text,
  bankCode: text,
};
export type RecordRow = Row<typeof recordColumns>;

export function selectRecords(page: SQL): SQL {
  return sql`select records.serial_id, records.user_id, users.uid, records.period,
      records.group_id, records.category, trim_scale(records.amount)::text as amount,
      records.state, records.description,
      ${milliseconds(sql`records.created_at`)} as created_at,
      ${milliseconds(sql`records.updated_at`)} as updated_at,
      coalesce(users.country_code, users.freed_country_code, '') as country_code,
      coalesce(users.mobile, users.freed_mobile, '') as mobile,
      real_names.name as real_name, real_names.id_type, real_names.id_no_sealed,
      card.account_sealed, card.account_last4, card.name as holder_name, card.extra0 as bank_name,
      card.extra1 as branch_name, card.bank_code
    from (${page}) as records join users on users.id = records.user_id
      left join real_names on real_names.user_id = records.user_id
      left join lateral ${payeeCardOf(sql`records.user_id`)} as card on true`;
}

/** @param isFull without it a card is its last four digits, and a number of a phone is masked */
export function recordOf(
  ctx: Pick<Ctx, "config">,
  row: RecordRow,
  { isFull }: { isFull: boolean },
): ProfitRecord {
  const { serialId, uid, period, groupId, category, amount, state, description } = row;
  const { countryCode, mobile, createdAt, updatedAt, realName, accountSealed } = row;
  return {
    serialId,
    uid,
    period,
    groupId,
    category,
    amount,
    state,
    description,
    countryCode,
    mobile: isFull ? mobile : maskPhone(mobile),
    realName: realName === null
      ? null
      : { name: realName, idType: row.idType, idNoSealed: row.idNoSealed! },
    card: accountSealed === null ? null : {
      holderName: row.holderName,
      number: isFull
        ? unseal(ctx.config.keys, accountSealed, `payment_methods.account:${row.userId}`)
        : maskCard(row.accountLast4),
      bankName: row.bankName,
      branchName: row.branchName,
      bankCode: row.bankCode,
    },
    createdAt,
    updatedAt,
  };
}

export function idNoOf(ctx: Pick<Ctx, "config">, { idNoSealed, userId }: RecordRow): string {
  return idNoSealed ? unseal(ctx.config.keys, idNoSealed, `real_names.id_no:${userId}`) : "";
}

import { type SQL, sql } from "drizzle-orm";
import { unseal } from "../../../config/runtime/sealed.ts";
import type { Ctx } from "../../client/ctx.ts";
import type { ProfitCategory, ProfitState } from "../../schema/payouts.ts";
import { milliseconds } from "../../sql.ts";
import { maskCard } from "../payment_methods/card_rules.ts";
import { maskPhone } from "../users/rules.ts";
import { payeeCardOf } from "./payee.ts";

/** What somebody is to be paid, and how far they can be. */
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

/** A record with its payee, as {@link selectRecords} answers it. */
export interface RecordRow extends Record<string, unknown> {
  serial_id: string;
  user_id: string;
  uid: string;
  period: string;
  group_id: string;
  category: ProfitCategory;
  amount: string;
  state: ProfitState;
  description: string;
  created_ms: string;
  updated_ms: string;
  country_code: string | null;
  mobile: string | null;
  real_name: string | null;
  id_type: string | null;
  id_no_sealed: string | null;
  account_sealed: string | null;
  account_last4: string;
  holder_name: string;
  bank_name: string;
  branch_name: string;
  bank_code: string;
}

/** The columns of {@link RecordRow} for the records `page` answers: as few as will be shown. */
export function selectRecords(page: SQL): SQL {
  return sql`select records.serial_id::text, records.user_id::text, users.uid, records.period,
      records.group_id::text, records.category, trim_scale(records.amount)::text as amount,
      records.state, records.description, ${
    milliseconds(sql`records.created_at`)
  }::text as created_ms,
      ${
    milliseconds(sql`records.updated_at`)
  }::text as updated_ms, users.country_code, users.mobile,
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
  const mobile = row.mobile ?? "";
  return {
    serialId: row.serial_id,
    uid: row.uid,
    period: row.period,
    groupId: Number(row.group_id),
    category: row.category,
    amount: row.amount,
    state: row.state,
    description: row.description,
    countryCode: row.country_code ?? "",
    mobile: isFull ? mobile : maskPhone(mobile),
    realName: row.real_name === null
      ? null
      : { name: row.real_name, idType: row.id_type!, idNoSealed: row.id_no_sealed! },
    card: row.account_sealed === null ? null : {
      holderName: row.holder_name,
      number: isFull
        ? unseal(ctx.config.keys, row.account_sealed, `payment_methods.account:${row.user_id}`)
        : maskCard(row.account_last4),
      bankName: row.bank_name,
      branchName: row.branch_name,
      bankCode: row.bank_code,
    },
    createdAt: new Date(Number(row.created_ms)),
    updatedAt: new Date(Number(row.updated_ms)),
  };
}

/** The number of the payee's id card, opened; empty when there is none. */
export function idNoOf(ctx: Pick<Ctx, "config">, row: RecordRow): string {
  if (!row.id_no_sealed) return "";
  return unseal(ctx.config.keys, row.id_no_sealed, `real_names.id_no:${row.user_id}`);
}

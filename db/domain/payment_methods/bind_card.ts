import { sql } from "drizzle-orm";
import { blindIndex, seal } from "../../../config/runtime/sealed.ts";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { PaymentType } from "../../schema/people.ts";
import { instant, int8, type Row, rows, typed } from "../../sql.ts";
import { DomainError, type Kind } from "../errors.ts";
import { type Bank, type CardType, findBank, findOrigin } from "./banks.ts";
import { CARD_COUNT_MAX, ID_CARD, parseCardNumber, parseIdNo } from "./card_rules.ts";

export interface BindInput {
  userId: number;
  /** As typed. */
  cardNumber: string;
  bankCode: string;
  cardType: CardType;
  phone: string;
  holderName: string | undefined;
  idNo: string | undefined;
}

const columns = { refusal: typed<Kind | null>(), id: int8 };

/**
 * Binds a bank card and answers its id. The first card's holder becomes the person's real name;
 * every later card is the same holder's. Numbers of cards and ids are kept sealed.
 * @throws {DomainError} `bank_card_invalid` for no card number, or one of another bank or type;
 * `real_name_missing`, `bank_card_holder`, `bank_card_taken`; `params_invalid` for no id number,
 * and when there are too many cards already
 */
export async function bindCard(ctx: Ctx, input: BindInput): Promise<number> {
  const card = { ...input, ...checkCard(input) };
  const idNo = input.idNo === undefined ? undefined : parseIdNo(input.idNo, ctx.now());
  return await withTx(ctx, async (ctx) => {
    // Whoever binds waits here: two first cards make one real name, and none is one too many.
    await ctx.db.execute(sql`select from users where id = ${card.userId} for no key update`);
    const { refusal, id } = await insertCard(ctx, { ...card, idNo });
    if (refusal === "params_invalid") {
      throw new DomainError(refusal, { message: `银行卡不能超过${CARD_COUNT_MAX}张` });
    }
    if (refusal !== null) throw new DomainError(refusal);
    return id;
  });
}

/** What the number itself tells must be what the person says; of one that tells nothing, they do. */
function checkCard({ cardNumber, bankCode, cardType }: BindInput): { digits: string; bank: Bank } {
  const digits = parseCardNumber(cardNumber);
  const bank = findBank(bankCode);
  const origin = digits === undefined ? undefined : findOrigin(digits);
  const agrees = !origin || (origin.bank === bank && origin.type === cardType);
  if (digits === undefined || !bank || !agrees) throw new DomainError("bank_card_invalid");
  return { digits, bank };
}

async function insertCard(
  ctx: Ctx,
  { userId, digits, bank, cardType, phone, holderName, idNo }: BindInput & {
    digits: string;
    bank: Bank;
  },
): Promise<Row<typeof columns>> {
  const { keys } = ctx.config;
  const at = instant(ctx.now());
  const accountIndex = blindIndex(keys, "account", digits);
  const idNoIndex = idNo === undefined ? null : blindIndex(keys, "id_no", idNo);
  const idNoSealed = idNo === undefined ? null : seal(keys, idNo, `real_names.id_no:${userId}`);
  // Who has no real name yet must prove one with both; who has must not say another.
  const statement = sql`
    with claimed as (
      select ${holderName ?? null}::text as name, ${idNoIndex}::text as id_no_index
    ), cards as (
      select count(*) >= ${CARD_COUNT_MAX} as is_full, coalesce(max(position), 0) + 1 as position,
        coalesce(bool_or(account_index = ${accountIndex}), false) as is_taken
      from payment_methods
      where user_id = ${userId} and type = ${PaymentType.bankCard} and removed_at is null
    ), verdict as (
      select cards.position, real_names.user_id is null as is_first,
        coalesce(real_names.name, claimed.name) as holder,
        case
          when real_names.user_id is null
            and (claimed.name is null or claimed.id_no_index is null) then 'real_name_missing'
          when claimed.name <> real_names.name
            or claimed.id_no_index <> real_names.id_no_index then 'bank_card_holder'
          when cards.is_taken then 'bank_card_taken'
          when cards.is_full then 'params_invalid'
        end as refusal
      from claimed cross join cards left join real_names on real_names.user_id = ${userId}
    ), named as (
      insert into real_names (user_id, name, id_type, id_no_sealed, id_no_index, created_at)
      select ${userId}, holder, ${ID_CARD}, ${idNoSealed}, ${idNoIndex}, ${at}
      from verdict where refusal is null and is_first
    ), bound as (
      insert into payment_methods (user_id, type, name, account_sealed, account_index,
        account_last4, extra0, bank_code, card_type, phone, position, created_at)
      select ${userId}, ${PaymentType.bankCard}, holder,
        ${seal(keys, digits, `payment_methods.account:${userId}`)}, ${accountIndex},
        ${digits.slice(-4)}, ${bank.name}, ${bank.code}, ${cardType}, ${phone}, position, ${at}
      from verdict where refusal is null
      returning id
    )
    select verdict.refusal, bound.id from verdict left join bound on true`;
  return (await rows(ctx, statement, columns))[0]!;
}

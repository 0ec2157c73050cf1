import { type SQL, sql } from "drizzle-orm";
import { PaymentType } from "../../schema/people.ts";

/** The bank card somebody is paid out to: the first usable one of their list; a query of a row. */
export function payeeCardOf(userId: SQL): SQL {
  return sql`(select account_sealed, account_last4, name, extra0, extra1, bank_code
    from payment_methods
    where payment_methods.user_id = ${userId} and type = ${PaymentType.bankCard} and status = 1
      and removed_at is null
    order by position, id limit 1)`;
}

export function canBePaid(userId: SQL): SQL {
  return sql`(exists (select from real_names where real_names.user_id = ${userId})
    and exists ${payeeCardOf(userId)})`;
}

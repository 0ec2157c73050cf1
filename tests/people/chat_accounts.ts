import { sql } from "drizzle-orm";
import { withTx } from "../../db/client/ctx.ts";
import { drawnShortNo } from "../../db/domain/chat_accounts/account.ts";
import { welcome } from "../../db/domain/friends/welcome.ts";
import { CHAT_PASSWORD, type ChatLogin, freshPhone } from "../clients/im.ts";
import type { TestApp } from "../harness.ts";
import { type ChatPerson, makeChatPerson } from "../routes/im/chat_people.ts";
import { hashCheaply } from "./cheap_password.ts";

const PASSWORD_HASH = hashCheaply(CHAT_PASSWORD);

/**
 * Somebody as a registration leaves them, first friends and welcome included, for tests that are
 * not about registering: straight in the database, and the password is cheap to compare with.
 */
export async function makeAccount(
  app: TestApp,
  { phone = freshPhone(), name = "Toby" }: { phone?: string; name?: string } = {},
): Promise<ChatPerson & ChatLogin> {
  const person = await makeChatPerson(app, name);
  await withTx(app.ctx, async (tx) => {
    await tx.db.execute(sql`
      with account as (
        insert into chat_accounts (user_id, username, password, short_no)
        values (${person.userId}, ${`0086${phone}`}, ${PASSWORD_HASH}, ${drawnShortNo})
      )
      update users set country_code = '86', mobile = ${phone} where id = ${person.userId}`);
    await welcome(tx, person.userId);
  });
  return { ...person, phone };
}

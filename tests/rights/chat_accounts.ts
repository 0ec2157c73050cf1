import { sql } from "drizzle-orm";
import { randomHex32 } from "../../config/keys.ts";
import { freshPhone, registerChat } from "../clients/im.ts";
import type { TestApp } from "../harness.ts";
import { type ChatPerson, makeChatPerson } from "../routes/im/chat_people.ts";

/**
 * An account of the chat app straight in the database, with somebody's password that was hashed
 * before: each hash takes a tenth of a second. The first of all is registered for that.
 */
export async function makeAccount(
  app: TestApp,
  { phone = freshPhone(), name }: { phone?: string; name: string },
): Promise<ChatPerson> {
  const person = await makeChatPerson(app, name);
  await app.ctx.db.execute(sql`
    with account as (
      insert into chat_accounts (user_id, username, password, short_no)
      values (${person.userId}, ${`0086${phone}`}, ${await somePassword(app)},
        ${randomHex32().slice(0, 20)})
    )
    update users set country_code = '86', mobile = ${phone} where id = ${person.userId}`);
  return person;
}

async function somePassword(app: TestApp): Promise<string> {
  const { rows: [row] } = await app.ctx.db.execute<{ password: string }>(sql`
    select password from chat_accounts where password is not null limit 1`);
  if (row) return row.password;
  await registerChat(app);
  return await somePassword(app);
}

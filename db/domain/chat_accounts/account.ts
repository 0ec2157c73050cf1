import { eq, sql } from "drizzle-orm";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { chatAccounts } from "../../schema/chat.ts";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { users } from "../../schema/users.ts";
import { DomainError } from "../errors.ts";
import { welcome } from "../friends/welcome.ts";
import type { Accepted } from "../messages/accept.ts";
import { wake } from "../messages/send.ts";
import type { LoggedIn } from "../sessions/open_session.ts";
import { type Guess, type Try, tryColumns, tryOf, tryParts } from "../sessions/tries.ts";

export type ChatAccount = typeof chatAccounts.$inferSelect;

export interface ChatPerson {
  userId: number;
  uid: string;
  name: string;
  status: number;
  countryCode: string | null;
  mobile: string | null;
  account: ChatAccount;
}

export interface ChatLogin {
  session: LoggedIn;
  person: ChatPerson;
}

export const DRAW_COUNT_MAX = 5;

/** Ten digits that say nothing; `short_no` is unique, so whoever inserts draws again. */
export const drawnShortNo = sql`(1000000000 + floor(random() * 9000000000))::bigint::text`;

/**
 * The chat account of a person, made on first use for those who registered elsewhere: named for
 * their number, or for their uid when they have none, and without a password. They are welcomed
 * then. Not for use inside a transaction, which nobody may be woken before the end of.
 * @throws {DomainError} `account_missing`
 */
export async function ensureChatAccount(ctx: Ctx, userId: number): Promise<ChatAccount> {
  for (let draw = 0; draw <= DRAW_COUNT_MAX; draw++) {
    const [account] = await ctx.db.select().from(chatAccounts)
      .where(eq(chatAccounts.userId, userId)).limit(1);
    if (account) return account;
    const said = await withTx(ctx, (tx) => makeAccount(tx, userId));
    if (said) wake(ctx, said);
  }
  throw new DomainError("account_missing");
}

/** @returns undefined when somebody else made it first, or has the short number that was drawn */
async function makeAccount(ctx: Ctx, userId: number): Promise<Accepted | undefined> {
  const { rows } = await ctx.db.execute(sql`
    insert into chat_accounts (user_id, username, short_no)
    select id, case when app_id = ${HOUSE_APP_ID} and mobile is not null
      then '00' || country_code || mobile else uid end, ${drawnShortNo}
    from users where id = ${userId} for no key update
    on conflict do nothing
    returning user_id`);
  return rows.length > 0 ? await welcome(ctx, userId) : undefined;
}

/** Changes a person's chat account, making it first where there is none. */
export async function updateChatAccount(
  ctx: Ctx,
  userId: number,
  values: Partial<typeof chatAccounts.$inferInsert>,
): Promise<void> {
  const change = () =>
    ctx.db.update(chatAccounts).set(values).where(eq(chatAccounts.userId, userId))
      .returning({ userId: chatAccounts.userId });
  if ((await change()).length > 0) return;
  await ensureChatAccount(ctx, userId);
  await change();
}

const personColumns = {
  userId: users.id,
  uid: users.uid,
  name: users.nickname,
  status: users.status,
  countryCode: users.countryCode,
  mobile: users.mobile,
  account: chatAccounts,
};

/**
 * Whoever logs in by this name, and a try at their password; people who never used the chat app
 * have no name. One statement: a name that is nobody's costs the same.
 * @throws {DomainError} `tries_spent`
 */
export async function findByUsername(
  ctx: Ctx,
  username: string,
  guess: Guess,
): Promise<{ person: ChatPerson | undefined; proof: Try }> {
  const now = ctx.now();
  const parts = tryParts(guess, now).map(([name, body]) => ctx.db.$with(name, {}).as(body));
  const [found] = await ctx.db.with(...parts).select({ ...tryColumns, ...personColumns })
    .from(sql`(select) as one`)
    .leftJoin(chatAccounts, eq(chatAccounts.username, username))
    .leftJoin(users, eq(users.id, chatAccounts.userId));
  const proof = tryOf(guess, found!, now);
  const { fits: _fits, networks: _networks, endsAtMs: _endsAtMs, ...person } = found!;
  return { proof, person: person.account === null ? undefined : person as ChatPerson };
}

/** A person's own account, made on first use. */
export async function readChatPerson(ctx: Ctx, userId: number): Promise<ChatPerson> {
  const read = () =>
    ctx.db.select(personColumns).from(chatAccounts)
      .innerJoin(users, eq(users.id, chatAccounts.userId))
      .where(eq(chatAccounts.userId, userId)).limit(1);
  const [person] = await read();
  if (person) return person;
  await ensureChatAccount(ctx, userId);
  return (await read())[0]!;
}

import { sql } from "drizzle-orm";
import { createHash } from "node:crypto";
import { randomHex32 } from "../../config/keys.ts";
import type { TestApp } from "../harness.ts";

/** A token that was good once, and is over in one of the ways there are. */
export type Ended = "expired" | "ended" | "disabled" | "deleted";
export const endings: Ended[] = ["expired", "ended", "disabled", "deleted"];

const hashOf = (token: string) => createHash("sha256").update(token).digest("hex");

/** Ends a session as time, its person or an operator would; nothing has asked for it so far. */
export async function endSession({ ctx }: TestApp, token: string, how: Ended): Promise<void> {
  const session = sql`token_hash = ${hashOf(token)}`;
  const person = sql`id = (select user_id from sessions where ${session})`;
  // What is in a cache as well is for other tests: here the database decides.
  const statement = {
    expired: sql`update sessions set expires_at = created_at where ${session}`,
    ended: sql`update sessions set revoked_at = created_at where ${session}`,
    disabled: sql`update users set status = 3 where ${person}`,
    deleted: sql`update users set status = 4, deleted_at = created_at where ${person}`,
  }[how];
  await ctx.db.execute(statement);
}

/** A second session of somebody who is there already, as on a computer; its token. */
export async function openSecondSession({ ctx }: TestApp, userId: number): Promise<string> {
  const token = randomHex32();
  const now = ctx.now();
  const until = new Date(now.getTime() + 86_400_000);
  await ctx.db.execute(sql`
    insert into sessions (token_hash, user_id, kind, created_at, expires_at)
    values (${hashOf(token)}, ${userId}, 1, ${now.toISOString()}::timestamptz,
      ${until.toISOString()}::timestamptz)`);
  return token;
}

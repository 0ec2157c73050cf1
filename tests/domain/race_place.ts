import { asc, isNotNull, sql } from "drizzle-orm";
import { deriveKeys } from "../../config/keys.ts";
import { localBus } from "../../db/bus/bus.ts";
import type { Ctx } from "../../db/client/ctx.ts";
import { DomainError } from "../../db/domain/errors.ts";
import { users } from "../../db/schema/users.ts";
import { openPatiently, type TestPostgres } from "../services/postgres.ts";

const keys = deriveKeys({ secretKey: "a secret key that only tests know" });

export interface Person {
  userId: number;
  uid: string;
}

export interface Place extends AsyncDisposable {
  ctx: Ctx;
  people: Person[];
}

/**
 * A database on a real server with some people: PGlite has one connection, on which nothing ever
 * races. A thousand callers wait for ten connections, so they may wait long.
 */
export async function openPlace(
  postgres: TestPostgres,
  { peopleCount, now = () => new Date() }: { peopleCount: number; now?: () => Date },
): Promise<Place> {
  const database = openPatiently(await postgres.newDatabase());
  await database.db.execute(sql`
    insert into users (uid, app_uid, profile_at, created_at, updated_at)
    select md5(n::text), n, now(), now(), now() from generate_series(1, ${peopleCount}::int) as n`);
  const people = await database.db.select({ userId: users.id, uid: users.uid }).from(users)
    // Not the built-in accounts.
    .where(isNotNull(users.profileAt)).orderBy(asc(users.id));
  const { db, transact } = database;
  const config = { keys, groupAddFriendsOnly: false } as Ctx["config"];
  const ctx = { db, transact, bus: localBus(), now, config } as Ctx;
  return { ctx, people, [Symbol.asyncDispose]: () => database.close() };
}

/** Runs everything at once; failures of other kinds than `expected` are the test's. */
export async function race(
  expected: string[],
  runs: (() => Promise<unknown>)[],
): Promise<string[]> {
  return await Promise.all(runs.map(async (run) => {
    try {
      await run();
      return "done";
    } catch (error) {
      if (error instanceof DomainError && expected.includes(error.kind)) return error.kind;
      throw error;
    }
  }));
}

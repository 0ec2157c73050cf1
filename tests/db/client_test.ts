import { neon } from "@neondatabase/serverless";
import { DrizzleQueryError, eq, sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { withTrips } from "../../config/runtime/trips.ts";
import type { BusEvent } from "../../db/bus/bus.ts";
import { type Ctx, type Database, type DatabaseKind, withTx } from "../../db/client/ctx.ts";
import { brokenConstraintOf, isDatabaseAway, sqlStateOf } from "../../db/client/errors.ts";
import { MIGRATIONS_FOLDER, readMigrationLevel } from "../../db/client/migrations.ts";
import { openNeon } from "../../db/client/neon.ts";
import { openPg } from "../../db/client/pg.ts";
import { openPglite } from "../../db/client/pglite.ts";
import { apps } from "../../db/schema/apps.ts";
import { captchaSends } from "../../db/schema/captchas.ts";
import { groups } from "../../db/schema/groups.ts";
import { opsKeys } from "../../db/schema/operators.ts";
import { users } from "../../db/schema/users.ts";
import { startNeonProxy, useNeonProxy } from "../services/neon_proxy.ts";
import { startPostgres } from "../services/postgres.ts";

// One contract, every driver: what holds here is all that verbs may count on, so that a verb tested
// on PGlite does the same in production.
const postgres = await startPostgres();
const proxy = postgres && startNeonProxy(postgres.url);
const forgetProxy = proxy && useNeonProxy(proxy);
Deno.test.afterAll(async () => {
  forgetProxy?.();
  await proxy?.[Symbol.asyncDispose]();
  await postgres?.[Symbol.asyncDispose]();
});

interface Driver {
  kind: DatabaseKind;
  /** A database at the newest schema, shared by the tests of this file. */
  open(): Promise<Database>;
  openEmpty(): Promise<Database>;
}

function serverDriver(kind: DatabaseKind, openUrl: (url: string) => Database): Driver {
  let migrated: Promise<string> | undefined;
  const migrate = async () => {
    const url = await postgres!.newDatabase({ empty: true });
    const database = openUrl(url);
    await database.migrate(MIGRATIONS_FOLDER);
    await database.close();
    return url;
  };
  return {
    kind,
    open: async () => openUrl(await (migrated ??= migrate())),
    openEmpty: async () => openUrl(await postgres!.newDatabase({ empty: true })),
  };
}

/** Booting PGlite takes a second or two, so its tests share one; `close` then closes nothing. */
function embeddedDriver(): Driver {
  let shared: Promise<Database> | undefined;
  const boot = async () => {
    const database = await openPglite("memory://");
    await database.migrate(MIGRATIONS_FOLDER);
    return database;
  };
  Deno.test.afterAll(async () => await (await shared)?.close());
  return {
    kind: "pglite",
    open: async () => ({ ...await (shared ??= boot()), close: () => Promise.resolve() }),
    openEmpty: () => openPglite("memory://"),
  };
}

const servers = postgres ? [serverDriver("pg", openPg), serverDriver("neon", openNeon)] : [];
// PGlite comes last: it keeps timers of its own (its server updates statistics some seconds after
// a statement), which would end in the middle of the tests of the others. Both of Deno's sanitizers
// look at timers, so neither can watch PGlite, which has no connections to leave behind.
const drivers = [...servers, embeddedDriver()];

interface Claim {
  name: string;
  hold: (database: Database) => Promise<void>;
  on: Driver[];
  how: "open" | "openEmpty";
}
const claims: Claim[] = [];

/** Claims the same of every driver, and of servers that `close` leaves no connection or timer. */
function claim(
  name: string,
  hold: (database: Database) => Promise<void>,
  { on = drivers, how = "open" }: Partial<Pick<Claim, "on" | "how">> = {},
): void {
  claims.push({ name, hold, on, how });
}

function registerClaims(driver: Driver): void {
  for (const { name, hold, how } of claims.filter(({ on }) => on.includes(driver))) {
    Deno.test({
      name: `${driver.kind}: ${name}`,
      sanitizeOps: driver.kind !== "pglite",
      sanitizeResources: driver.kind !== "pglite",
      async fn() {
        const database = await driver[how]();
        try {
          await hold(database);
        } finally {
          await database.close();
        }
      },
    });
  }
}

const at = new Date("2026-03-01T23:59:59.987Z");
let appUid = Date.now();
const newUser = () => ({
  uid: crypto.randomUUID().replaceAll("-", ""),
  appUid: ++appUid,
  createdAt: at,
  updatedAt: at,
});
const countUsers = async ({ db }: Pick<Database, "db">, uid: string) =>
  await db.$count(users, eq(users.uid, uid));

claim("columns come back as what the schema declares", async ({ db }) => {
  const groupNo = crypto.randomUUID();
  const values = { groupNo, name: "晴れ 🌤", ownerRate: "0.1230", createdAt: at, updatedAt: at };
  const [group] = await db.insert(groups).values(values).returning();
  assert.equal(typeof group?.id, "number");
  assert.ok(group!.id >= 7_000_100_001);
  assert.equal(group!.name, "晴れ 🌤");
  assert.equal(group!.ownerRate, "0.1230");
  assert.equal(group!.isSuper, false);
  assert.equal(group!.ownerId, null);
  assert.deepEqual(group!.createdAt, at);
  const [app] = await db.insert(apps)
    .values({ name: "a", secretHash: "b", addresses: ["10.0.0.1", 'a,"b"', ""], createdAt: at })
    .returning({ addresses: apps.addresses });
  assert.deepEqual(app, { addresses: ["10.0.0.1", 'a,"b"', ""] });
  const key = { id: crypto.randomUUID(), secretHash: "x", name: "k", createdAt: at };
  const [ops] = await db.insert(opsKeys).values({ ...key, groupIds: [7_000_100_001, 2] })
    .returning({ groupIds: opsKeys.groupIds });
  assert.deepEqual(ops, { groupIds: [7_000_100_001, 2] });
  const sentAt = [at, new Date("1999-12-31T00:00:00.001Z")];
  const number = { countryCode: "86", mobile: crypto.randomUUID(), sentAt };
  await db.insert(captchaSends).values(number);
  const sends = await db.select().from(captchaSends).where(eq(captchaSends.mobile, number.mobile));
  assert.deepEqual(
    sends.map(({ countryCode, mobile, sentAt }) => ({ countryCode, mobile, sentAt })),
    [
      number,
    ],
  );
});

claim("raw statements answer the same values behind every driver", async ({ db }) => {
  const { rows } = await db.execute(sql`
    select 9007199254740993::int8 as big, 7::int4 as small, 1.50::numeric as exact,
      0.5::float8 as float, true as yes, null as nothing, array['a', null, 'b c'] as texts,
      '{"a": [1, "x"], "b": null}'::jsonb as json, count(*) as counted,
      ${at}::timestamptz = '2026-03-01 23:59:59.987Z' as same_instant,
      ${sql.param([1, 2])}::int8[] as bigs, ${{ a: "b" }}::jsonb ->> 'a' as member`);
  assert.deepEqual(rows.map((row) => ({ ...row })), [{
    big: "9007199254740993",
    small: 7,
    exact: "1.50",
    float: 0.5,
    yes: true,
    nothing: null,
    texts: ["a", null, "b c"],
    json: { a: [1, "x"], b: null },
    counted: "1",
    same_instant: true,
    bigs: ["1", "2"],
    member: "b",
  }]);
  // As text, in the time zone of the session: only the instant is the same everywhere.
  const { rows: [row] } = await db.execute<{ at: string }>(sql`select ${at}::timestamptz as at`);
  assert.equal(typeof row!.at, "string");
  assert.deepEqual(new Date(row!.at), at);
});

claim("a second row with a unique value fails with its SQLSTATE and constraint", async ({ db }) => {
  const user = newUser();
  await db.insert(users).values(user);
  const again = await db.insert(users).values({ ...newUser(), uid: user.uid }).catch((e) => e);
  assert.equal(sqlStateOf(again), "23505");
  assert.equal(brokenConstraintOf(again), "users_uid_unique");
  assert.equal(isDatabaseAway(again), false);
});

claim("a transaction commits what it answered and rolls back what threw", async (database) => {
  const [kept, dropped] = [newUser(), newUser()];
  const answer = await database.transact(async (db) => {
    await db.insert(users).values(kept);
    return "answer";
  });
  assert.equal(answer, "answer");
  assert.equal(await countUsers(database, kept.uid), 1);
  const original = new Error("no");
  const failing = database.transact(async (db) => {
    await db.insert(users).values(dropped);
    throw original;
  });
  await assert.rejects(failing, (error) => error === original);
  assert.equal(await countUsers(database, dropped.uid), 0);
});

claim("a transaction with a forgiven failure throws instead of losing its work", async (db) => {
  const user = newUser();
  const work = db.transact(async (tx) => {
    await tx.insert(users).values(user);
    await tx.execute(sql`select 1 / 0`).catch(() => {});
  });
  await assert.rejects(work, (error) => sqlStateOf(error) === "25P02");
  assert.equal(await countUsers(db, user.uid), 0);
});

claim("a statement after the end of its transaction is refused", async (database) => {
  // What a forgotten `await` does: over a pool it would speak inside somebody else's transaction.
  const escaped = await database.transact((db) => Promise.resolve({ db }));
  const user = newUser();
  await assert.rejects(async () => await escaped.db.insert(users).values(user));
  assert.equal(await countUsers(database, user.uid), 0);
});

claim("withTx inside withTx is the same transaction", async (database) => {
  const user = newUser();
  const ctx = { db: database.db, transact: database.transact } as Ctx;
  const outer = withTx(ctx, async (ctx) => {
    await withTx(ctx, (ctx) => ctx.db.insert(users).values(user));
    assert.equal(await countUsers(ctx, user.uid), 1);
    throw new Error("outer");
  });
  await assert.rejects(outer, /outer/);
  assert.equal(await countUsers(database, user.uid), 0);
});

claim("what a transaction publishes is told once it is committed", async (database) => {
  const told: number[] = [];
  const publish = (event: BusEvent) => {
    if (event.kind === "group") told.push(event.groupId);
  };
  let runs = 0;
  /** A transaction that loses its first race, and so is run again. */
  const transact: Ctx["transact"] = async (work) => {
    await database.transact(work);
    return await database.transact(work);
  };
  const say = (ctx: Ctx, groupId: number) => ctx.bus.publish({ kind: "group", groupId });
  const ctx = { db: database.db, transact, bus: { publish } } as Ctx;
  await withTx(ctx, async (tx) => {
    say(tx, ++runs);
    await withTx(tx, (inner) => Promise.resolve(say(inner, 10 + runs)));
    assert.deepEqual(told, [], "not before");
  });
  assert.deepEqual(told, [2, 12], "of the run that counts");
  const failing = withTx(ctx, (tx) => {
    say(tx, 3);
    throw new Error("no");
  });
  await assert.rejects(failing, /no/);
  assert.deepEqual(told, [2, 12], "and never of one that failed");
});

claim("a statement is one trip, a transaction of one statement three", async (database) => {
  const one = (db: Database["db"]) => db.execute(sql`select 1`);
  await withTrips(async (trips) => {
    await one(database.db);
    assert.equal(trips.sql.count, 1);
    await database.transact(one);
    assert.equal(trips.sql.count, 4);
    await assert.rejects(database.transact(async (db) => {
      await one(db);
      throw new Error("rolled back");
    }));
    assert.equal(trips.sql.count, 7);
  });
});

claim("migrating twice, also at once, is migrating once", async (database) => {
  const before = await readMigrationLevel(database.db);
  assert.equal(before.applied, undefined);
  assert.ok(before.pendingCount > 0);
  const migrate = () => database.migrate(MIGRATIONS_FOLDER);
  await Promise.all([migrate(), migrate()]);
  await migrate();
  const after = await readMigrationLevel(database.db);
  assert.equal(after.pendingCount, 0);
  assert.match(after.applied ?? "", /^\d{4}_/);
  const { rows } = await database.db.execute(sql`select hash from drizzle.__drizzle_migrations`);
  assert.equal(rows.length, before.pendingCount);
}, { how: "openEmpty" });

claim("a refused statement does not cost the connection", async ({ db, transact }) => {
  const pid = async () => (await db.execute(sql`select pg_backend_pid() as pid`)).rows[0]?.pid;
  const before = await pid();
  await assert.rejects(async () => await db.execute(sql`select 1 / 0`));
  await assert.rejects(transact((db) => db.execute(sql`select 1 / 0`)));
  assert.equal(await pid(), before);
}, { on: servers });

Deno.test({
  name: "neon: the test proxy answers statements over HTTP as Neon does",
  ignore: !postgres,
  async fn() {
    const query = neon(postgres!.url);
    assert.deepEqual(await query`select ${2}::int4 * 2 as n, null as x`, [{ n: 4, x: null }]);
    const failure = await query`select 1 / 0`.catch((error) => error);
    assert.equal(sqlStateOf(failure), "22012");
    const batch = [query`create table batch (n int)`, query`select 1 / 0`];
    await assert.rejects(query.transaction(batch, { isolationLevel: "RepeatableRead" }));
    const [table] = await query`select to_regclass('batch') as name`;
    assert.deepEqual(table, { name: null });
  },
});

Deno.test("what somebody typed never makes a failure look like an outage", () => {
  const quoting = Object.assign(new Error('invalid input "ECONNREFUSED"'), { code: "22P02" });
  assert.equal(isDatabaseAway(quoting), false);
  const query = new DrizzleQueryError("insert", ["Connection terminated"], new Error("other"));
  assert.equal(isDatabaseAway(query), false);
  const pipe = Object.assign(new Error("write EPIPE"), { code: "EPIPE" });
  assert.equal(sqlStateOf(pipe), undefined);
  assert.equal(isDatabaseAway(new DrizzleQueryError("select", [], pipe)), true);
});

drivers.forEach(registerClaims);

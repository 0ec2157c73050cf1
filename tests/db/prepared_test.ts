import assert from "node:assert/strict";
import { sql } from "drizzle-orm";
import type { Database } from "../../db/client/ctx.ts";
import { PREPARED_COUNT_MAX } from "../../db/client/limits.ts";
import { openPg } from "../../db/client/pg.ts";
import { StatementNames, WITH_VALUES } from "../../db/client/statement_names.ts";
import { callIm } from "../clients/im.ts";
import { callGateway, registerPerson } from "../clients/gateway.ts";
import { startTestApp } from "../harness.ts";
import { startPgBouncer } from "../services/pgbouncer.ts";
import { startPostgres } from "../services/postgres.ts";

/** How many statements the connection that answers has prepared. */
async function preparedCount({ db }: Pick<Database, "db">): Promise<number> {
  const { rows: [row] } = await db.execute<{ count: string }>(
    sql`select count(*) from pg_prepared_statements`,
  );
  return Number(row!.count);
}

const add = async ({ db }: Pick<Database, "db">, left: number, right: number) => {
  const { rows: [row] } = await db.execute<{ sum: number }>(
    sql`select ${left}::int + ${right}::int as sum`,
  );
  return row!.sum;
};

Deno.test("a text gets a name when it comes again, always the same, until names are renewed", () => {
  const names = new StatementNames({ isOn: true });
  assert.equal(names.nameOf("select 1"), undefined);
  const name = names.nameOf("select 1");
  assert.match(name!, /^[0-9a-f]{32}$/);
  assert.equal(names.nameOf("select 1"), name);
  const elsewhere = new StatementNames({ isOn: true });
  elsewhere.nameOf("select 1");
  assert.equal(elsewhere.nameOf("select 1"), name);
  elsewhere.nameOf("select 2");
  assert.notEqual(elsewhere.nameOf("select 2"), name);
  const planned = `select 3 ${WITH_VALUES}`;
  for (let at = 0; at < 3; at++) assert.equal(names.nameOf(planned), undefined);
  names.renew();
  names.nameOf("select 1");
  assert.notEqual(names.nameOf("select 1"), name);
  names.turnOff();
  assert.equal(names.nameOf("select 1"), undefined);
});

Deno.test("statements stay prepared on real PostgreSQL", async (t) => {
  await using postgres = await startPostgres();
  if (!postgres) return;
  const url = await postgres.newDatabase({ empty: true });

  await t.step("one that comes again is prepared, in transactions as outside", async () => {
    const database = openPg(url);
    try {
      assert.equal(await add(database, 1, 2), 3);
      assert.equal(await preparedCount(database), 0);
      for (let at = 0; at < 5; at++) assert.equal(await add(database, at, 2), at + 2);
      assert.equal(await preparedCount(database), 1);
      await database.transact(async (db) => {
        for (let at = 0; at < 3; at++) assert.equal(await add({ db }, at, 3), at + 3);
        // The connection is the same: nobody else has asked for one.
        assert.equal(await preparedCount({ db }), 1);
      });
    } finally {
      await database.close();
    }
  });

  await t.step("none is where a setting says so", async () => {
    const database = openPg(url, { prepares: false });
    try {
      for (let at = 0; at < 5; at++) assert.equal(await add(database, at, 2), at + 2);
      const named = database.db.select({ one: sql`1` }).from(sql`(values (1)) as numbers (number)`)
        .where(sql`number = ${sql.placeholder("number")}`).prepare("a name of its own");
      assert.deepEqual(await named.execute({ number: 1 }), [{ one: 1 }]);
      assert.equal(await preparedCount(database), 0);
    } finally {
      await database.close();
    }
  });

  await t.step(
    "texts that vary are not prepared, and a connection never holds too many",
    async () => {
      const database = openPg(url);
      try {
        for (let at = 0; at < PREPARED_COUNT_MAX * 2; at++) {
          await database.db.execute(sql`select ${at}::int as ${sql.identifier(`once_${at}`)}`);
        }
        assert.equal(await preparedCount(database), 0);
        let most = 0;
        for (let at = 0; at < PREPARED_COUNT_MAX * 2; at++) {
          for (let time = 0; time < 2; time++) {
            await database.db.execute(sql`select ${at}::int as ${sql.identifier(`twice_${at}`)}`);
          }
          if (at % 50 === 0) most = Math.max(most, await preparedCount(database));
        }
        assert.ok(most > 50 && most <= PREPARED_COUNT_MAX + 1, `${most}`);
      } finally {
        await database.close();
      }
    },
  );

  await t.step("a plan that a migration has made stale is made anew, unseen", async () => {
    const [database, migrating] = [openPg(url), openPg(url)];
    const read = async (db: Database["db"]) =>
      (await db.execute(sql`select * from changing where id = ${1}`)).rows[0];
    try {
      await migrating.db.execute(sql`create table changing (id int, name text)`);
      await migrating.db.execute(sql`insert into changing values (1, 'one')`);
      for (let at = 0; at < 8; at++) await read(database.db);
      await migrating.db.execute(sql`alter table changing add column place int default 7`);
      assert.deepEqual(await read(database.db), { id: 1, name: "one", place: 7 });
      for (let at = 0; at < 8; at++) await read(database.db);
      await migrating.db.execute(sql`alter table changing drop column name`);
      const seen = await database.transact(async (db) => [await read(db), await read(db)]);
      assert.deepEqual(seen, [{ id: 1, place: 7 }, { id: 1, place: 7 }]);
    } finally {
      await database.close();
      await migrating.close();
    }
  });
});

Deno.test("behind a pooler that hands connections on and knows no prepared statements all goes on", async (t) => {
  await using postgres = await startPostgres();
  if (!postgres) return;
  await using bouncer = await startPgBouncer(postgres);
  if (!bouncer) return;

  for (const prepares of [true, false]) {
    await t.step(prepares ? "found out by itself" : "by the setting", async () => {
      const database = openPg(bouncer.through(await postgres.newDatabase()), { prepares });
      const app = await startTestApp({ database });
      try {
        const people = [await registerPerson(app, "Toby"), await registerPerson(app, "Tony")];
        const rounds = Array.from({ length: 40 }, async (_, at) => {
          const as = people[at % 2]!;
          const uid = people[(at + 1) % 2]!.uid;
          const profile = await callGateway(app, "GET", `/user/${uid}/profile`, { as });
          assert.equal(profile.result.uid, uid, profile.message);
          const wallet = await callIm(app, "GET", "/wallet/my", { token: as.accessToken });
          assert.equal(wallet.http, 200);
          const chats = await callIm(app, "GET", "/conversations", { token: as.accessToken });
          assert.equal(chats.http, 200);
          const body = { nickname: `Name ${at}`, avatar: "a.png" };
          const changed = await callGateway(app, "PUT", "/user/profile", { as, body });
          assert.equal(changed.status, 1, changed.message);
        });
        await Promise.all(rounds);
        const sums = Array.from(
          { length: 200 },
          (_, at) =>
            database.transact(async (db) => [await add({ db }, at, 1), await add({ db }, at, 2)]),
        );
        for (const [at, sum] of (await Promise.all(sums)).entries()) {
          assert.deepEqual(sum, [at + 1, at + 2]);
        }
      } finally {
        await app[Symbol.asyncDispose]();
        await database.close();
      }
    });
  }
});

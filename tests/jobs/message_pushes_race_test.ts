import { eq, sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { chatAccounts } from "../../db/schema/chat.ts";
import { pendingWork } from "../../db/schema/jobs.ts";
import { startTestApp } from "../harness.ts";
import { makeChatter, openGroup } from "../people/group.ts";
import { openPatiently, startPostgres } from "../services/postgres.ts";
import {
  drainAll,
  KeepingPush,
  makePhoneOwner,
  namePhone,
  sayIn,
  sayTo,
} from "./message_pushes_people.ts";

const postgres = await startPostgres();
Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());

const TEXT_COUNT = 30;

Deno.test({
  name:
    "pg: of many workers at once each message is pushed once to each, and badges count them all",
  ignore: !postgres,
  async fn() {
    const database = openPatiently(await postgres!.newDatabase());
    try {
      await using app = await startTestApp({ database });
      const ann = await makeChatter(app, "Ann");
      const [bob, cid] = [await makePhoneOwner(app, "Bob"), await makePhoneOwner(app, "Cid")];
      const groupNo = await openGroup(app, [ann, bob, cid]);
      const push = new KeepingPush();
      await drainAll(app, push);
      push.next();
      await app.ctx.db.update(chatAccounts).set({ badge: 0 });
      for (let at = 0; at < TEXT_COUNT; at++) {
        await sayIn(app, ann, groupNo, `g${at}`);
        await sayTo(app, ann, bob, `p${at}`);
      }
      await Promise.all(Array.from({ length: 6 }, () => drainAll(app, push)));
      const told = push.taken.map(({ token, content }) => `${token} ${content}`);
      assert.equal(new Set(told).size, told.length);
      assert.equal(told.length, 3 * TEXT_COUNT);
      for (const [person, count] of [[bob, 2 * TEXT_COUNT], [cid, TEXT_COUNT]] as const) {
        const badges = push.taken.filter(({ token }) => token === person.name)
          .map(({ badge }) => badge!).sort((a, b) => a - b);
        assert.deepEqual(badges, Array.from({ length: count }, (_, at) => at + 1));
        const [account] = await app.ctx.db.select({ badge: chatAccounts.badge }).from(chatAccounts)
          .where(eq(chatAccounts.userId, person.userId));
        assert.equal(account!.badge, count);
      }
      assert.equal(await app.ctx.db.$count(pendingWork), 0);
    } finally {
      await database.close();
    }
  },
});

Deno.test({
  name: "pg: people who swap phones at once end with one each, and no deadlock is seen",
  ignore: !postgres,
  async fn() {
    const database = openPatiently(await postgres!.newDatabase());
    try {
      await using app = await startTestApp({ database });
      const people = [];
      for (let at = 0; at < 4; at++) people.push(await makeChatter(app, `P${at}`));
      for (let round = 0; round < 10; round++) {
        await Promise.all(
          people.map((person, at) =>
            namePhone(person, { token: `t${(at + round * (at % 3)) % 3}` })
          ),
        );
      }
      const { rows: [counted] } = await app.ctx.db.execute<{ n: string; tokens: string }>(sql`
        select count(*) as n, count(distinct device_token) as tokens from chat_accounts
        where device_token is not null`);
      assert.equal(counted!.n, counted!.tokens);
      assert.ok(Number(counted!.n) >= 1);
    } finally {
      await database.close();
    }
  },
});

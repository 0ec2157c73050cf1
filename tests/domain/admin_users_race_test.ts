import { and, asc, eq, inArray, isNull, notInArray, sql } from "drizzle-orm";
import assert from "node:assert/strict";
import type { Config } from "../../config/config.ts";
import { deriveKeys } from "../../config/keys.ts";
import type { Ctx } from "../../db/client/ctx.ts";
import type { OperatorActor } from "../../db/domain/operators/actor.ts";
import { logInByMobile } from "../../db/domain/users/log_in_by_mobile.ts";
import { addUsers } from "../../db/domain/users/add_users.ts";
import { changeUsers } from "../../db/domain/users/change_users.ts";
import { deleteUsers } from "../../db/domain/users/delete_users.ts";
import { listUsers, readUser } from "../../db/domain/users/managed_reads.ts";
import { openRedis } from "../../db/redis/open.ts";
import { operatorActions, operators } from "../../db/schema/operators.ts";
import { sessions } from "../../db/schema/sessions.ts";
import { users } from "../../db/schema/users.ts";
import { startPostgres, type TestPostgres } from "../services/postgres.ts";
import { openPlace, race } from "./race_place.ts";

// On a real server: PGlite has one connection, on which nothing ever races.
const postgres = await startPostgres();
Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());
const ignore = !postgres;

/** Over how long calls of different kinds are spread, ms. */
const SPREAD_MS = 100;

const times = <T>(count: number, make: (at: number) => T) =>
  Array.from({ length: count }, (_, at) => make(at));

/** A place with people who have numbers, and operators. */
async function openOffice(postgres: TestPostgres, peopleCount: number) {
  const place = await openPlace(postgres, { peopleCount });
  await place.ctx.db.execute(sql`
    update users set country_code = '86', mobile = (13000000000 + id)::text
    where profile_at is not null`);
  const redis = await openRedis({ redis: { kind: "memory" } } as Config);
  const config = { keys: deriveKeys({ secretKey: "a secret only this test knows" }) } as Config;
  const ctx = { ...place.ctx, config, redis: redis.redis, requestId: "race" };
  const rows = await ctx.db.insert(operators)
    .values(times(5, (at) => ({ name: `O${at}`, role: "operator" as const, createdAt: ctx.now() })))
    .returning();
  const actors = rows.map(({ id, name, role }): OperatorActor => ({
    kind: "operator",
    operatorId: id,
    name,
    role,
    jti: "j",
  }));
  return {
    ctx,
    actors,
    ids: place.people.map(({ userId }) => userId),
    async [Symbol.asyncDispose]() {
      await redis.close();
      await place[Symbol.asyncDispose]();
    },
  };
}

/** Whatever the counters say is what there is. */
async function assertCounted(ctx: Ctx): Promise<void> {
  for (const status of [undefined, 1, 2, 3, 4] as const) {
    for (const exchanger of [undefined, true, false]) {
      const kind = { status, exchanger, start: 0, limit: 100 };
      const { total, users } = await listUsers(ctx, kind);
      assert.equal(total, users.length, JSON.stringify(kind));
    }
  }
}

Deno.test({
  name:
    "operators who change one person at once leave a chain in which each change follows another",
  ignore,
}, async () => {
  await using office = await openOffice(postgres!, 1);
  const { ctx, actors, ids: [userId] } = office;
  await race(
    [],
    times(60, (at) => () =>
      changeUsers(ctx, {
        actor: actors[at % 5]!,
        changes: [{ userId: userId!, name: `N${at}`, exchanger: at % 2 === 0 }],
      })),
  );
  const actions = await ctx.db.select().from(operatorActions)
    .where(eq(operatorActions.target, `user:${userId}`)).orderBy(asc(operatorActions.id));
  assert.equal(actions.length, 60);
  let known: Record<string, unknown> = { name: "", exchanger: false };
  for (const { before, after } of actions) {
    for (const [name, value] of Object.entries(before as Record<string, unknown>)) {
      assert.deepEqual(value, known[name]);
    }
    known = { ...known, ...after as Record<string, unknown> };
  }
  const { name, exchanger } = await readUser(ctx, userId!);
  assert.deepEqual({ name, exchanger }, known);
  await assertCounted(ctx);
});

Deno.test({
  name: "one number for many people at once is one person's, whoever gives it",
  ignore,
}, async () => {
  await using office = await openOffice(postgres!, 10);
  const { ctx, actors, ids } = office;
  const mobile = { countryCode: "86", number: "13777777777" };
  const answers = await race(["account_exists"], [
    ...ids.map((userId, at) => () =>
      changeUsers(ctx, { actor: actors[at % 5]!, changes: [{ userId, mobile }] })
    ),
    ...times(10, (at) => () =>
      addUsers(ctx, {
        actor: actors[at % 5]!,
        added: [
          {
            name: "A",
            mobile: { countryCode: "86", number: `1360000000${at}` },
            exchanger: false,
            status: 1,
          },
          { name: "B", mobile, exchanger: false, status: 1 },
        ],
      })),
  ]);
  assert.equal(answers.filter((answer) => answer === "done").length, 1);
  assert.equal(await ctx.db.$count(users, eq(users.mobile, mobile.number)), 1);
  // All or nothing: the other half of a call that failed is not there.
  const halves = await ctx.db.$count(users, eq(users.nickname, "A"));
  assert.equal(halves, await ctx.db.$count(users, eq(users.nickname, "B")));
  await assertCounted(ctx);
});

Deno.test({
  name: "changes of many people at once, in any order, are all done and all counted",
  ignore,
}, async () => {
  await using office = await openOffice(postgres!, 60);
  const { ctx, actors, ids } = office;
  const shuffled = () => [...ids].sort(() => Math.random() - 0.5).slice(0, 30);
  await race([], [
    ...times(10, (at) => () =>
      changeUsers(ctx, {
        actor: actors[at % 5]!,
        changes: shuffled().map((userId) => ({
          userId,
          status: [1, 2, 3][at % 3] as 1 | 2 | 3,
          exchanger: at % 2 === 0,
        })),
      })),
    ...times(5, (at) => () => deleteUsers(ctx, { actor: actors[at]!, userIds: shuffled() })),
    ...times(5, (at) => () =>
      addUsers(ctx, {
        actor: actors[at]!,
        added: times(
          5,
          (n) => ({
            name: "A",
            exchanger: n % 2 === 0,
            status: 1 as const,
            mobile: { countryCode: "86", number: String(13_900_000_000 + at * 10 + n) },
          }),
        ),
      })),
  ]);
  assert.equal(
    (await listUsers(ctx, { status: undefined, exchanger: undefined, start: 0, limit: 100 })).total,
    60 + 25,
  );
  await assertCounted(ctx);
});

Deno.test({
  name: "a login at the moment of disabling or deleting leaves no session behind",
  ignore,
}, async () => {
  await using office = await openOffice(postgres!, 40);
  const { ctx, actors, ids } = office;
  const client = { versionName: "1", versionCode: 1, address: "" };
  const answers = await race(
    ["account_frozen"],
    ids.flatMap((userId, at) => [
      ...times(3, (kind) => () =>
        logInByMobile(ctx, {
          mobile: { countryCode: "86", number: String(13_000_000_000 + userId) },
          client: { ...client, clientType: kind },
        })),
      () =>
        at % 2 === 0
          ? changeUsers(ctx, { actor: actors[0]!, changes: [{ userId, status: 3 }] })
          : deleteUsers(ctx, { actor: actors[0]!, userIds: [userId] }),
    ]).map((run) => async () => {
      // Else all of one kind would get a connection before any of the other.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * SPREAD_MS));
      await run();
    }),
  );
  assert.ok(answers.includes("account_frozen"));
  // Whoever logs in with the number of somebody deleted is somebody new.
  const own = inArray(sessions.userId, ids);
  assert.ok(await ctx.db.$count(sessions, own) > 0, "some logins came first");
  assert.equal(await ctx.db.$count(sessions, and(own, isNull(sessions.revokedAt))), 0);
  assert.ok(await ctx.db.$count(sessions, notInArray(sessions.userId, ids)) > 0, "some came after");
  for (const userId of ids) {
    assert.ok([3, 4].includes((await readUser(ctx, userId)).status));
  }
});

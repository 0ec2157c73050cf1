import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import type { Ctx } from "../../db/client/ctx.ts";
import { deleteCard } from "../../db/domain/cards/delete_card.ts";
import { sendCard } from "../../db/domain/cards/send_card.ts";
import { createClub } from "../../db/domain/clubs/create_club.ts";
import { joinClub } from "../../db/domain/clubs/join_club.ts";
import { leaveClub } from "../../db/domain/clubs/leave_club.ts";
import { loadNotifications } from "../../db/domain/notifications/load_page.ts";
import { notifyAll } from "../../db/domain/notifications/notify.ts";
import { readUnreadTotal } from "../../db/domain/notifications/reads.ts";
import { startPostgres } from "../services/postgres.ts";
import { openPlace, type Person, race } from "./race_place.ts";

// On a real server: PGlite has one connection, on which nothing ever races.
const postgres = await startPostgres();
Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());

/** Clubs whose counter is not the number of their members, or which vanished with some. */
async function wrongClubs({ db }: Ctx): Promise<unknown[]> {
  return (await db.execute(sql`
    select clubs.id, member_count, count(user_id), deleted_at
    from clubs left join club_members on club_id = clubs.id
    group by clubs.id
    having member_count <> count(user_id) or (deleted_at is null) <> (count(user_id) > 0)
      or (deleted_at is null and not coalesce(bool_or(user_id = owner_id), false))`)).rows;
}

const times = <T>(count: number, make: (at: number) => T) =>
  Array.from({ length: count }, (_, at) => make(at));
const ignore = !postgres;

Deno.test({ name: "a person who joins 1,000 times at once is a member once", ignore }, async () => {
  await using place = await openPlace(postgres!, { peopleCount: 2 });
  const { ctx, people: [owner, other] } = place;
  const { clubId } = await createClub(ctx, { owner: owner!, name: "A", cover: "a" });
  await race([], times(1_000, () => () => joinClub(ctx, { userId: other!.userId, clubId })));
  const { rows } = await ctx.db.execute(sql`
    select user_id::int, member_count from club_members join clubs on clubs.id = club_id
    order by user_id`);
  assert.deepEqual(
    rows,
    [owner, other].map((person) => ({
      user_id: person!.userId,
      member_count: 2,
    })),
  );
});

Deno.test({
  name: "1,000 parallel joins and leaves of a few people leave counter and rows equal",
  ignore,
}, async () => {
  await using place = await openPlace(postgres!, { peopleCount: 12 });
  const { ctx, people: [owner, ...others] } = place;
  const { clubId } = await createClub(ctx, { owner: owner!, name: "A", cover: "a" });
  await race(
    [],
    times(1_000, (at) => {
      const { userId } = others[Math.floor(at / 2) % others.length]!;
      const change = Math.random() < 0.5 ? joinClub : leaveClub;
      return async () => void await change(ctx, { userId, clubId });
    }),
  );
  assert.deepEqual(await wrongClubs(ctx), []);
});

Deno.test({
  name: "an owner who leaves while others join either stays, or takes the club along",
  ignore,
}, async () => {
  await using place = await openPlace(postgres!, { peopleCount: 4 });
  const { ctx, people: [owner, ...others] } = place;
  const clubs = await Promise.all(
    times(125, () => createClub(ctx, { owner: owner!, name: "A", cover: "a" })),
  );
  const answers = await race(
    ["club_missing", "club_owner_stays"],
    clubs.flatMap(({ clubId }) => {
      const leave = ({ userId }: Person) => () => leaveClub(ctx, { userId, clubId });
      const join = ({ userId }: Person) => () => joinClub(ctx, { userId, clubId });
      const runs = [...others.flatMap((it) => [join(it), leave(it)]), leave(owner!), leave(owner!)];
      return runs.sort(() => Math.random() - 0.5);
    }),
  );
  assert.equal(answers.length, 1_000);
  assert.deepEqual(await wrongClubs(ctx), []);
  for (const kind of ["done", "club_missing", "club_owner_stays"]) {
    assert.ok(answers.includes(kind), `the race never ended in ${kind}`);
  }
});

Deno.test({
  name: "1,000 cards given and thrown away at once leave counters and rows equal",
  ignore,
}, async () => {
  await using place = await openPlace(postgres!, { peopleCount: 4 });
  const { ctx, people } = place;
  await race(
    [],
    times(1_000, (at) => async () => {
      const from = people[at % 4]!, to = people[(at + 1 + at % 3) % 4]!;
      if (Math.random() < 0.5) await sendCard(ctx, { from, uid: to.uid });
      else await deleteCard(ctx, { userId: to.userId, uid: from.uid });
    }),
  );
  const { rows } = await ctx.db.execute<Record<string, number>>(sql`
    select card_count, unread_count,
      (select count(*)::int from cards where to_user_id = users.id and deleted_at is null) as cards,
      (select count(*)::int from notifications where user_id = users.id) as notices,
      (select count(*)::int from pending_work where payload->'userId' = to_jsonb(users.id)) as pushes
    from users where profile_at is not null`);
  for (const row of rows) {
    assert.equal(row.card_count, row.cards);
    assert.equal(row.unread_count, row.notices);
    assert.equal(row.notices, row.pushes);
    assert.ok(row.notices! > 1);
  }
});

Deno.test({
  name: "people told and looking at once are told of everything, and nobody meets a deadlock",
  ignore,
}, async () => {
  await using place = await openPlace(postgres!, { peopleCount: 6 });
  const { ctx, people } = place;
  const notice = { origin: 0, title: "a", content: "b", url: "c", push: true };
  const shown = people.map(() => new Set<number>());
  const look = (at: number, count: number) => async () => {
    const userId = people[at]!.userId;
    for (const it of await loadNotifications(ctx, { userId, before: undefined, count })) {
      if (it.unread) shown[at]!.add(it.id);
    }
  };
  await race(
    [],
    times(500, (at) => {
      const userIds = people.map(({ userId }) => userId).sort(() => Math.random() - 0.5);
      return at % 2 === 0
        ? async () => void await notifyAll(ctx, { ...notice, userIds })
        : look(at % people.length, 1 + at % 100);
    }),
  );
  for (const [at, { userId }] of people.entries()) {
    const { rows: [row] } = await ctx.db.execute<{ unseen: number; all: number }>(sql`
      select count(*)::int as all, count(*) filter (where read_at is null)::int as unseen
      from notifications where user_id = ${userId}`);
    assert.equal(row!.all, 250);
    assert.equal(shown[at]!.size, row!.all - row!.unseen, "flagged exactly what was shown");
    assert.ok(await readUnreadTotal(ctx, { userId }) <= row!.unseen);
    await look(at, 1)();
    assert.equal(await readUnreadTotal(ctx, { userId }), 0);
  }
});

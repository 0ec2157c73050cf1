import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import type { Ctx } from "../../db/client/ctx.ts";
import { changeOwn } from "../../db/domain/chat_accounts/change_own.ts";
import { setForPeer } from "../../db/domain/chat_accounts/set_for_peer.ts";
import { acceptApply } from "../../db/domain/friends/accept_apply.ts";
import { applyForFriendship } from "../../db/domain/friends/apply.ts";
import { createLabel } from "../../db/domain/friends/create_label.ts";
import { deleteFriend } from "../../db/domain/friends/delete_friend.ts";
import { editLabel } from "../../db/domain/friends/edit_label.ts";
import { readLabel } from "../../db/domain/friends/label_reads.ts";
import { type Friend, listChangedFriends } from "../../db/domain/friends/reads.ts";
import { startPostgres } from "../services/postgres.ts";
import { openPlace, type Person, race } from "./race_place.ts";

// On a real server: PGlite has one connection, on which nothing ever races.
const postgres = await startPostgres();
Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());
const ignore = !postgres;

/** A place whose clock stands: every change wants the same millisecond. */
function openStill(peopleCount: number) {
  const at = new Date();
  return openPlace(postgres!, { peopleCount, now: () => at });
}

/** Applies, and answers the token as the receiver gets it. */
async function applyAndReadToken(ctx: Ctx, from: Person, to: Person): Promise<string> {
  await applyForFriendship(ctx, { applicant: from, uid: to.uid, remark: "" });
  const { rows: [row] } = await ctx.db.execute<{ token: string }>(sql`
    select payload::jsonb->'param'->>'token' as token from messages
    where sender_id = ${from.userId} and receiver_id = ${to.userId}
      and payload::jsonb->>'cmd' = 'friendRequest'
    order by id desc limit 1`);
  return row!.token;
}

const countOf = async ({ db }: Ctx, what: ReturnType<typeof sql>) =>
  Number((await db.execute<{ count: string }>(sql`select count(*) ${what}`)).rows[0]!.count);
const times = <T>(count: number, make: (at: number) => T) =>
  Array.from({ length: count }, (_, at) => make(at));

Deno.test({ name: "of parallel POST /friend/sure with one token one wins", ignore }, async () => {
  await using place = await openStill(2);
  const { ctx, people: [one, other] } = place;
  for (let round = 0; round < 10; round++) {
    const token = await applyAndReadToken(ctx, one!, other!);
    const runs = times(
      round === 0 ? 20 : 2,
      () => () => acceptApply(ctx, { userId: other!.userId, token }),
    );
    const answers = await race(["friend_apply_invalid"], runs);
    assert.equal(answers.filter((answer) => answer === "done").length, 1);
    assert.equal(await countOf(ctx, sql`from friends where not is_deleted`), 2);
    const tips = sql`from messages where payload::jsonb->>'type' = '2000'`;
    assert.equal(await countOf(ctx, tips), round + 1, "both are told once");
    await deleteFriend(ctx, { userId: one!.userId, uid: other!.uid });
  }
});

Deno.test(
  { name: "two who accept each other at once are friends by one of the two", ignore },
  async () => {
    await using place = await openStill(2);
    const { ctx, people: [one, other] } = place;
    for (let round = 0; round < 20; round++) {
      const toOther = await applyAndReadToken(ctx, one!, other!);
      const toOne = await applyAndReadToken(ctx, other!, one!);
      const answers = await race(["friend_apply_invalid"], [
        () => acceptApply(ctx, { userId: other!.userId, token: toOther }),
        () => acceptApply(ctx, { userId: one!.userId, token: toOne }),
      ]);
      assert.deepEqual(answers.sort(), ["done", "friend_apply_invalid"]);
      const ends = await race(["friend_missing"], [
        () => deleteFriend(ctx, { userId: one!.userId, uid: other!.uid }),
        () => deleteFriend(ctx, { userId: other!.userId, uid: one!.uid }),
      ]);
      assert.deepEqual(ends.sort(), ["done", "friend_missing"]);
    }
  },
);

Deno.test({
  name: "somebody who syncs while friends come, go and change ends up with what is there",
  ignore,
}, async () => {
  await using place = await openStill(31);
  const { ctx, people: [one, ...others] } = place;
  const userId = one!.userId;
  const tokens = await Promise.all(
    others.map((other, at) =>
      at % 2 === 0 ? applyAndReadToken(ctx, other, one!) : applyAndReadToken(ctx, one!, other)
    ),
  );
  const changes = race(
    [],
    others.map((other, at) => async () => {
      const receiver = at % 2 === 0 ? one! : other;
      await acceptApply(ctx, { userId: receiver.userId, token: tokens[at]! });
      if (at % 3 === 0) await deleteFriend(ctx, { userId: other.userId, uid: one!.uid });
      if (at % 3 === 1) await changeOwn(ctx, { ...other, changes: { name: `no ${at}` } });
      const setting = { remark: `no ${at}` };
      if (at % 3 === 2) await setForPeer(ctx, { userId, uid: other.uid, setting });
    }),
  );

  const known = new Map<string, Friend>();
  let after: { at: Date; id: number } | undefined;
  const syncOnce = async () => {
    const page = await listChangedFriends(ctx, { userId, after, limit: 3 });
    for (const friend of page) {
      assert.ok(!after || friend.updatedAt > after.at, "times rise strictly");
      after = { at: friend.updatedAt, id: friend.id };
      known.set(friend.uid, friend);
    }
    return page.length;
  };
  let isOver = false;
  changes.then(() => isOver = true, () => isOver = true);
  while (!isOver) await syncOnce();
  await changes;
  while (await syncOnce() > 0);

  const fromTheStart = { at: new Date(0), id: 0 };
  const whole = await listChangedFriends(ctx, { userId, after: fromTheStart, limit: 100 });
  assert.equal(whole.length, others.length);
  for (const friend of whole) assert.deepEqual(known.get(friend.uid), friend);
});

Deno.test(
  { name: "of two PUT /label/{id} at once the later one's members stand", ignore },
  async () => {
    await using place = await openStill(5);
    const { ctx, people: [one, ...others] } = place;
    const userId = one!.userId;
    for (const other of others) {
      const token = await applyAndReadToken(ctx, one!, other);
      await acceptApply(ctx, { userId: other.userId, token });
    }
    const [a, b, c, d] = others.map(({ uid }) => uid);
    const labelId = await createLabel(ctx, { userId, name: "A", memberUids: [] });
    for (let round = 0; round < 20; round++) {
      await race(
        [],
        [[a!, b!], [c!, d!]].map((memberUids) => () =>
          editLabel(ctx, { userId, labelId, name: "A", memberUids })
        ),
      );
      const { members } = await readLabel(ctx, { userId, labelId });
      const uids = members.map(({ uid }) => uid);
      assert.ok([[a, b], [c, d]].some((pair) => pair.join() === uids.join()), uids.join());
    }
  },
);

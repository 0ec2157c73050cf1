import assert from "node:assert/strict";
import { sql } from "drizzle-orm";
import { Cases } from "../known_failures.ts";
import { DISBANDED, DOORS, KINDS } from "./group_exits.ts";
import { type CrowdedHouse, CrowdGroup, openCrowdedHouse } from "./house_crowd.ts";
import type { HousePerson, Listed } from "./house_people.ts";

/** What does not hold yet, as `group, door: reader`; see {@link Cases}. */
const KNOWN: string[] = [];

const cases = new Cases(KNOWN);

/** A message may tell of several people, of each in a line of its own. */
const messageCountOf = (listed: Listed[]) => new Set(listed.map(({ id }) => id)).size;

/** Everything that was said, in order, numbered densely, counted as unread, and then the farewell. */
async function readChat(reader: HousePerson, groupNo: string) {
  const conversation = await reader.conversation(groupNo);
  const all = await reader.sync();
  return { conversation, all, ofGroup: all.filter(({ channel }) => channel === groupNo) };
}

function assertChat(
  { conversation, all, ofGroup }: Awaited<ReturnType<typeof readChat>>,
  { words, farewell }: { words: string[]; farewell: number[] | undefined },
) {
  const texts = ofGroup.filter(({ payload }) => payload.type === 1);
  assert.deepEqual(texts.map(({ payload }) => payload.content), words, "all that was said");
  assert.deepEqual(all.map(({ seq }) => seq), all.map((_, at) => at + 1), "numbered densely");
  const ids = ofGroup.map(({ id }) => id);
  assert.deepEqual(ids, ids.toSorted((a, b) => a - b), "in the order said");
  assert.deepEqual(ofGroup.filter(({ isDeleted }) => isDeleted), []);
  const unread = ofGroup.filter(({ redDot }) => redDot).length;
  assert.equal(conversation?.unread, unread, "counted as unread");
  if (farewell) {
    const last = ofGroup.at(-1)!.payload;
    assert.ok(farewell.includes(last.type), `the farewell comes last: ${JSON.stringify(last)}`);
  }
}

for (const { kind, open } of KINDS) {
  Deno.test(`${kind}: whoever goes keeps what they have not read, by every door`, async (t) => {
    await using house = await openCrowdedHouse();
    for (const { door, reader, farewell, go } of DOORS) {
      const { group, words } = await open(house);
      const person = group.people[reader];
      await go(group);
      // What the list has shown is offline no more.
      const offlineCount = await person.offlineCount();
      const listed = await person.list();
      const chat = await readChat(person, group.groupNo);
      await cases.step(
        t,
        `${kind}, ${door}: chat app`,
        () => assertChat(chat, { words, farewell }),
      );
      await cases.step(t, `${kind}, ${door}: partner's client`, () => {
        const said = listed.filter(({ command }) => command === 8);
        assert.deepEqual(said.map(({ content }) => content), words, "all that was said");
        assert.equal(offlineCount, messageCountOf(listed), "counted as not fetched");
      });
    }
  });
}

/** Per person of the crowd: what was said, in their inboxes' order; and whether numbers are dense. */
async function inboxesOf({ app, crowd }: CrowdedHouse, size: number) {
  const people = sql.param(`{${crowd.slice(0, size - 3).join(",")}}`);
  const { rows } = await app.ctx.db.execute<{ words: string; is_dense: boolean; count: string }>(
    sql`
    with person as (
      select user_id, coalesce(max(last_seq), 0) as last_seq, count(inbox.seq) as count,
        max(inbox.seq) as newest, string_agg(payload::json ->> 'content', ' ' order by inbox.seq)
          filter (where payload::json ->> 'type' = '1') as words
      from unnest(${people}::bigint[]) as user_id left join inbox_heads using (user_id)
      left join inbox using (user_id) left join messages on messages.id = message_id
      group by user_id
    )
    select words, last_seq = count and newest = count as is_dense, count(*) from person
    group by 1, 2`,
  );
  return rows.map(({ words, is_dense, count }) => [words, is_dense, Number(count)]);
}

const DOZENS = Array.from({ length: 24 }, (_, at) => `w${at}`);

const DISBANDINGS = [
  { kind: "500 people", size: 500, isSuper: false },
  { kind: "505 people", size: 505, isSuper: false },
  { kind: "a super group of 505", size: 505, isSuper: true },
  { kind: "505 people, then 499", size: 505, isSuper: false, shrinkBy: 6 },
];

Deno.test("whoever is in a group when it is disbanded keeps all of two dozen unread words", async (t) => {
  for (const { kind, size, isSuper, shrinkBy = 0 } of DISBANDINGS) {
    await using house = await openCrowdedHouse();
    const group = await CrowdGroup.open(house, { size, isSuper });
    if (size > 500) await group.log(DOZENS.length);
    else await group.say(...DOZENS);
    if (shrinkBy > 0) await group.shrink(shrinkBy, size);
    await group.say("the last");
    const words = [...DOZENS, "the last"];
    await group.server("DELETE /groups/{gid}");
    const offlineCount = await group.bob.offlineCount();
    const listed = await group.bob.list();
    const chat = await readChat(group.bob, group.groupNo);
    await cases.step(
      t,
      `disbanding, ${kind}: chat app`,
      () => assertChat(chat, { words, farewell: DISBANDED }),
    );
    await cases.step(t, `disbanding, ${kind}: partner's client`, () => {
      const said = listed.filter(({ command }) => command === 8);
      assert.deepEqual(said.map(({ content }) => content), words);
      assert.equal(offlineCount, messageCountOf(listed));
    });
    await cases.step(t, `disbanding, ${kind}: everybody's inbox`, async () => {
      const stayed = size - shrinkBy;
      assert.deepEqual(await inboxesOf(house, stayed), [[words.join(" "), true, stayed - 3]]);
    });
  }
});

Deno.test("every known failure is a case of this file", () => cases.assertListed());

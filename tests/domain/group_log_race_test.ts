import assert from "node:assert/strict";
import { callIm } from "../clients/im.ts";
import { Cases } from "../known_failures.ts";
import type { CrowdedHouse } from "../routes/house_crowd.ts";
import {
  type HouseGroup,
  type HousePerson,
  makeHousePeople,
  type Synced,
  syncedOf,
} from "../routes/house_people.ts";
import { startPostgres } from "../services/postgres.ts";
import {
  DOORS,
  KINDS,
  namesUpTo,
  numbers,
  openGroup,
  openRacePlace,
  say,
} from "./group_race_place.ts";

/** What does not hold yet, as `what, group, door`; see {@link Cases}. */
const KNOWN: string[] = [];

const cases = new Cases(KNOWN);

// On a real server: PGlite has one connection, on which nothing ever races.
const postgres = await startPostgres();
Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());

/** The words of a group in somebody's inbox, which is dense and has each message once. */
function wordsOf(synced: Synced[], { groupNo }: HouseGroup): string[] {
  assert.deepEqual(synced.map(({ seq }) => seq), synced.map((_, at) => at + 1), "dense");
  assert.equal(new Set(synced.map(({ id }) => id)).size, synced.length, "each once");
  return synced.filter(({ channel, payload }) => channel === groupNo && payload.type === 1)
    .map(({ payload }) => payload.content);
}

Deno.test({
  name: "who leaves while others speak has all that was said before, in order, and nothing after",
  ignore: !postgres,
}, async (t) => {
  await using house = await openRacePlace(postgres!, 0);
  for (const { kind, isSuper } of KINDS) {
    for (const { door, go } of DOORS) {
      const people = await makeHousePeople(house.app, house.server, namesUpTo(11));
      const group = await openGroup(house, people, { isSuper });
      const speakers = people.slice(0, 3), leavers = people.slice(3);
      for (const person of leavers) await person.client("GET /client/groups");
      /** When each word was begun and confirmed, and each leaving: places in one sequence. */
      let clock = 0;
      const words: { word: string; by: number; from: number; to: number }[] = [];
      const leavings = new Map<HousePerson, { from: number; to: number }>();
      await Promise.all([
        ...speakers.map(async (speaker, by) => {
          for (const at of numbers(20)) {
            const said = { word: `${by}-${at}`, by, from: clock++, to: Infinity };
            words.push(said);
            await say(house, group, speaker, said.word);
            said.to = clock++;
          }
        }),
        ...leavers.map(async (person, at) => {
          while (words.length < 5 * (at + 1)) await new Promise((done) => setTimeout(done, 1));
          const from = clock++;
          await go(house, group, person);
          leavings.set(person, { from, to: clock++ });
        }),
      ]);
      const read: { inbox: Synced[]; from: number; to: number }[] = [];
      for (const [person, leaving] of leavings) {
        read.push({ inbox: await person.sync(), ...leaving });
      }
      await cases.step(t, `leaving, ${kind}, ${door}`, () => {
        for (const { inbox, from, to } of read) {
          const heard = wordsOf(inbox, group);
          for (const by of speakers.keys()) {
            const all = words.filter((said) => said.by === by).map(({ word }) => word);
            const own = heard.filter((word) => all.includes(word));
            assert.deepEqual(own, all.slice(0, own.length), "in order, without a gap");
          }
          const before = words.filter((said) => said.to < from).map(({ word }) => word);
          assert.deepEqual(before.filter((word) => !heard.includes(word)), [], "nothing lost");
          const after = words.filter((said) => said.from > to).map(({ word }) => word);
          assert.deepEqual(after.filter((word) => heard.includes(word)), [], "nothing after");
        }
      });
    }
  }
  await cases.step(t, "leaving: nobody waits for each other", () => house.close());
});

const ROUND_COUNT = 6;

/** Reads on with a device until nothing new comes and `isOver`. */
async function follow(
  house: CrowdedHouse,
  { login: { token } }: HousePerson,
  isOver: () => boolean,
): Promise<Synced[]> {
  const all: Synced[] = [];
  for (let wasOver = false;;) {
    const body = { max_message_seq: all.at(-1)?.seq ?? 0, limit: 50 };
    const { http, data } = await callIm(house.app, "POST", "/message/sync", { token, body });
    // Two devices of one person that copy the same log at once may be asked to come again.
    if (http === 503) continue;
    assert.equal(http, 200);
    all.push(...data.map(syncedOf));
    if (data.length === 0 && wasOver) return all;
    wasOver = isOver();
  }
}

Deno.test({
  name: "two devices that read while their owner is taken out both read everything",
  ignore: !postgres,
}, async (t) => {
  await using house = await openRacePlace(postgres!, 0);
  for (const { kind, isSuper } of KINDS) {
    for (const { door, go } of DOORS) {
      const rounds: { words: string[]; devices: Synced[][]; group: HouseGroup }[] = [];
      for (let round = 0; round < ROUND_COUNT; round++) {
        const people = await makeHousePeople(house.app, house.server, ["Ann", "Bob", "Cid"]);
        const group = await openGroup(house, people, { isSuper });
        const [, bob, cid] = people;
        await bob!.client("GET /client/groups");
        const words = numbers(12).map((at) => `w${at}`);
        for (const word of words) await say(house, group, cid!, word);
        let isOver = false;
        const going = (async () => {
          await go(house, group, bob!);
          isOver = true;
        })();
        // From reading all along to reading after it.
        if (round === ROUND_COUNT - 1) await going;
        else await new Promise((done) => setTimeout(done, 3 * round));
        const devices = [0, 1].map(() => follow(house, bob!, () => isOver));
        await going;
        rounds.push({ words, group, devices: await Promise.all(devices) });
      }
      await cases.step(t, `reading, ${kind}, ${door}`, () => {
        for (const { words, group, devices } of rounds) {
          for (const read of devices) assert.deepEqual(wordsOf(read, group), words);
        }
      });
    }
  }
  await cases.step(t, "reading: nobody waits for each other", () => house.close());
});

Deno.test({
  name: "two groups of the same people disbanded at once leave everybody all of both",
  ignore: !postgres,
}, async (t) => {
  await using house = await openRacePlace(postgres!, 60);
  for (const kinds of [[false, false], [true, true], [false, true]]) {
    const name = kinds.map((isSuper) => isSuper ? "super" : "small").join(" and ");
    const people = await makeHousePeople(house.app, house.server, namesUpTo(6));
    const groups: (HouseGroup & { owner: HousePerson })[] = [];
    for (const isSuper of kinds) {
      groups.push(await openGroup(house, people, { isSuper, crowdCount: 60 }));
      people.reverse();
    }
    const words = numbers(24).map((at) => `w${at}`);
    for (const word of words) {
      for (const group of groups) await say(house, group, people[1]!, word);
    }
    const disband = async ({ gid, owner }: typeof groups[number], at: number) => {
      const params = { gid };
      if (at === 0) await house.server.ask("DELETE /groups/{gid}", { params });
      else await owner.client("DELETE /client/groups/{gid}", { params });
    };
    let isOver = false;
    const reading = follow(house, people[2]!, () => isOver);
    await Promise.all(groups.map(disband));
    isOver = true;
    const inboxes = [await reading];
    for (const person of people) inboxes.push(await person.sync());
    await cases.step(t, `disbanding, ${name}`, () => {
      for (const inbox of inboxes) {
        for (const group of groups) {
          assert.deepEqual(wordsOf(inbox, group), words);
          const last = inbox.filter(({ channel }) => channel === group.groupNo).at(-1)!;
          assert.equal(last.payload.type, 2000);
        }
      }
    });
  }
  await cases.step(t, "disbanding: nobody waits for each other", () => house.close());
});

Deno.test({
  name: "one number three times at once in each of three channels is one message in each",
  ignore: !postgres,
}, async (t) => {
  await using house = await openRacePlace(postgres!, 0);
  for (const { kind, isSuper } of KINDS) {
    const people = await makeHousePeople(house.app, house.server, ["Ann", "Bob", "Cid"]);
    const group = await openGroup(house, people, { isSuper });
    const [ann, bob, cid] = people;
    const post = (operation: string, receiver: number) =>
      house.server.ask(operation, {
        body: { sender: ann!.number, receiver, content: "word", client_msg_no: "n1" },
      });
    await Promise.all(
      numbers(3).flatMap(() => [
        post("POST /messages/peers", bob!.number),
        post("POST /messages/peers", cid!.number),
        post("POST /messages/groups", group.gid),
      ]),
    );
    const inboxes: Synced[][] = [];
    for (const person of people) inboxes.push(await person.sync());
    await cases.step(t, `numbers, ${kind}: each once in each channel`, () => {
      const counts = inboxes.map((inbox) => inbox.filter(({ payload }) => payload.type === 1));
      assert.deepEqual(counts.map(({ length }) => length), [3, 2, 2]);
    });
  }
});

Deno.test(
  { name: "every known failure is a case of this file", ignore: !postgres },
  () => cases.assertListed(),
);

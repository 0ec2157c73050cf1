import assert from "node:assert/strict";
import { makeOperator } from "../clients/ops.ts";
import { startTestApp } from "../harness.ts";
import { Cases } from "../known_failures.ts";
import { type ChatLine, EDITS, type Fact, type Place, type Who } from "./group_facts.ts";
import { FAREWELLS, STATES } from "./group_facts_of_state.ts";
import { type Listed, makeHousePeople, openHouseGroup, type Synced } from "./house_people.ts";
import { openServer } from "./partner/group_place.ts";

/** What does not hold yet, as `fact, door: reader`; see {@link Cases}. */
const KNOWN: string[] = [];

const cases = new Cases(KNOWN);
const READERS = ["ann", "bob", "cid", "dan", "eve", "fay"] as const;

/** People of their own for each case, so that all they read is of it. */
async function openPlace(shared: Pick<Place, "app" | "server" | "operatorToken">): Promise<Place> {
  const names = ["Ann", "Bob", "Cid", "Dan", "Eve", "Fay"];
  const [ann, bob, cid, dan, eve, fay] = await makeHousePeople(shared.app, shared.server, names);
  const group = await openHouseGroup([ann!, bob!, cid!, dan!], "读书会");
  await ann!.im("POST", `/groups/${group.groupNo}/managers`, [bob!.uid]);
  return { ...shared, group, ann: ann!, bob: bob!, cid: cid!, dan: dan!, eve: eve!, fay: fay! };
}

interface Read {
  chat: Synced[];
  news: Listed[];
  before: { unread: number; last: Synced } | undefined;
  after: { unread: number; last: Synced } | undefined;
}

/** Does it, and what everybody has read since. */
async function perform(place: Place, act: (place: Place) => Promise<unknown>) {
  const before = new Map<Who, { last: Synced | undefined; conversation: Read["before"] }>();
  const { groupNo } = place.group;
  for (const who of READERS) {
    const last = (await place[who].sync()).at(-1);
    before.set(who, { last, conversation: await place[who].conversation(groupNo) });
  }
  await act(place);
  const read = {} as Record<Who, Read>;
  for (const who of READERS) {
    const { last, conversation } = before.get(who)!;
    // The partner's client first: it reads a log where it lies, the chat app copies it.
    const news = (await place[who].list()).filter(({ id }) => id > (last?.id ?? 0));
    const after = await place[who].conversation(groupNo);
    const chat = await place[who].sync(last?.seq ?? 0);
    read[who] = { chat, news, before: conversation, after };
  }
  return read;
}

/** Keys of partners' notifications that say nothing about the fact itself. */
const STAMP = ["group_id", "group_name", "timestamp", "avatar"];

/** A notification as `key fields`, one line for each person it names; anything else as it is. */
function newsLines(listed: Listed, gid: number): string[] {
  const { content, sender, receiver, command } = listed;
  const parsed = JSON.parse(content);
  const [key] = Object.keys(parsed);
  if (Object.keys(parsed).length !== 1) return [`no notification: ${content}`];
  const said = parsed[key!];
  assert.deepEqual([command, sender, receiver, said.group_id], [7, 0, gid, gid], content);
  assert.ok(Number.isInteger(said.timestamp), content);
  assert.ok(Math.abs(said.timestamp - Date.now() / 1000) < 60, `seconds: ${content}`);
  if (key === "add_member" || key === "quit_group") {
    const people = said.members ?? [{ uid: said.member_id, name: said.name }];
    const by = said.inviter ? ` by ${said.inviter.uid} ${said.inviter.name}` : "";
    return people.map(({ uid, name }: { uid: number; name: string }) =>
      `${key} ${uid} ${name}${by}`
    );
  }
  const rest = Object.entries(said).filter(([name]) => !STAMP.includes(name));
  return [`${key} ${JSON.stringify(Object.fromEntries(rest))}`];
}

function assertNews(
  { fact, news: expected }: { fact: Fact; news: ReturnType<Fact["news"]> },
  read: Record<Who, Read>,
  gid: number,
) {
  const passedOver = [
    ...(fact.besides?.keys ?? []).map((key) => `${key} `),
    ...(fact.besides?.types ?? []).map((type) => `no notification: {"type":${type},`),
  ];
  for (const [who, lines] of Object.entries({ eve: [], fay: [], ...expected })) {
    const heard = read[who as Who].news.flatMap((listed) => newsLines(listed, gid))
      .filter((line) => !passedOver.some((start) => line.startsWith(start)));
    assert.deepEqual(heard.sort(), [...lines].sort(), `what the client of ${who} reads`);
  }
}

function assertLine(said: Synced, expected: ChatLine | string) {
  const { payload } = said;
  if (typeof expected === "string") {
    assert.equal(`${payload.type} ${payload.cmd} ${JSON.stringify(payload.param)}`, expected);
    assert.equal(said.redDot, false, expected);
    return;
  }
  const { type, content, extra, data } = expected;
  const text = JSON.stringify(payload);
  assert.equal(payload.type, type, text);
  if (typeof content === "string") assert.equal(payload.content, content);
  else assert.match(payload.content, content);
  if (extra) assert.deepEqual(payload.extra.map(({ name }: { name: string }) => name), extra, text);
  for (const [key, value] of Object.entries(data ?? {})) {
    assert.equal((payload.data ?? payload)[key], value, text);
  }
  const places = [...payload.content.matchAll(/\{(\d+)\}/g)].map(([, at]) => Number(at));
  assert.ok(places.every((at) => at < payload.extra.length), `nobody to name: ${text}`);
}

function assertChat(
  { fact, chat }: { fact: Fact; chat: ReturnType<Fact["chat"]> },
  read: Record<Who, Read>,
) {
  for (const [who, lines] of Object.entries(chat)) {
    const heard = read[who as Who].chat
      .filter(({ payload }) => !fact.besides?.types.includes(payload.type));
    const types = heard.map(({ payload }) => payload.type);
    assert.equal(heard.length, lines.length, `what the chat app of ${who} reads: ${types}`);
    for (const [place, expected] of lines.entries()) assertLine(heard[place]!, expected);
  }
  for (const who of fact.unmoved ?? []) {
    const { chat, before, after } = read[who];
    assert.deepEqual(chat.filter(({ redDot }) => redDot), [], `${who} is shown no red dot`);
    assert.deepEqual(after, before, `the conversation of ${who} stays as it was`);
  }
}

const KINDS = ["small", "super"] as const;

for (const fact of [...EDITS, ...STATES, ...FAREWELLS]) {
  Deno.test(`a group's members read the same by every door: ${fact.fact}`, async (t) => {
    await using app = await startTestApp();
    const server = await openServer(app, { house: true });
    const { token: operatorToken } = await makeOperator(app.ctx, "admin");
    for (const { door, by, act } of fact.doors) {
      const reads: { place: Place; read: Record<Who, Read>; kind: string }[] = [];
      for (const kind of KINDS.filter((kind) => kind === "small" || !fact.smallOnly)) {
        const place = await openPlace({ app, server, operatorToken });
        const { gid } = place.group;
        if (kind === "super") await server.ask("POST /groups/{gid}/upgrade", { params: { gid } });
        reads.push({ place, kind, read: await perform(place, act) });
      }
      const each = (check: (one: typeof reads[number]) => void) => () => {
        for (const one of reads) {
          try {
            check(one);
          } catch (error) {
            if (error instanceof Error) error.message = `in a ${one.kind} group: ${error.message}`;
            throw error;
          }
        }
      };
      await cases.step(
        t,
        `${fact.fact}, ${door}: chat app`,
        each(({ place, read }) =>
          assertChat({ fact, chat: fact.chat(place, by && place[by]) }, read)
        ),
      );
      await cases.step(
        t,
        `${fact.fact}, ${door}: partner's client`,
        each(({ place, read }) => {
          const gid = fact.fact === "created" ? read.cid.news[0]?.receiver ?? 0 : place.group.gid;
          assertNews({ fact, news: fact.news(place, by && place[by]) }, read, gid);
        }),
      );
    }
  });
}

Deno.test("every known failure is a case of this file", () => cases.assertListed());

import assert from "node:assert/strict";
import { Cmd, GobelieveClient } from "../clients/gobelieve.ts";
import { grantToken } from "../clients/partner.ts";
import { RpcClient } from "../clients/rpc.ts";
import { startTestApp, type TestApp } from "../harness.ts";
import { Cases } from "../known_failures.ts";
import { type ChatServer, startChatServer } from "../servers/chat.ts";
import { type HouseGroup, type HousePerson, makeHousePeople } from "./house_people.ts";
import { openServer, type PartnerServer } from "./partner/group_place.ts";

/** What does not hold yet, as `door: what`; see {@link Cases}. */
const KNOWN: string[] = [];

const cases = new Cases(KNOWN);

interface Place {
  app: TestApp;
  chat: ChatServer;
  server: PartnerServer;
  /** Who speaks, to Bob, to Cid and in a group of the three. */
  ann: HousePerson;
  bob: HousePerson;
  cid: HousePerson;
  group: HouseGroup;
}

type Channel = "person" | "other" | "group";

/** Says a word under a number, as whoever speaks through this door does. */
type Say = (channel: Channel, number: string, word: string) => Promise<Told>;

/** What the speaker is told: the message's id and the speaker's number of it, where the door says. */
interface Told {
  id?: number;
  seq?: number;
}

interface Door {
  door: string;
  open(place: Place): Promise<{ say: Say } & AsyncDisposable>;
}

const DOORS: Door[] = [
  {
    door: "POST /messages/peers and /messages/groups",
    open({ server, ann, bob, cid, group }) {
      const receivers = { person: bob.number, other: cid.number, group: group.gid };
      return Promise.resolve({
        async say(channel, number, content) {
          const operation = channel === "group" ? "POST /messages/groups" : "POST /messages/peers";
          const body = { sender: ann.number, receiver: receivers[channel], content };
          await server.ask(operation, { body: { ...body, client_msg_no: number } });
          return {};
        },
        [Symbol.asyncDispose]: () => Promise.resolve(),
      });
    },
  },
  {
    door: "the chat app's socket",
    async open({ chat, ann, bob, cid, group }) {
      const client = await new RpcClient(chat.url).opened();
      await client.connect(ann.login, 0);
      const ids = { person: bob.uid, other: cid.uid, group: group.groupNo };
      return {
        async say(channel, clientMsgNo, content) {
          const type = channel === "group" ? 2 : 1;
          const said = await client.say(ids[channel], type, { type: 1, content }, { clientMsgNo });
          const { messageId, messageSeq } = said.result;
          return { id: Number(messageId), seq: messageSeq };
        },
        [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
      };
    },
  },
  {
    door: "the partner's socket",
    async open({ app, chat, server, ann, bob, cid, group }) {
      const token = await grantToken(app, server, { uid: ann.number });
      const client = await new GobelieveClient(chat.url).follow({ token });
      const receivers = { person: bob.number, other: cid.number, group: group.gid };
      return {
        async say(channel, number, content) {
          const said = {
            sender: ann.number,
            receiver: receivers[channel],
            content,
            msgLocalId: Number(number.slice(1)),
          };
          const ack = await client.tell(channel === "group" ? Cmd.groupIm : Cmd.im, said);
          assert.equal(ack.status, 0);
          return {};
        },
        [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
      };
    },
  },
];

const ORDERS: Channel[][] = [
  ["person", "other", "group"],
  ["person", "group", "other"],
  ["other", "person", "group"],
  ["other", "group", "person"],
  ["group", "person", "other"],
  ["group", "other", "person"],
];

async function openPlace(app: TestApp, chat: ChatServer, server: PartnerServer, isSuper: boolean) {
  const [ann, bob, cid] = await makeHousePeople(app, server, ["Ann", "Bob", "Cid"]);
  const members = [ann!, bob!, cid!].map(({ number }) => number);
  const body = { master: ann!.number, name: "群", super: isSuper, members };
  const { group_id: gid } = await server.ask("POST /groups", { body });
  const [{ channel_id: groupNo }] = await cid!.im("GET", "/conversations");
  return { app, chat, server, ann: ann!, bob: bob!, cid: cid!, group: { gid, groupNo } };
}

/** Words each person has, by channel: what came to them from Ann, and from the group. */
async function heard({ ann, bob, cid, group }: Place): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  for (const [name, person] of Object.entries({ ann, bob, cid })) {
    const channels = new Map([
      ...[[bob.uid, "bob"], [cid.uid, "cid"], [ann.uid, "ann"]] as const,
      [group.groupNo, "group"],
    ]);
    found[name] = (await person.sync()).filter(({ payload }) => payload.type === 1)
      .map(({ channel, payload }) => `${channels.get(channel)}: ${payload.content}`).sort();
  }
  return found;
}

const ONCE_EACH = {
  ann: ["bob: word", "cid: word", "group: word"],
  bob: ["ann: word", "group: word"],
  cid: ["ann: word", "group: word"],
};

for (const { door, open } of DOORS) {
  Deno.test(`${door}: a number is the sender's in one channel`, async (t) => {
    await using app = await startTestApp();
    await using chat = startChatServer(app);
    const server = await openServer(app, { house: true });

    for (const order of ORDERS) {
      const found: { place: string; told: Told[]; heard: unknown }[] = [];
      for (const isSuper of [false, true]) {
        const place = await openPlace(app, chat, server, isSuper);
        await using speaker = await open(place);
        const told: Told[] = [];
        for (const channel of order) told.push(await speaker.say(channel, "n1", "word"));
        const name = isSuper ? "with a super group" : "with a small group";
        found.push({ place: name, told, heard: await heard(place) });
      }
      await cases.step(t, `${door}: the same number to ${order.join(", ")}`, () => {
        for (const { place, told, heard } of found) {
          assert.deepEqual(heard, ONCE_EACH, `${place}, each once in each channel`);
          const ids = told.flatMap(({ id }) => id ?? []);
          assert.equal(new Set(ids).size, ids.length, `${place}, other messages`);
        }
      });
    }

    for (const channel of ["person", "group"] as const) {
      for (const isSuper of channel === "group" ? [false, true] : [false]) {
        const name = isSuper ? "super group" : channel;
        const place = await openPlace(app, chat, server, isSuper);
        await using speaker = await open(place);
        const told: Told[] = [];
        for (let time = 0; time < 3; time++) told.push(await speaker.say(channel, "n1", "word"));
        const one = await heard(place);
        const atOnce = await Promise.all(
          Array.from({ length: 3 }, () => speaker.say(channel, "n2", "other")),
        );
        const two = await heard(place);
        const from = channel === "group" ? "group" : "ann";
        await cases.step(t, `${door}: three times the same to a ${name}`, () => {
          assert.deepEqual(one.bob, [`${from}: word`]);
          assert.deepEqual(new Set(told.map(({ id, seq }) => `${id} ${seq}`)).size, 1);
        });
        await cases.step(t, `${door}: three at once the same to a ${name}`, () => {
          assert.deepEqual(two.bob, [`${from}: other`, `${from}: word`]);
          assert.deepEqual(new Set(atOnce.map(({ id, seq }) => `${id} ${seq}`)).size, 1);
        });
      }
    }
  });
}

Deno.test("every known failure is a case of this file", () => cases.assertListed());

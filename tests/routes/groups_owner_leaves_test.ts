import assert from "node:assert/strict";
import { askOps, makeOperator } from "../clients/ops.ts";
import { startTestApp, type TestApp } from "../harness.ts";
import { Cases } from "../known_failures.ts";
import {
  type HouseGroup,
  type HousePerson,
  makeHousePeople,
  openHouseGroup,
} from "./house_people.ts";
import { openPartnerGroup, openServer, type PartnerServer } from "./partner/group_place.ts";

/** What does not hold yet, as `door: what`; see {@link Cases}. */
const KNOWN: string[] = [];

const cases = new Cases(KNOWN);

interface Door {
  door: string;
  go(place: { server: PartnerServer; owner: HousePerson; group: HouseGroup }): Promise<unknown>;
}

const DOORS: Door[] = [
  {
    door: "POST /groups/{group_no}/exit",
    go: ({ owner, group }) => owner.im("POST", `/groups/${group.groupNo}/exit`),
  },
  {
    door: "DELETE /groups/{gid}/members",
    go: ({ server, owner, group: { gid } }) =>
      server.ask("DELETE /groups/{gid}/members", { params: { gid }, body: [owner.number] }),
  },
  {
    door: "DELETE /groups/{gid}/members/{mid}",
    go: ({ server, owner, group: { gid } }) =>
      server.ask("DELETE /groups/{gid}/members/{mid}", { params: { gid, mid: owner.number } }),
  },
  {
    door: "DELETE /client/groups/{gid}/members/{mid}",
    go: ({ owner, group: { gid } }) =>
      owner.client("DELETE /client/groups/{gid}/members/{mid}", {
        params: { gid, mid: owner.number },
      }),
  },
];

interface Member {
  uid: string;
  role: number;
  is_deleted: number;
}

/** Who is in the group and as what, for the chat app, a partner's client and an operator. */
async function views(app: TestApp, token: string, reader: HousePerson, group: HouseGroup) {
  const { gid, groupNo } = group;
  const members: Member[] = await reader.im("GET", `/groups/${groupNo}/membersync`);
  const roles = members.filter(({ is_deleted }) => is_deleted === 0)
    .map(({ uid, role }) => ({ uid, role }));
  const listed: { id: number; master: number }[] = await reader.client("GET /client/groups");
  const params = { group_id: String(gid) };
  const { items } = await askOps(app, "GET /v1/groups/{group_id}/users", { token, params });
  return {
    owners: roles.filter(({ role }) => role === 1).map(({ uid }) => uid),
    master: listed.find(({ id }) => id === gid)?.master,
    numbers: items.map(({ uiam_id }: { uiam_id: number }) => uiam_id),
  };
}

Deno.test("a house group has one owner in it whichever way the last one went", async (t) => {
  await using app = await startTestApp();
  const server = await openServer(app, { house: true });
  const { token } = await makeOperator(app.ctx, "auditor");
  const open = async () => {
    const people = await makeHousePeople(app, server, ["Ann", "Bob", "Cid", "Dan"]);
    const group = await openHouseGroup(people, "读书会");
    return { people, group, owner: people[0]! };
  };

  for (const { door, go } of DOORS) {
    const managed = await open();
    const [, bob, cid, dan] = managed.people;
    await managed.owner.im("POST", `/groups/${managed.group.groupNo}/managers`, [cid!.uid]);
    await go({ server, ...managed });
    const seen = await views(app, token, dan!, managed.group);
    await cases.step(t, `${door}: the manager longest in is the next owner`, () => {
      const numbers = [bob!, cid!, dan!].map(({ number }) => number);
      assert.deepEqual(seen, { owners: [cid!.uid], master: cid!.number, numbers });
    });

    const plain = await open();
    const [, first, second, third] = plain.people;
    await go({ server, ...plain });
    const seenPlain = await views(app, token, third!, plain.group);
    await cases.step(t, `${door}: or else the member longest in`, () => {
      const numbers = [first!, second!, third!].map(({ number }) => number);
      assert.deepEqual(seenPlain, { owners: [first!.uid], master: first!.number, numbers });
    });

    const emptied = await open();
    for (const person of emptied.people.slice(1)) {
      await person.im("POST", `/groups/${emptied.group.groupNo}/exit`);
    }
    await go({ server, ...emptied });
    const gone = await emptied.owner.im("GET", `/groups/${emptied.group.groupNo}`);
    await cases.step(t, `${door}: the last to go takes the group along`, () => {
      assert.deepEqual([gone.status, gone.member_count], [2, 0]);
    });
  }

  const several = await open();
  const [ann, bob, cid, dan] = several.people;
  await ann!.im("POST", `/groups/${several.group.groupNo}/managers`, [bob!.uid, cid!.uid]);
  const body = [ann!, bob!].map(({ number }) => number);
  await server.ask("DELETE /groups/{gid}/members", { params: { gid: several.group.gid }, body });
  const seen = await views(app, token, dan!, several.group);
  await cases.step(t, "who is removed with the owner is not the next one", () => {
    const numbers = [cid!, dan!].map(({ number }) => number);
    assert.deepEqual(seen, { owners: [cid!.uid], master: cid!.number, numbers });
  });
});

Deno.test("the master of a partner's own group may go and stays its master", async () => {
  await using app = await startTestApp();
  const server = await openServer(app);
  for (const operation of ["DELETE /groups/{gid}/members", "DELETE /groups/{gid}/members/{mid}"]) {
    const gid = await openPartnerGroup(server, [1, 2]);
    await server.ask(operation, { params: { gid, mid: 1 }, body: [1] });
    const { token: bearer } = await server.ask("POST /auth/grant", { body: { uid: 2 } });
    const [group] = await server.ask("GET /client/groups", {
      basic: undefined,
      bearer,
      query: { fields: "members" },
    });
    assert.deepEqual([group.id, group.master], [gid, 1]);
    assert.deepEqual(group.members.map(({ uid }: { uid: number }) => uid), [2]);
  }
});

Deno.test("every known failure is a case of this file", () => cases.assertListed());

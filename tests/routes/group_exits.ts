import { type CrowdedHouse, CrowdGroup } from "./house_crowd.ts";

/** How a group came to be as it is, and what was said in it meanwhile. */
export interface Kind {
  kind: string;
  open(house: CrowdedHouse): Promise<{ group: CrowdGroup; words: string[] }>;
}

const SAID = ["m0", "m1", "m2"];
const openAndSay = async (house: CrowdedHouse, size: number, isSuper = false) => {
  const group = await CrowdGroup.open(house, { size, isSuper });
  await group.say(...SAID);
  return { group, words: SAID };
};

export const KINDS: Kind[] = [
  { kind: "500 people", open: (house) => openAndSay(house, 500) },
  { kind: "505 people", open: (house) => openAndSay(house, 505) },
  { kind: "super group", open: (house) => openAndSay(house, 5, true) },
  {
    kind: "505 people, then 499",
    async open(house) {
      const { group } = await openAndSay(house, 505);
      await group.shrink(6, 505);
      await group.say("after");
      return { group, words: [...SAID, "after"] };
    },
  },
  {
    kind: "505 people, then 499, then 505",
    async open(house) {
      const { group } = await openAndSay(house, 505);
      await group.shrink(6, 505);
      await group.say("few");
      await group.grow(6, 499);
      await group.say("many");
      return { group, words: [...SAID, "few", "many"] };
    },
  },
];

/** A way out of a group. */
export interface Door {
  door: string;
  /** Who goes, and has read nothing. */
  reader: "ann" | "bob";
  /** The types of what tells them so, where it has to. */
  farewell?: number[];
  go(group: CrowdGroup): Promise<unknown>;
}

const REMOVED = [1020, 1003];
export const DISBANDED = [2000];

export const DOORS: Door[] = [
  { door: "nobody goes", reader: "bob", go: () => Promise.resolve() },
  {
    door: "DELETE /groups/{group_no}/members",
    reader: "bob",
    farewell: REMOVED,
    go: ({ ann, bob, groupNo }) =>
      ann.im("DELETE", `/groups/${groupNo}/members`, { members: [bob.uid] }),
  },
  {
    door: "POST /groups/{group_no}/exit",
    reader: "bob",
    go: ({ bob, groupNo }) => bob.im("POST", `/groups/${groupNo}/exit`),
  },
  {
    door: "POST /groups/{group_no}/exit of the owner",
    reader: "ann",
    go: ({ ann, groupNo }) => ann.im("POST", `/groups/${groupNo}/exit`),
  },
  {
    door: "DELETE /groups/{gid}/members",
    reader: "bob",
    farewell: REMOVED,
    go: (group) => group.server("DELETE /groups/{gid}/members", [group.bob.number]),
  },
  {
    door: "DELETE /groups/{gid}/members/{mid}",
    reader: "bob",
    go: (group) =>
      group.server("DELETE /groups/{gid}/members/{mid}", undefined, { mid: group.bob.number }),
  },
  {
    door: "DELETE /client/groups/{gid}/members/{mid}",
    reader: "bob",
    go(group) {
      const mid = group.bob.number;
      return group.client(group.bob, "DELETE /client/groups/{gid}/members/{mid}", undefined, {
        mid,
      });
    },
  },
  {
    door: "DELETE /client/groups/{gid}/members",
    reader: "bob",
    farewell: REMOVED,
    go(group) {
      const body = [{ uid: group.bob.number }];
      return group.client(group.ann, "DELETE /client/groups/{gid}/members", body);
    },
  },
  {
    door: "DELETE /groups/{gid}",
    reader: "bob",
    farewell: DISBANDED,
    go: (group) => group.server("DELETE /groups/{gid}"),
  },
  {
    door: "DELETE /client/groups/{gid}",
    reader: "bob",
    farewell: DISBANDED,
    go: (group) => group.client(group.ann, "DELETE /client/groups/{gid}"),
  },
];

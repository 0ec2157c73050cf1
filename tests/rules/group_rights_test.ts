import fc from "fast-check";
import assert from "node:assert/strict";
import {
  type Action,
  actionBy,
  actions,
  type Actor,
  actorOf,
  can,
  canAtAll,
  type Door,
  isForMembers,
  type Target,
} from "../../db/domain/groups/rules.ts";
import { MemberRole } from "../../db/schema/groups.ts";

const ACTORS: Actor[] = ["member", "manager", "owner", "appServer", "operator"];
const TARGETS: Target[] = ["self", "member", "manager", "owner"];

/** `yes`, `no`, or to whom: s oneself, m members, M managers, o the owner. */
type Right = "yes" | "no" | "s" | "m" | "mM" | "smMo";

/** Written a second time, by action, in the order of {@link ACTORS}. */
const TABLE: Record<Action, [Right, Right, Right, Right, Right]> = {
  create: ["no", "no", "yes", "yes", "no"],
  invite: ["yes", "yes", "yes", "no", "no"],
  add: ["yes", "yes", "yes", "yes", "no"],
  let_in: ["no", "yes", "yes", "yes", "no"],
  edit: ["no", "yes", "yes", "yes", "yes"],
  edit_as_partner: ["yes", "yes", "yes", "yes", "no"],
  forbid: ["no", "yes", "yes", "no", "no"],
  upgrade: ["no", "no", "no", "yes", "no"],
  manage: ["no", "no", "no", "no", "yes"],
  leave: ["s", "s", "s", "smMo", "no"],
  set: ["s", "s", "s", "smMo", "no"],
  name_member: ["s", "smMo", "smMo", "smMo", "no"],
  mute_member: ["no", "no", "no", "smMo", "no"],
  blacklist: ["no", "m", "m", "no", "no"],
  remove: ["no", "m", "mM", "smMo", "no"],
  remove_as_partner: ["no", "no", "smMo", "smMo", "no"],
  disband: ["no", "no", "yes", "yes", "no"],
  appoint: ["no", "no", "mM", "no", "no"],
  dismiss: ["no", "no", "mM", "no", "no"],
  transfer: ["no", "no", "mM", "no", "no"],
};

const LETTERS = { self: "s", member: "m", manager: "M", owner: "o" } as const;

function rightOf(actor: Actor, action: Action): string {
  if (can(actor, action)) {
    assert.ok(TARGETS.every((target) => can(actor, action, target)), `${actor} ${action}`);
    return "yes";
  }
  const targets = TARGETS.filter((target) => can(actor, action, target));
  return targets.map((target) => LETTERS[target]).join("") || "no";
}

Deno.test("every actor, every action, on everybody and on nobody", () => {
  assert.deepEqual([...actions].sort(), Object.keys(TABLE).sort());
  for (const action of actions) {
    assert.deepEqual(ACTORS.map((actor) => rightOf(actor, action)), TABLE[action], action);
    for (const [place, actor] of ACTORS.entries()) {
      assert.equal(canAtAll(actor, action), TABLE[action][place] !== "no", `${actor} ${action}`);
    }
  }
});

Deno.test("people are what their role in the group says", () => {
  const { member, owner, manager } = MemberRole;
  assert.deepEqual([member, owner, manager].map(actorOf), ["member", "owner", "manager"]);
});

/** Which doors offer what: the row that is asked there, of a group of the house and of a partner's. */
const BY_DOOR: Record<Door, Partial<Record<Action, [house: Action, partner: Action]>>> = {
  chat: {
    ...Object.fromEntries(
      ([
        "invite",
        "add",
        "let_in",
        "edit",
        "forbid",
        "leave",
        "name_member",
        "blacklist",
        "remove",
        "appoint",
        "dismiss",
        "transfer",
      ] as const).map((action) => [action, [action, action]]),
    ),
  },
  code: { add: ["add", "add"] },
  client: {
    add: ["add", "add"],
    edit: ["edit", "edit_as_partner"],
    leave: ["leave", "leave"],
    set: ["set", "set"],
    name_member: ["set", "set"],
    remove: ["remove_as_partner", "remove_as_partner"],
    disband: ["disband", "disband"],
  },
  server: {
    add: ["add", "add"],
    edit: ["edit", "edit_as_partner"],
    upgrade: ["upgrade", "upgrade"],
    leave: ["leave", "leave"],
    set: ["set", "set"],
    name_member: ["name_member", "name_member"],
    mute_member: ["mute_member", "mute_member"],
    remove: ["remove", "remove"],
    disband: ["disband", "disband"],
  },
};

/** Where the master may do it from outside of the group, and whoever is in it for themselves. */
const NOT_FOR_MEMBERS = [
  "chat leave",
  "client leave",
  "client set",
  "client name_member",
  "client remove",
  "client disband",
];

Deno.test("each door asks its row of the table, and whether one is in the group where that decides", () => {
  const notForMembers: string[] = [];
  for (const [door, offered] of Object.entries(BY_DOOR) as [Door, typeof BY_DOOR[Door]][]) {
    for (const [action, [house, partner]] of Object.entries(offered) as [Action, Action[]][]) {
      const by = (isHouse: boolean) => actionBy(door, action, { isHouse, invite: false });
      assert.deepEqual([by(true), by(false)], [house, partner], `${door} ${action}`);
      if (door !== "server" && !isForMembers(door, action)) notForMembers.push(`${door} ${action}`);
    }
  }
  assert.deepEqual(notForMembers, NOT_FOR_MEMBERS);
});

Deno.test("while invitations are confirmed, adding is letting in, by every door", () => {
  for (const door of ["chat", "code", "client", "server"] as const) {
    assert.equal(actionBy(door, "add", { isHouse: true, invite: true }), "let_in");
  }
});

Deno.test("a server may do by any door's row whatever it is offered, a client no more than the chat app allows", () => {
  for (const [action, rows] of Object.entries(BY_DOOR.server) as [Action, Action[]][]) {
    for (const row of rows) assert.ok(can("appServer", row, "owner"), `${action} ${row}`);
  }
  const roles = fc.constantFrom<Actor>("member", "manager", "owner");
  const offered = fc.constantFrom(...Object.keys(BY_DOOR.client) as Action[]);
  fc.assert(
    fc.property(roles, offered, fc.constantFrom(...TARGETS), (actor, action, target) => {
      const [house] = BY_DOOR.client[action]!;
      const isOwn = actor === "owner" && action === "remove";
      if (isOwn || action === "disband") return;
      if (can(actor, house, target)) {
        assert.ok(can(actor, action, target), `${actor} ${action} ${target}`);
      }
    }),
  );
});

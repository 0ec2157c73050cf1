import assert from "node:assert/strict";
import { dayStart } from "../../db/domain/china_time.ts";
import {
  type Action,
  actions,
  addingIn,
  can,
  cutName,
  nameOf,
  type Role,
} from "../../db/domain/groups/rules.ts";
import { literal, NAMED_COUNT_MAX, placeholders } from "../../db/domain/messages/template.ts";
import { MemberRole } from "../../db/schema/groups.ts";

const roles = { member: MemberRole.member, owner: MemberRole.owner, manager: MemberRole.manager };
type RoleName = keyof typeof roles;
const everybody: RoleName[] = ["member", "owner", "manager"];
const deciders: RoleName[] = ["owner", "manager"];

/** Written a second time, the other way round: who may do what, to whom. */
const expected: Record<Action, RoleName[] | Partial<Record<RoleName, RoleName[]>>> = {
  invite: everybody,
  leave: everybody,
  add: everybody,
  let_in: deciders,
  edit: deciders,
  forbid: deciders,
  remark: { owner: everybody, manager: everybody },
  remove: { owner: ["member", "manager"], manager: ["member"] },
  appoint: { owner: ["member", "manager"] },
  dismiss: { owner: ["member", "manager"] },
  transfer: { owner: ["member", "manager"] },
};

Deno.test("can: every role, every action, on everybody and on nobody", () => {
  assert.deepEqual([...actions].sort(), Object.keys(expected).sort());
  for (const action of actions) {
    const right = expected[action];
    for (const role of everybody) {
      const plain = Array.isArray(right) && right.includes(role);
      assert.equal(can(roles[role], action), plain, `${role} ${action}`);
      for (const target of everybody) {
        const may = Array.isArray(right) ? plain : right[role]?.includes(target) ?? false;
        assert.equal(
          can(roles[role], action, roles[target] as Role),
          may,
          `${role} ${action} ${target}`,
        );
      }
    }
  }
});

Deno.test("a plain member adds people until invitations are confirmed", () => {
  assert.equal(can(MemberRole.member, addingIn({ invite: false })), true);
  assert.equal(can(MemberRole.member, addingIn({ invite: true })), false);
  assert.equal(can(MemberRole.manager, addingIn({ invite: true })), true);
});

Deno.test("a group's name is the given one or its people's, cut to 20 characters", () => {
  assert.equal(nameOf(" 读书会 ", ["甲", "乙"]), "读书会");
  assert.equal(nameOf("  ", ["甲", "", "乙"]), "甲、乙");
  assert.equal(nameOf("", [""]), "群聊");
  assert.equal([...nameOf("", ["👍".repeat(30)])].length, 20);
  assert.equal(cutName("a".repeat(21)), "a".repeat(20));
});

Deno.test("an announcement names so many people and counts the others", () => {
  assert.equal(placeholders(2), "{0}、{1}");
  assert.equal(placeholders(2, 1), "{1}、{2}");
  assert.ok(placeholders(NAMED_COUNT_MAX + 1).endsWith(`{${NAMED_COUNT_MAX - 1}}等41人`));
  assert.equal(literal("a{0}b"), "a｛0｝b");
});

Deno.test("a day begins at midnight in UTC+8", () => {
  assert.equal(
    dayStart(new Date("2026-05-01T15:59:59Z")).toISOString(),
    "2026-04-30T16:00:00.000Z",
  );
  assert.equal(
    dayStart(new Date("2026-05-01T16:00:00Z")).toISOString(),
    "2026-05-01T16:00:00.000Z",
  );
});

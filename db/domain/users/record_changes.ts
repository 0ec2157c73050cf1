import type { Ctx } from "../../client/ctx.ts";
import type { OperatorActor } from "../operators/actor.ts";
import { type Action, recordActions } from "../operators/record_action.ts";
import type { ManagedUser } from "./managed_user.ts";
import { mobileText } from "./mobile_text.ts";
import { maskPhone } from "./rules.ts";

type UserAction = "user.create" | "user.update" | "user.delete";

export interface Changed {
  before: ManagedUser | null;
  after: ManagedUser;
}

export async function recordChanges(
  tx: Ctx,
  { actor, action, changed }: { actor: OperatorActor; action: UserAction; changed: Changed[] },
): Promise<void> {
  await recordActions(
    tx,
    changed.map(({ before, after }): Action => {
      const names = before ? differing(before, after) : recordedNames;
      const target = `user:${after.id}`;
      return {
        actor,
        action,
        target,
        before: before && told(before, names),
        after: told(after, names),
      };
    }),
  );
}

const recordedNames = ["name", "mobile", "status", "exchanger"] as const;
type RecordedName = (typeof recordedNames)[number];

function differing(before: ManagedUser, after: ManagedUser): RecordedName[] {
  return recordedNames.filter((name) =>
    name === "mobile"
      ? mobileText(before.mobile) !== mobileText(after.mobile)
      : before[name] !== after[name]
  );
}

/** Auditors read it, to whom numbers are masked. */
function told(user: ManagedUser, names: readonly RecordedName[]): Record<string, unknown> {
  const mobile = user.mobile && `+${user.mobile.countryCode} ${maskPhone(user.mobile.number)}`;
  const all = { ...user, mobile };
  return Object.fromEntries(names.map((name) => [name, all[name]]));
}

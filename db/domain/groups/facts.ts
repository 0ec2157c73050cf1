import type { LongInteger } from "../../../config/runtime/long_integer.ts";
/** Somebody a fact names: by what the chat app calls them, and by their number in their app. */
export interface Person {
  userId: number;
  uid: string;
  appUid: LongInteger;
  /** Empty: they have none. */
  name: string;
  /** An address; empty or absent: none. */
  avatar?: string | undefined;
}

/** The group it is of, as it is when it happens. */
export interface FactOf {
  groupId: number;
  groupNo: string;
  name: string;
  at: Date;
}

/** Who does it; undefined: a partner's server or an operator, who are nobody in the group. */
type By = Person | undefined;

/**
 * What happens to a group, as plain data. The verb that does it makes it once; `say_chat.ts` and
 * `say_partner.ts` say how each dialect reads it (docs/facts.md).
 */
export type Fact =
  | { kind: "created"; by?: By; owner: Person; name: string; isSuper: boolean; members: Person[] }
  | { kind: "renamed"; by: By; name: string }
  | { kind: "noticed"; by: By; notice: string }
  | { kind: "members_added"; inviter: By; people: Person[] }
  | { kind: "joined_by_scan"; person: Person; inviter: Person }
  /** They are out already; `isEmpty`: nobody is left in the group who could hear of it. */
  | { kind: "members_removed"; by: By; people: Person[]; isEmpty: boolean }
  | { kind: "left"; person: Person; isEmpty: boolean }
  | { kind: "owner_changed"; by: By; owner: Person }
  | { kind: "nicknamed"; person: Person; nickname: string }
  | { kind: "all_muted"; by: By; on: boolean }
  /** Newcomers are to be confirmed, or not any more. */
  | { kind: "invite_switched"; by: By; on: boolean }
  | { kind: "managers_changed" }
  | { kind: "blacklist_changed" }
  | { kind: "member_muted"; person: Person }
  | { kind: "own_switched"; userId: number }
  | { kind: "let_in_asked"; by: Person; inviteNo: string; count: number; deciders: Person[] }
  | { kind: "upgraded" }
  /** Everybody is in it still. */
  | { kind: "disbanded"; by: By };

/** Whose doing it is, to whom it is no news; undefined: nobody's in the group. */
export function doerOf(fact: Fact): Person | undefined {
  switch (fact.kind) {
    case "members_added":
      return fact.inviter;
    case "joined_by_scan":
    case "left":
      return fact.person;
    default:
      return "by" in fact ? fact.by : undefined;
  }
}

export type FactOfKind<Kind extends Fact["kind"]> = Extract<Fact, { kind: Kind }>;

/** How one dialect says each fact: a fact that is new does not compile until it is said. */
export type Sayings<Said, Limits> = {
  [Kind in Fact["kind"]]: (fact: FactOfKind<Kind>, of: FactOf, limits: Limits) => Said[];
};

/** What one dialect makes of a fact. */
export function sayIn<Said, Limits>(
  sayings: Sayings<Said, Limits>,
  fact: Fact,
  { of, limits }: { of: FactOf; limits: Limits },
): Said[] {
  const say = sayings[fact.kind] as (fact: Fact, of: FactOf, limits: Limits) => Said[];
  return say(fact, of, limits);
}

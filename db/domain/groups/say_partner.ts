import { jsonNumberOf } from "../../../config/runtime/long_integer.ts";
import {
  type Fact,
  type FactOf,
  type FactOfKind,
  type Person,
  sayIn,
  type Sayings,
} from "./facts.ts";

type Fields = Record<string, unknown>;

interface Limits {
  /** Most people that are named; there may be more. */
  namedMax: number;
}

interface Notification {
  /** Names what happened. */
  key: string;
  /** With the group's name, for who may not know the group, or not any more. */
  withGroup?: boolean;
  fields: Fields;
}

/**
 * A fact as partners' clients read it: JSON texts with one key each, that names what happened. Of
 * people who come or go each has a notification of their own, as deployed clients read `member_id`
 * alone; of more than `namedMax` the first, and how many there are.
 *
 * @returns none for what means nothing to them
 */
export function sayPartner(fact: Fact, of: FactOf, limits: Limits): string[] {
  return sayIn(SAYINGS, fact, { of, limits }).map(({ key, withGroup, fields }) =>
    JSON.stringify({
      [key]: {
        group_id: of.groupId,
        timestamp: Math.floor(of.at.getTime() / 1000),
        ...withGroup && of.name !== "" && { group_name: of.name },
        ...fields,
      },
    })
  );
}

const flag = (on: boolean) => on ? 1 : 0;

const SAYINGS: Sayings<Notification, Limits> = {
  created: (fact, _, limits) => [{ key: "create", fields: createdFields(fact, limits) }],
  renamed: ({ name }) => [{ key: "update_name", fields: { name } }],
  noticed: ({ notice }) => [{ key: "update_notice", fields: { notice } }],
  members_added: ({ people, inviter }, _, limits) =>
    eachOf("add_member", people, { ...limits, more: invitedBy(inviter) }),
  joined_by_scan: ({ person, inviter }, _, limits) =>
    eachOf("add_member", [person], { ...limits, more: invitedBy(inviter) }),
  members_removed: ({ people }, _, limits) => eachOf("quit_group", people, limits),
  left: ({ person }, _, limits) => eachOf("quit_group", [person], limits),
  owner_changed: (
    { owner },
  ) => [{ key: "update_master", fields: { master: jsonNumberOf(owner.appUid) } }],
  nicknamed: ({ person, nickname }) => [{
    key: "update_member_nickname",
    withGroup: true,
    fields: { member_id: jsonNumberOf(person.appUid), nickname },
  }],
  all_muted: ({ on }) => [{ key: "update_setting", fields: { forbidden: flag(on) } }],
  invite_switched: ({ on }) => [{ key: "update_setting", fields: { invite: flag(on) } }],
  upgraded: () => [{ key: "upgrade", withGroup: true, fields: { super: 1 } }],
  disbanded: () => [{ key: "disband", withGroup: true, fields: {} }],
  managers_changed: () => [],
  blacklist_changed: () => [],
  member_muted: () => [],
  own_switched: () => [],
  let_in_asked: () => [],
};

/** Members as bare numbers: of a new group deployed clients read nothing else. */
function createdFields(
  { owner, name, isSuper, members }: FactOfKind<"created">,
  { namedMax }: Limits,
): Fields {
  return {
    master: jsonNumberOf(owner.appUid),
    name,
    super: flag(isSuper),
    members: members.slice(0, namedMax).map(({ appUid }) => jsonNumberOf(appUid)),
    member_count: members.length,
  };
}

function eachOf(
  key: string,
  people: Person[],
  { namedMax, more }: Limits & { more?: Fields | undefined },
): Notification[] {
  const count = people.length > namedMax && { member_count: people.length };
  // Of several the pictures would leave room for few names.
  const isAlone = people.length === 1;
  return people.slice(0, namedMax).map(({ appUid, name, avatar }) => ({
    key,
    withGroup: true,
    fields: {
      member_id: jsonNumberOf(appUid),
      ...name !== "" && { name },
      ...isAlone && avatar && { avatar },
      ...more,
      ...count,
    },
  }));
}

function invitedBy(inviter: Person | undefined): Fields | undefined {
  if (!inviter) return undefined;
  const { appUid, name } = inviter;
  return { inviter: { uid: jsonNumberOf(appUid), ...name !== "" && { name } } };
}

/** `group_members.role`, as the contract numbers it. */
export type Role = 0 | 1 | 2;

/**
 * As what somebody acts. People are what they are in the group, by whichever door they come. The
 * server of an app may do anything within its app and speaks for nobody; operators look after the
 * house's groups.
 */
export type Actor = "member" | "manager" | "owner" | "appServer" | "operator";

/** To whom it is done: to who does it, or to somebody else by what they are in the group. */
export type Target = "self" | "member" | "manager" | "owner";

const ROLES = ["member", "owner", "manager"] as const;
const SELF = ["self"] as const;
const PLAIN = ["member"] as const;
const OTHERS = ["member", "manager"] as const;
const ANYBODY = ["self", "member", "manager", "owner"] as const;

/** Done to the group, or to people: to whom. */
type Right = true | readonly Target[];

/** What an actor may do; who is not named may not. */
const RIGHTS = {
  /** Making a group for oneself; a server makes them for anybody. */
  create: { owner: true, appServer: true },
  invite: { member: true, manager: true, owner: true },
  add: { member: true, manager: true, owner: true, appServer: true },
  /** Adding while the group wants its invitations confirmed, and confirming them. */
  let_in: { manager: true, owner: true, appServer: true },
  edit: { manager: true, owner: true, appServer: true, operator: true },
  /** In a partner's own group. */
  edit_as_partner: { member: true, manager: true, owner: true, appServer: true },
  forbid: { manager: true, owner: true },
  upgrade: { appServer: true },
  /** Rates, running or stopped, its bot. */
  manage: { operator: true },
  leave: { member: SELF, manager: SELF, owner: SELF, appServer: ANYBODY },
  /** Switches of one's own. */
  set: { member: SELF, manager: SELF, owner: SELF, appServer: ANYBODY },
  name_member: { member: SELF, manager: ANYBODY, owner: ANYBODY, appServer: ANYBODY },
  mute_member: { appServer: ANYBODY },
  /** Keeping people from speaking and from coming in again. */
  blacklist: { manager: PLAIN, owner: PLAIN },
  remove: { manager: PLAIN, owner: OTHERS, appServer: ANYBODY },
  /** By a partner's client, whose master is no member of need, and goes like anybody. */
  remove_as_partner: { owner: ANYBODY, appServer: ANYBODY },
  disband: { owner: true, appServer: true },
  appoint: { owner: OTHERS },
  dismiss: { owner: OTHERS },
  transfer: { owner: OTHERS },
} as const satisfies Record<string, Partial<Record<Actor, Right>>>;

export type Action = keyof typeof RIGHTS;
export const actions = Object.keys(RIGHTS) as Action[];

function rightOf(actor: Actor, action: Action): Right | undefined {
  const rights: Partial<Record<Actor, Right>> = RIGHTS[action];
  return rights[actor];
}

/**
 * Whether somebody may do this, to whom they mean. An act on people without saying on whom is never
 * allowed.
 */
export function can(actor: Actor, action: Action, target?: Target): boolean {
  const right = rightOf(actor, action);
  if (right === undefined || right === true) return right === true;
  return target !== undefined && right.includes(target);
}

/** Whether there is anybody they may do it to. */
export function canAtAll(actor: Actor, action: Action): boolean {
  return rightOf(actor, action) !== undefined;
}

export function actorOf(role: Role): Exclude<Actor, "appServer" | "operator"> {
  return ROLES[role];
}

/** Where somebody comes from; of a code whose it is, for whoever shows it. */
export type Door = "chat" | "code" | "client" | "server";

/** What of a group decides on what an action is. */
export interface ActedOn {
  /** A group of the chat app's. */
  isHouse: boolean;
  /** Invitations are confirmed. */
  invite: boolean;
}

/** The row of the table that is asked when somebody wants this by that door. */
export function actionBy(door: Door, action: Action, { isHouse, invite }: ActedOn): Action {
  const isOfPartner = door === "client" || door === "server";
  if (action === "add" && invite) return "let_in";
  // A token of the house's opens nothing to a member that the chat app keeps from them.
  if (action === "edit" && isOfPartner && !isHouse) return "edit_as_partner";
  if (action === "remove" && door === "client") return "remove_as_partner";
  if (action === "name_member" && door === "client") return "set";
  return action;
}

/**
 * Whether only who is in the group may do it, whatever they are there. Leaving finds that out by
 * itself, and the master of a partner's group may stay outside of it.
 */
export function isForMembers(door: Door, action: Action): boolean {
  if (door === "client") return action === "add" || action === "edit";
  return door !== "server" && action !== "leave";
}

/**
 * Longest names of groups and of people within a group, in characters as people count them (code
 * points); by every door, which refuses a longer one.
 */
export const GROUP_NAME_LENGTH_MAX = 255;
export const NOTICE_LENGTH_MAX = 1000;
/** Of what is said to those who confirm an invitation. */
export const INVITE_REMARK_LENGTH_MAX = 100;

/** Most people one call of the chat app names. */
export const MEMBERS_PER_CALL_COUNT_MAX = 500;
/** Most people a partner's server names in one call. */
export const SERVER_MEMBERS_COUNT_MAX = 10_000;
/** Most people a partner's client names in one call. */
export const CLIENT_MEMBERS_COUNT_MAX = 500;
/** Largest body that names that many people, bytes. */
export const SERVER_BODY_BYTES_MAX = 4 * 1024 * 1024;

export const GROUPS_PER_DAY_COUNT_MAX = 10;
export const SYNC_COUNT_DEFAULT = 100;
/** The chat app's web client asks for all at once. */
export const SYNC_COUNT_MAX = 10_000;
/** Most groups of one person a partner's list answers, the newest first. */
export const GROUPS_COUNT_MAX = 500;
/** Most members it shows of each group, and one page of a group's members has. */
export const LISTED_MEMBERS_COUNT_MAX = 5_000;
/** As many as the list shows so; of groups after these it shows fewer of each. */
export const LISTED_MEMBERS_TOTAL_MAX = 250_000;
export const LISTED_MEMBERS_COUNT_LATER = 500;
/** "May not speak" without an end. */
export const MUTED_UNTIL_MAX = new Date("9999-12-31T00:00:00Z");

export const QRCODE_LIFE_DAYS = 7;
const MINUTE_MS = 60_000;
export const QRCODE_LIFE_MS = QRCODE_LIFE_DAYS * 24 * 60 * MINUTE_MS;
/** How long a scanned code lets one person in, and how long a confirmation page is good, ms. */
export const JOIN_LIFE_MS = 30 * MINUTE_MS;
export const CONFIRM_LIFE_MS = 5 * MINUTE_MS;

/** The name a group is given, or of one nobody named its people's, as far as they have room. */
export function nameOf(given: string, names: string[]): string {
  const ofPeople = names.filter((name) => name !== "").join("、");
  return given || [...ofPeople].slice(0, GROUP_NAME_LENGTH_MAX).join("") || "群聊";
}

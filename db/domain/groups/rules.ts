/** `group_members.role`, as the contract numbers it. */
export type Role = 0 | 1 | 2;
const [MEMBER, OWNER, MANAGER] = [0, 1, 2] as const;

/** Whoever is in the group may do it, nobody may, or only to people of these roles. */
type Right = boolean | readonly Role[];

const ANYBODY_ELSE = [MEMBER, MANAGER] as const;
const ANYBODY = [MEMBER, OWNER, MANAGER] as const;

/** What a role may do; acts on somebody say on whom. Nobody acts on themselves by these. */
const RIGHTS = {
  invite: { [MEMBER]: true, [MANAGER]: true, [OWNER]: true },
  leave: { [MEMBER]: true, [MANAGER]: true, [OWNER]: true },
  add: { [MEMBER]: true, [MANAGER]: true, [OWNER]: true },
  /** Adding while the group wants its invitations confirmed, and confirming them. */
  let_in: { [MEMBER]: false, [MANAGER]: true, [OWNER]: true },
  edit: { [MEMBER]: false, [MANAGER]: true, [OWNER]: true },
  forbid: { [MEMBER]: false, [MANAGER]: true, [OWNER]: true },
  remark: { [MEMBER]: false, [MANAGER]: ANYBODY, [OWNER]: ANYBODY },
  remove: { [MEMBER]: false, [MANAGER]: [MEMBER], [OWNER]: ANYBODY_ELSE },
  appoint: { [MEMBER]: false, [MANAGER]: false, [OWNER]: ANYBODY_ELSE },
  dismiss: { [MEMBER]: false, [MANAGER]: false, [OWNER]: ANYBODY_ELSE },
  transfer: { [MEMBER]: false, [MANAGER]: false, [OWNER]: ANYBODY_ELSE },
} satisfies Record<string, Record<Role, Right>>;

export type Action = keyof typeof RIGHTS;
export const actions = Object.keys(RIGHTS) as Action[];

/**
 * Whether somebody of this role may do this, to somebody of that role. An act on people without
 * saying on whom is never allowed.
 */
export function can(role: Role, action: Action, targetRole?: Role): boolean {
  const right: Right = RIGHTS[action][role];
  if (typeof right === "boolean") return right;
  return targetRole !== undefined && right.includes(targetRole);
}

/** How people get in: by any member, or while invitations are confirmed by who may confirm. */
export function addingIn({ invite }: { invite: boolean }): Action {
  return invite ? "let_in" : "add";
}

/** Longest names, notices and remarks, in characters as people count them (code points). */
export const GROUP_NAME_LENGTH_MAX = 20;
export const NOTICE_LENGTH_MAX = 1000;
export const REMARK_LENGTH_MAX = 100;
/** Most people one call names. */
export const MEMBERS_PER_CALL_COUNT_MAX = 500;
export const GROUPS_PER_DAY_COUNT_MAX = 10;
export const SYNC_COUNT_DEFAULT = 100;
export const SYNC_COUNT_MAX = 500;

export const QRCODE_LIFE_DAYS = 7;
const MINUTE_MS = 60_000;
export const QRCODE_LIFE_MS = QRCODE_LIFE_DAYS * 24 * 60 * MINUTE_MS;
/** How long a scanned code lets one person in, and how long a confirmation page is good, ms. */
export const JOIN_LIFE_MS = 30 * MINUTE_MS;
export const CONFIRM_LIFE_MS = 5 * MINUTE_MS;

/** A name as a group keeps it: what is too long is cut. */
export function cutName(name: string): string {
  return [...name.trim()].slice(0, GROUP_NAME_LENGTH_MAX).join("");
}

/** The name of a group nobody named: its people's. */
export function nameOf(given: string, names: string[]): string {
  return cutName(given) || cutName(names.filter((name) => name !== "").join("、")) || "群聊";
}

/** Longest group names and names within a group, characters. */
export const GROUP_NAME_LENGTH_MAX = 64;
export const NICKNAME_LENGTH_MAX = 64;
/** Most people a partner's server names in one call. */
export const SERVER_MEMBERS_COUNT_MAX = 10_000;
/** Most people a partner's client names in one call. */
export const CLIENT_MEMBERS_COUNT_MAX = 500;
/** Largest body that names that many people, bytes. */
export const SERVER_BODY_BYTES_MAX = 4 * 1024 * 1024;
/** Most groups of one person a list answers, the newest first. */
export const GROUPS_COUNT_MAX = 500;
/** Most members a list shows of each group. */
export const LISTED_MEMBERS_COUNT_MAX = 500;
/** Most people one notification names. */
export const NOTIFIED_COUNT_MAX = 100;
/** Most people the chat app's form of it names. */
export const PLACEHOLDER_COUNT_MAX = 10;
/** "May not speak" without an end. */
export const MUTED_UNTIL_MAX = new Date("9999-12-31T00:00:00Z");

/** How one of a partner's people stands to what they want to change. */
export interface Standing {
  isMember: boolean;
  /** The group's owner, whether a member or not. */
  isMaster: boolean;
  /** It is done to themselves. */
  isSelf: boolean;
}

/** What somebody has to be to do it (behaviour notes, 2.3). Servers are not asked. */
const NEEDS = {
  create: "isSelf",
  edit: "isMember",
  add: "isMember",
  leave: "isSelf",
  set: "isSelf",
  remove: "isMaster",
  disband: "isMaster",
} as const satisfies Record<string, keyof Standing>;

export type PartnerAction = keyof typeof NEEDS;

/** What a client has to be to do it. */
export function needOf(action: PartnerAction): keyof Standing {
  return NEEDS[action];
}

/** Whether one of a partner's people may do this. */
export function mayClient(action: PartnerAction, standing: Standing): boolean {
  return standing[NEEDS[action]];
}

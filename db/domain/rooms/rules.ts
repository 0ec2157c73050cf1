const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Longest name of a room, in characters as people count them (contract: 100). */
export const ROOM_NAME_LENGTH_MAX = 100;

/** Whoever was not heard of for this long, on any surface or socket, is no longer in, ms. */
export const ROOM_SILENCE_MS = 30 * MINUTE_MS;
/** Of people silent for this long the audio service is asked, this often at most, ms. */
export const ROOM_ASK_MS = 2 * MINUTE_MS;
/** A room is closed once it has been empty for this long, ms. */
export const ROOM_EMPTY_MS = 12 * HOUR_MS;
/** The same person is told once of the same inviter's invitations to a room within this, ms. */
export const ROOM_INVITE_ONCE_MS = 10 * MINUTE_MS;
/** A sign of life is written down at most this often, ms. */
export const SIGN_OF_LIFE_STEP_MS = MINUTE_MS;

/** How many of a room's people are shown with it; hosts and early comers first. */
export const ROOM_MEMBERS_SHOWN_COUNT = 6;

/** How long a token opens the audio channel, and how long one is handed out again, ms. */
export const ROOM_TOKEN_LIFE_MS = 24 * HOUR_MS;
export const ROOM_TOKEN_CACHE_MS = 23 * HOUR_MS;

/** Of how many clubs (joined last) and invitations (newest) the feed shows rooms. */
export const ROOM_FEED_CLUB_COUNT_MAX = 200;
export const ROOM_FEED_INVITE_COUNT_MAX = 50;

/** The time whose sign of life is already too old at `now`. */
export function silentSince(now: Date): Date {
  return new Date(now.getTime() - ROOM_SILENCE_MS);
}

/** A private room is nobody's club's: `inviteOnly` above 0 means 1, and drops the club. */
export function placeOf(
  { clubId, inviteOnly }: { clubId?: string | null | undefined; inviteOnly: number },
): { clubId: string | undefined; inviteOnly: boolean } {
  return inviteOnly > 0
    ? { clubId: undefined, inviteOnly: true }
    : { clubId: clubId || undefined, inviteOnly: false };
}

import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { inChina } from "../china_time.ts";
import { DomainError } from "../errors.ts";

/** Partners' people have none. */
export function hasFriends(appId: number): boolean {
  return appId === HOUSE_APP_ID;
}

export const APPLY_LIFE_MS = 15 * 24 * 60 * 60 * 1000;
/** Most friends that are told of a change at once, or looked up for who is online. */
export const FRIENDS_COUNT_MAX = 5000;
/** What the system account says to whoever is new. */
export const WELCOME = "欢迎加入！有任何问题，都可以在这里找到我们的通知。";
/** Longest remark of a friend request, in characters as people count them (code points). */
export const APPLY_REMARK_LENGTH_MAX = 100;
export const SYNC_COUNT_MAX = 1_000;
/** Of how many newest chats the people are looked at for who is online. */
export const ONLINE_CHAT_COUNT_MAX = 500;
export const RECENTLY_ONLINE_MS = 60 * 60 * 1000;

/** Where a sync of friends ended: the last row's time and id. */
export interface SyncKey {
  at: Date;
  id: number;
}

/** `yyyy-MM-dd HH:mm:ss.SSS` in UTC+8: whole milliseconds, or a key made of it would skip rows. */
export function syncTimeText(at: Date): string {
  return inChina(at).toISOString().slice(0, 23).replace("T", " ");
}

/**
 * Reads `<updated_at>@<id>`, the time with or without milliseconds; empty or absent is the start.
 * A key without them stands at the second's beginning: rows come twice rather than never.
 * @throws {DomainError} `params_invalid`
 */
export function parseSyncKey(text: string | undefined): SyncKey | undefined {
  if (!text) return undefined;
  const match = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d{3})?@(\d{1,15})$/.exec(text);
  const written = match && `${match[1]} ${match[2]}${match[3] ?? ".000"}`;
  const at = new Date(`${written?.replace(" ", "T")}+08:00`);
  // The 31st of February becomes the 3rd of March without a word.
  if (!match || Number.isNaN(at.getTime()) || syncTimeText(at) !== written) {
    throw new DomainError("params_invalid", { message: "同步位置不正确" });
  }
  return { at, id: Number(match[4]) };
}

export function greetingOf({ remark, name }: { remark: string; name: string }): string {
  return remark || `我是${name}`;
}

export interface Seen {
  online: boolean;
  lastOfflineAt: Date | undefined;
}

export function isRecentlyOnline({ online, lastOfflineAt }: Seen, now: Date): boolean {
  return online ||
    (lastOfflineAt !== undefined && now.getTime() - lastOfflineAt.getTime() <= RECENTLY_ONLINE_MS);
}

export function newestSeenFirst(a: Seen, b: Seen): number {
  return Number(b.online) - Number(a.online) ||
    (b.lastOfflineAt?.getTime() ?? 0) - (a.lastOfflineAt?.getTime() ?? 0);
}

import { z } from "zod";
import {
  type Cursor,
  cursorText,
  PAGE_COUNT_MAX,
  parseCursor,
} from "../../db/domain/paging/rules.ts";
import type { ListedPerson } from "../../db/domain/users/person.ts";
import type { Profile } from "../../db/domain/users/profile.ts";
import { Flag, flag, HexId } from "../fields.ts";

/** `userProfileResult`: a person as the caller sees them. */
export const UserProfile = z.object({
  uid: HexId,
  nickname: z.string(),
  avatar: z.string(),
  bio: z.string(),
  blocked: Flag.describe("1: you have blocked this person"),
  sendCard: Flag.describe("1: you have given this person a card, and it was kept"),
  cardTotal: z.number().int().describe("Cards this person has received and kept"),
  allowLive: Flag.describe("1: this person may open rooms"),
});

export function userProfileResult(profile: Profile): z.input<typeof UserProfile> {
  return {
    ...profile,
    blocked: flag(profile.blocked),
    sendCard: flag(profile.sendCard),
    allowLive: flag(profile.allowLive),
  };
}

/** `lastId` and `count` of every paged list; the text of the contract says 0…100, 0 is refused. */
export const PageQuery = z.object({
  lastId: z.string().optional().transform(parseCursor)
    .describe("`sequenceId` of the last item of the page before; absent: the first page"),
  count: z.coerce.number().int().min(1).max(PAGE_COUNT_MAX),
});

/** A page: how many were asked for, and what there is. */
export function Page<Item extends z.ZodType>(item: Item) {
  return z.object({ page: z.object({ count: z.number().int() }), list: z.array(item) });
}

/** One page's answer. */
export function pageOf<Item>(count: number, list: Item[]) {
  return { page: { count }, list };
}

/** `createTime` (ms) and `sequenceId` of a list item. */
export const Sequenced = z.object({ createTime: z.number().int(), sequenceId: z.string() });

export function sequenced(cursor: Cursor) {
  return { createTime: cursor.at.getTime(), sequenceId: cursorText(cursor) };
}

/** Somebody in a list; the cursor's id is their uid. */
export const ListedUser = Sequenced.extend({ uid: HexId, userProfileResult: UserProfile });

export function listedUser({ at, profile }: ListedPerson): z.input<typeof ListedUser> {
  return {
    ...sequenced({ at, id: profile.uid }),
    uid: profile.uid,
    userProfileResult: userProfileResult(profile),
  };
}

import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { instant } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import {
  type Caller,
  changePartnerGroup,
  type PartnerChange,
} from "../partner_groups/change_as.ts";
import { MUTED_UNTIL_MAX } from "../partner_groups/rules.ts";
import { type NotifiedPerson, readAppMembers } from "./app_people.ts";
import { nicknamedCommand } from "./news.ts";

/** What is set of a member; what is absent stays. */
export interface MemberSettings {
  doNotDisturb?: boolean | undefined;
  /** What they are called in the group; empty: by their name. */
  nickname?: string | undefined;
  /** May not speak. */
  mute?: boolean | undefined;
}

/**
 * Sets a member's own switches, or mutes them. A nickname is told to the group; of the rest only
 * the chat app hears, whose groups the house's are.
 *
 * @throws {DomainError} `group_missing`, `group_no_right` for a client who means somebody else,
 *   `group_members_invalid` when nobody of that number is in the group
 */
export async function setMember(
  ctx: Ctx,
  { caller, groupId, appUid, ...set }:
    & { caller: Caller; groupId: number; appUid: number }
    & MemberSettings,
): Promise<void> {
  const place = { caller, groupId, appUid, action: "set" } as const;
  await changePartnerGroup(ctx, place, async (change) => {
    const { tenantId } = change;
    const [person] = await readAppMembers(change.ctx, { tenantId, appUids: [appUid], groupId });
    if (!person) throw new DomainError("group_members_invalid");
    if (set.doNotDisturb !== undefined) await setQuiet(change, person, set.doNotDisturb);
    if (set.mute !== undefined) await setMuted(change, person, set.mute);
    if (set.nickname !== undefined) await setNickname(change, person, set.nickname);
  });
}

async function setQuiet(
  { ctx, group, announcer, tenantId }: PartnerChange,
  { userId }: NotifiedPerson,
  on: boolean,
): Promise<void> {
  await ctx.db.execute(sql`
    insert into group_settings (user_id, group_id, mute) values (${userId}, ${group.id}, ${on})
    on conflict (user_id, group_id) do update set mute = excluded.mute`);
  if (tenantId === HOUSE_APP_ID) await announcer.commandChannelUpdate(userId);
}

async function setMuted(
  { ctx, group, announcer, tenantId }: PartnerChange,
  { userId, uid }: NotifiedPerson,
  on: boolean,
): Promise<void> {
  const until = on ? instant(MUTED_UNTIL_MAX) : sql`null`;
  await ctx.db.execute(sql`
    update group_members set muted_until = ${until}, version = ${group.version}
    where group_id = ${group.id} and user_id = ${userId}`);
  if (tenantId === HOUSE_APP_ID) await announcer.commandMemberUpdate(uid);
}

async function setNickname(
  { ctx, group, announcer }: PartnerChange,
  person: NotifiedPerson,
  nickname: string,
): Promise<void> {
  await ctx.db.execute(sql`
    update group_members set nickname = ${nickname}, version = ${group.version}
    where group_id = ${group.id} and user_id = ${person.userId}`);
  const of = { groupId: group.id, at: ctx.now() };
  await announcer.command(nicknamedCommand(of, { groupNo: group.groupNo, person, nickname }));
}

import { sql } from "drizzle-orm";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { bool, int8, rows, text } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { wake } from "../messages/send.ts";
import { Announcer } from "./announce.ts";

/** What a member has set of a group for themselves; what is absent stays. */
export interface OwnSettings {
  mute?: boolean | undefined;
  top?: boolean | undefined;
  save?: boolean | undefined;
  showNick?: boolean | undefined;
  /** What they call the group; empty: nothing of their own. */
  remark?: string | undefined;
}

/**
 * Sets what a member has chosen for themselves, and tells their devices. The group does not
 * change, so it keeps its version.
 *
 * @throws {DomainError} `group_missing`, `group_not_member`
 */
export async function setOwn(
  ctx: Ctx,
  { groupNo, userId, ...set }: OwnSettings & { groupNo: string; userId: number },
): Promise<void> {
  const accepted = await withTx(ctx, async (tx) => {
    const [group] = await rows(
      tx,
      sql`
      with place as (
        select groups.id, groups.name, exists (select 1 from group_members where group_id = groups.id
          and user_id = ${userId} and removed_at is null) as is_member
        from groups where group_no = ${groupNo} and app_id = ${HOUSE_APP_ID}
          and disbanded_at is null
      ), kept as (
        insert into group_settings (user_id, group_id, mute, top, save, show_nick, remark)
        select ${userId}::bigint, id, ${set.mute ?? false}, ${set.top ?? false},
          ${set.save ?? false}, ${set.showNick ?? true}, ${set.remark ?? ""}
        from place where is_member
        on conflict (user_id, group_id) do update set
          mute = coalesce(${set.mute ?? null}::boolean, group_settings.mute),
          top = coalesce(${set.top ?? null}::boolean, group_settings.top),
          save = coalesce(${set.save ?? null}::boolean, group_settings.save),
          show_nick = coalesce(${set.showNick ?? null}::boolean, group_settings.show_nick),
          remark = coalesce(${set.remark ?? null}, group_settings.remark)
      )
      select id, name, is_member from place`,
      { id: int8, name: text, isMember: bool },
    );
    if (!group) throw new DomainError("group_missing");
    if (!group.isMember) throw new DomainError("group_not_member");
    const announcer = new Announcer(tx, { ...group, groupNo, tenantId: HOUSE_APP_ID });
    await announcer.tell({ kind: "own_switched", userId });
    return announcer.accepted;
  });
  for (const message of accepted) wake(ctx, message);
}

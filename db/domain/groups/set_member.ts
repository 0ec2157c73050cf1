import { type SQL, sql } from "drizzle-orm";
import type { LongInteger } from "../../../config/runtime/long_integer.ts";
import type { Ctx } from "../../client/ctx.ts";
import { instant, rows } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { type Change, changeGroup, type GroupActor, type GroupPlace } from "./change.ts";
import { type Member, PERSON, PERSON_COLUMNS, role } from "./people.ts";
import { type Action, actorOf, MUTED_UNTIL_MAX, type Target } from "./rules.ts";

/** What is set of a member; what is absent stays. */
export interface MemberSettings {
  doNotDisturb?: boolean | undefined;
  /** What they are called in the group; empty: by their name. */
  nickname?: string | undefined;
  /** May not speak. */
  mute?: boolean | undefined;
}

/** A member as the chat app names them, or by their number in the app. */
export type MemberMeant = { uid: string } | { appUid: LongInteger };

/**
 * Sets what a member is called in the group, their own switches, or whether they may speak, and
 * says each.
 *
 * @throws {DomainError} `group_missing`, `group_not_member`, `group_no_right`,
 *   `group_members_invalid` when nobody of that name is in the group
 */
export async function setMember(
  ctx: Ctx,
  place: GroupPlace,
  { by, person: meant, ...set }: MemberSettings & { by: GroupActor; person: MemberMeant },
): Promise<void> {
  const deed = { by, action: actionOf(set), target: targetOf(by, meant) };
  await changeGroup(ctx, place, deed, async (change) => {
    const person = await writeSettings(change, meant, set);
    if (!person) throw new DomainError("group_members_invalid");
    const isSelf = person.userId === change.by?.userId;
    if (!change.may(isSelf ? "self" : actorOf(person.role))) {
      throw new DomainError("group_no_right");
    }
    const { announcer } = change;
    const { userId } = person;
    if (set.doNotDisturb !== undefined) await announcer.tell({ kind: "own_switched", userId });
    if (set.mute !== undefined) await announcer.tell({ kind: "member_muted", person });
    const { nickname } = set;
    if (nickname !== undefined) await announcer.tell({ kind: "nicknamed", person, nickname });
  });
}

/** The strongest thing that is done: who may do that may do the rest as well. */
function actionOf({ mute, doNotDisturb }: MemberSettings): Action {
  if (mute !== undefined) return "mute_member";
  return doNotDisturb === undefined ? "name_member" : "set";
}

/** Partners' clients mean themselves or somebody else; of the chat app that is seen when read. */
function targetOf(by: GroupActor, meant: MemberMeant): Target | undefined {
  if ("uid" in meant) return undefined;
  return by.door === "client" && by.appUid === meant.appUid ? "self" : "member";
}

/** @returns whose settings they are; undefined: there is nobody of that name in the group */
async function writeSettings(
  { ctx, group: { id, tenantId, version } }: Change,
  meant: MemberMeant,
  { doNotDisturb, nickname, mute }: MemberSettings,
): Promise<Member | undefined> {
  const isMeant = "uid" in meant
    ? sql`users.uid = ${meant.uid}`
    : sql`users.app_id = ${tenantId} and users.app_uid = ${meant.appUid}`;
  const columns: SQL[] = [
    ...nickname === undefined ? [] : [sql`nickname = ${nickname}`],
    ...mute === undefined
      ? []
      : [sql`muted_until = ${mute ? instant(MUTED_UNTIL_MAX) : sql`null`}`],
  ];
  const changed = columns.length === 0 ? sql`` : sql`, changed as (
      update group_members set ${sql.join(columns, sql`, `)}, version = ${version} from person
      where group_members.group_id = ${id} and group_members.user_id = person.user_id
    )`;
  const quiet = doNotDisturb === undefined ? sql`` : sql`, quiet as (
      insert into group_settings (user_id, group_id, mute)
      select user_id, ${id}::bigint, ${doNotDisturb} from person
      on conflict (user_id, group_id) do update set mute = excluded.mute
    )`;
  const [member] = await rows(
    ctx,
    sql`
      with person as materialized (
        select ${PERSON}, group_members.role
        from group_members join users on users.id = group_members.user_id
        where group_members.group_id = ${id} and group_members.removed_at is null and ${isMeant}
      )${changed}${quiet}
      select * from person`,
    { ...PERSON_COLUMNS, role },
  );
  return member;
}

import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { bool, instant, rows, text, typed } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { letIn } from "./add_members.ts";
import { changeGroup } from "./change.ts";
import { openCode, sealCode } from "./codes.ts";
import { PERSON, PERSON_COLUMNS, readAbsent, role } from "./people.ts";
import { readPlace } from "./reads.ts";
import { actorOf, can, CONFIRM_LIFE_MS } from "./rules.ts";

/** An invitation as its confirmation page shows it. */
export interface Invite {
  inviteNo: string;
  groupNo: string;
  groupName: string;
  inviter: { uid: string; name: string };
  remark: string;
  people: { uid: string; name: string }[];
  isConfirmed: boolean;
}

const INVITE_COLUMNS = {
  groupNo: text,
  groupName: text,
  inviter: typed<Invite["inviter"]>(),
  remark: text,
  people: typed<Invite["people"]>(),
  isConfirmed: bool,
  role,
};

/**
 * A code with which one owner or manager may confirm one invitation from a page.
 *
 * @throws {DomainError} `group_missing`, `group_not_member`, `group_no_right`,
 *   `group_invite_missing`, also when somebody has confirmed it
 */
export async function askConfirmation(
  ctx: Ctx,
  { groupNo, userId, inviteNo }: { groupNo: string; userId: number; inviteNo: string },
): Promise<string> {
  const { groupId, role } = await readPlace(ctx, { groupNo, userId });
  if (!can(actorOf(role), "let_in")) throw new DomainError("group_no_right");
  const { rows } = await ctx.db.execute(sql`
    select 1 from group_invites
    where id = ${inviteNo} and group_id = ${groupId} and confirmed_at is null`);
  if (rows.length === 0) throw new DomainError("group_invite_missing");
  return sealCode(ctx, "group.invite", {
    value: { groupNo, inviteNo, userId },
    lifeMs: CONFIRM_LIFE_MS,
  });
}

/**
 * An invitation, for an owner or manager of its group.
 *
 * @throws {DomainError} `group_invite_missing`, also for everybody else
 */
export async function readInvite(
  ctx: Ctx,
  { inviteNo, userId }: { inviteNo: string; userId: number },
): Promise<Invite> {
  const statement = sql`
    select groups.group_no, groups.name as group_name,
      json_build_object('uid', inviter.uid, 'name', inviter.nickname) as inviter,
      group_invites.remark, mine.role, group_invites.confirmed_at is not null as is_confirmed,
      coalesce((select json_agg(json_build_object('uid', users.uid, 'name', users.nickname)
        order by users.id) from users where users.id = any(group_invites.user_ids)), '[]') as people
    from group_invites join groups on groups.id = group_invites.group_id
    join users as inviter on inviter.id = group_invites.inviter_id
    join group_members as mine on mine.group_id = groups.id and mine.user_id = ${userId}
      and mine.removed_at is null
    where group_invites.id = ${inviteNo} and groups.disbanded_at is null`;
  const [found] = await rows(ctx, statement, INVITE_COLUMNS);
  if (!found || !can(actorOf(found.role), "let_in")) throw new DomainError("group_invite_missing");
  const { role: _, ...invite } = found;
  return { inviteNo, ...invite };
}

/**
 * The invitation a confirmation code is for, as its owner or manager sees it.
 *
 * @throws {DomainError} `auth_code_invalid`, `group_invite_missing`
 */
export async function readInviteByCode(
  ctx: Ctx,
  { inviteNo, authCode }: { inviteNo: string; authCode: string },
): Promise<Invite> {
  const code = openCode(ctx, "group.invite", authCode);
  if (!code || code.inviteNo !== inviteNo) throw new DomainError("auth_code_invalid");
  return await readInvite(ctx, { inviteNo, userId: code.userId });
}

/**
 * Lets the invited people in, in the inviter's name; once, whoever confirms. Who has come in
 * meanwhile, whose account is gone, and whom the inviter may not bring any more is passed over.
 *
 * @throws {DomainError} `auth_code_invalid`, `group_missing`, `group_not_member`,
 *   `group_no_right` when who holds the code may no longer let people in, `group_invite_missing`
 */
export async function confirmInvite(ctx: Ctx, { authCode }: { authCode: string }): Promise<void> {
  const code = openCode(ctx, "group.invite", authCode);
  if (!code) throw new DomainError("auth_code_invalid");
  const { groupNo, userId } = code;
  const deed = { by: { door: "chat", userId }, action: "let_in" } as const;
  await changeGroup(ctx, { groupNo }, deed, async (change) => {
    const { ctx: tx, group } = change;
    const [invite] = await rows(
      tx,
      sql`
        update group_invites set confirmed_at = ${instant(tx.now())}, confirmer_id = ${userId}
        from users
        where group_invites.id = ${code.inviteNo} and group_id = ${group.id}
          and confirmed_at is null and users.id = group_invites.inviter_id
        returning ${PERSON}, array_to_json(user_ids) as user_ids`,
      { ...PERSON_COLUMNS, userIds: typed<string[]>() },
    );
    if (!invite) throw new DomainError("group_invite_missing");
    const { userIds, ...inviter } = invite;
    const people = await readAbsent(tx, {
      userIds: userIds.map(Number),
      groupId: group.id,
      by: { userId: inviter.userId, friendsOnly: tx.config.groupAddFriendsOnly },
    });
    await letIn(change, { inviter, people });
  });
}

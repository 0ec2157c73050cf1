import { sql } from "drizzle-orm";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { GroupStatus } from "../../schema/groups.ts";
import { instant, int4, int8, listOf, maybe, rows, text } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { checkPayload } from "../messages/rules.ts";
import type { OpsActor } from "../operators/actor.ts";
import { recordAction } from "../operators/record_action.ts";
import { payloadOf } from "./deliver_broadcast.ts";

export interface NewBroadcast {
  groupId: number;
  text: string;
  /** Uids of those it is for; undefined: everybody in the group. */
  uids: string[] | undefined;
  /** An operator: scripts do not write to people. */
  actor: OpsActor;
}

const columns = { status: int4, stranger: maybe(text), id: maybe(int8) };

/**
 * Enters a message to a group's members, which a job delivers. However large the group is, it is
 * the same few statements.
 * @returns the broadcast's id
 * @throws {DomainError} `operator_no_right`, `group_missing`, `group_stopped`, `message_invalid` for a text that does not
 *   fit a message, `params_invalid` naming somebody who is not in the group
 */
export async function enterBroadcast(ctx: Ctx, broadcast: NewBroadcast): Promise<number> {
  const { groupId, text, uids, actor } = broadcast;
  if (actor.kind !== "operator") throw new DomainError("operator_no_right");
  checkPayload(payloadOf(text));
  return await withTx(ctx, async (tx) => {
    const statement = sql`
      with place as (
        select id, status from groups
        where id = ${groupId} and app_id = ${HOUSE_APP_ID} and disbanded_at is null
      ), named as (
        select given.uid, member.user_id
        from (select distinct uid from unnest(${listOf(uids ?? [], "text")}) as uid) as given
        left join users on users.uid = given.uid
        left join group_members as member on member.group_id = (select id from place)
          and member.user_id = users.id and member.removed_at is null
      ), entered as (
        insert into broadcasts (group_id, operator_id, text, user_ids, created_at)
        select place.id, ${actor.operatorId}::bigint, ${text},
          case when ${uids !== undefined}
            then array(select user_id from named order by user_id) end,
          ${instant(tx.now())}
        from place
        where status = ${GroupStatus.running}
          and not exists (select from named where user_id is null)
        returning id
      )
      select place.status, (select uid from named where user_id is null limit 1) as stranger,
        (select id from entered) as id
      from place`;
    const [found] = await rows(tx, statement, columns);
    if (!found) throw new DomainError("group_missing");
    const { status, stranger, id } = found;
    if (status !== GroupStatus.running) throw new DomainError("group_stopped");
    if (id === undefined) {
      throw new DomainError("params_invalid", {
        message: `${stranger}不在该群`,
        english: `${stranger} is not in the group`,
      });
    }
    await recordAction(tx, {
      actor,
      action: "broadcasts.send",
      target: `group:${groupId}`,
      before: null,
      after: {
        broadcast_id: String(id),
        receivers: uids === undefined ? "all" : new Set(uids).size,
      },
    });
    return id;
  });
}

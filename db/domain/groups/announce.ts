import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { MemberRole } from "../../schema/groups.ts";
import { ChannelType } from "../../schema/messages.ts";
import { rows } from "../../sql.ts";
import { type Accepted, acceptMessage } from "../messages/accept.ts";
import { doerOf, type Fact, type Person } from "./facts.ts";
import { PERSON, PERSON_COLUMNS } from "./people.ts";
import { sayBoth } from "./say_both.ts";

/** Takes in what a change says, inside its transaction; the change wakes people afterwards. */
export class Announcer {
  readonly accepted: Pick<Accepted, "deliveries" | "loggedInGroup">[] = [];

  constructor(
    private readonly ctx: Ctx,
    private readonly group: { id: number; groupNo: string; name: string; tenantId: number },
  ) {}

  /** Says a fact in every dialect. */
  async tell(fact: Fact): Promise<void> {
    const { id: groupId, groupNo, name, tenantId } = this.group;
    const isHouse = tenantId === HOUSE_APP_ID;
    const of = { groupId, groupNo, name, at: this.ctx.now() };
    for (const { to, ...said } of sayBoth(fact, of, { isHouse })) {
      const accepted = await acceptMessage(this.ctx, {
        ...said,
        ...!isHouse && { payloadBytesMax: Infinity },
        senderId: undefined,
        actorId: doerOf(fact)?.userId,
        channel: { type: ChannelType.group, groupId },
        clientMsgNo: undefined,
        ...to && { visibleTo: to.map(({ userId }) => userId) },
      });
      this.accepted.push(accepted);
    }
  }
}

/** The owner and the managers: who decides on invitations. */
export async function readDeciders(ctx: Ctx, groupId: number): Promise<Person[]> {
  return await rows(
    ctx,
    sql`
      select ${PERSON} from group_members join users on users.id = group_members.user_id
      where group_members.group_id = ${groupId} and group_members.removed_at is null
        and group_members.role in (${MemberRole.owner}, ${MemberRole.manager})
      order by users.id`,
    PERSON_COLUMNS,
  );
}

import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { MemberRole } from "../../schema/groups.ts";
import { ChannelType } from "../../schema/messages.ts";
import { type Accepted, acceptMessage } from "../messages/accept.ts";
import { ContentType, FAN_OUT_COUNT_MAX } from "../messages/rules.ts";
import { NAMED_COUNT_MAX } from "../messages/template.ts";
import type { Person } from "./people.ts";

/** A message people read in the group. */
export interface Announcement {
  type: number;
  /** Absent: the system, or a partner's server. */
  from?: Pick<Person, "uid" | "name">;
  /** Its `{0}`, `{1}`… are the names of `extra`. */
  content: string;
  extra: Pick<Person, "uid" | "name">[];
  /** What this type says besides. */
  more?: Record<string, unknown>;
  /** The same as partners' clients read it; see `contentOf`. */
  notification?: Record<string, unknown>;
  /** Only these see it. */
  visibleTo?: Person[];
  /** Counts as unread. */
  redDot?: boolean;
  /** False: nobody's list of conversations changes. */
  inConversations?: boolean;
}

/** Takes in what a change says, inside its transaction; the change wakes people afterwards. */
export class Announcer {
  readonly accepted: Accepted[] = [];

  constructor(
    private readonly ctx: Ctx,
    private readonly group: { id: number; groupNo: string },
  ) {}

  async announce(said: Announcement): Promise<Accepted> {
    const accepted = await acceptMessage(this.ctx, {
      senderId: undefined,
      channel: { type: ChannelType.group, groupId: this.group.id },
      clientMsgNo: undefined,
      payload: payloadOfAnnouncement(said),
      redDot: said.redDot ?? true,
      inConversations: said.inConversations ?? true,
      ...said.visibleTo && { visibleTo: said.visibleTo.map(({ userId }) => userId) },
    });
    this.accepted.push(accepted);
    return accepted;
  }

  /** Tells everybody's app to read the members again. */
  async commandMemberUpdate(uid?: string): Promise<void> {
    const param = { group_no: this.group.groupNo, ...uid && { uid } };
    await this.command({ cmd: "memberUpdate", param });
  }

  /** Tells one person's app, or everybody's, to read the group again. */
  async commandChannelUpdate(userId?: number): Promise<void> {
    const param = { channel_id: this.group.groupNo, channel_type: ChannelType.group };
    await this.command({ cmd: "channelUpdate", param }, userId);
  }

  /** Tells one person's app, or everybody's, what to do: a payload less its type. */
  async command(command: object, userId?: number): Promise<void> {
    this.accepted.push(
      await acceptMessage(this.ctx, {
        senderId: undefined,
        channel: { type: ChannelType.group, groupId: this.group.id },
        clientMsgNo: undefined,
        payload: JSON.stringify({ type: ContentType.command, ...command }),
        redDot: false,
        syncOnce: true,
        ...userId !== undefined && { visibleTo: [userId] },
      }),
    );
  }
}

/** An announcement as the message's text. */
export function payloadOfAnnouncement(said: Announcement): string {
  const named = ({ uid, name }: Pick<Person, "uid" | "name">) => ({ uid, name });
  return JSON.stringify({
    type: said.type,
    from_uid: said.from?.uid ?? "",
    from_name: said.from?.name ?? "",
    content: said.content,
    extra: said.extra.slice(0, NAMED_COUNT_MAX).map(named),
    ...said.more,
    ...said.visibleTo && { visibles: said.visibleTo.map(({ uid }) => uid) },
    ...said.notification && { notification: JSON.stringify(said.notification) },
  });
}

/** The owner and the managers: who decides on invitations. */
export async function readDeciders(ctx: Ctx, groupId: number): Promise<Person[]> {
  const { rows } = await ctx.db.execute<{ user_id: string; uid: string; name: string }>(sql`
    select users.id as user_id, users.uid, users.nickname as name
    from group_members join users on users.id = group_members.user_id
    where group_members.group_id = ${groupId} and group_members.removed_at is null
      and group_members.role in (${MemberRole.owner}, ${MemberRole.manager})
    order by users.id`);
  return rows.map(({ user_id, uid, name }) => ({ userId: Number(user_id), uid, name }));
}

/**
 * Locks the inboxes of everybody in the group, in the order every message locks them. A change
 * that tells different people different things would otherwise lock them out of order, and two
 * groups with the same people would wait for each other.
 */
export async function lockInboxes(ctx: Ctx, groupId: number): Promise<void> {
  await ctx.db.execute(sql`
    insert into inbox_heads (user_id, last_seq)
    select group_members.user_id, 0 from group_members join groups on groups.id = group_id
    where group_id = ${groupId} and removed_at is null
      and not groups.is_super and groups.member_count <= ${FAN_OUT_COUNT_MAX}
    order by group_members.user_id
    on conflict (user_id) do update set last_seq = inbox_heads.last_seq`);
}

import { and, asc, eq, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { labels } from "../../schema/chat.ts";
import { DomainError } from "../errors.ts";
import { LABEL_COUNT_MAX } from "./label_rules.ts";

export interface LabelMember {
  uid: string;
  name: string;
  remark: string;
}

export interface Label {
  id: number;
  name: string;
  members: LabelMember[];
}

/**
 * Whoever stops being a friend is shown no more, and is there again as a friend again. A label
 * names at most `LABEL_MEMBER_COUNT_MAX` people, so they need no limit of their own.
 */
const members = sql<LabelMember[]>`(
  select coalesce(jsonb_agg(jsonb_build_object('uid', users.uid, 'name', users.nickname,
    'remark', coalesce(peer_settings.remark, '')) order by users.id), '[]'::jsonb)
  from label_members
  join friends on friends.user_id = labels.user_id and friends.friend_id = label_members.friend_id
    and not friends.is_deleted
  join users on users.id = label_members.friend_id
  left join peer_settings on peer_settings.user_id = labels.user_id
    and peer_settings.peer_id = label_members.friend_id
  where label_members.label_id = labels.id)`;

const columns = { id: labels.id, name: labels.name, members };

/** A person's labels, the oldest first. */
export async function listLabels(ctx: Ctx, { userId }: { userId: number }): Promise<Label[]> {
  return await ctx.db.select(columns).from(labels).where(eq(labels.userId, userId))
    .orderBy(asc(labels.id)).limit(LABEL_COUNT_MAX);
}

/** @throws {DomainError} `label_missing` for other people's, too */
export async function readLabel(
  ctx: Ctx,
  { userId, labelId }: { userId: number; labelId: number },
): Promise<Label> {
  const [label] = await ctx.db.select(columns).from(labels)
    .where(and(eq(labels.id, labelId), eq(labels.userId, userId))).limit(1);
  if (!label) throw new DomainError("label_missing");
  return label;
}

import { and, eq } from "drizzle-orm";
import { parseBoundedJson } from "../../../config/runtime/bounded_json.ts";
import type { Ctx } from "../../client/ctx.ts";
import { groups } from "../../schema/groups.ts";
import { ChannelType } from "../../schema/messages.ts";
import { DomainError } from "../errors.ts";
import { acceptMessage } from "./accept.ts";
import { ContentType, roomFor } from "./rules.ts";
import { wake } from "./send.ts";
import { literal } from "./template.ts";

/** As much of a notification as the chat app shows, in one line of a chat, characters. */
const TIP_LENGTH_MAX = 200;
/** Stands for news that only programs can read. */
const TIP_OF_JSON = "群通知";

/**
 * Tells a group something nobody said; it is kept (contract: POST /messages/groups/notifications).
 * A partner's client reads exactly `content`, the chat app a tip.
 *
 * @throws {DomainError} `message_invalid`, `group_missing` also for another app's,
 *   `group_disbanded`, `group_members_invalid` when nobody is in it
 */
export async function tellGroup(
  ctx: Ctx,
  { tenantId, groupId, content }: { tenantId: number; groupId: number; content: string },
): Promise<void> {
  const [group] = await ctx.db
    .select({ memberCount: groups.memberCount, disbandedAt: groups.disbandedAt }).from(groups)
    .where(and(eq(groups.id, groupId), eq(groups.appId, tenantId))).limit(1);
  if (!group) throw new DomainError("group_missing");
  if (group.disbandedAt !== null) throw new DomainError("group_disbanded");
  if (group.memberCount === 0) {
    throw new DomainError("group_members_invalid", { message: "群里没有成员" });
  }
  const accepted = await acceptMessage(ctx, {
    senderId: undefined,
    channel: { type: ChannelType.group, groupId },
    clientMsgNo: undefined,
    payload: JSON.stringify({
      type: ContentType.tip,
      content: tipOf(content),
      extra: [],
      notification: content,
    }),
    payloadBytesMax: roomFor(content, { tenantId }),
    redDot: true,
    trusted: true,
  });
  wake(ctx, accepted);
}

/** What people are shown; programs' JSON would only puzzle them. */
function tipOf(content: string): string {
  if (isJsonStructure(content)) return TIP_OF_JSON;
  return literal([...content].slice(0, TIP_LENGTH_MAX).join(""));
}

function isJsonStructure(content: string): boolean {
  try {
    const parsed: unknown = parseBoundedJson(content);
    return typeof parsed === "object" && parsed !== null;
  } catch {
    return false;
  }
}

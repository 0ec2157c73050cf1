import { z } from "zod";
import type { Kind } from "../../db/domain/errors.ts";
import type { GroupView } from "../../db/domain/groups/reads.ts";
import { MEMBERS_PER_CALL_COUNT_MAX } from "../../db/domain/groups/rules.ts";
import { Flag, flag, HexId } from "../fields.ts";
import { timeText } from "./fields.ts";

export const GroupParams = z.object({ group_no: z.string().describe("群编号") });

/** What every operation of members may answer. */
export const GROUP_ERRORS: Kind[] = ["group_missing", "group_not_member"];

/** Uids as callers name them; what is none of a person names nobody. */
export const Uids = z.array(z.string().max(64)).max(MEMBERS_PER_CALL_COUNT_MAX);

/** The caller, as changes of groups ask who does it. */
export function inChat({ userId }: { userId: number }) {
  return { door: "chat", userId } as const;
}

/** The group of the path, as they ask which it is. */
export function placeOf({ group_no: groupNo }: z.output<typeof GroupParams>) {
  return { groupNo };
}

/** The status the app shows of a disbanded group, besides those of `groups.status`. */
const DISBANDED = 2;

/** `GroupResp`: a group as the caller sees it. */
export const GroupResp = z.object({
  group_no: HexId,
  name: z.string(),
  notice: z.string(),
  mute: Flag,
  top: Flag,
  save: Flag,
  show_nick: Flag,
  forbidden: Flag.describe("1: only owner and managers may speak"),
  invite: Flag.describe("1: owner and managers confirm who is let in"),
  version: z.number().int(),
  member_count: z.number().int(),
  role: z.literal([0, 1, 2]).describe("The caller's: 0 member (or nobody), 1 owner, 2 manager"),
  quit: Flag.describe("1: the caller was a member once"),
  status: z.number().int().describe("0 stopped, 1 running, 2 disbanded"),
  remark: z.string().describe("What you call the group"),
  group_type: Flag.describe("1: a large one, whose messages are kept once"),
  online_count: z.number().int().describe("0: not counted"),
  receipt: Flag,
  chat_pwd_on: Flag,
  screenshot: Flag,
  revoke_remind: Flag,
  forbidden_add_friend: Flag,
  allow_view_history_msg: Flag.describe("0: who is new sees what is said from then on"),
  forbidden_expir_time: z.number().int().describe(
    "You are muted until then, seconds; 0: you are not",
  ),
  created_at: z.string(),
  updated_at: z.string(),
});

export function groupResp(group: GroupView): z.output<typeof GroupResp> {
  return {
    group_no: group.groupNo,
    name: group.name,
    notice: group.notice,
    mute: flag(group.mute),
    top: flag(group.top),
    save: flag(group.save),
    show_nick: flag(group.showNick),
    forbidden: flag(group.forbidden),
    invite: flag(group.invite),
    version: group.version,
    member_count: group.memberCount,
    role: group.role,
    quit: flag(group.hasQuit),
    status: group.isDisbanded ? DISBANDED : group.status,
    remark: group.remark,
    group_type: flag(group.isLarge),
    online_count: 0,
    receipt: 1,
    chat_pwd_on: 0,
    screenshot: 1,
    revoke_remind: 1,
    forbidden_add_friend: 0,
    allow_view_history_msg: 0,
    forbidden_expir_time: Math.ceil((group.mutedUntil?.getTime() ?? 0) / 1000),
    created_at: timeText(group.createdAt),
    updated_at: timeText(group.updatedAt),
  };
}

import { z } from "zod";
import type { SyncedMember } from "../../db/domain/groups/member_reads.ts";
import { Flag, flag, HexId } from "../fields.ts";
import { timeText } from "./fields.ts";
import { vercodeOf } from "./vercode.ts";

/** `MemberDetailResp`, with what the public server says besides. */
export const MemberDetailResp = z.object({
  id: z.number().int(),
  uid: HexId,
  name: z.string(),
  remark: z.string(),
  role: z.literal([0, 1, 2]).describe("0.普通成员 1.创建者 2.管理者"),
  is_deleted: Flag,
  created_at: z.string(),
  updated_at: z.string(),
  version: z.number().int().describe("The largest is what the next call sends"),
  group_no: HexId,
  status: z.literal([1, 2]).describe("2: on the group's blacklist"),
  invite_uid: z.string(),
  robot: Flag,
  vercode: z.string().describe("As in GET /users/{uid}"),
  forbidden_expir_time: z.number().int().describe("Muted until then, seconds; 0: not muted"),
});

export function memberResp(
  groupNo: string,
  member: SyncedMember,
): z.input<typeof MemberDetailResp> {
  return {
    id: member.id,
    uid: member.uid,
    name: member.name,
    remark: member.remark,
    role: member.role,
    is_deleted: flag(member.isDeleted),
    created_at: timeText(member.createdAt),
    updated_at: timeText(member.updatedAt),
    version: member.version,
    group_no: groupNo,
    status: member.isBlacklisted ? 2 : 1,
    invite_uid: member.inviterUid,
    robot: 0,
    vercode: vercodeOf(member.uid),
    forbidden_expir_time: Math.ceil((member.mutedUntil?.getTime() ?? 0) / 1000),
  };
}

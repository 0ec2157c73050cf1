import { z } from "zod";
import { listSavedGroups } from "../../../db/domain/groups/reads.ts";
import { GroupResp, groupResp } from "../group_fields.ts";
import { endpoint } from "../surface.ts";

export const list = endpoint({
  method: "get",
  path: "/group/my",
  summary: "保存到通讯录的群",
  description: "Not in the contract. At most 500, the newest first.",
  data: z.array(GroupResp),
  handle: async ({ actor, ctx }) =>
    (await listSavedGroups(ctx, { userId: actor.userId })).map(groupResp),
});

import { setManagers } from "../../../db/domain/groups/set_managers.ts";
import type { Kind } from "../../../db/domain/errors.ts";
import { Done, done } from "../fields.ts";
import { GROUP_ERRORS, GroupParams, inChat, placeOf, Uids } from "../group_fields.ts";
import { endpoint } from "../surface.ts";

const ManagersBody = Uids.min(1);
const MANAGER_ERRORS: Kind[] = [...GROUP_ERRORS, "group_no_right", "self_refused"];

export const add = endpoint({
  method: "post",
  path: "/groups/{group_no}/managers",
  summary: "添加群管理员",
  description: "For the owner. Who is not in the group is passed over.",
  params: GroupParams,
  body: ManagersBody,
  data: Done,
  errors: MANAGER_ERRORS,
  async handle({ params, body, actor, ctx }) {
    const change = { by: inChat(actor), uids: body, action: "appoint" } as const;
    await setManagers(ctx, placeOf(params), change);
    return done;
  },
});

export const remove = endpoint({
  method: "delete",
  path: "/groups/{group_no}/managers",
  summary: "移除群管理员",
  description: "For the owner. Who is not in the group is passed over.",
  params: GroupParams,
  body: ManagersBody,
  data: Done,
  errors: MANAGER_ERRORS,
  async handle({ params, body, actor, ctx }) {
    const change = { by: inChat(actor), uids: body, action: "dismiss" } as const;
    await setManagers(ctx, placeOf(params), change);
    return done;
  },
});

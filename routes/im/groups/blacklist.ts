import { z } from "zod";
import type { Kind } from "../../../db/domain/errors.ts";
import { setBlacklist } from "../../../db/domain/groups/set_blacklist.ts";
import { Done, done } from "../fields.ts";
import { GROUP_ERRORS, GroupParams, inChat, placeOf, Uids } from "../group_fields.ts";
import { endpoint } from "../surface.ts";

const BlacklistBody = z.object({ uids: Uids.min(1).describe("成员uid集合") });
const BLACKLIST_ERRORS: Kind[] = [...GROUP_ERRORS, "group_no_right", "group_members_invalid"];

export const add = endpoint({
  method: "post",
  path: "/groups/{group_no}/blacklist/add",
  summary: "添加群黑名单",
  description:
    "For owner and managers, of plain members: they may not speak, and who leaves does " +
    "not come in again. Who is not in the group is passed over.",
  params: GroupParams,
  body: BlacklistBody,
  data: Done,
  errors: BLACKLIST_ERRORS,
  async handle({ params, body, actor, ctx }) {
    await setBlacklist(ctx, placeOf(params), { by: inChat(actor), uids: body.uids, on: true });
    return done;
  },
});

export const remove = endpoint({
  method: "post",
  path: "/groups/{group_no}/blacklist/remove",
  summary: "移除群黑名单",
  description: "For owner and managers; also of people who have left. Who is not on it is passed " +
    "over.",
  params: GroupParams,
  body: BlacklistBody,
  data: Done,
  errors: BLACKLIST_ERRORS,
  async handle({ params, body, actor, ctx }) {
    await setBlacklist(ctx, placeOf(params), { by: inChat(actor), uids: body.uids, on: false });
    return done;
  },
});

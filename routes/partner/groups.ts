import { z } from "zod";
import { createGroup } from "../../db/domain/groups/create_group.ts";
import { disbandGroup } from "../../db/domain/groups/disband_group.ts";
import { editGroup, upgradeGroup } from "../../db/domain/groups/edit_group.ts";
import { SERVER_BODY_BYTES_MAX } from "../../db/domain/groups/rules.ts";
import { Nothing, nothing } from "./fields.ts";
import { byOf, CreateBody, GroupId, GroupName, GroupParams, placeOf } from "./group_fields.ts";
import { endpoint } from "./surface.ts";

export const create = endpoint({
  method: "post",
  path: "/groups",
  summary: "创建群组",
  description: "The master owns the group, and is in it only when listed. People who are new are " +
    "made, the others get the names given.",
  body: CreateBody,
  data: GroupId,
  errors: ["user_missing"],
  bodyBytesMax: SERVER_BODY_BYTES_MAX,
  async handle({ body: { master, super: isSuper, ...body }, actor, ctx }) {
    const { tenantId } = actor;
    const group = { by: byOf(actor), tenantId, masterUid: master, isSuper, ...body };
    const { groupId } = await createGroup(ctx, group);
    return { group_id: groupId };
  },
});

export const edit = endpoint({
  method: "patch",
  path: "/groups/{gid}",
  summary: "修改群组名称",
  params: GroupParams,
  body: z.object({ name: GroupName }),
  data: Nothing,
  errors: ["group_missing"],
  async handle({ params, body, actor, ctx }) {
    await editGroup(ctx, placeOf(actor, params), { by: byOf(actor), ...body });
    return nothing;
  },
});

export const disband = endpoint({
  method: "delete",
  path: "/groups/{gid}",
  summary: "解散群组",
  description: "Everybody who was in it hears of it.",
  params: GroupParams,
  data: Nothing,
  errors: ["group_missing"],
  async handle({ params, actor, ctx }) {
    await disbandGroup(ctx, placeOf(actor, params), { by: byOf(actor) });
    return nothing;
  },
});

export const upgrade = endpoint({
  method: "post",
  path: "/groups/{gid}/upgrade",
  summary: "普通群升级成超级群",
  description: "For good; a second time changes nothing.",
  params: GroupParams,
  data: Nothing,
  errors: ["group_missing"],
  async handle({ params, actor, ctx }) {
    await upgradeGroup(ctx, placeOf(actor, params), { by: byOf(actor) });
    return nothing;
  },
});

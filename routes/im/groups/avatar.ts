import { z } from "zod";
import {
  checkMayEdit,
  readGroupAvatar,
  setGroupAvatar,
} from "../../../db/domain/groups/group_avatar.ts";
import { perUser } from "../../../middleware/rate_limit.ts";
import { originOf } from "../../origin.ts";
import { keepAvatar, shownAvatar } from "../drawn_avatar.ts";
import { Done, done } from "../fields.ts";
import { GROUP_ERRORS, GroupParams, inChat, placeOf } from "../group_fields.ts";
import { endpoint, openEndpoint } from "../surface.ts";

export const read = openEndpoint({
  method: "get",
  path: "/groups/{group_no}/avatar",
  summary: "获取群头像",
  description:
    "Not in the contract. The picture a group has, or one drawn of its first members' names; a " +
    "neutral one of which nobody knows.",
  params: GroupParams,
  data: z.string().meta({ format: "binary" }),
  answersFile: "image/svg+xml",
  redirects: true,
  async handle({ params: { group_no: groupNo }, ctx, request }) {
    const found = await readGroupAvatar(ctx, groupNo) ?? { name: "", avatar: "" };
    return shownAvatar({ id: groupNo, ...found }, { origin: originOf(ctx.config, request) });
  },
});

export const set = endpoint({
  method: "post",
  path: "/groups/{group_no}/avatar",
  summary: "上传群头像",
  description: "Not in the contract. For owner and managers: a form with the part `file`, a PNG, " +
    "JPEG, GIF or WebP up to 5 MiB.",
  params: GroupParams,
  takesFile: true,
  body: z.object({ file: z.string().meta({ format: "binary" }) }),
  data: Done,
  errors: [...GROUP_ERRORS, "group_no_right"],
  rate: perUser(60, "1 h"),
  async handle({ params, actor, ctx, request, providers: { storage } }) {
    const { groupNo } = placeOf(params);
    // Nothing is kept of who may not; asked again with the change.
    await checkMayEdit(ctx, { groupNo, userId: actor.userId });
    const origin = originOf(ctx.config, request);
    const avatar = await keepAvatar(storage, { request, folder: groupNo, origin });
    await setGroupAvatar(ctx, placeOf(params), { by: inChat(actor), avatar });
    return done;
  },
});

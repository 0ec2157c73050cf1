import { z } from "zod";
import { NAME_LENGTH_MAX } from "../../db/domain/partners/rules.ts";
import { changeSettings } from "../../db/domain/partners/settings.ts";
import { textUpTo } from "../fields.ts";
import { Nothing, nothing, Switch, Uid } from "./fields.ts";
import { endpoint } from "./surface.ts";

export const set = endpoint({
  method: "post",
  path: "/users/{uid}",
  aliases: [{ method: "patch" }],
  summary: "个人设置",
  description: "All that is given is set, or nothing. Whoever is named is made, but for the " +
    "house's people, who have to be there.",
  by: "server",
  params: z.object({ uid: Uid }),
  body: z.object({
    name: textUpTo(NAME_LENGTH_MAX).transform((name) => name.toWellFormed()).optional()
      .describe("用户名"),
    do_not_disturb: z.object({
      peer_uid: Uid.describe("联系人id"),
      on: Switch.describe("开/关"),
    }).optional(),
    mute: Switch.optional().describe("手机静音: no pushes while a computer is online"),
    forbidden: Switch.optional().describe(
      "Says nothing in the app's chat rooms, at once; 0 ends it",
    ),
  }).refine((body) => Object.values(body).some((value) => value !== undefined), {
    message: "用户名、免打扰、静音和禁言至少需要一项",
  }),
  data: Nothing,
  errors: ["user_missing"],
  async handle({ params, body, actor, ctx }) {
    const { do_not_disturb: quiet } = body;
    await changeSettings(ctx, {
      tenantId: actor.tenantId,
      appUid: params.uid,
      name: body.name,
      doNotDisturb: quiet && { peerAppUid: quiet.peer_uid, on: quiet.on },
      phoneMuted: body.mute,
      roomMuted: body.forbidden,
    });
    return nothing;
  },
});

import { z } from "zod";
import { readAvatar, setAvatar } from "../../../db/domain/chat_accounts/avatar.ts";
import { DomainError } from "../../../db/domain/errors.ts";
import { perUser } from "../../../middleware/rate_limit.ts";
import { originOf } from "../../origin.ts";
import { keepAvatar, shownAvatar } from "../drawn_avatar.ts";
import { Done, done } from "../fields.ts";
import { endpoint, openEndpoint } from "../surface.ts";
import { UidParams } from "../user_fields.ts";

export const read = openEndpoint({
  method: "get",
  path: "/users/{uid}/avatar",
  summary: "获取用户头像",
  description: "Not in the contract. The picture a person has, or one drawn of their name; a " +
    "neutral one of whom nobody knows.",
  params: UidParams,
  data: z.string().meta({ format: "binary" }),
  answersFile: "image/svg+xml",
  redirects: true,
  async handle({ params: { uid }, ctx, request }) {
    const found = await readAvatar(ctx, uid) ?? { name: "", avatar: "" };
    return shownAvatar({ id: uid, ...found }, { origin: originOf(ctx.config, request) });
  },
});

export const set = endpoint({
  method: "post",
  path: "/users/{uid}/avatar",
  summary: "上传用户头像",
  description: "Not in the contract. One's own: a form with the part `file`, a PNG, JPEG, GIF or " +
    "WebP up to 5 MiB. It is the room app's avatar too.",
  params: UidParams,
  takesFile: true,
  body: z.object({ file: z.string().meta({ format: "binary" }) }),
  data: Done,
  errors: ["group_no_right"],
  rate: perUser(60, "1 h"),
  async handle({ params, actor: { userId, uid }, ctx, request, providers: { storage } }) {
    if (params.uid !== uid) throw new DomainError("group_no_right");
    const origin = originOf(ctx.config, request);
    const avatar = await keepAvatar(storage, { request, folder: uid, origin });
    await setAvatar(ctx, { userId, uid, avatar });
    return done;
  },
});

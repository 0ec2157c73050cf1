import { z } from "zod";
import { registerPushTarget } from "../../db/domain/notifications/register_push_target.ts";
import { Nothing } from "../fields.ts";
import { endpoint } from "./surface.ts";

export const register = endpoint({
  method: "post",
  path: "/push/{jPushId}",
  // What deployed clients call.
  aliases: [{ path: "/push/update/{jPushId}" }],
  summary: "更新JPushID",
  description: "From now on the caller's notifications go to this device, and nobody else's do.",
  params: z.object({
    jPushId: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  }),
  data: Nothing,
  beforeProfile: true,
  repeatable: true,
  async handle({ params, actor, ctx }) {
    const { userId, tokenHash } = actor;
    await registerPushTarget(ctx, { userId, jpushId: params.jPushId, tokenHash });
    return {};
  },
});

import { z } from "zod";
import { setForPeer } from "../../../db/domain/chat_accounts/set_for_peer.ts";
import { maybeNameUpTo } from "../../fields.ts";
import { Done, done } from "../fields.ts";
import { endpoint } from "../surface.ts";
import { REMARK_LENGTH_MAX } from "../user_fields.ts";

export const set = endpoint({
  method: "put",
  path: "/friend/remark",
  summary: "修改好友备注",
  description: "Not in the contract. What PUT /users/{uid}/setting does with `remark` alone.",
  body: z.object({ uid: z.string(), remark: maybeNameUpTo(REMARK_LENGTH_MAX) }),
  data: Done,
  errors: ["user_missing"],
  async handle({ body: { uid, remark }, actor, ctx }) {
    await setForPeer(ctx, { userId: actor.userId, uid, setting: { remark } });
    return done;
  },
});

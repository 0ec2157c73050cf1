import { z } from "zod";
import { updateChatAccount } from "../../../db/domain/chat_accounts/account.ts";
import { countNewApplies } from "../../../db/domain/friends/applies.ts";
import { Flag, flag } from "../../fields.ts";
import { Done, done } from "../fields.ts";
import { endpoint } from "../surface.ts";

export const countApplies = endpoint({
  method: "get",
  path: "/user/reddot/friendApply",
  summary: "好友申请红点",
  description: "Not in the contract. Open requests that came since the red dot was taken away.",
  data: z.object({ count: z.number().int(), is_dot: Flag }),
  async handle({ actor, ctx }) {
    const count = await countNewApplies(ctx, { userId: actor.userId });
    return { count, is_dot: flag(count > 0) };
  },
});

export const clearApplies = endpoint({
  method: "delete",
  path: "/user/reddot/friendApply",
  summary: "清除好友申请红点",
  description: "Not in the contract.",
  data: Done,
  errors: ["account_missing"],
  async handle({ actor, ctx }) {
    await updateChatAccount(ctx, actor.userId, { appliesSeenAt: ctx.now() });
    return done;
  },
});

import { refuseApply } from "../../../db/domain/friends/applies.ts";
import { Done, done } from "../fields.ts";
import { endpoint } from "../surface.ts";
import { UidParams } from "../user_fields.ts";

export const refuse = endpoint({
  method: "put",
  path: "/friend/refuse/{uid}",
  summary: "拒绝好友申请",
  description: "Not in the contract. By the applicant's uid; the applicant hears nothing.",
  params: UidParams,
  data: Done,
  errors: ["friend_apply_invalid"],
  async handle({ params, actor, ctx }) {
    await refuseApply(ctx, { userId: actor.userId, uid: params.uid });
    return done;
  },
});

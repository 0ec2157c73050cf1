import { z } from "zod";
import { announceOwnChange } from "../../../db/domain/chat_accounts/commands.ts";
import { initProfile, readProfile, updateProfile } from "../../../db/domain/users/profile.ts";
import {
  AVATAR_LENGTH_MAX,
  BIO_LENGTH_MAX,
  NICKNAME_LENGTH_MAX,
} from "../../../db/domain/users/rules.ts";
import { nameUpTo, pictureUpTo, textOrNothingUpTo } from "../../fields.ts";
import { UserProfile, userProfileResult } from "../fields.ts";
import { endpoint } from "../surface.ts";

const NewProfile = z.object({
  nickname: nameUpTo(NICKNAME_LENGTH_MAX).describe("昵称"),
  avatar: pictureUpTo(AVATAR_LENGTH_MAX).describe("头像"),
});

const ChangedProfile = NewProfile.extend({
  bio: textOrNothingUpTo(BIO_LENGTH_MAX).optional().describe("介绍"),
});

export const init = endpoint({
  method: "post",
  path: "/user/profile/init",
  summary: "初始化用户资料",
  body: NewProfile,
  data: UserProfile,
  errors: ["profile_exists"],
  beforeProfile: true,
  handle: async ({ body, actor, ctx }) =>
    userProfileResult(await initProfile(ctx, { userId: actor.userId, ...body })),
});

export const update = endpoint({
  method: "put",
  path: "/user/profile",
  summary: "更新用户资料",
  body: ChangedProfile,
  data: UserProfile,
  errors: ["user_missing"],
  async handle({ body, actor, ctx }) {
    const profile = await updateProfile(ctx, { userId: actor.userId, ...body });
    announceOwnChange(ctx, actor);
    return userProfileResult(profile);
  },
});

export const read = endpoint({
  method: "get",
  path: "/user/{uid}/profile",
  summary: "获取用户资料",
  params: z.object({ uid: z.string() }),
  data: UserProfile,
  errors: ["user_missing"],
  async handle({ params, actor, ctx }) {
    return userProfileResult(
      await readProfile(ctx, { uid: params.uid, viewerId: actor.userId }),
    );
  },
});

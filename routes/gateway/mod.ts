import * as account from "./account.ts";
import { mount } from "./surface.ts";
import * as profile from "./user/profile.ts";

/** The gateway's table of contents, in the contract's order. */
export const surface = mount([
  account.requestCaptcha,
  account.logInByCaptcha,
  account.logOutHere,

  profile.initOwnProfile,
  profile.updateOwnProfile,
  profile.getProfile,
]);

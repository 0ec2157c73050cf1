import * as account from "./account.ts";
import { mount } from "./surface.ts";
import * as user from "./user.ts";

/** The gateway's table of contents, in the contract's order. */
export const surface = mount([
  account.requestCaptcha,
  account.logInByCaptcha,
  account.logOutHere,

  user.initOwnProfile,
  user.updateOwnProfile,
  user.getProfile,
]);

import * as account from "./account.ts";
import * as aliyun from "./aliyun.ts";
import * as clientApp from "./app.ts";
import * as club from "./club.ts";
import * as event from "./event.ts";
import * as h5 from "./h5.ts";
import * as push from "./push.ts";
import * as room from "./room.ts";
import { mount } from "./surface.ts";
import * as block from "./user/block.ts";
import * as card from "./user/card.ts";
import * as message from "./user/message.ts";
import * as profile from "./user/profile.ts";

/** The gateway's table of contents, in the contract's order. */
export const surface = mount([
  account.requestCaptcha,
  account.logInByCaptcha,
  account.logOut,

  profile.init,
  profile.update,
  profile.read,
  block.list,
  block.block,
  block.unblock,
  message.list,
  message.countUnread,
  card.send,
  card.remove,
  card.list,

  club.open,
  club.read,
  club.list,
  club.listMembers,
  club.join,
  club.leave,

  room.open,
  room.read,
  room.list,
  room.takeToken,
  room.close,
  room.share,
  room.invite,
  room.leave,

  event.announce,
  event.change,
  event.callOff,
  event.read,
  event.list,
  event.askForReminder,
  event.start,

  aliyun.grantUpload,

  push.register,

  clientApp.readNewestVersion,
  clientApp.giveFeedback,
  clientApp.report,
  clientApp.preview,

  h5.readWechatConfig,
  h5.showRoom,
  h5.showClub,
  h5.showProfile,
  h5.showEvent,
]);

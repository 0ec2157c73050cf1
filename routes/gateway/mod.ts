import * as account from "./account.ts";
import * as aliyun from "./aliyun.ts";
import * as app from "./app.ts";
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
  account.logOutHere,

  profile.initOwnProfile,
  profile.updateOwnProfile,
  profile.getProfile,
  block.listOwnBlocks,
  block.blockSomebody,
  block.unblockSomebody,
  message.listOwnMessages,
  message.getUnreadTotal,
  card.sendOwnCard,
  card.deleteReceivedCard,
  card.listReceivedCards,

  club.openClub,
  club.getClub,
  club.listOwnClubs,
  club.listClubMembers,
  club.joinSomeClub,
  club.leaveSomeClub,

  room.openRoom,
  room.getRoom,
  room.getRooms,
  room.takeRoomToken,
  room.endRoom,
  room.getRoomShare,
  room.inviteIntoRoom,
  room.leaveThisRoom,

  event.announceEvent,
  event.changeEvent,
  event.callOffEvent,
  event.getEvent,
  event.getEvents,
  event.askForReminder,
  event.startThisEvent,

  aliyun.grantImageUpload,

  push.registerDevice,

  app.getNewestVersion,
  app.postFeedback,
  app.postReport,
  app.previewLinkByMd5,

  h5.getWechatConfig,
  h5.getSharedRoom,
  h5.getPublicClub,
  h5.getPublicProfile,
  h5.getPublicEvent,
]);

import * as conversations from "./conversations.ts";
import * as favorite from "./favorite.ts";
import * as favorites from "./favorites.ts";
import * as friend from "./friend.ts";
import * as group from "./group.ts";
import * as groups from "./groups.ts";
import * as groupManagers from "./groups/managers.ts";
import * as groupMember from "./groups/member.ts";
import * as groupMembers from "./groups/members.ts";
import * as label from "./label.ts";
import * as message from "./message.ts";
import * as qrcode from "./qrcode.ts";
import * as redpacket from "./redpacket.ts";
import * as redpackets from "./redpackets.ts";
import { mount } from "./surface.ts";
import * as transfers from "./transfers.ts";
import * as user from "./user.ts";
import * as login from "./user/login.ts";
import * as register from "./user/register.ts";
import * as sms from "./user/sms.ts";
import * as users from "./users.ts";
import * as wallet from "./wallet.ts";
import * as bankcard from "./wallet/bankcard.ts";
import * as bankcards from "./wallet/bankcards.ts";
import * as banks from "./wallet/banks.ts";
import * as nameauth from "./wallet/nameauth.ts";
import * as pay from "./wallet/pay.ts";
import * as withdraw from "./wallet/withdraw.ts";

/** The surface's table of contents, in the contract's order. */
export const surface = mount([
  register.registerUser,
  login.logInUser,
  user.searchUsers,
  users.getUser,
  users.setUserSetting,
  user.registerDeviceToken,
  user.removeDeviceToken,
  user.setDeviceBadge,
  user.grantLogin,
  user.getLoginUuid,
  user.getLoginStatus,
  user.logInByAuthCode,
  user.getDevices,
  user.deleteDevice,
  user.getCustomerServices,
  user.setChatPwd,
  user.getBlacklists,
  user.removeFromBlacklists,
  user.addToBlacklists,
  sms.sendLoginCheckCode,
  login.checkLoginPhone,
  sms.sendRegisterCode,
  users.getImRoute,
  users.changeCurrentUser,
  user.getChatOnline,

  friend.applyFriend,
  friend.sureFriend,
  friend.syncFriends,
  friend.listFriendsOnline,
  friend.deleteSomeFriend,

  message.syncMessages,
  message.deleteMessages,
  message.revoke,
  message.acknowledgeSync,

  group.create,
  group.getInvite,
  group.sureInvite,

  groups.getGroup,
  groups.putGroup,
  groups.putSetting,
  groupMembers.postMembers,
  groupMembers.deleteMembers,
  groupMembers.putMember,
  groups.syncGroupMembers,
  groupManagers.postManagers,
  groupManagers.deleteManagers,
  groups.forbid,
  groups.getQrcode,
  groups.transfer,
  groupMember.postInvite,
  groupMember.getConfirmPage,
  groups.exit,
  groups.scanJoin,

  conversations.getConversations,

  qrcode.scanQrcode,

  favorite.listOwnFavorites,

  favorites.addSomeFavorite,
  favorites.deleteSomeFavorite,

  wallet.getOwnWallet,
  wallet.listRechargeChannels,
  wallet.recharge,
  pay.sendPayPasswordCode,
  pay.verifyPayPasswordCode,
  pay.setOwnPayPassword,
  pay.getPayToken,
  wallet.listRecords,
  wallet.getWalletServices,
  bankcards.addBankcard,
  bankcards.listBankcards,
  banks.listBanks,
  bankcard.getBankcardInfo,
  nameauth.getNameauth,
  withdraw.explainWithdrawals,
  withdraw.withdraw,

  redpackets.createPacket,
  redpackets.payPacket,
  redpackets.lookAtPacket,
  redpackets.openPacket,
  redpackets.getPacket,
  redpacket.getYears,
  redpacket.getSentSum,
  redpacket.getTakenSum,
  redpacket.listSentPackets,
  redpacket.listTakenShares,

  transfers.createTransfer,
  transfers.getTransfer,
  transfers.receive,

  label.addLabel,
  label.listOwnLabels,
  label.editSomeLabel,
  label.deleteSomeLabel,
  label.getLabel,
]);
